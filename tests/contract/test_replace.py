"""Replacing an object as it was read: what the client says of it, on the practice cluster and on a real API server."""

from __future__ import annotations

import pytest

from contract.servers import Json, Space, config_map
from contract.target_help import as_client
from migrate.cluster.outcome import Applied, Reason, Rejected
from migrate.cluster.target import KubeTarget
from migrate.model.ref import Ref
from migrate.semantics.preimage import as_wanted, restored

CANARY = "c4n4ry-of-a-secret"
BACK = "gke2eks-rollback"


@pytest.fixture
def target(space: Space) -> KubeTarget:
    return as_client(space.client)


def cm(space: Space, data: Json, **metadata: object) -> Json:
    body = config_map("m", data, **metadata)
    return body | {"metadata": {**body["metadata"], "namespace": space.name}}


def read(space: Space, target: KubeTarget, kind: str = "ConfigMap") -> Json:
    found = target.get(Ref("", kind, space.name, "m"))
    assert found is not None
    return dict(found)


def test_the_second_update_gives_the_owners_back(space: Space, target: KubeTarget) -> None:
    target.apply(cm(space, {"a": "1", "b": "1"}), manager="theirs")
    before = read(space, target)
    target.apply(cm(space, {"a": "2", "c": "3"}), force=True)
    for _ in range(2):
        live = read(space, target)
        assert not as_wanted(live, restored(before, live))
        assert isinstance(target.replace(restored(before, live), manager=BACK), Applied)
    live = read(space, target)
    assert live["data"] == before["data"] and as_wanted(live, restored(before, live))
    assert live["metadata"]["managedFields"] == before["metadata"]["managedFields"]
    # A third changes nothing.
    assert isinstance(target.replace(restored(before, live), manager=BACK), Applied) and read(space, target) == live


def test_another_version_or_object_is_not_replaced(space: Space, target: KubeTarget) -> None:
    target.apply(cm(space, {"a": "1"}))
    old = read(space, target)
    target.apply(cm(space, {"a": "2"}))
    live = read(space, target)
    other = {**live, "metadata": {**live["metadata"], "uid": "00000000-0000-0000-0000-000000000000"}}
    for body in (old, other):
        no = target.replace(body, manager=BACK)
        assert isinstance(no, Rejected) and no.reason is Reason.CHANGED, no
    assert read(space, target) == live
    for key in ("uid", "resourceVersion"):
        with pytest.raises(ValueError, match="may only be replaced"):
            target.replace({**live, "metadata": {k: v for k, v in live["metadata"].items() if k != key}}, manager=BACK)


def test_what_is_gone_is_not_made(space: Space, target: KubeTarget) -> None:
    target.apply(cm(space, {"a": "1"}))
    live = read(space, target)
    target.delete(Ref("", "ConfigMap", space.name, "m"), live["metadata"]["resourceVersion"], live["metadata"]["uid"])
    assert isinstance(target.replace(live, manager=BACK), Rejected)
    assert target.get(Ref("", "ConfigMap", space.name, "m")) is None


def test_a_no_shows_nothing_of_a_secret(space: Space, target: KubeTarget) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "m", "namespace": space.name}}
    target.apply({**body, "data": {"a": "YQ=="}})
    old = read(space, target, "Secret")
    target.apply({**body, "data": {"a": "Yg=="}})
    no = target.replace({**old, "data": {"a": CANARY}}, manager=BACK)
    assert isinstance(no, Rejected) and CANARY not in f"{no} {no!r}"
