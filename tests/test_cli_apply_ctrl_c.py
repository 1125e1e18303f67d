"""Ctrl-C in the midst of an apply, on a terminal of its own: once ends it cleanly, twice at once."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time

_PROGRAM = """
import sys, time
from types import ModuleType
sys.path[:0] = {path!r}
from ran_help import PREPARED, many, report
from migrate.cli.main import main
from migrate.cli.names import TargetName
from migrate.model.journal import Outcome
from migrate.model.ran import At

class Story:
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def __getattr__(self, name): return getattr(PREPARED, name)
    def run(self, *, watcher, stop, **_):
        told = False
        while not stop.is_set() or {stubborn}:
            watcher.at(At(5, "Services", 1, 160, None, []))
            if stop.is_set() and not told:
                told = True
                watcher.stopping(4)
            time.sleep(0.01)
        watcher.stopping(4)
        return report(*many(Outcome.CREATED, 3), stopped="Ctrl-C", untried=4, exit=130)

flow = ModuleType("migrate.flow.apply")
flow.prepare = lambda *_, **__: Story()
sys.modules["migrate.flow.apply"] = flow
TargetName.open = lambda self: (None, None)
main(["apply", "--eks", "us-east-2/prod"])
"""


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *, stubborn: bool) -> None:
        ours, theirs = pty.openpty()
        self.text, self.handle = "", ours
        code = _PROGRAM.format(path=[os.path.dirname(__file__)], stubborn=stubborn)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)

    def until(self, what: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while what not in self.text:
            assert time.monotonic() < end and self.read(), self.text

    def read(self) -> bool:
        if not select.select([self.handle], [], [], 5)[0]:
            return False
        try:
            part = os.read(self.handle, 4096).decode()
        except OSError:  # Linux says so at the end of a pty
            return False
        self.text += part
        return bool(part)

    def type(self, text: str) -> None:
        os.write(self.handle, text.encode())

    def close(self) -> int:
        try:
            while self.read():
                pass
            return self.process.wait(10)
        finally:
            self.process.kill()
            os.close(self.handle)


def test_the_first_ctrl_c_ends_it_cleanly() -> None:
    terminal = Terminal(stubborn=False)
    terminal.until("Type us-east-2/prod to go on: ")
    terminal.type("us-east-2/prod\n")
    terminal.until("wave 6  Services")
    terminal.process.send_signal(signal.SIGINT)
    terminal.until("Stopped.")
    assert terminal.close() == 130
    assert "Stopping after the 4 writes in flight. Press Ctrl-C again to stop at once." in terminal.text
    assert "not yet tried 4" in terminal.text and "Traceback" not in terminal.text


def test_the_second_ctrl_c_ends_it_at_once() -> None:
    terminal = Terminal(stubborn=True)
    terminal.until("Type us-east-2/prod to go on: ")
    terminal.type("us-east-2/prod\n")
    terminal.until("wave 6  Services")
    terminal.process.send_signal(signal.SIGINT)
    terminal.until("Press Ctrl-C again")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.close() == 130
    assert "Stopped at once." in terminal.text and "gke2eks apply -w gke2eks-out --eks" in terminal.text
    assert "Traceback" not in terminal.text
