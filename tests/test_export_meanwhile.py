"""What changes while an export runs is noticed; what only ticks is not; and one namespace can be read alone."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from export_help import at_the_end, exported, kubeconfig, meanwhile, objects, run
from rig.faults import Faults, Gone, Proxy, Rule, Status
from rig.faults.actions import WatchEnd
from rig.http import Client

from migrate.errors import BadInput, Forbidden
from migrate.flow import meanwhile as again
from migrate.flow import practice
from migrate.flow.plan import tables
from migrate.model.decided import Decided
from migrate.model.effects import Severity
from migrate.planner import plan
from migrate.workspace import snapshot as store
from migrate.workspace.folder import open_workspace

VALUE = "kanarienvogel-7c1f-vermilion"


@pytest.fixture
def url(repo: Path) -> Iterator[str]:
    running = practice.start([str(repo / "examples" / "gke-cluster.json")], stdin=lambda: b"", port=0)
    client = Client(running.server.url)
    for name in ("left", "changed", "gone"):
        client.create(config_map(name))
    client.create(secret(VALUE))
    yield running.server.url
    running.server.stop()


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    with Proxy(url) as proxy:
        yield proxy
    assert proxy.errors == []


def config_map(name: str, **more: Any) -> dict[str, Any]:
    meta = {"namespace": "default", "name": name, **more}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "b"}}


def secret(value: str) -> dict[str, Any]:
    meta = {"name": "canary", "namespace": "default"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": meta,
        "data": {"p": base64.b64encode(value.encode()).decode()},
    }


def writes(url: str) -> Callable[[], None]:
    """Writes of each sort, and such as do not count."""

    def act() -> None:
        client = Client(url)
        client.create(config_map("new"))
        client.create(config_map("short"))
        client.delete(config_map("short"))
        client.patch(config_map("changed"), {"data": {"a": "c"}})
        client.delete(config_map("gone"))
        client.patch(secret(""), {"data": secret(VALUE[::-1])["data"]})  # as long as before
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "left", "uid": "u", "controller": True}
        client.create(config_map("made", ownerReferences=[owner]))
        node = client.list("v1", "Node")[0]
        client.patch(node, {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, sub="status")
        deployment = client.list("apps/v1", "Deployment")[0]
        client.patch(deployment, {"status": {"observedGeneration": 7}}, sub="status")

    return act


EXPECTED = {"ConfigMap": ("changed default/changed", "created default/new", "deleted default/gone")} | {
    "Secret": ("changed default/canary",)
}
WATCH = r"[?&]watch=1"
WAYS: dict[str, tuple[int, list[Rule]]] = {
    "listed again": (10_000, []),
    "watched": (-1, []),
    "watched, and cut off": (-1, [Rule(WatchEnd(how="cut"), path="/configmaps", nth=1)]),
    "no right to watch": (-1, [Rule(Status(403), path=WATCH)]),
    "forgotten": (-1, [Rule(WatchEnd(how="old"), path=WATCH)]),
    "forgotten, said at once": (-1, [Rule(Gone(), path=WATCH)]),
    "busy": (-1, [Rule(Status(503), path=WATCH, chance=0.3)]),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_changes_meanwhile_is_noticed(
    way: str, url: str, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, rules = WAYS[way]
    monkeypatch.setattr(again, "_FEW", few)
    proxy.faults = Faults(seed=3, rules=rules)
    kinds = ["ConfigMap", "Secret", "Node", "Deployment"]
    others = [kind for kind in served(proxy.url) if kind not in kinds]
    found = exported(
        kubeconfig(tmp_path, proxy.url), tmp_path / "out", without=others, progress=at_the_end(writes(url))
    )
    assert [(x.kind.kind, x.unseen) for x in found.listings if x.unseen or x.missing] == []
    assert meanwhile(found) == EXPECTED
    assert any("watch=1" in entry.path for entry in proxy.log) is (few < 0)
    assert {entry.method for entry in proxy.log} == {"GET"}
    loaded = store.load(open_workspace(tmp_path / "out"))
    assert loaded and meanwhile(loaded[0]) == EXPECTED
    said = {f.message: f.severity for f in plan(loaded[0], tables(), Decided()).findings if f.ref is None}
    secret_changed = "Secret: changed default/canary, while the export ran."
    assert said[secret_changed] is Severity.REVIEW and len([m for m in said if "while the export ran" in m]) == 2


def served(url: str) -> list[str]:
    """Every kind as --without takes it."""
    source = Client(url)
    names = []
    for root in ("/api", "/apis"):
        groups = source.raw("GET", root)
        versions = [f"/api/{v}" for v in groups.get("versions", ())] or [
            f"/apis/{v['groupVersion']}" for g in groups["groups"] for v in g["versions"]
        ]
        names += [r["kind"] for v in versions for r in source.raw("GET", v)["resources"] if "/" not in r["name"]]
    return sorted(set(names))


def test_a_quiet_cluster_has_nothing_to_say(url: str, tmp_path: Path) -> None:
    found = exported(kubeconfig(tmp_path, url), tmp_path / "out")
    assert meanwhile(found) == {} and not [x for x in found.listings if x.unseen]


def test_what_cannot_be_looked_at_again_is_said(proxy: Proxy, url: str, tmp_path: Path) -> None:
    def gone() -> None:
        proxy.faults = Faults(rules=[Rule(Status(403), path="/configmaps"), Rule(Status(403), path="/secrets")])

    found = exported(kubeconfig(tmp_path, proxy.url), tmp_path / "out", progress=at_the_end(gone))
    assert sorted(str(x.kind) for x in found.listings if x.unseen) == ["ConfigMap", "Secret"]
    assert not [x for x in found.listings if x.missing] and len(found.objects) > 170
    said = [f.message for f in plan(found, tables(), Decided()).findings if "Nobody could tell" in f.message]
    assert len(said) == 2 and "ConfigMap (" in said[0] and "Secret (" in said[1]


def test_namespaces_narrow_what_is_asked(proxy: Proxy, tmp_path: Path) -> None:
    config = kubeconfig(tmp_path, proxy.url)
    whole = exported(config, tmp_path / "whole")
    proxy.faults = Faults()
    found = exported(config, tmp_path / "out", namespaces=["kube-*", "default"])
    spaces = {o.ref.namespace for o in whole.objects}
    wanted = {"", "default"} | {space for space in spaces if space.startswith("kube-")}
    assert spaces > wanted > {"", "default", "kube-system"}
    expected = [o for o in whole.objects if o.ref.namespace in wanted]
    assert [o.ref for o in found.objects] == [o.ref for o in expected] and len(expected) > 50
    paths = {entry.path.partition("?")[0] for entry in proxy.log}
    assert "/api/v1/namespaces/default/configmaps" in paths and "/api/v1/configmaps" not in paths
    assert "/api/v1/nodes" in paths and "/api/v1/namespaces/kube-system/nodes" not in paths
    loaded = store.load(open_workspace(tmp_path / "out"))
    assert loaded and loaded[0].select.namespaces == ("kube-*", "default") and loaded[0] == found
    lines = set(objects(tmp_path / "whole").splitlines())
    assert set(objects(tmp_path / "out").splitlines()) < lines


@pytest.mark.parametrize("few", [10_000, -1])
def test_changes_in_one_namespace_are_noticed(
    few: int, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "_FEW", few)

    def act() -> None:
        Client(url).create(config_map("new"))
        Client(url).create(config_map("elsewhere", namespace="kube-system"))

    others = [kind for kind in served(url) if kind != "ConfigMap"]
    config, done = kubeconfig(tmp_path, url), at_the_end(act)
    found = exported(config, tmp_path / "out", without=others, namespaces=["default"], progress=done)
    assert meanwhile(found) == {"ConfigMap": ("created default/new",)}


def test_a_namespace_that_nobody_has(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="defualt: here has no such namespace; did you mean default"):
        exported(kubeconfig(tmp_path, url), tmp_path / "out", namespaces=["defualt"])


def test_rights_in_one_namespace_only(proxy: Proxy, tmp_path: Path) -> None:
    group = r"/api/v1|/apis/[^/]+/[^/]+"
    own = rf"^(?!(?:{group})/namespaces/default/|(?:{group}|/apis?)(?:\?|$)|/version)"
    proxy.faults = Faults(rules=[Rule(Status(403), path=own)])
    config, out = kubeconfig(tmp_path, proxy.url), tmp_path / "out"
    with pytest.raises(Forbidden, match="-n def"):
        exported(config, out, namespaces=["def*"])
    found = exported(config, out, namespaces=["default"])
    assert {o.ref.namespace for o in found.objects} == {"default"}
    assert {x.kind.namespaced for x in found.listings if x.missing} == {False}
    cluster = sorted({x.kind.kind for x in found.listings if x.missing})
    assert "Namespace" in cluster
    complete = exported(config, out, namespaces=["default"], without=cluster)
    assert not [x for x in complete.listings if x.missing] and len(complete.objects) == len(found.objects)
    assert run("plan", "-w", out, XDG_STATE_HOME=str(tmp_path)).returncode in (0, 1)
