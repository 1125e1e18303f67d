"""Lists, pages, selectors, watches."""

import base64
import json

import pytest

from contract.servers import GROUP, Space, config_map, custom, eventually, is_status

Page = dict[str, object]


@pytest.fixture
def five(space: Space) -> Space:
    for name in "abcde":
        labels = {"n": name, "vowel": "yes"} if name in "ae" else {"n": name}
        space.client.post(space.free(), custom("Free", name) | {"metadata": {"name": name, "labels": labels}})
    return space


def names(space: Space, **query: object) -> list[str]:
    found = space.client.read(space.free(), **query)
    assert found.code == 200, found.body
    return [item["metadata"]["name"] for item in found.body["items"]]


def test_a_list_names_its_kind_and_version(five: Space) -> None:
    found = five.client.read(five.free())
    assert (found.body["kind"], found.body["apiVersion"]) == ("FreeList", f"{GROUP}/v1")
    assert found.meta["resourceVersion"].isdigit()
    assert [item["metadata"]["name"] for item in found.body["items"]] == list("abcde")


def test_items_of_built_in_lists_leave_their_kind_unsaid(space: Space) -> None:
    space.client.post(space.path("secrets"), {"metadata": {"name": "a"}})
    found = space.client.read(space.path("secrets"))
    assert found.body["kind"] == "SecretList"
    assert not {"kind", "apiVersion"} & found.body["items"][0].keys()


def test_items_of_custom_lists_say_their_kind(five: Space) -> None:
    assert five.client.read(five.free()).body["items"][0]["kind"] == "Free"


def test_a_list_in_an_absent_namespace_is_empty(space: Space) -> None:
    assert space.client.read("/api/v1/namespaces/never-made/configmaps").body["items"] == []


def test_a_list_over_all_namespaces(five: Space) -> None:
    found = five.client.read(f"/apis/{GROUP}/v1/frees", fieldSelector=f"metadata.namespace={five.name}")
    assert [item["metadata"]["name"] for item in found.body["items"]] == list("abcde")


def test_pages(five: Space) -> None:
    client, path = five.client, five.free()
    first = client.read(path, limit=2)
    assert [item["metadata"]["name"] for item in first.body["items"]] == ["a", "b"]
    assert first.meta["remainingItemCount"] == 3
    second = client.read(path, limit=2, **{"continue": first.meta["continue"]})
    assert [item["metadata"]["name"] for item in second.body["items"]] == ["c", "d"]
    third = client.read(path, limit=2, **{"continue": second.meta["continue"]})
    assert [item["metadata"]["name"] for item in third.body["items"]] == ["e"]
    assert not third.meta.get("continue") and "remainingItemCount" not in third.meta
    assert first.meta["resourceVersion"] == second.meta["resourceVersion"] == third.meta["resourceVersion"]


def test_pages_show_the_past(five: Space) -> None:
    client, path = five.client, five.free()
    token = client.read(path, limit=2).meta["continue"]
    client.drop(five.free("c"))
    client.change(five.free("d"), {"spec": {"new": 1}})
    client.post(path, custom("Free", "cc"))
    rest = client.read(path, **{"continue": token}).body["items"]
    assert [item["metadata"]["name"] for item in rest] == ["c", "d", "e"]
    assert "spec" not in rest[1]


def test_selected_pages_do_not_count_the_rest(five: Space) -> None:
    first = five.client.read(five.free(), limit=1, labelSelector="vowel")
    assert [item["metadata"]["name"] for item in first.body["items"]] == ["a"]
    assert "remainingItemCount" not in first.meta
    second = five.client.read(five.free(), limit=1, labelSelector="vowel", **{"continue": first.meta["continue"]})
    assert [item["metadata"]["name"] for item in second.body["items"]] == ["e"]


def test_a_page_from_before_the_past_was_forgotten_is_410(five: Space) -> None:
    token = five.client.read(five.free(), limit=2).meta["continue"]
    said = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    five.client.change(five.free("d"), {"spec": {"new": 1}})
    five.server.expire()
    old = base64.urlsafe_b64encode(json.dumps(said | {"rv": 2}).encode()).decode().rstrip("=")
    answer = five.client.read(five.free(), limit=2, **{"continue": old})
    assert is_status(answer, 410, "Expired")
    assert answer.message.startswith("The provided continue parameter is too old to display a consistent list result.")
    assert names(five) == list("abcde")


def test_a_token_that_is_none_is_400(five: Space) -> None:
    answer = five.client.read(five.free(), limit=2, **{"continue": "zzz"})
    assert is_status(answer, 400, "BadRequest")


def test_a_limit_that_is_no_number_is_400(space: Space) -> None:
    assert is_status(space.client.read(space.maps(), limit="x"), 400, "BadRequest")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("n=a", "a"),
        ("n==a", "a"),
        ("n!=a", "bcde"),
        ("n in (a,b)", "ab"),
        ("n notin (a, b)", "cde"),
        ("vowel", "ae"),
        ("!vowel", "bcd"),
        ("vowel=yes,n!=e", "a"),
        ("vowel notin (yes)", "bcd"),
        ("vowel!=yes", "bcd"),
        ("n in (a,b), vowel", "a"),
        ("n==", ""),
        ("", "abcde"),
    ],
)
def test_label_selectors(five: Space, selector: str, expected: str) -> None:
    assert names(five, labelSelector=selector) == list(expected)


@pytest.mark.parametrize("selector", ["n in (a", "!!", "=a", "n=a b", "n in a"])
def test_label_selectors_that_cannot_be_read_are_400(space: Space, selector: str) -> None:
    assert is_status(space.client.read(space.maps(), labelSelector=selector), 400, "BadRequest")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("metadata.name=c", "c"), ("metadata.name==c", "c"), ("metadata.name!=c", "abde"), ("metadata.namespace=x", "")],
)
def test_field_selectors(five: Space, selector: str, expected: str) -> None:
    assert names(five, fieldSelector=selector) == list(expected)


def test_field_selectors_that_cannot_be_read_are_400(space: Space) -> None:
    assert is_status(space.client.read(space.maps(), fieldSelector="foo"), 400, "BadRequest")


def test_a_watch_tells_what_happened_since_in_order(space: Space) -> None:
    client = space.client
    since = client.read(space.free()).meta["resourceVersion"]
    client.post(space.free(), custom("Free", "a"))
    client.change(space.free("a"), {"spec": {"x": 1}})
    client.lay(space.free("b"), custom("Free", "b"))
    client.drop(space.free("a"))
    with client.events(space.free(), resourceVersion=since) as events:
        seen = list(events)
    assert [(kind, body["metadata"]["name"]) for kind, body in seen] == [
        ("ADDED", "a"),
        ("MODIFIED", "a"),
        ("ADDED", "b"),
        ("DELETED", "a"),
    ]
    versions = [int(body["metadata"]["resourceVersion"]) for _, body in seen]
    assert versions == sorted(set(versions))
    assert seen[3][1]["spec"] == {"x": 1}


def test_a_watch_tells_what_happens_now(space: Space) -> None:
    since = space.client.read(space.free()).meta["resourceVersion"]
    with space.client.events(space.free(), seconds=10, resourceVersion=since) as events:
        space.client.post(space.free(), custom("Free", "a"))
        assert next(events)[0] == "ADDED"
        space.client.drop(space.free("a"))
        assert next(events)[0] == "DELETED"


def test_a_write_that_changes_nothing_tells_nobody(space: Space) -> None:
    client = space.client
    client.lay(space.free("a"), custom("Free", "a", spec={"x": 1}))
    since = client.read(space.free()).meta["resourceVersion"]
    client.lay(space.free("a"), custom("Free", "a", spec={"x": 1}))
    client.lay(space.free("a"), custom("Free", "a", spec={"x": 2}), dryRun="All")
    with client.events(space.free(), seconds=1, resourceVersion=since) as events:
        assert list(events) == []


def test_finalizers_in_a_watch(space: Space) -> None:
    client = space.client
    client.post(space.free(), custom("Free", "a") | {"metadata": {"name": "a", "finalizers": ["x.dev/y"]}})
    since = client.read(space.free()).meta["resourceVersion"]
    client.drop(space.free("a"))
    client.change(space.free("a"), {"metadata": {"finalizers": []}})
    with client.events(space.free(), seconds=1, resourceVersion=since) as events:
        assert [kind for kind, _ in events] == ["MODIFIED", "DELETED"]


def test_a_selecting_watch_sees_objects_come_and_go(five: Space) -> None:
    client = five.client
    since = client.read(five.free()).meta["resourceVersion"]
    client.change(five.free("b"), {"metadata": {"labels": {"vowel": "yes"}}})
    client.change(five.free("b"), {"spec": {"x": 1}})
    client.change(five.free("b"), {"metadata": {"labels": {"vowel": None}}})
    client.change(five.free("c"), {"spec": {"x": 1}})
    with client.events(five.free(), seconds=1, resourceVersion=since, labelSelector="vowel") as events:
        assert [(kind, body["metadata"]["name"]) for kind, body in events] == [
            ("ADDED", "b"),
            ("MODIFIED", "b"),
            ("DELETED", "b"),
        ]


def test_a_watch_without_a_version_begins_with_what_is_there(five: Space) -> None:
    with five.client.events(five.free(), seconds=1) as events:
        assert sorted((kind, body["metadata"]["name"]) for kind, body in events) == [("ADDED", n) for n in "abcde"]


def test_a_watch_of_one_object(five: Space) -> None:
    since = five.client.read(five.free()).meta["resourceVersion"]
    five.client.change(five.free("a"), {"spec": {"x": 1}})
    five.client.change(five.free("b"), {"spec": {"x": 1}})
    with five.client.events(five.free(), seconds=1, resourceVersion=since, fieldSelector="metadata.name=b") as events:
        assert [body["metadata"]["name"] for _, body in events] == ["b"]


def test_initial_events_end_with_a_bookmark(five: Space) -> None:
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    with five.client.events(five.free(), seconds=1, **query) as events:
        seen = list(events)
    assert [kind for kind, _ in seen][:6] == ["ADDED"] * 5 + ["BOOKMARK"]
    assert seen[5][1]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    refused = five.client.read(five.free(), watch="true", sendInitialEvents="true")
    assert is_status(refused, 422, "Invalid")


def test_a_watch_from_before_the_past_was_forgotten_is_410(five: Space) -> None:
    five.server.expire()
    with five.client.events(five.free(), seconds=1, resourceVersion=1) as events:
        kind, body = next(events)
    assert (kind, body["kind"], body["code"], body["reason"]) == ("ERROR", "Status", 410, "Expired")
    assert body["message"].startswith("too old resource version: 1 (")


def test_deleting_a_namespace_deletes_its_content(space: Space) -> None:
    client = space.client
    client.post(space.maps(), config_map("a"))
    client.post(space.maps(), config_map("held", finalizers=["x.dev/y"]))
    home = f"/api/v1/namespaces/{space.name}"
    gone = client.drop(home)
    assert (gone.code, gone.body["status"]["phase"]) == (200, "Terminating")
    refused = client.post(space.maps(), config_map("late"))
    assert is_status(refused, 403, "Forbidden")
    assert refused.causes == {("metadata.namespace", f"namespace {space.name} is being terminated")}
    assert is_status(client.lay(space.maps("late"), config_map("late")), 403, "Forbidden")
    eventually(lambda: client.read(space.maps("a")).code == 404, 30)
    assert client.read(home).code == 200
    client.change(space.maps("held"), {"metadata": {"finalizers": []}})
    eventually(lambda: client.read(home).code == 404, 60)
    assert client.read(space.maps()).body["items"] == []
