"""Is gke2eks again and again: all modules are loaded once, each command is a fork of this process, without threads.

    python forked_child.py < orders > answers

An order is a line of JSON: {"args": […], "cwd": folder, "env": {…}, "streams": [files for stdin, stdout, stderr]}. It
is answered by two lines: the process id, and the exit code as subprocess gives it. See forked.py.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from typing import Any

from apply_kill_child import load

from migrate.cli.main import main


def become(order: dict[str, Any]) -> None:
    """Take on everything that a process is given by who starts it."""
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    flags = (os.O_RDONLY, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_TRUNC)
    for number, (name, flag) in enumerate(zip(order["streams"], flags, strict=True)):
        handle = os.open(name, flag)
        os.dup2(handle, number)
        os.close(handle)
    sys.argv[1:] = order["args"]
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115


def serve() -> bool:
    """Obey orders until there are no more: False. True in a child, which is to run its command."""
    for text in iter(sys.stdin.readline, ""):
        order = json.loads(text)
        if not (pid := os.fork()):
            become(order)
            return True
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    return False


if __name__ == "__main__":
    load()
    gc.freeze()  # what all children share stays shared
    print("ready", flush=True)
    if serve():
        main()  # it ends as `python -m migrate.cli` does: by SystemExit, or by a traceback
