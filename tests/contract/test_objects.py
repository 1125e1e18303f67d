"""Create, read, replace, patch, delete: codes, reasons, messages, and what the server keeps to itself."""

import re

import pytest

from contract.client import MERGE, STRATEGIC, YAML
from contract.servers import GROUP, Space, config_map, custom, eventually, is_status


def test_create_gives_what_only_a_server_gives(space: Space) -> None:
    made = space.client.post(space.maps(), config_map("a", {"k": "v"}))
    assert made.code == 201
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made.meta["uid"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", made.meta["creationTimestamp"])
    assert made.meta["resourceVersion"].isdigit()
    assert "generation" not in made.meta
    assert made.body == space.client.read(space.maps("a")).body


def test_create_fills_in_type_and_namespace(space: Space) -> None:
    made = space.client.post(space.maps(), {"metadata": {"name": "a"}})
    assert (made.code, made.body["kind"], made.body["apiVersion"]) == (201, "ConfigMap", "v1")
    assert made.meta["namespace"] == space.name


def test_create_takes_yaml(space: Space) -> None:
    made = space.client.call("POST", space.maps(), b"metadata: {name: a}\ndata: {k: v}\n", type=YAML)
    assert (made.code, made.body["data"]) == (201, {"k": "v"})


def test_create_again_is_409(space: Space) -> None:
    space.client.post(space.maps(), config_map("a"))
    again = space.client.post(space.maps(), config_map("a"))
    assert is_status(again, 409, "AlreadyExists")
    assert again.message == 'configmaps "a" already exists'
    assert again.body["details"] == {"name": "a", "kind": "configmaps"}


def test_absent_is_404(space: Space) -> None:
    found = space.client.read(space.maps("nope"))
    assert is_status(found, 404, "NotFound")
    assert found.message == 'configmaps "nope" not found'
    assert space.client.read(space.deployments("x")).body["details"] == {
        "name": "x",
        "group": "apps",
        "kind": "deployments",
    }


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE"])
def test_writing_to_what_is_absent_is_404(space: Space, verb: str) -> None:
    body = None if verb == "DELETE" else config_map("zz")
    found = space.client.call(verb, space.maps("zz"), body, type=MERGE if verb == "PATCH" else "application/json")
    assert is_status(found, 404, "NotFound")


def test_absent_namespace_is_404_for_create_and_apply(space: Space) -> None:
    path = "/api/v1/namespaces/never-made/configmaps"
    for answer in (
        space.client.post(path, config_map("a")),
        space.client.lay(f"{path}/a", config_map("a")),
        space.client.lay(f"{path}/a", config_map("a"), dryRun="All"),
    ):
        assert is_status(answer, 404, "NotFound")
        assert answer.message == 'namespaces "never-made" not found'
    assert space.client.read(path).body["items"] == []


def test_another_namespace_in_the_body_is_400(space: Space) -> None:
    answer = space.client.post(space.maps(), config_map("a", namespace="other"))
    assert is_status(answer, 400, "BadRequest")
    assert answer.message == "the namespace of the provided object does not match the namespace sent on the request"


@pytest.mark.parametrize("body", [{"kind": "Secret", "apiVersion": "v1"}, {"kind": "ConfigMap", "apiVersion": "v2"}])
def test_another_type_in_the_body_is_400(space: Space, body: dict) -> None:
    assert is_status(space.client.post(space.maps(), body | {"metadata": {"name": "x"}}), 400, "BadRequest")


def test_a_custom_kind_needs_its_type_in_the_body(space: Space) -> None:
    assert is_status(space.client.post(space.free(), {"metadata": {"name": "x"}}), 400, "BadRequest")
    answer = space.client.post(space.typed(), custom("Free", "a"))
    assert is_status(answer, 422, "Invalid")
    assert answer.causes == {("kind", 'Invalid value: "Free": must be Typed')}


@pytest.mark.parametrize("body", [b"{nope", b"[1]", b"", b'"text"'])
def test_what_is_no_object_is_400(space: Space, body: bytes) -> None:
    assert is_status(space.client.call("POST", space.maps(), body), 400, "BadRequest")


def test_unknown_media_is_415(space: Space) -> None:
    posted = space.client.call("POST", space.maps(), b"<a/>", type="text/xml")
    assert is_status(posted, 415, "UnsupportedMediaType")
    space.client.post(space.free(), custom("Free", "a"))
    assert is_status(space.client.change(space.free("a"), {}, STRATEGIC), 415, "UnsupportedMediaType")


def test_a_resource_version_on_create_is_500(space: Space) -> None:
    answer = space.client.post(space.maps(), config_map("x", resourceVersion="5"))
    assert (answer.code, answer.message) == (500, "resourceVersion should not be set on objects to be created")


def test_generate_name(space: Space) -> None:
    names = {space.client.post(space.maps(), {"metadata": {"generateName": "x-"}}).meta["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(re.fullmatch(r"x-[a-z0-9]{5}", name) for name in names)


def test_what_a_client_cannot_set(space: Space) -> None:
    body = config_map(
        "a", uid="mine", creationTimestamp="2001-01-01T00:00:00Z", deletionTimestamp="2001-01-01T00:00:00Z"
    )
    made = space.client.post(space.maps(), body)
    assert made.code == 201
    assert made.meta["uid"] != "mine"
    assert not made.meta["creationTimestamp"].startswith("2001")
    assert "deletionTimestamp" not in made.meta


def test_replace_by_version(space: Space) -> None:
    old = space.client.post(space.maps(), config_map("a", {"k": "1"})).meta["resourceVersion"]
    new = space.client.put(space.maps("a"), config_map("a", {"k": "2"}))
    assert (new.code, new.body["data"]) == (200, {"k": "2"})
    stale = space.client.put(space.maps("a"), config_map("a", {"k": "3"}, resourceVersion=old))
    assert is_status(stale, 409, "Conflict")
    assert stale.message == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    assert stale.body["details"] == {"name": "a", "kind": "configmaps"}


def test_replace_of_a_custom_object_needs_the_version(space: Space) -> None:
    space.client.post(space.free(), custom("Free", "a"))
    answer = space.client.put(space.free("a"), custom("Free", "a"))
    assert is_status(answer, 422, "Invalid")
    assert answer.causes == {("metadata.resourceVersion", "Invalid value: 0: must be specified for an update")}


def test_replace_with_another_uid_is_409(space: Space) -> None:
    space.client.post(space.maps(), config_map("a"))
    assert is_status(space.client.put(space.maps("a"), config_map("a", uid="1")), 409, "Conflict")


def test_replace_with_another_name_is_400(space: Space) -> None:
    space.client.post(space.maps(), config_map("a"))
    answer = space.client.put(space.maps("a"), config_map("b"))
    assert is_status(answer, 400, "BadRequest")
    assert answer.message == "the name of the object (b) does not match the name on the URL (a)"
    assert is_status(space.client.put(space.maps("a"), {"metadata": {}}), 400, "BadRequest")


def test_delete(space: Space) -> None:
    uid = space.client.post(space.maps(), config_map("a")).meta["uid"]
    gone = space.client.drop(space.maps("a"))
    assert (gone.code, gone.body["status"]) == (200, "Success")
    assert gone.body["details"] == {"name": "a", "kind": "configmaps", "uid": uid}
    assert is_status(space.client.drop(space.maps("a")), 404, "NotFound")


def test_delete_only_if(space: Space) -> None:
    made = space.client.post(space.maps(), config_map("a"))
    for only in ({"uid": "x"}, {"resourceVersion": "1"}):
        answer = space.client.drop(space.maps("a"), {"preconditions": only})
        assert is_status(answer, 409, "Conflict")
        assert answer.message.startswith('Operation cannot be fulfilled on ConfigMap "a": the ')
    only = {"uid": made.meta["uid"], "resourceVersion": made.meta["resourceVersion"]}
    assert space.client.drop(space.maps("a"), {"preconditions": only}).code == 200


def test_finalizers_hold_an_object(space: Space) -> None:
    client, path = space.client, space.maps("f")
    client.post(space.maps(), config_map("f", {"k": "v"}, finalizers=["x.dev/y"]))
    marked = client.drop(path)
    assert (marked.code, marked.body["kind"]) == (200, "ConfigMap")
    assert "deletionTimestamp" in marked.meta and marked.meta["deletionGracePeriodSeconds"] == 0
    assert client.drop(path).meta["resourceVersion"] == marked.meta["resourceVersion"]
    again = client.post(space.maps(), config_map("f"))
    assert is_status(again, 409, "AlreadyExists")
    assert again.message == 'object is being deleted: configmaps "f" already exists'
    more = client.change(path, {"metadata": {"finalizers": ["x.dev/y", "x.dev/z"]}})
    assert is_status(more, 422, "Invalid")
    assert client.change(path, {"data": {"k": "w"}}).body["data"] == {"k": "w"}
    assert client.change(path, {"metadata": {"finalizers": None}}).code == 200
    assert is_status(client.read(path), 404, "NotFound")


def test_a_deletion_counts_as_a_generation(space: Space) -> None:
    client = space.client
    body = custom("Free", "a")
    client.post(space.free(), body | {"metadata": {"name": "a", "finalizers": ["x.dev/y"]}})
    assert client.drop(space.free("a")).meta["generation"] == 2
    client.change(space.free("a"), {"metadata": {"finalizers": []}})
    assert client.read(space.free("a")).code == 404


def test_owners_take_their_own_along(space: Space) -> None:
    client = space.client
    owner = client.post(space.maps(), config_map("owner")).meta["uid"]
    other = client.post(space.maps(), config_map("other")).meta["uid"]
    refs = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": n, "uid": u} for n, u in (("owner", owner), ("other", other))
    ]
    client.post(space.maps(), config_map("kid", ownerReferences=refs[:1]))
    client.post(space.maps(), config_map("held", ownerReferences=refs[:1], finalizers=["x.dev/y"]))
    client.post(space.maps(), config_map("shared", ownerReferences=refs))
    client.drop(space.maps("owner"), {"propagationPolicy": "Background"})
    eventually(lambda: client.read(space.maps("kid")).code == 404, 30)
    eventually(lambda: "deletionTimestamp" in client.read(space.maps("held")).meta, 30)
    assert client.read(space.maps("shared")).code == 200
    assert client.change(space.maps("held"), {"metadata": {"finalizers": []}}).code == 200


def test_propagation_that_does_not_exist_is_422(space: Space) -> None:
    space.client.post(space.maps(), config_map("a"))
    answer = space.client.drop(space.maps("a"), {"propagationPolicy": "Nope"})
    assert is_status(answer, 422, "Invalid")
    assert {field for field, _ in answer.causes} == {"propagationPolicy"}


def test_methods_that_do_not_fit_are_405(space: Space) -> None:
    for answer in (
        space.client.post(space.maps("x"), config_map("x")),
        space.client.put(space.maps(), config_map("x")),
        space.client.post("/api/v1/configmaps", config_map("x", namespace=space.name)),
    ):
        assert is_status(answer, 405, "MethodNotAllowed")


def test_group_and_kind_in_messages_of_custom_kinds(space: Space) -> None:
    assert space.client.read(space.typed("nope")).message == f'typeds.{GROUP} "nope" not found'
    space.client.post(space.typed(), custom("Typed", "a"))
    assert space.client.post(space.typed(), custom("Typed", "a")).message == f'typeds.{GROUP} "a" already exists'
