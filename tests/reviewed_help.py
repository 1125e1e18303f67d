"""A small plan, and how tests look whether it is still the one that was reviewed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from migrate.errors import BadWorkspace, Error
from migrate.flow import reviewed
from migrate.flow.plan import make_plan

DAY = date(2026, 11, 23)
UID = "9f02c1e4-0000-4000-8000-000000000001"
ANSWERED = """\
flavour: standard
# a comment
waivers:
  - {rule: PLN001, reason: known, expires: 2026-11-30}
overrides:
  - {ref: ConfigMap/shop/flags, path: data.mode, value: calm, reason: quieter}
"""


def cluster() -> list[dict[str, Any]]:
    def one(kind: str, name: str, space: str = "shop", version: str = "v1", **more: Any) -> dict[str, Any]:
        meta = {"name": name, **({"namespace": space} if space else {})}
        return {"apiVersion": version, "kind": kind, "metadata": meta, **more}

    system = one("Namespace", "kube-system", "")
    system["metadata"]["uid"] = UID
    flags = one("ConfigMap", "flags", data={"mode": "wild", "level": "3"})
    odd = one("Ingress", "odd", version="networking.k8s.io/v1", spec={"ingressClassName": "gce"})
    return [system, one("Namespace", "shop", ""), flags, one("Secret", "db", data={"p": "aHVudGVyMg=="}), odd]


def planned(out: Path, objects: list[dict[str, Any]], **more: Any) -> None:
    file = out.with_suffix(".json")
    file.write_bytes(orjson.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    key = out.with_suffix(".key")
    key.write_bytes(b"k" * 32)
    make_plan([str(file)], out, stdin=lambda: b"", today=DAY, hash_key_file=key, **more)


def again(out: Path, **more: Any) -> None:
    make_plan([], out, stdin=lambda: b"", today=DAY, **more)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reviewed") / "out"
    out.mkdir()
    (out / ".gke2eks").write_text("ours")
    (out / "gke2eks.yaml").write_text(ANSWERED)
    planned(out, cluster())
    return out


@pytest.fixture
def out(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "out"))


def review(out: Path, today: date = DAY) -> reviewed.Reviewed:
    """Review, and see that nothing is written."""
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    try:
        return reviewed.reviewed(out, today=today)
    finally:
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def refused(out: Path, sort: type[Error] = BadWorkspace, today: date = DAY) -> Error:
    with pytest.raises(sort) as caught:
        review(out, today)
    assert caught.value.next
    return caught.value


def edit(out: Path, change: Callable[[dict[str, Any]], object]) -> None:
    found = orjson.loads((out / "plan.json").read_bytes())
    change(found)
    (out / "plan.json").write_bytes(orjson.dumps(found))
