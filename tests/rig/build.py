"""Builds the programs of a control plane from Go modules into a cache outside the repository.

`python tests/rig/build.py` builds what is missing, and prints what it did; with nothing
missing it needs neither Go nor network.
Exit code 0: all there, or no Go on this machine (the cluster lane is skipped then); 1: a build failed.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: this folder would hide the stdlib's http
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from rig import assets

VERSION_PACKAGE = "k8s.io/component-base/version"


class BuildError(Exception):
    """A command failed; the text holds the end of what it printed."""


def go(arguments: list[str], folder: str) -> str:
    """Runs go in tools/<folder> and returns its stdout. go.sum is never written: what it does not know is refused."""
    own = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}
    environment = {k: v for k, v in os.environ.items() if k not in {"GOOS", "GOARCH"}} | own
    done = subprocess.run(
        ["go", *arguments], cwd=assets.TOOLS / folder, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-3000:]
        raise BuildError(f"go {' '.join(arguments[:2])} in tests/rig/tools/{folder} failed:\n{said}")
    return done.stdout


def flags(folder: str) -> str:
    """Linker flags. Without the version a server calls itself v0.0.0-master, and clients and feature gates go wrong."""
    if folder != "kube":
        return "-s -w"
    major, minor, _ = assets.version().split(".")
    values = {"gitVersion": f"v{assets.version()}", "gitMajor": major, "gitMinor": minor}
    return "-s -w " + " ".join(f"-X {VERSION_PACKAGE}.{name}={value}" for name, value in values.items())


def build_program(name: str, home: Path) -> None:
    folder, package = assets.PROGRAMS[name]
    fresh = home / f".{name}.new"
    go(["build", "-trimpath", "-ldflags", flags(folder), "-o", str(fresh), package], folder)
    fresh.replace(home / name)  # at once: a control plane that runs keeps the old file


def copy_files(name: str, home: Path) -> None:
    """Copies YAML files out of a module's zip, whose hash must be the one in tools/schemas/go.sum."""
    module, inside = assets.FILES[name]
    pin = f"{module}@{assets.required('schemas')[module]}"
    told = json.loads(go(["mod", "download", "-json", pin], "schemas"))
    line = f"{module} {told['Version']} {told['Sum']}"
    if line not in (assets.TOOLS / "schemas" / "go.sum").read_text().splitlines():
        raise BuildError(f"{pin} is not what tests/rig/tools/schemas/go.sum says: {told['Sum']}")
    fresh = home / ("." + name.replace("/", "-") + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    with zipfile.ZipFile(told["Zip"]) as archive:
        for entry in archive.namelist():
            folder, _, file = entry.rpartition("/")
            if folder == f"{pin}/{inside}" and file.endswith(".yaml") and file != "kustomization.yaml":
                (fresh / file).write_bytes(archive.read(entry))
    shutil.rmtree(home / name, ignore_errors=True)
    (home / name).parent.mkdir(exist_ok=True)
    fresh.replace(home / name)


def build_missing(home: Path) -> None:
    """Makes what is missing, one after the other, and notes each pin as soon as its part is there."""
    noted = home / "pins.json"
    for name in assets.missing():
        start = time.monotonic()
        print(f"{name}: {assets.pins()[name]} …", flush=True)
        (build_program if name in assets.PROGRAMS else copy_files)(name, home)
        made = json.loads(noted.read_text()) if noted.exists() else {}
        fresh = home / ".pins.new"
        fresh.write_text(json.dumps(made | {name: assets.pins()[name]}, indent=1, sort_keys=True) + "\n")
        fresh.replace(noted)
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)


def main() -> int:
    home = assets.home()
    if assets.missing():
        if shutil.which("go") is None:
            print(f"cluster lane skipped: no Go here, and {assets.why_not()}")
            return 0
        os.nice(10)
        home.mkdir(parents=True, exist_ok=True)
        try:
            with open(home / ".lock", "w") as lock:  # one builder at a time; the second finds everything done
                fcntl.flock(lock, fcntl.LOCK_EX)
                build_missing(home)
        except BuildError as error:
            print(error, file=sys.stderr)
            return 1
    found = assets.find()
    if found is None:
        print(f"still missing after the build: {assets.why_not()}", file=sys.stderr)
        return 1
    print(f"control plane {assets.version()}: {len(assets.PROGRAMS)} programs in {found.programs}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
