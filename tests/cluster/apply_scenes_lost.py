"""What may happen to an apply on its way: the server, the login, the disk or the person ends it. It goes on later."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from apply_scenes import APPLY, Place, Scene, config, stuck
from apply_stage import deployment, steady
from rig.faults import Faults, Latency, Proxy, Refuse, Rule, Unauthorized
from rig.faults.actions import Action, Pass
from rig.faults.exchange import Exchange

CONFIGS = 24  # more than threads hold at once: the Secret, which is the last, is never the one in flight


@contextmanager
def behind(p: Place, *rules: Rule) -> Iterator[Proxy]:
    """The target is asked through a proxy that obeys these; afterwards directly."""
    pair = (p.plane.folder / "server.crt", p.plane.folder / "server.key")
    with Proxy(p.plane.url, Faults(rules=rules), upstream_ca=p.plane.ca, certificate=pair) as proxy:
        p.stage.kubeconfig({**p.stage.target, "server": proxy.url})
        yield proxy
    p.stage.kubeconfig()


def several(p: Place) -> None:
    p.plan(*(config(p.space, f"settings-{n:02}") for n in range(CONFIGS)))


def slow(p: Place) -> Iterator[None]:
    several(p)
    with behind(p, Rule(Latency(20), method="PATCH", path="/settings-05")):
        yield
    complete(p)


def vanishes(p: Place) -> Iterator[None]:
    several(p)
    with behind(p, Rule(Refuse(600), method="PATCH", nth=6)):
        yield
    complete(p)


def expires(p: Place) -> Iterator[None]:
    several(p)
    with behind(p, Rule(Unauthorized(expire=True), method="PATCH", nth=6)):
        yield
    complete(p)


def complete(p: Place) -> None:
    """The same command goes on; then nothing is missing, and another run writes nothing."""
    code, said = p.stage.quiet(APPLY)
    assert code == 0, said
    names = {one["metadata"]["name"] for one in p.client.list("v1", "ConfigMap", p.space)}
    assert {f"settings-{n:02}" for n in range(CONFIGS)} <= names
    assert p.client.get("v1", "Secret", "login", p.space)["data"]["password"]
    code, said = p.stage.quiet(APPLY)
    assert code == 0 and "No object was written." in said, said


@dataclass(frozen=True)
class Meanwhile(Action):
    """Something else happens before the request goes on."""

    what: Callable[[], None]
    shown: ClassVar[str] = "meanwhile"

    def play(self, ex: Exchange) -> None:
        self.what()
        Pass().play(ex)

    def __str__(self) -> str:
        return self.shown


def namespace_goes(p: Place) -> Iterator[None]:
    p.plan(config(p.space), deployment(p.space, volumes=[{"name": "v", "configMap": {"name": "settings"}}]))
    with behind(p, Rule(Meanwhile(lambda: stuck(p)), method="PATCH", path="/configmaps/settings", times=1)):
        yield


LOST = (
    Scene("A server that does not answer in time", slow, APPLY + " --timeout 0.5", 5, "shop-slow"),
    Scene("A server that goes away", vanishes, APPLY, 5, "shop-away"),
    Scene("A login that expires", expires, APPLY, 5, "shop-login"),
    Scene("A namespace that somebody deletes meanwhile", namespace_goes, APPLY, 1, "shop-meanwhile"),
)


def begun(p: Place, process: subprocess.Popen[str]) -> None:
    """Wait until a process has something in flight."""
    late = time.monotonic() + 60
    while sum(line["is"] == "intent" and line["ref"]["kind"] == "ConfigMap" for line in p.stage.journal()) < 8:
        assert time.monotonic() < late and process.poll() is None, process.communicate()
        time.sleep(0.02)


def ctrl_c(p: Place, number: int = signal.SIGINT, *, twice: bool = False) -> tuple[int, str]:
    """Start a slow apply, stop it by a signal: the exit code, and all that was printed."""
    several(p)
    seconds = 30.0 if twice else 0.5
    with behind(p, Rule(Latency(seconds), method="PATCH", path="/configmaps/")):
        process = p.stage.start(APPLY)
        begun(p, process)
        process.send_signal(number)
        first = ""
        if twice:
            assert process.stderr is not None
            for line in iter(process.stderr.readline, ""):
                first += line
                if "Stopping after" in line:
                    break
            process.send_signal(number)
        code = p.stage.ends(process)
    return code, steady(first.replace(str(p.stage.home), "/home/ana")) + p.stage.err.rstrip("\n") + "\n" + p.stage.said


def full(p: Place) -> tuple[int, str]:
    """A file of the workspace may have 4 KB, as after `ulimit -f 4`."""
    several(p)
    process = p.stage.start(APPLY, preexec_fn=_small)
    code = p.stage.ends(process)
    return code, p.stage.said or p.stage.err


def _small() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def busy(p: Place) -> tuple[int, str]:
    """Another apply works in the same workspace."""
    several(p)
    with behind(p, Rule(Latency(30), method="PATCH", path="/configmaps/")):
        first = p.stage.start(APPLY)
        begun(p, first)
        second = p.stage.start(APPLY)
        code = p.stage.ends(second)
        text = p.stage.err
        first.kill()
        first.communicate()
    return code, text


PROCESSES: tuple[tuple[str, str, int, Callable[[Place], tuple[int, str]]], ...] = (
    ("Ctrl-C", "shop-ctrl-c", 130, ctrl_c),
    ("Ctrl-C twice", "shop-twice", 130, lambda p: ctrl_c(p, twice=True)),
    ("SIGTERM", "shop-term", 130, lambda p: ctrl_c(p, signal.SIGTERM)),
    ("A disk that is full", "shop-full", 5, full),
    ("Two at once", "shop-busy", 3, busy),
)
