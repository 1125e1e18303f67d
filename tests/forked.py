"""The command line in a process of its own, without the half second in which Python reads all of its modules.

Most of the time of a small command are imports. What a test may look at is as with subprocess: exit code,
streams, environment, folder. What is about the start of a process takes a real one, as in test_cli_slips, test_house.
"""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

CHILD = Path(__file__).with_name("forked_child.py")


@functools.cache
def _driver() -> subprocess.Popen[bytes]:
    """One for each process that runs tests; it ends when its stdin does, which is when they do.

    Its pipes are not buffered: a line that was read ahead would be none for `select`.
    """
    command = [sys.executable, str(CHILD)]
    found = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert found.stdout is not None and found.stdout.readline() == b"ready\n"
    return found


def gke2eks(
    args: Sequence[str | Path],
    *,
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[bytes]:
    """Run one command; TimeoutExpired, and it is killed, when it takes longer."""
    words = [str(one) for one in args]
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
        for one, data in zip(streams, (stdin, b"", b""), strict=True):
            one.write_bytes(data)
        where, given = str(cwd or Path.cwd()), dict(os.environ if env is None else env)
        order = {"args": words, "cwd": where, "env": given, "streams": [str(one) for one in streams]}
        code = _ended(json.dumps(order), words, timeout)
        return subprocess.CompletedProcess(words, code, streams[1].read_bytes(), streams[2].read_bytes())


def _ended(order: str, words: list[str], timeout: float) -> int:
    driver = _driver()
    assert driver.stdin is not None and driver.stdout is not None
    driver.stdin.write(order.encode() + b"\n")
    pid = int(driver.stdout.readline())
    late = not select.select([driver.stdout], [], [], timeout)[0]
    if late:
        os.kill(pid, signal.SIGKILL)
    code = int(driver.stdout.readline())
    if late:
        raise subprocess.TimeoutExpired(words, timeout)
    return code
