"""What the demo brings along fits its cluster, and an older demo is taken away with care. It is played in the cluster
lane, and by `.ci/run`: a dozen commands, one after another, take longer than this lane has.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from migrate.flow.plan import make_plan
from migrate.workspace.folder import open_workspace


@pytest.fixture(scope="module")
def demo(repo: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", repo / "examples" / "demo.py")
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def keys(answers: Any, above: str = "") -> Iterator[str]:
    if not isinstance(answers, dict):
        yield above
        return
    for key, value in answers.items():
        yield from keys(value, f"{above}.{key}" if above else key)


def test_every_bundled_answer_is_asked_for_and_with_the_volumes_none_is_missing(
    demo: ModuleType, repo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    def planned(*sources: str) -> list[str]:
        made = make_plan(sources, out, stdin=lambda: b"", today=date(2026, 11, 23))
        assert not [one for one in made.plan.findings if one.rule.startswith("DEC")]
        return [".".join(one.key) for one in made.plan.undecided]

    text = (repo / "examples" / "gke2eks.yaml").read_text("utf-8")
    answers = yaml.safe_load(text)
    assert answers.pop("source") and answers.pop("flavour")
    asked = planned(str(repo / "examples" / "gke-cluster.json"))
    volumes = sorted(keys(yaml.safe_load(demo.VOLUMES)))
    assert sorted([*keys(answers), *volumes]) == sorted(asked)
    (out / "gke2eks.yaml").write_text(text)
    assert sorted(planned()) == volumes
    (out / "gke2eks.yaml").write_text(text + demo.VOLUMES)
    assert planned() == []


def test_what_a_person_did_is_never_taken_away(
    demo: ModuleType, repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (repo / "examples" / "gke2eks.yaml").read_text("utf-8")
    for answers in (None, text, text + demo.VOLUMES):
        out = open_workspace(tmp_path / "out").path
        if answers is not None:
            (out / "gke2eks.yaml").write_text(answers)
        demo.fresh(out)
        assert not out.exists()
    demo.fresh(out)
    open_workspace(out)
    (out / "gke2eks.yaml").write_text(text + "overrides: []\n")
    with pytest.raises(SystemExit, match="3"):
        demo.fresh(out)
    (tmp_path / "mine").mkdir()
    with pytest.raises(SystemExit, match="3"):
        demo.fresh(tmp_path / "mine")
    assert out.exists() and (tmp_path / "mine").exists()
    assert capsys.readouterr().err.count("Move it away, then run again.") == 2
