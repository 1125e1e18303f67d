"""The small client of the rig, against a real server."""

import itertools

import pytest
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client

COUNT = itertools.count()


@pytest.fixture
def client(control_plane: ControlPlane) -> Client:
    return control_plane.client()


@pytest.fixture
def room(client: Client) -> str:
    """A namespace of this test's own."""
    name = f"client-{next(COUNT)}"
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def config(room: str, name: str, **data: str) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": room}, "data": data}


def test_pages(client: Client, room: str) -> None:
    for number in range(7):
        client.create(config(room, f"many-{number}"))
    pages = list(client.pages("v1", "ConfigMap", room, limit=3))
    assert [len(page["items"]) for page in pages][:2] == [3, 3]
    items = client.list("v1", "ConfigMap", room, limit=3)
    assert sum(item["metadata"]["name"].startswith("many-") for item in items) == 7
    assert {(item["apiVersion"], item["kind"]) for item in items} == {("v1", "ConfigMap")}


def test_apply_conflict_force_and_dry_run(client: Client, room: str) -> None:
    client.apply(config(room, "c", a="1"), manager="one")
    with pytest.raises(ApiError) as refused:
        client.apply(config(room, "c", a="2"), manager="two")
    assert (refused.value.status, refused.value.reason) == (409, "Conflict")
    assert refused.value.body["details"]["causes"][0]["field"] == ".data.a"
    assert client.apply(config(room, "c", a="2"), manager="two", force=True, dry_run=True)["data"] == {"a": "2"}
    assert client.get("v1", "ConfigMap", "c", room)["data"] == {"a": "1"}
    client.apply(config(room, "c", a="2"), manager="two", force=True)
    assert client.get("v1", "ConfigMap", "c", room)["data"] == {"a": "2"}


def test_strict_refuses_unknown_fields(client: Client, room: str) -> None:
    odd = config(room, "odd") | {"dta": {}}
    with pytest.raises(ApiError) as refused:
        client.apply(odd)
    assert refused.value.status in (400, 500) and "dta" in str(refused.value)
    with pytest.raises(ApiError, match="dta"):
        client.create(odd)
    assert client.create(odd, strict=False)["metadata"]["uid"]


def test_patch_replace_delete(client: Client, room: str) -> None:
    made = client.create(config(room, "p", a="1"))
    assert client.patch(made, {"data": {"b": "2"}})["data"] == {"a": "1", "b": "2"}
    assert client.patch(made, [{"op": "remove", "path": "/data/a"}])["data"] == {"b": "2"}
    with pytest.raises(ApiError) as stale:
        client.replace(made)
    assert stale.value.reason == "Conflict"
    client.delete(made, dry_run=True)
    client.delete(made)
    with pytest.raises(ApiError) as gone:
        client.get("v1", "ConfigMap", "p", room)
    assert (gone.value.status, gone.value.reason) == (404, "NotFound")


def test_watch_sees_what_happens_and_ends(client: Client, room: str) -> None:
    start = next(client.pages("v1", "ConfigMap", room))["metadata"]["resourceVersion"]
    made = client.create(config(room, "w", a="1"))
    client.patch(made, {"data": {"a": "2"}})
    client.delete(made)
    events = client.watch("v1", "ConfigMap", room, seconds=2, resourceVersion=start, fieldSelector="metadata.name=w")
    assert [kind for kind, _ in events] == ["ADDED", "MODIFIED", "DELETED"]


def test_a_watch_that_is_refused_raises(control_plane: ControlPlane, room: str) -> None:
    with pytest.raises(ApiError) as refused:
        list(control_plane.client("nobody").watch("v1", "ConfigMap", room, seconds=2))
    assert refused.value.status == 403


def test_a_kind_that_the_server_lacks_is_not_found(client: Client) -> None:
    with pytest.raises(ApiError) as unknown:
        client.get("v1", "Sandwich", "lunch")
    assert unknown.value.status == 404
