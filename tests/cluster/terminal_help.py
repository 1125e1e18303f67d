"""The tool at a real terminal: what somebody types, Ctrl-C included, and all that is shown."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

CTRL_C = "\x03"
# The child takes the terminal for its own, as a shell's job does: else Ctrl-C would be no more than a byte.
_MAIN = (
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); fcntl.ioctl(0, termios.TIOCSWINSZ, {size!r});"
    "from migrate.cli import main; main()"
)
_SIZE = b"\x28\x00\xa0\x00\x00\x00\x00\x00"  # 40 rows, 160 columns


class Terminal:
    """One command. `shown` is all that came so far, as it was written, with what moves the cursor."""

    def __init__(self, words: Sequence[str | Path], home: Path, *, term: str = "xterm") -> None:
        self._mine, theirs = pty.openpty()
        line = [sys.executable, "-c", _MAIN.format(size=_SIZE), *map(str, words)]
        env = {**os.environ, "XDG_STATE_HOME": str(home), "TERM": term, "NO_COLOR": "1"}
        self._child = subprocess.Popen(
            line, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
        )
        os.close(theirs)
        self.shown = ""

    def until(self, text: str, seconds: float = 60) -> None:
        """Read until this is shown, wherever the line is broken."""
        end = time.monotonic() + seconds
        while text not in self.flat:
            assert self._read(end - time.monotonic()), f"{text!r} is not in {self.shown}"

    @property
    def flat(self) -> str:
        """All of it as one line."""
        return " ".join(self.shown.split())

    def type(self, text: str) -> None:
        os.write(self._mine, text.encode())

    def end(self, seconds: float = 60) -> int:
        """Read to the end, and give the exit code."""
        end = time.monotonic() + seconds
        while self._read(end - time.monotonic()):
            pass
        return self._child.wait(10)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._mine], [], [], max(0.0, seconds))[0]:
            return False
        try:
            chunk = os.read(self._mine, 65536)
        except OSError:  # the other end has closed: that is how a terminal ends
            return False
        self.shown += chunk.decode(errors="replace")
        return bool(chunk)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, sort: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._mine)
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait(10)
