"""Looks for what a control plane may have left: processes, listening ports, folders."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


def processes(marker: str) -> list[str]:
    """Pid and arguments of each process, but this one, with `marker` in its arguments or environment."""
    if sys.platform != "linux":
        out = subprocess.run(["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, check=True).stdout
        return [line.strip() for line in out.splitlines() if marker in line and line.split()[0] != str(os.getpid())]
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                arguments, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
            except OSError:  # it has ended, or it is somebody else's
                continue
            if marker.encode() in arguments + environment:
                found.append(f"{folder.name} {arguments.replace(bytes(1), b' ').decode(errors='replace')[:200]}")
    return found


def alive(pid: int) -> bool:
    """Whether any thread of a process is left. Its first thread may be a zombie while others still hold its sockets."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if sys.platform != "linux":
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:  # it has ended meanwhile
        return False


def answers(port: int) -> bool:
    """Whether anything listens at 127.0.0.1:port."""
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex(("127.0.0.1", port)) == 0


def listening(pid: int) -> list[str]:
    """Addresses at which a process listens: "127.0.0.1:<port>"; those of IPv6 stay hex. Linux only."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(link)
        except OSError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        path = Path(f"/proc/{pid}/net/{table}")
        for words in (line.split() for line in path.read_text().splitlines()[1:] if path.exists()):
            if words[3] == "0A" and words[9] in inodes:
                address, port = words[1].split(":")
                host = ".".join(str(byte) for byte in reversed(bytes.fromhex(address))) if table == "tcp" else address
                found.append(f"{host}:{int(port, 16)}")
    return sorted(found)


def left(marker: str, folder: Path, prefix: str = "") -> list[str]:
    """Processes with the marker, and entries of `folder` whose name starts with `prefix`."""
    entries = [str(path) for path in folder.iterdir() if path.name.startswith(prefix)] if folder.is_dir() else []
    return processes(marker) + entries


def settles(look: Callable[[], list[str]], seconds: float = 10) -> list[str]:
    """Looks until nothing is left, at most so long; what is left then."""
    deadline = time.monotonic() + seconds
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
