"""Merge patch and JSON patch, and what a write does to the version, the generation and the status."""

import pytest

from contract.client import PATCH
from contract.servers import Space, config_map, custom, deployment, is_status


def test_a_write_that_changes_nothing_keeps_the_version(space: Space) -> None:
    made = space.client.post(space.maps(), config_map("a", {"k": "v"}))
    assert space.client.put(space.maps("a"), config_map("a", {"k": "v"})).meta == made.meta
    assert space.client.change(space.maps("a"), {"data": {"k": "v"}}).meta == made.meta


def test_merge_patch(space: Space) -> None:
    space.client.post(space.maps(), config_map("a", {"k": "v", "gone": "x"}, labels={"l": "1"}))
    done = space.client.change(space.maps("a"), {"data": {"gone": None, "new": "y"}})
    assert (done.code, done.body["data"], done.meta["labels"]) == (200, {"k": "v", "new": "y"}, {"l": "1"})


def test_merge_patch_with_an_old_version_is_409(space: Space) -> None:
    old = space.client.post(space.maps(), config_map("a", {"k": "1"})).meta["resourceVersion"]
    space.client.change(space.maps("a"), {"data": {"k": "2"}})
    patch = {"metadata": {"resourceVersion": old}, "data": {"k": "3"}}
    assert is_status(space.client.change(space.maps("a"), patch), 409, "Conflict")


def test_json_patch(space: Space) -> None:
    space.client.post(space.free(), custom("Free", "a", spec={"l": [1, 2], "a/b": 1}))
    patch = [
        {"op": "test", "path": "/spec/l/0", "value": 1},
        {"op": "add", "path": "/spec/l/-", "value": 3},
        {"op": "add", "path": "/spec/l/0", "value": 0},
        {"op": "remove", "path": "/spec/l/1"},
        {"op": "move", "from": "/spec/a~1b", "path": "/spec/moved"},
        {"op": "copy", "from": "/spec/l", "path": "/spec/twin"},
        {"op": "replace", "path": "/spec/moved", "value": {"x": 1}},
        {"op": "replace", "path": "/spec/absent", "value": 1},
    ]
    done = space.client.change(space.free("a"), patch, PATCH)
    assert done.code == 200, done.body
    assert done.body["spec"] == {"l": [0, 2, 3], "moved": {"x": 1}, "absent": 1, "twin": [0, 2, 3]}


@pytest.mark.parametrize(
    "op",
    [
        {"op": "test", "path": "/data/k", "value": "other"},
        {"op": "remove", "path": "/data/nope"},
        {"op": "foo", "path": "/data/k"},
    ],
)
def test_json_patch_that_does_not_fit_is_422(space: Space, op: dict) -> None:
    space.client.post(space.maps(), config_map("a", {"k": "v"}))
    answer = space.client.change(space.maps("a"), [op], PATCH)
    assert is_status(answer, 422, "Invalid")
    assert answer.message == "the server rejected our request due to an error in our request"
    assert space.client.read(space.maps("a")).body["data"] == {"k": "v"}


def test_json_patch_that_is_no_list_is_400(space: Space) -> None:
    space.client.post(space.maps(), config_map("a"))
    assert is_status(space.client.change(space.maps("a"), {"op": "add"}, PATCH), 400, "BadRequest")


def test_generation_counts_what_is_meant(space: Space) -> None:
    client, path = space.client, space.free("a")
    assert client.post(space.free(), custom("Free", "a", spec={"x": 1})).meta["generation"] == 1
    assert client.change(path, {"metadata": {"labels": {"a": "b"}}}).meta["generation"] == 1
    assert client.change(f"{path}/status", {"status": {"q": 1}}).meta["generation"] == 1
    assert client.change(path, {"spec": {"x": 2}}).meta["generation"] == 2
    assert client.change(path, {"other": 1}).meta["generation"] == 3


def test_generation_of_a_deployment(space: Space) -> None:
    client, path = space.client, space.deployments("d")
    assert client.post(space.deployments(), deployment("d", replicas=0, paused=True)).meta["generation"] == 1
    assert client.change(path, {"spec": {"replicas": 1}}).meta["generation"] == 2
    assert client.change(path, {"metadata": {"labels": {"x": "y"}}}).meta["generation"] == 2
    assert client.change(path, {"metadata": {"annotations": {"x": "y"}}}).meta["generation"] == 3


def test_the_status_is_kept_apart(space: Space) -> None:
    client, path = space.client, space.free("a")
    made = client.post(space.free(), custom("Free", "a", spec={"x": 1}, status={"q": 1}))
    assert "status" not in made.body
    patch = {"status": {"q": 2}, "spec": {"x": 9}, "metadata": {"labels": {"a": "b"}}}
    done = client.change(f"{path}/status", patch, fieldManager="controller")
    assert (done.code, done.body["status"], done.body["spec"]) == (200, {"q": 2}, {"x": 1})
    assert "labels" not in done.meta
    assert done.owners["controller/Update/status"] == {"f:status": {".": {}, "f:q": {}}}
    assert client.change(path, {"status": {"q": 3}}).body["status"] == {"q": 2}
    body = client.read(f"{path}/status").body
    assert client.put(f"{path}/status", {**body, "status": {"w": 1}, "spec": {}}).body["status"] == {"w": 1}
    assert client.read(path).body["spec"] == {"x": 1}


def test_without_the_subresource_the_status_is_a_field(space: Space) -> None:
    path = space.path("plains", "a", "custom")
    made = space.client.post(space.path("plains", "", "custom"), custom("Plain", "a", status={"q": 1}))
    assert made.body["status"] == {"q": 1}
    assert is_status(space.client.change(f"{path}/status", {"status": {}}), 404, "NotFound")
    assert space.client.change(path, {"status": {"q": 2}}).meta["generation"] == 2
