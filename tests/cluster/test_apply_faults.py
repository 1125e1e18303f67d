"""What goes wrong in an apply, on a real control plane: docs/apply.md shows what was said, word for word."""

from __future__ import annotations

import inspect
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apply_scenes import APPLY, SCENES, Place, Scene
from apply_scenes_lost import LOST, PROCESSES, complete
from apply_scenes_policy import CONFLICTS
from apply_stage import Shown, Stage, agree, alone, obj, secret
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client

from migrate.flow import practice

Play = Callable[[Place], tuple[int, str]]
WRITE = bool(os.environ.get("GKE2EKS_WRITE_DOCS"))


@pytest.fixture(scope="module")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    """One for the module: scenes have namespaces with names that a page may show."""
    with ControlPlane(assets).start(with_kwok=True) as plane:
        yield plane


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    alone(tmp_path, monkeypatch)
    monkeypatch.setattr(random, "uniform", lambda low, high: 0)  # no pause between attempts
    return tmp_path


@pytest.mark.parametrize("scene", (*SCENES, *CONFLICTS, *LOST), ids=lambda scene: scene.title)
def test_what_a_server_says(
    scene: Scene, plane: ControlPlane, home: Path, repo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = made(plane, home, scene.space)
    prepared = scene.make(place)
    if inspect.isgenerator(prepared):
        next(prepared)
    code = place.stage.run(scene.command, capfd)
    text = place.stage.err if scene.shows == "err" else place.stage.said or place.stage.err
    if inspect.isgenerator(prepared):
        next(prepared, None)
    assert code == scene.code, text
    agree(repo / "docs" / "apply.md", Shown(scene.title, scene.command, code, text), write=WRITE)


@pytest.mark.parametrize(("title", "space", "expected", "play"), PROCESSES, ids=[row[0] for row in PROCESSES])
def test_what_ends_a_process(
    title: str, space: str, expected: int, play: Play, plane: ControlPlane, home: Path, repo: Path
) -> None:
    """Real processes and real signals; whatever ended it, the same command goes on, and nothing is lost."""
    place = made(plane, home, space)
    try:
        code, text = play(place)
    finally:
        place.stage.end()
    assert code == expected, text
    complete(place)
    agree(repo / "docs" / "apply.md", Shown(title, APPLY, code, text), write=WRITE)


def made(plane: ControlPlane, home: Path, space: str) -> Place:
    """The stage of a scene."""
    target = {"server": plane.url, "certificate-authority": str(plane.ca)}
    return Place(Stage(home, target, {"token": plane.token()}, source(space)), plane, space)


def source(space: str) -> str:
    """A practice cluster that has the Secret of the plan, with its value."""
    url = practice.start([], stdin=lambda: b"", port=0).server.url
    client = Client(url)
    client.create(obj("Namespace", space))
    client.create(secret(space))
    return url
