"""The keeper: a small process between a test run and its control plane, so that nothing outlives the run.

It makes the folder, starts what it is told to, and when its stdin closes (the run stopped it, crashed or was killed)
or its parent is gone, it kills every child and removes the folder. Children also die with the keeper: on Linux by
PR_SET_PDEATHSIG, elsewhere by their process group, which the run kills. Only the standard library, so it starts fast.

stdin, one JSON object per line:  {"name", "argv", "log"}            start a program; its output goes to the log
stdout, one JSON object per line: {"folder"}, {"started", "pid"}, {"exited", "code"}, {"failed", "error"}
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile

PR_SET_PDEATHSIG = 1
EVERY = 0.2  # seconds between looks at children and parent


def say(**words):
    try:
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()
    except OSError:
        pass  # nobody listens any more: stdin will say so, too


def die_with(parent, prctl):
    """Runs in the child before exec; the second look closes the gap in which the keeper may have died already."""
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def launch(order, folder, prctl, children):
    me = os.getpid()
    try:
        with open(order["log"], "ab") as log:
            child = subprocess.Popen(
                order["argv"],
                cwd=folder,
                env={"HOME": folder, "PATH": os.defpath},  # nobody's proxy, KUBECONFIG or ETCD_… settings
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: die_with(me, prctl),
            )
    except OSError as error:
        say(failed=order["name"], error=str(error))
        return
    children[order["name"]] = child
    say(started=order["name"], pid=child.pid)


def keep(folder, parent, prctl, children):
    """Serves orders until stdin ends, the parent is gone or a signal comes; says which child ended by itself."""
    told, rest = set(), b""
    while os.getppid() == parent:
        ready, _, _ = select.select([0], [], [], EVERY)
        if ready:
            data = os.read(0, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                launch(json.loads(line), folder, prctl, children)
        for name, child in children.items():
            if name not in told and child.poll() is not None:
                told.add(name)
                say(exited=name, code=child.returncode)


def leave(*_):
    raise SystemExit(0)


def main():
    parent, prefix = int(sys.argv[1]), sys.argv[2]
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, leave)
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    children = {}
    folder = tempfile.mkdtemp(prefix=prefix)
    try:
        say(folder=folder)
        keep(folder, parent, prctl, children)
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        for child in children.values():
            child.kill()
        for child in children.values():
            child.wait()
        shutil.rmtree(folder, ignore_errors=True)


main()
