"""`make demo`: the real script, from export to a diff; Ctrl-C in its midst, and then once more."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import read_journal


class Play:
    """The script as a process, in a session of its own as a terminal gives it, with a place for temporary files."""

    def __init__(self, repo: Path, home: Path) -> None:
        self.out, self.temporary = home / "out", home / "tmp"
        self.temporary.mkdir(exist_ok=True)
        env = {**os.environ, "TMPDIR": str(self.temporary), "XDG_STATE_HOME": str(home / "state")}
        words = [sys.executable, str(repo / "examples" / "demo.py"), str(self.out)]
        piped = subprocess.PIPE
        self.process = subprocess.Popen(
            words, env=env, stdout=piped, stderr=subprocess.STDOUT, text=True, encoding="utf-8", start_new_session=True
        )
        self._over = threading.Timer(300, self._end)
        self._over.start()

    def _end(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)

    def until(self, text: str) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            if text in line:
                return
        raise AssertionError(f"{text} was never printed")

    def rest(self) -> tuple[int, str]:
        """Its exit code, and what else it printed; no process and no file may be left."""
        assert self.process.stdout
        text = self.process.stdout.read()
        code = self.process.wait()
        self._over.cancel()
        with pytest.raises(ProcessLookupError):
            os.killpg(self.process.pid, 0)  # its session is empty: nothing is left running
        assert not list(self.temporary.iterdir())
        return code, text


def piece(printed: str, command: str, nth: int) -> str:
    """What the nth such command printed."""
    found = [part for part in re.split(r"\n\$ ", printed) if part.startswith(command)][nth - 1]
    return found.partition("\n")[2].partition("\n\n# ")[0].strip("\n")


def alike(text: str) -> str:
    """Without uids, times, and the lines that a longer name of a folder breaks elsewhere."""
    text = re.sub(r"uid [0-9a-f]{8}", "uid ...", re.sub(r"\b\d+ s\b", "n s", text))
    text = re.sub(r"\d+ [A-Z][a-z]{2} \d{4}, \d\d:\d\d UTC", "then", text)
    return " ".join(text.split())


def test_it_plays_to_the_end_and_leaves_nothing_running(repo: Path, tmp_path: Path) -> None:
    readme = (repo / "README.md").read_text("utf-8")
    shown = re.findall(r"<!-- demo: ([^\n]+) (\d) -->\n```\n(.*?)```", readme, re.DOTALL)
    assert len(shown) >= 2
    play = Play(repo, tmp_path)
    code, text = play.rest()
    assert code == 0, text
    assert "Traceback" not in text and "\\x0a" not in text
    assert text.count("No object was written.") == 2  # by the release that refused, and by the last apply
    assert text.count("arrive held") == 1  # by the first apply; what was released is not told as held again
    for command, nth, said in shown:
        now = piece(text, command, int(nth)).replace(str(play.out), "demo-out")
        wanted, begins = alike(said), said.endswith("\n…\n")  # what ends in an ellipsis is the beginning
        same = alike(now).startswith(wanted.removesuffix(" …")) if begins else alike(now) == wanted
        assert same, f"README.md shows something else; {command} prints\n{now}"
    past = read_journal(open_workspace(play.out))
    assert [run.exit for run in past.runs] == [0, 0, 1, 0, 0, 0]  # preflight, apply, release, release, apply, apply
    first, last = (piece(text, "gke2eks diff", nth) for nth in (1, 2))
    assert "No: 1 unexpected." in first and "data.LOG_LEVEL" in first and first.count("owner ") == 1
    assert last.startswith("Is the target what was planned?  Yes, but ") and "LOG_LEVEL" not in last
    assert sum(known.released for known in past.objects.values()) == 6
    assert all(known.outcome and known.outcome.seen and not known.held for known in past.objects.values())
    assert not past.unknown


def test_ctrl_c_leaves_nothing_running_and_the_next_one_begins_anew(repo: Path, tmp_path: Path) -> None:
    for press in (signal.SIGINT, signal.SIGTERM):
        play = Play(repo, tmp_path)
        play.until("gke2eks plan")
        if press is signal.SIGINT:
            os.killpg(play.process.pid, press)  # as a terminal does: to all of them
        else:
            play.process.send_signal(press)
        code, text = play.rest()
        assert code == 130 and "nothing is left running" in text and "Traceback" not in text, text
