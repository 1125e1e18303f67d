"""The workspace: names, stale, edited and foreign files, the snapshot's bytes, the hash key."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from migrate.errors import BadInput, BadWorkspace
from migrate.model.objects import LeftOut, Object, Snapshot
from migrate.model.ref import Ref
from migrate.workspace import snapshot as store
from migrate.workspace.folder import Workspace, open_workspace
from migrate.workspace.hashkey import hash_key
from migrate.workspace.manifests import write_manifests
from migrate.workspace.names import manifest_names


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "out")


REFS = [
    Ref("apps", "Deployment", "shop", "api"),
    Ref("", "Namespace", "", "shop"),
    Ref("networking.istio.io", "Gateway", "shop", "x"),
    Ref("gateway.networking.k8s.io", "Gateway", "shop", "x"),
    Ref("", "ConfigMap", "..", "../../etc/passwd"),
    Ref("", "ConfigMap", "_cluster", "."),
    Ref("", "ConfigMap", "shop", "A"),
    Ref("", "ConfigMap", "shop", "a"),
    Ref("", "ConfigMap", "shop", "ä/\x00" + "l" * 400),
    Ref("", "ConfigMap", "shop", "ä/\x00" + "l" * 401),
    Ref("a.b", "K", "s", "c-d"),
    Ref("a.b-c", "K", "s", "d"),
]


def test_names() -> None:
    names = manifest_names(REFS)
    assert names[REFS[0]] == "shop/deployment-api.yaml"
    assert names[REFS[1]] == "_cluster/namespace-shop.yaml"
    assert names[REFS[2]] == "shop/gateway.networking.istio.io-x.yaml"
    assert names[REFS[4]] == "%2E./configmap-%2E.%2F..%2Fetc%2Fpasswd.yaml"
    assert len({name.lower() for name in names.values()}) == len(REFS)
    assert all(len(part) <= 205 for name in names.values() for part in name.split("/"))
    shuffled = random.Random(1).sample(REFS, len(REFS))
    assert manifest_names(shuffled) == names


def test_every_name_can_be_written_inside(ws: Workspace) -> None:
    names = manifest_names(REFS)
    write_manifests(ws, {name: name.encode() for name in names.values()}, {})
    found = [path for path in ws.manifests.rglob("*.yaml") if path.is_file()]
    assert len(found) == len(REFS)


def test_a_link_does_not_lead_outside(ws: Workspace, tmp_path: Path) -> None:
    ws.manifests.mkdir()
    (tmp_path / "else").mkdir()
    (ws.manifests / "shop").symlink_to(tmp_path / "else")
    for name in ("shop/a.yaml", "../../a.yaml"):
        with pytest.raises(BadWorkspace, match="outside"):
            write_manifests(ws, {name: b"a"}, {})


def test_open(tmp_path: Path) -> None:
    open_workspace(open_workspace(tmp_path / "a").path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    with pytest.raises(BadWorkspace, match="not ours"):
        open_workspace(tmp_path / "full")
    with pytest.raises(BadWorkspace, match="inside the workspace"):
        open_workspace(tmp_path / "a", [tmp_path / "a" / "in"])
    with pytest.raises(BadWorkspace, match="inside the input"):
        open_workspace(tmp_path / "b", [tmp_path])
    assert not (tmp_path / "b").exists()


PLANNED = (
    b"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\n  namespace: shop\nspec:\n"
    b"  template:\n    spec:\n      containers:\n      - name: api\n        image: a\n"
)


def test_stale_edited_and_foreign(ws: Workspace) -> None:
    first = write_manifests(ws, {"shop/a.yaml": PLANNED, "old/b.yaml": b"b: 1\n"}, {})
    (ws.manifests / "shop" / "notes.txt").write_text("mine")
    second = write_manifests(ws, {"shop/a.yaml": PLANNED}, first.digests)
    assert (second.removed, second.unchanged, second.written) == (("old/b.yaml",), ("shop/a.yaml",), ())
    assert not (ws.manifests / "old").exists()
    (ws.manifests / "shop" / "a.yaml").write_bytes(PLANNED.replace(b"image: a", b"image: b"))
    with pytest.raises(BadWorkspace) as caught:
        write_manifests(ws, {"shop/a.yaml": PLANNED}, second.digests)
    assert caught.value.details == (
        "overrides:",
        "  - ref: Deployment/shop/api",
        "    path: spec.template.spec.containers[name=api].image",
        '    value: "b"',
        "    reason: say why",
    )
    with pytest.raises(BadWorkspace, match="edited"):
        write_manifests(ws, {}, second.digests)
    with pytest.raises(BadWorkspace, match="in the way"):
        write_manifests(ws, {"shop/notes.txt": b"ours"}, {})
    assert (ws.manifests / "shop" / "notes.txt").read_text() == "mine"


def _object(name: str, version: str, time: str) -> Object:
    body = {
        "kind": "Service",
        "metadata": {"name": name, "resourceVersion": version, "managedFields": [{"manager": "m", "time": time}, {}]},
        "status": {"loadBalancer": {"ingress": []}, "conditions": [time]},
    }
    return Object(Ref("", "Service", "shop", name), body, f"live {time}")


def test_the_snapshot_is_deterministic_and_whole(ws: Workspace, tmp_path: Path) -> None:
    assert store.load(ws) is None
    left = (LeftOut("a.yaml", 3, "why", "fix"),)
    ref = Ref("", "Service", "shop", "a")
    one = Snapshot((_object("a", "1", "t1"), _object("b", "2", "t1")), left, 3, "n", "t1", ("x",), ((ref, "p", "q"),))
    two = Snapshot((_object("b", "7", "t2"), _object("a", "8", "t2")), left, 3, "n", "t2")
    other = open_workspace(tmp_path / "other")
    assert store.save(ws, one, {ref: {"hash": "h"}}) == store.save(other, two)
    assert (ws.snapshot / "objects.jsonl").read_bytes() == (other.snapshot / "objects.jsonl").read_bytes()
    assert store.load(ws) == (one, {ref: {"hash": "h"}})
    assert (ws.snapshot / "objects.jsonl").stat().st_mode & 0o777 == 0o600
    assert ws.snapshot.stat().st_mode & 0o777 == 0o700
    (ws.snapshot / "objects.jsonl").write_bytes(b"{}\n")
    with pytest.raises(BadWorkspace, match="cannot be used"):
        store.load(ws)


def test_the_hash_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    key = hash_key()
    assert len(key) == 32
    assert hash_key() == key
    assert (tmp_path / "state" / "gke2eks" / "hash-key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(BadInput, match="inside the workspace"):
        hash_key(workspace=tmp_path)
    (tmp_path / "short").write_bytes(b"x")
    with pytest.raises(BadInput, match="too short"):
        hash_key(tmp_path / "short")
