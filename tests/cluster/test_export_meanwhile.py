"""What a real API server tells about writes while an export runs, with all rights and with `list` alone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from export_help import at_the_end, exported, kubeconfig, meanwhile, objects, run
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client
from rig.shapes.loading import create
from rig.users import Limited

from migrate.flow import meanwhile as again

MANY = 120


@pytest.fixture(scope="module")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    """No controllers: nothing is written but by the test, and by the API server's own leases."""
    with ControlPlane(assets).start(with_controllers=False, tokens=["one"]) as plane:
        client = plane.client()
        create(client, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in ("shop", "other")])
        create(client, [config_map(f"m{i}") for i in range(MANY)])
        create(client, [node(i) for i in range(3)])
        yield plane


def config_map(name: str, namespace: str = "shop") -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "b"}}


def node(number: int) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"n{number}"}}


def beat(client: Client, when: str) -> None:
    """What kubelets and controllers write all the time."""
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": when, "reason": "KubeletReady"}
    for one in client.list("v1", "Node"):
        client.patch(one, {"status": {"conditions": [ready]}}, sub="status")
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "n0", "namespace": "shop"}}
    client.apply({**lease, "spec": {"renewTime": when.replace("Z", ".000000Z")}})


def config(folder: Path, plane: ControlPlane) -> Path:
    return kubeconfig(folder, plane.url, {"token": plane.token()}, plane.ca)


def test_the_resource_version_of_a_list_counts_the_writes_of_all_kinds(plane: ControlPlane) -> None:
    """Why it is not what tells: if this ever fails, a list of one object is enough."""
    client = plane.client()
    before = next(client.pages("v1", "ConfigMap", limit=1))["metadata"]["resourceVersion"]
    beat(client, "2030-01-01T00:00:00Z")
    assert next(client.pages("v1", "ConfigMap", limit=1))["metadata"]["resourceVersion"] != before


@pytest.mark.parametrize("rights", ["all", "list"])
def test_writes_are_noticed_and_heartbeats_are_not(
    rights: str, plane: ControlPlane, limited_user: Callable[..., Limited], tmp_path: Path
) -> None:
    client, path = plane.client(), config(tmp_path, plane)
    if rights == "list":
        role = yaml.safe_load(run("access", "source", "--kubeconfig", path).stdout)
        path = limited_user(plane, role["rules"]).kubeconfig
    assert again._FEW < MANY  # so the many ConfigMaps are watched, where that is allowed
    ticks = at_the_end(lambda: beat(client, "2031-01-01T00:00:00Z"))
    quiet = exported(path, tmp_path / "quiet", progress=ticks)
    assert meanwhile(quiet) == {} and not [x for x in quiet.listings if x.unseen or x.missing]
    ticked = exported(path, tmp_path / "ticked", progress=at_the_end(lambda: beat(client, "2032-01-01T00:00:00Z")))
    assert meanwhile(ticked) == {} and objects(tmp_path / "quiet") == objects(tmp_path / "ticked")

    def act() -> None:
        beat(client, "2033-01-01T00:00:00Z")
        client.create(config_map(f"new-{rights}"))
        client.patch(config_map("m1"), {"data": {"a": rights}})
        client.delete(config_map(f"m{2 if rights == 'all' else 3}"))
        client.create({**config_map(f"s-{rights}"), "kind": "Secret", "data": {"a": "Yg=="}})

    found = exported(path, tmp_path / "out", progress=at_the_end(act))
    gone = f"deleted shop/m{2 if rights == 'all' else 3}"
    assert meanwhile(found) == {
        "ConfigMap": ("changed shop/m1", f"created shop/new-{rights}", gone),
        "Secret": (f"created shop/s-{rights}",),
    }
    after = exported(path, tmp_path / "after")
    assert meanwhile(after) == {} and f"m{2 if rights == 'all' else 3}" not in {o.ref.name for o in after.objects}


def test_who_has_rights_in_one_namespace_can_export_it(plane: ControlPlane, tmp_path: Path) -> None:
    client = plane.client()
    client.create(config_map("elsewhere", "other"))
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reads"}}
    client.create({**role, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]}]})
    client.create(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "reads", "namespace": "shop"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reads"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "one"}],
        }
    )
    found = exported(plane.kubeconfig("one"), tmp_path / "out", namespaces=["shop"])
    assert {o.ref.namespace for o in found.objects} == {"shop"}
    assert len([o for o in found.objects if o.ref.kind == "ConfigMap"]) >= MANY - 5
    assert {x.kind.namespaced for x in found.listings if x.missing} == {False}
    admin = exported(config(tmp_path, plane), tmp_path / "admin", namespaces=["sh?p"])
    inside = {line for line in objects(tmp_path / "admin").splitlines() if b'"namespace":"shop"' in line}
    assert inside == set(objects(tmp_path / "out").splitlines()) and not [x for x in admin.listings if x.missing]
