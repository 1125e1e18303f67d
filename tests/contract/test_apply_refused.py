"""Server-side apply that is refused: conflicts, lists that are none, requests that make no sense."""

import pytest

from contract.servers import Json, Space, config_map, custom, is_status
from contract.test_apply import LISTS, typed


def test_a_conflict_names_the_field_and_the_other(space: Space) -> None:
    space.client.lay(space.maps("m"), config_map("m", {"a": "1"}))
    answer = space.client.lay(space.maps("m"), config_map("m", {"a": "2"}), "two")
    assert is_status(answer, 409, "Conflict")
    assert answer.message == 'Apply failed with 1 conflict: conflict with "one": .data.a'
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.a"}
    assert answer.body["details"] == {"causes": [cause]}
    assert space.client.read(space.maps("m")).body["data"] == {"a": "1"}


def test_conflicts_with_updates_name_their_version(space: Space) -> None:
    space.client.post(space.maps(), config_map("m", {"a": "1", "b": "1"}), fieldManager="poster")
    answer = space.client.lay(space.maps("m"), config_map("m", {"a": "2", "b": "2"}))
    assert answer.message == 'Apply failed with 2 conflicts: conflicts with "poster" using v1:\n- .data.a\n- .data.b'


def test_conflicts_with_the_status_name_the_subresource(space: Space) -> None:
    space.client.post(space.free(), custom("Free", "a", spec={}))
    space.client.change(f"{space.free('a')}/status", {"status": {"q": 1}}, fieldManager="controller")
    answer = space.client.lay(f"{space.free('a')}/status", custom("Free", "a", status={"q": 2}), "two")
    said = 'conflict with "controller" with subresource "status" using contract.gke2eks.dev/v1'
    assert is_status(answer, 409, "Conflict")
    assert answer.causes == {(".status.q", said)}


def test_conflicts_in_every_kind_of_list(space: Space) -> None:
    space.client.lay(space.typed("a"), typed(**LISTS))
    mine = typed(
        one="2",
        map={"a": "2"},
        deep={"a": "2"},
        items=[{"name": "a", "v": "2"}],
        set=["z"],
        plain=["2"],
        whole={"q": "2"},
    )
    answer = space.client.lay(space.typed("a"), mine, "two")
    fields = (".spec.whole", ".spec.one", ".spec.plain", ".spec.deep.a", '.spec.items[name="a"].v', ".spec.map.a")
    assert is_status(answer, 409, "Conflict")
    assert answer.causes == {(field, 'conflict with "one"') for field in fields}
    assert [line[2:] for line in answer.message.splitlines()[1:]] == sorted(fields, key=lambda f: (f.count(".") > 2, f))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"items": [{"name": "1"}, {"name": "1"}]}, '.spec.items: duplicate entries for key [name="1"]'),
        (
            {"items": [{"v": "1"}]},
            ".spec.items: element 0: associative list with keys has an element that omits all key",
        ),
        ({"set": ["1", "1"]}, '.spec.set: duplicate entries for key [="1"]'),
    ],
)
def test_lists_that_cannot_be_merged_are_500(space: Space, spec: Json, said: str) -> None:
    answer = space.client.lay(space.typed("a"), typed(**spec))
    assert answer.code == 500
    assert said in answer.message
    assert answer.message.startswith("failed to create typed patch object (")


def test_apply_needs_a_manager(space: Space) -> None:
    answer = space.client.lay(space.maps("m"), config_map("m"), "")
    assert is_status(answer, 422, "Invalid")
    assert answer.causes == {("fieldManager", "Required value: is required for apply patch")}
    assert is_status(space.client.lay(space.maps("m"), config_map("m"), "a" * 129), 422, "Invalid")


def test_force_is_for_apply_only(space: Space) -> None:
    space.client.post(space.maps(), config_map("m"))
    answer = space.client.change(space.maps("m"), {}, force=True)
    assert is_status(answer, 422, "Invalid")
    assert answer.causes == {("force", "Forbidden: may not be specified for non-apply patch")}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (config_map("n"), "the name of the object (n) does not match the name on the URL (m)"),
        (config_map("m", managedFields=[]), "metadata.managedFields must be nil"),
        (
            config_map("m", namespace="other"),
            "the namespace of the provided object does not match the namespace sent on",
        ),
        (config_map("m") | {"kind": "Secret"}, "invalid object type: /v1, Kind=Secret"),
        ({"metadata": {"name": "m"}}, "invalid object type: /, Kind="),
    ],
)
def test_apply_of_something_else_is_400(space: Space, body: Json, said: str) -> None:
    answer = space.client.lay(space.maps("m"), body)
    assert is_status(answer, 400, "BadRequest")
    assert answer.message.startswith(said)


def test_apply_with_a_version_or_uid(space: Space) -> None:
    client, path = space.client, space.maps("m")
    absent = client.lay(path, config_map("m", uid="1"))
    assert is_status(absent, 409, "Conflict")
    assert "uid mismatch: the provided object specified uid 1, and no existing object was found" in absent.message
    old = client.lay(path, config_map("m", {"a": "1"})).meta["resourceVersion"]
    client.lay(path, config_map("m", {"a": "2"}))
    assert is_status(client.lay(path, config_map("m", {"a": "3"}, resourceVersion=old)), 409, "Conflict")
    assert is_status(client.lay(path, config_map("m", {"a": "3"}, uid="1")), 422, "Invalid")
