"""Rollback at a real terminal and a real API server: the typed name, what is shown meanwhile, and Ctrl-C."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from apply_real import CHANGES, before, through, writes
from holding_help import eventually
from rig.controlplane import ControlPlane
from rig.faults import Faults, Latency, Proxy, Rule
from rollback_help import Life, obj
from terminal_help import CTRL_C, Terminal


class Stage:
    """A life whose commands are typed; `proxy` stands before its target."""

    def __init__(self, life: Life, proxy: Proxy, config: Path) -> None:
        self.life, self.proxy, self.config = life, proxy, config

    def rollback(self, *more: str) -> Terminal:
        words = ("rollback", "--context", "rig", "--kubeconfig", self.config, "-w", self.life.ws)
        key = ("--hash-key-file", self.life.key)
        return Terminal((*words, *key, *more), self.life.folder / "state")


@pytest.fixture(scope="module")
def proxy(control_plane: ControlPlane) -> Iterator[Proxy]:
    with before(control_plane) as found:
        yield found


@pytest.fixture
def stage(control_plane: ControlPlane, proxy: Proxy, tmp_path: Path, request: pytest.FixtureRequest) -> Stage:
    proxy.faults = Faults()
    space = re.sub(r"[^a-z]+", "-", request.node.name.removeprefix("test_"))[:50].strip("-")
    return Stage(
        Life(control_plane.client(), tmp_path, space), proxy, through(control_plane, proxy, tmp_path / "config")
    )


def held(life: Life) -> dict[str, object]:
    """A Service whose end somebody holds up, over a ConfigMap that goes after it."""
    service = obj("Service", "web", life.space, spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})
    life.plan(obj("Namespace", life.space), obj("ConfigMap", "new", life.space), service)
    assert life.apply().exit == 0
    life.client.patch(service, {"metadata": {"finalizers": ["example.com/hold"]}})
    return service


@pytest.mark.parametrize("typed", ["y", "", "other"])
def test_another_name_writes_nothing(stage: Stage, typed: str) -> None:
    stage.life.plan(obj("Namespace", stage.life.space), obj("ConfigMap", "new", stage.life.space))
    stage.life.apply()
    with stage.rollback() as terminal:
        terminal.until(" to go on:")
        assert "deletes 2 objects: 1 ConfigMap, 1 Namespace" in terminal.flat
        terminal.type(f"{typed}\n")
        assert terminal.end() == 3, terminal.shown
    assert "type the target's own name. Nothing was written." in terminal.flat
    assert writes(stage.proxy) == [] and stage.life.get("v1", "ConfigMap", "new") is not None
    with stage.rollback() as terminal:
        terminal.until(" to go on:")
        terminal.type("rig\n")
        assert terminal.end() == 0, terminal.shown
    assert stage.life.get("v1", "ConfigMap", "new") is None


def test_ctrl_c_at_the_question_writes_nothing(stage: Stage) -> None:
    stage.life.plan(obj("Namespace", stage.life.space), obj("ConfigMap", "new", stage.life.space))
    stage.life.apply()
    with stage.rollback() as terminal:
        terminal.until(" to go on:")
        terminal.type(CTRL_C)
        assert terminal.end() == 130, terminal.shown
    assert "Nothing was written." in terminal.flat and writes(stage.proxy) == []


def test_what_is_waited_for_is_shown_and_ctrl_c_stops_it(stage: Stage) -> None:
    """Progress while something does not go; then a stop, and a second run that ends the job."""
    life, service = stage.life, held(stage.life)
    with stage.rollback("--yes") as terminal:
        terminal.until("Service/web waits for example.com/hold to let it go")
        terminal.type(CTRL_C)
        terminal.until("Press Ctrl-C again to stop at once.")
        assert terminal.end() == 130, terminal.shown
    assert (
        "still settling (2 objects wait behind)" in terminal.flat
        and "Stopped." in terminal.flat
        and "not yet tried 2" in terminal.flat
    )
    assert "To go on: gke2eks rollback -w" in terminal.flat and life.get("v1", "ConfigMap", "new") is not None
    with suppress(Exception):
        life.client.patch(service, {"metadata": {"finalizers": None}})
    assert eventually(lambda: life.get("v1", "Service", "web") is None)
    with stage.rollback("--yes") as terminal:
        assert terminal.end() == 0, terminal.shown
    assert life.get("v1", "ConfigMap", "new") is None
    with stage.rollback("--yes") as terminal:
        assert terminal.end() == 0 and "No object was written." in terminal.flat, terminal.shown


def test_ctrl_c_lets_what_is_in_flight_come_to_its_end(stage: Stage) -> None:
    life = stage.life
    names = [f"m{n:02}" for n in range(40)]
    life.plan(obj("Namespace", life.space), *(obj("ConfigMap", name, life.space) for name in names))
    assert life.apply().exit == 0
    stage.proxy.faults = Faults(rules=[Rule(Latency(0.5), "DELETE", CHANGES)])
    with stage.rollback("--yes") as terminal:
        terminal.until("of 40")  # the live line of the wave
        assert eventually(lambda: len(writes(stage.proxy)) >= 4)
        terminal.type(CTRL_C)
        assert terminal.end() == 130, terminal.shown
    assert "writes in flight. Press Ctrl-C again" in terminal.flat
    left = [name for name in names if life.get("v1", "ConfigMap", name)]
    sent = len(writes(stage.proxy))
    assert 0 < len(left) < 40 and sent == 40 - len(left)  # each that was sent was done, and heard of
    assert f"deleted {sent} not yet tried {len(left) + 1}" in terminal.flat
    stage.proxy.faults = Faults()
    with stage.rollback("--yes") as terminal:
        assert terminal.end() == 0, terminal.shown
    assert not any(life.get("v1", "ConfigMap", name) for name in names)
