"""What ends an apply half-way is told with what to do, and the same command goes on. The page: docs/apply.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from apply_stage import Stage, alone, obj, secret
from rig.faults import Faults, Proxy, Reset, Rule, Unauthorized
from rig.http import Client

from migrate.flow import practice

APPLY = "gke2eks apply -w out --context prod --source-context gke --yes"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Before an empty practice cluster."""
    running = practice.start([], stdin=lambda: b"", port=0)
    with Proxy(running.server.url) as proxy:
        yield proxy
    running.server.stop()


@pytest.fixture
def stage(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Six ConfigMaps and a Secret are planned."""
    alone(tmp_path, monkeypatch)
    monkeypatch.setattr("random.uniform", lambda low, high: 0)  # no pause between attempts
    source = practice.start([], stdin=lambda: b"", port=0)
    for one in (obj("Namespace", "shop"), secret("shop")):
        Client(source.server.url).create(one)
    stage = Stage(tmp_path, {"server": proxy.url}, {}, source.server.url)
    stage.plan(obj("Namespace", "shop"), secret("shop"), *(obj("ConfigMap", f"c{n}", "shop") for n in range(6)))
    yield stage
    source.server.stop()


@pytest.mark.parametrize(
    ("rule", "why", "fix"),
    [
        (Rule(Unauthorized(), method="PATCH", nth=range(4, 99)), "missing or expired", "log in again"),
        (Rule(Reset(), method="PATCH", nth=range(4, 999)), "no answer came", "run the same command again"),
    ],
    ids=["login", "server"],
)
def test_a_run_that_ends_half_way_says_what_to_do(
    stage: Stage, proxy: Proxy, rule: Rule, why: str, fix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    proxy.faults = Faults(rules=[rule])
    code = stage.run(APPLY, capfd)
    assert code == 5 and " created " in stage.said
    assert why in " ".join(stage.said.split()) and fix in stage.said
    assert "Source  gke " in stage.err  # named by an option: a plan of files knows no source
    proxy.faults = Faults()
    assert stage.run(APPLY, capfd) == 0, (stage.said, stage.err)
    assert stage.run(APPLY, capfd) == 0 and "No object was written." in stage.said


def test_another_plan_than_the_reviewed_one(stage: Stage, repo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As docs/apply.md shows it."""
    override = "{ref: ConfigMap/shop/c1, path: data.mode, value: fast, reason: faster}"
    (stage.home / "out" / "gke2eks.yaml").write_text(f"overrides: [{override}]\n")
    assert stage.run(APPLY, capfd) == 3
    page = (repo / "docs" / "apply.md").read_text("utf-8")
    assert f"```\n{stage.err}```\n" in page and stage.err.startswith("error: the plan is not the one")
    assert not stage.journal()
