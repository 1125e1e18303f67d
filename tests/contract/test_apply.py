"""Server-side apply: who owns what, who may change it, what becomes of what is given up."""

import pytest

from contract.servers import Json, Space, config_map, custom, deployment, eventually, is_status

LISTS: Json = {
    "one": "1",
    "map": {"a": "1"},
    "deep": {"a": "1"},
    "items": [{"name": "a", "v": "1"}, {"name": "b"}],
    "set": ["x", "y"],
    "plain": ["1"],
    "whole": {"q": "1"},
}


def typed(**spec: object) -> Json:
    return custom("Typed", "a", **({"spec": spec} if spec else {}))


def test_apply_makes_what_is_absent(space: Space) -> None:
    made = space.client.lay(space.maps("m"), config_map("m", {"a": "1"}))
    assert made.code == 201
    assert made.owners == {"one/Apply": {"f:data": {"f:a": {}}}}
    entry = made.meta["managedFields"][0]
    assert (entry["apiVersion"], entry["fieldsType"]) == ("v1", "FieldsV1")
    assert "time" in entry
    assert space.client.lay(space.maps("m"), config_map("m", {"a": "1"})).code == 200


def test_apply_again_changes_nothing(space: Space) -> None:
    made = space.client.lay(space.typed("a"), typed(**LISTS))
    again = space.client.lay(space.typed("a"), typed(**LISTS))
    assert (again.code, again.body) == (200, made.body)


def test_owned_paths_of_every_kind_of_list(space: Space) -> None:
    made = space.client.lay(space.typed("a"), typed(**LISTS))
    assert made.owners["one/Apply"] == {
        "f:spec": {
            "f:one": {},
            "f:map": {"f:a": {}},
            "f:deep": {"f:a": {}},
            "f:items": {
                'k:{"name":"a"}': {".": {}, "f:name": {}, "f:v": {}},
                'k:{"name":"b"}': {".": {}, "f:name": {}},
            },
            "f:set": {'v:"x"': {}, 'v:"y"': {}},
            "f:plain": {},
            "f:whole": {},
        }
    }


def test_owned_paths_without_a_schema(space: Space) -> None:
    spec = {"x": {"y": 1, "l": [{"name": "q"}], "e": {}, "el": []}}
    made = space.client.lay(space.free("a"), custom("Free", "a", spec=spec))
    inner = {".": {}, "f:y": {}, "f:l": {}, "f:e": {}, "f:el": {}}
    assert made.owners["one/Apply"] == {"f:spec": {".": {}, "f:x": inner}}


def test_owned_paths_of_a_pod_template(space: Space) -> None:
    body = deployment("d", replicas=0)
    main = {"name": "main", "image": "i", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]}
    main |= {"resources": {"limits": {"cpu": "1"}}, "command": ["x"]}
    body["spec"]["template"]["spec"] = {"containers": [main], "nodeSelector": {"a": "b"}}
    made = space.client.lay(space.deployments("d"), body)
    container = {
        ".": {},
        "f:name": {},
        "f:image": {},
        "f:command": {},
        "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
        "f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}},
        "f:resources": {"f:limits": {"f:cpu": {}}},
    }
    assert made.owners["one/Apply"] == {
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:template": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {"f:nodeSelector": {}, "f:containers": {'k:{"name":"main"}': container}},
            },
        }
    }


def test_create_owns_as_update(space: Space) -> None:
    made = space.client.post(space.typed(), typed(**LISTS), fieldManager="poster")
    spec = made.owners["poster/Update"]["f:spec"]
    assert spec["."] == spec["f:items"]["."] == spec["f:map"]["."] == {}
    assert spec["f:plain"] == spec["f:whole"] == {}
    assert spec["f:items"]['k:{"name":"b"}'] == {".": {}, "f:name": {}}


def test_the_agent_owns_when_no_manager_is_named(space: Space) -> None:
    made = space.client.post(space.maps(), config_map("a", {"k": "v"}))
    assert made.owners == {"gke2eks-rig/Update": {"f:data": {".": {}, "f:k": {}}}}


def test_replace_takes_only_what_it_changes(space: Space) -> None:
    client, path = space.client, space.typed("a")
    made = client.post(space.typed(), typed(**LISTS), fieldManager="poster")
    body = typed(one="2", items=[{"name": "b", "v": "1"}], set=["y"], plain=["2"])
    body["metadata"]["resourceVersion"] = made.meta["resourceVersion"]
    done = client.put(path, body, fieldManager="putter")
    assert done.owners == {
        "putter/Update": {"f:spec": {"f:one": {}, "f:plain": {}, "f:items": {'k:{"name":"b"}': {"f:v": {}}}}},
        "poster/Update": {
            "f:spec": {
                ".": {},
                "f:items": {".": {}, 'k:{"name":"b"}': {".": {}, "f:name": {}}},
                "f:set": {".": {}, 'v:"y"': {}},
            }
        },
    }


def test_force_takes_the_fields(space: Space) -> None:
    space.client.lay(space.maps("m"), config_map("m", {"a": "1", "b": "1"}))
    done = space.client.lay(space.maps("m"), config_map("m", {"a": "2"}), "two", force=True)
    assert (done.code, done.body["data"]) == (200, {"a": "2", "b": "1"})
    assert done.owners == {"one/Apply": {"f:data": {"f:b": {}}}, "two/Apply": {"f:data": {"f:a": {}}}}


def test_force_takes_the_last_field_and_the_owner_is_gone(space: Space) -> None:
    space.client.lay(space.maps("m"), config_map("m", {"a": "1"}))
    done = space.client.lay(space.maps("m"), config_map("m", {"a": "2"}), "two", force=True)
    assert done.owners == {"two/Apply": {"f:data": {"f:a": {}}}}


def test_the_same_value_is_shared(space: Space) -> None:
    client, path = space.client, space.maps("m")
    client.lay(path, config_map("m", {"a": "1"}))
    shared = client.lay(path, config_map("m", {"a": "1"}), "two")
    assert shared.owners == {"one/Apply": {"f:data": {"f:a": {}}}, "two/Apply": {"f:data": {"f:a": {}}}}
    given_up = client.lay(path, config_map("m", {"x": "1"}))
    assert given_up.body["data"] == {"a": "1", "x": "1"}
    assert client.lay(path, config_map("m", {"y": "1"}), "two").body["data"] == {"x": "1", "y": "1"}


def test_what_an_applier_gives_up_goes(space: Space) -> None:
    client, path = space.client, space.typed("a")
    client.lay(path, typed(**LISTS))
    less = client.lay(path, typed(items=[{"name": "b"}], set=["y"], deep={"b": "2"}))
    assert less.body["spec"] == {"items": [{"name": "b"}], "set": ["y"], "deep": {"b": "2"}}
    none = client.lay(path, typed())
    assert "spec" not in none.body and "managedFields" not in none.meta


def test_what_others_own_stays(space: Space) -> None:
    client, path = space.client, space.typed("a")
    client.lay(path, typed(**LISTS))
    two = {"map": {"a": "1", "b": "2"}, "deep": {"b": "2"}, "items": [{"name": "c", "v": "1"}, {"name": "b", "v": "9"}]}
    both = client.lay(path, typed(**two, set=["z", "y"]), "two")
    assert [item["name"] for item in both.body["spec"]["items"]] == ["a", "c", "b"]
    assert both.body["spec"]["set"] == ["x", "z", "y"]
    left = client.lay(path, typed(items=[{"name": "b"}, {"name": "a"}]))
    assert left.body["spec"] == two | {"set": ["z", "y"], "items": [*two["items"], {"name": "a"}]}
    assert client.lay(path, typed()).body["spec"] == two | {"set": ["z", "y"]}


def test_what_updates_own_stays(space: Space) -> None:
    client, path = space.client, space.typed("a")
    client.lay(path, typed(deep={"a": "1"}, map={"a": "1"}))
    client.change(path, {"spec": {"deep": {"b": "2"}, "map": {"b": "2"}}}, fieldManager="patcher")
    assert client.lay(path, typed()).body["spec"] == {"deep": {"b": "2"}, "map": {"b": "2"}}


def test_labels_and_annotations_are_owned_by_key(space: Space) -> None:
    client, path = space.client, space.maps("m")
    client.lay(path, config_map("m", labels={"a": "1"}, annotations={"x": "1"}))
    done = client.lay(path, config_map("m", labels={"b": "1"}), "two")
    assert done.meta["labels"] == {"a": "1", "b": "1"}
    assert done.owners["two/Apply"] == {"f:metadata": {"f:labels": {"f:b": {}}}}
    less = client.lay(path, config_map("m"))
    assert less.meta["labels"] == {"b": "1"} and "annotations" not in less.meta


def test_finalizers_are_a_set(space: Space) -> None:
    client, path = space.client, space.maps("m")
    client.lay(path, config_map("m", finalizers=["x.dev/a"]))
    done = client.lay(path, config_map("m", finalizers=["x.dev/b"]), "two")
    assert done.meta["finalizers"] == ["x.dev/a", "x.dev/b"]
    assert done.owners["two/Apply"] == {"f:metadata": {"f:finalizers": {'v:"x.dev/b"': {}}}}
    assert client.lay(path, config_map("m")).meta["finalizers"] == ["x.dev/b"]
    client.change(path, {"metadata": {"finalizers": []}})


def test_owner_references_are_keyed_by_uid(space: Space) -> None:
    uid = space.client.post(space.maps(), config_map("owner")).meta["uid"]
    refs = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}]
    done = space.client.lay(space.maps("m"), config_map("m", ownerReferences=refs))
    assert done.owners["one/Apply"] == {"f:metadata": {"f:ownerReferences": {f'k:{{"uid":"{uid}"}}': {}}}}


def test_the_status_is_not_applied_with_the_rest(space: Space) -> None:
    client, path = space.client, space.free("a")
    done = client.lay(path, custom("Free", "a", spec={"x": 1}, status={"q": 1}))
    assert "status" not in done.body
    assert done.owners == {"one/Apply": {"f:spec": {".": {}, "f:x": {}}}}
    said = client.lay(f"{path}/status", custom("Free", "a", spec={"x": 2}, status={"q": 1}))
    assert (said.body["spec"], said.body["status"]) == ({"x": 1}, {"q": 1})
    assert said.owners["one/Apply/status"] == {"f:status": {".": {}, "f:q": {}}}
    absent = client.lay(f"{space.free('zz')}/status", custom("Free", "zz", status={}))
    assert is_status(absent, 404, "NotFound")


def test_an_object_that_nobody_owned(space: Space) -> None:
    client, path = space.client, space.maps("m")
    assert "managedFields" not in client.post(space.maps(), config_map("m")).meta
    assert "managedFields" not in client.change(path, {"data": {"a": "1"}}).meta
    answer = client.lay(path, config_map("m", {"a": "2"}))
    assert answer.causes == {(".data.a", 'conflict with "before-first-apply" using v1')}
    done = client.lay(path, config_map("m", {"a": "1"}))
    assert done.owners["before-first-apply/Update"] == {"f:data": {".": {}, "f:a": {}}}


@pytest.mark.parametrize("reset", [[], [{}]])
def test_owners_can_be_reset(space: Space, reset: list) -> None:
    space.client.lay(space.maps("m"), config_map("m", {"a": "1"}))
    done = space.client.change(space.maps("m"), {"metadata": {"managedFields": reset}})
    assert "managedFields" not in done.meta


def test_apply_and_update_of_one_name_are_two_owners(space: Space) -> None:
    client, path = space.client, space.maps("m")
    client.lay(path, config_map("m", {"a": "1"}))
    done = client.change(path, {"data": {"b": "1"}}, fieldManager="one")
    assert done.owners == {"one/Apply": {"f:data": {"f:a": {}}}, "one/Update": {"f:data": {"f:b": {}}}}
    assert [entry["operation"] for entry in done.meta["managedFields"]] == ["Apply", "Update"]


def test_an_empty_map_of_a_typed_kind_is_owned_but_not_kept(space: Space) -> None:
    done = space.client.lay(space.maps("m"), config_map("m", {}))
    assert "data" not in done.body and done.owners == {"one/Apply": {"f:data": {}}}
    answer = space.client.lay(space.maps("m"), config_map("m", {}), "two")
    assert answer.message == 'Apply failed with 1 conflict: conflict with "one": .data'


def test_giving_replicas_up_after_sharing_them(space: Space) -> None:
    """What release relies on: a field that a second manager also applied stays when the first one drops it."""
    client, path = space.client, space.deployments("d")
    client.lay(path, deployment("d", replicas=3, paused=True))
    only = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 3}}
    client.lay(path, only, "two")
    assert client.lay(path, deployment("d", paused=True)).body["spec"]["replicas"] == 3
    client.change(path, {"spec": {"replicas": 7}}, fieldManager="autoscaler")
    assert client.lay(path, deployment("d", paused=True)).body["spec"]["replicas"] == 7
    eventually(lambda: client.drop(path).code == 200)


def test_empty_labels_are_no_labels(space: Space) -> None:
    done = space.client.lay(space.free("a"), custom("Free", "a") | {"metadata": {"name": "a", "labels": {}}})
    assert "labels" not in done.meta
