"""The client that writes: what it says of each answer, on the practice cluster and on a real API server."""

from __future__ import annotations

import pytest

from contract.servers import CRDS, GROUP, Json, Space, config_map, custom, definition, deployment
from contract.target_help import as_client
from migrate.cluster.outcome import Applied, Conflict, Deleted, Reason, Rejected
from migrate.cluster.port import Target
from migrate.cluster.target import KubeTarget
from migrate.model.path import parse
from migrate.model.ref import Ref

CANARY = "c4n4ry-of-a-secret"


@pytest.fixture
def target(space: Space) -> KubeTarget:
    return as_client(space.client)


def within(space: Space, body: Json) -> Json:
    return body | {"metadata": {**body["metadata"], "namespace": space.name}}


def cm(space: Space, name: str = "m", data: Json | None = None, **metadata: object) -> Json:
    return within(space, config_map(name, data, **metadata))


def ref(space: Space, name: str = "m", kind: str = "ConfigMap") -> Ref:
    return Ref("", kind, space.name, name)


def test_it_is_a_target(target: KubeTarget) -> None:
    one: Target = target
    assert {kind.kind for kind in one.kinds()} >= {"ConfigMap", "Deployment"}


def test_apply_makes_then_changes_then_does_nothing(space: Space, target: KubeTarget) -> None:
    made = target.apply(cm(space, data={"a": "1"}))
    assert isinstance(made, Applied) and made.created and not made.repeated
    assert target.get(ref(space)) == made.body
    assert space.client.read(space.maps("m")).owners == {"gke2eks/Apply": {"f:data": {"f:a": {}}}}
    changed = target.apply(cm(space, data={"a": "2"}))
    assert isinstance(changed, Applied) and not changed.created and changed.body["data"] == {"a": "2"}
    again = target.apply(cm(space, data={"a": "2"}))
    assert isinstance(again, Applied) and again.body == changed.body


def test_a_second_manager(space: Space, target: KubeTarget) -> None:
    target.apply(within(space, deployment("d", replicas=3, paused=True)))
    only = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 3}}
    assert isinstance(target.apply(within(space, only), manager="gke2eks-replicas"), Applied)
    dropped = target.apply(within(space, deployment("d", paused=True)))
    assert isinstance(dropped, Applied) and dropped.body["spec"]["replicas"] == 3


def test_get_of_nothing(space: Space, target: KubeTarget) -> None:
    assert target.get(ref(space, "none")) is None
    assert target.get(Ref("nobody.dev", "Thing", space.name, "m")) is None
    assert target.get(Ref("", "ConfigMap", f"{space.name}-none", "m")) is None


def test_a_dry_run_leaves_nothing(space: Space, target: KubeTarget) -> None:
    would = target.dry_run(cm(space, data={"a": "1"}))
    assert isinstance(would, Applied) and would.created and would.body["data"] == {"a": "1"}
    assert target.get(ref(space)) is None


def test_no_namespace(space: Space, target: KubeTarget) -> None:
    body = config_map("m", namespace=f"{space.name}-none")
    for found in (target.apply(body), target.dry_run(body), target.create(body)):
        assert isinstance(found, Rejected) and found.reason is Reason.NO_NAMESPACE
        assert found.message == f'namespaces "{space.name}-none" not found'


def test_no_such_kind(target: KubeTarget) -> None:
    found = target.apply({"apiVersion": "nobody.dev/v1", "kind": "Thing", "metadata": {"name": "m"}})
    assert isinstance(found, Rejected) and found.reason is Reason.UNSERVED
    assert found.message == "the target does not serve Thing of nobody.dev"


def test_no_such_version(space: Space, target: KubeTarget) -> None:
    found = target.apply(within(space, deployment("d")) | {"apiVersion": "apps/v1beta1"})
    assert isinstance(found, Rejected) and found.reason is Reason.UNSERVED


def test_a_kind_whose_definition_came_later(space: Space, target: KubeTarget) -> None:
    """The list of kinds was read before; nobody waits between the definition and the object."""
    kind = f"Late{space.name.replace('-', '')}".capitalize()
    body = within(space, custom(kind, "a", spec={"x": 1}))
    crd = definition(kind, {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    crd["metadata"]["name"] = f"{kind.lower()}s.{GROUP}"
    assert target.get(ref(space)) is None
    assert isinstance(target.apply(crd), Applied)
    made = target.apply(body)
    assert isinstance(made, Applied) and made.created
    space.client.drop(f"{CRDS}/{kind.lower()}s.{GROUP}")


def test_a_label_that_no_server_takes(space: Space, target: KubeTarget) -> None:
    found = target.apply(cm(space, labels={"gke2eks/UNDECIDED!": ""}))
    assert isinstance(found, Rejected) and found.reason is Reason.INVALID
    assert [one.field for one in found.faults] == ["metadata.labels"]
    assert "name part must consist of" in found.faults[0].message


def test_a_conflict_says_who_where_and_what(space: Space, target: KubeTarget) -> None:
    theirs = cm(space, data={"a": "1", "x.y": "1"}, annotations={"a.b/c.d": "1"})
    target.apply(theirs, manager="other")
    found = target.apply(cm(space, data={"a": "2", "x.y": "2", "x": "2"}, annotations={"a.b/c.d": "2"}))
    assert isinstance(found, Conflict)
    assert [(str(one.path), one.manager, one.theirs, one.ours) for one in found.causes] == [
        ("data.a", "other", "1", "2"),
        ('data["x.y"]', "other", "1", "2"),
        ('metadata.annotations["a.b/c.d"]', "other", "1", "2"),
    ]
    assert all(parse(str(one.path)) == one.path for one in found.causes)
    assert space.client.read(space.maps("m")).body["data"] == theirs["data"]
    assert isinstance(target.dry_run(cm(space, data={"a": "3"})), Conflict)


def test_a_conflict_inside_lists(space: Space, target: KubeTarget) -> None:
    body = deployment("d", replicas=2)
    main = body["spec"]["template"]["spec"]["containers"][0]
    main["ports"] = [{"name": "web", "containerPort": 80}]
    assert space.client.post(space.deployments(), body, fieldManager="kubectl-client-side-apply").code == 201
    mine = deployment("d", replicas=3)
    mine["spec"]["template"]["spec"]["containers"][0] |= {
        "image": "other",
        "ports": [{"name": "w", "containerPort": 80}],
    }
    found = target.apply(within(space, mine))
    assert isinstance(found, Conflict)
    at = "spec.template.spec.containers[name=main]"
    causes = {str(one.path): one for one in found.causes}
    assert causes.keys() >= {"spec.replicas", f"{at}.image"}
    assert {(one.manager, one.version) for one in found.causes} == {("kubectl-client-side-apply", "apps/v1")}
    assert (causes["spec.replicas"].theirs, causes["spec.replicas"].ours) == (2, 3)
    assert (causes[f"{at}.image"].theirs, causes[f"{at}.image"].ours) == ("registry.invalid/a:1", "other")
    port = next(one for path, one in causes.items() if path.endswith(".name") and "ports" in path)
    assert (port.theirs, port.ours) == ("web", "w")


def test_a_conflict_with_the_whole_of_a_plain_list(space: Space, target: KubeTarget) -> None:
    target.apply(
        within(space, custom("Typed", "a", spec={"plain": ["1"], "items": [{"name": "a", "v": "1"}]})), manager="x"
    )
    found = target.apply(within(space, custom("Typed", "a", spec={"plain": ["2"], "items": [{"name": "a", "v": "2"}]})))
    assert isinstance(found, Conflict)
    values = {str(one.path): (one.theirs, one.ours) for one in found.causes}
    assert values == {"spec.plain": (["1"], ["2"]), "spec.items[name=a].v": ("1", "2")}


def test_force(space: Space, target: KubeTarget) -> None:
    target.apply(cm(space, data={"a": "1"}), manager="other")
    found = target.apply(cm(space, data={"a": "2"}), force=True)
    assert isinstance(found, Applied) and found.body["data"] == {"a": "2"}


def test_create_only_what_is_not_there(space: Space, target: KubeTarget) -> None:
    made = target.create(cm(space, data={"a": "1"}))
    assert isinstance(made, Applied) and made.created
    found = target.create(cm(space, data={"a": "2"}))
    assert isinstance(found, Rejected) and found.reason is Reason.EXISTS
    assert target.get(ref(space)) == made.body


def test_delete_only_what_was_read(space: Space, target: KubeTarget) -> None:
    made = target.apply(cm(space, data={"a": "1"}))
    assert isinstance(made, Applied)
    version, uid = made.body["metadata"]["resourceVersion"], made.body["metadata"]["uid"]
    for wrong in ((version, "another"), ("1", uid)):
        found = target.delete(ref(space), *wrong)
        assert isinstance(found, Rejected) and found.reason is Reason.CHANGED
        assert target.get(ref(space)) == made.body
    assert target.delete(ref(space), version, uid) == Deleted(gone=True)
    assert target.get(ref(space)) is None
    found = target.delete(ref(space), version, uid)
    assert isinstance(found, Rejected) and found.reason is Reason.ABSENT


@pytest.mark.parametrize("missing", [("", "uid"), ("1", "")])
def test_no_delete_without_both_preconditions(space: Space, target: KubeTarget, missing: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="version and uid"):
        target.delete(ref(space), *missing)


def test_what_finalizers_hold_is_not_gone(space: Space, target: KubeTarget) -> None:
    made = target.apply(cm(space, finalizers=["gke2eks.dev/test"]))
    assert isinstance(made, Applied)
    meta = made.body["metadata"]
    assert target.delete(ref(space), meta["resourceVersion"], meta["uid"]) == Deleted(gone=False)
    held = target.get(ref(space))
    assert held is not None and held["metadata"]["deletionTimestamp"]
    space.client.change(space.maps("m"), {"metadata": {"finalizers": []}})
    assert target.get(ref(space)) is None


def test_an_apply_to_what_is_being_deleted_says_so(space: Space, target: KubeTarget) -> None:
    """The server takes it without a word, and the object goes all the same."""
    body = cm(space, data={"a": "1"}, finalizers=["gke2eks.dev/test"])
    made = target.apply(body)
    assert isinstance(made, Applied) and not made.ending
    target.delete(ref(space), made.body["metadata"]["resourceVersion"], made.body["metadata"]["uid"])
    late = target.apply(body | {"data": {"a": "2"}})
    assert isinstance(late, Applied) and late.ending and late.body["data"] == {"a": "2"}
    space.client.change(space.maps("m"), {"metadata": {"finalizers": []}})
    assert target.get(ref(space)) is None


def test_a_namespace_that_empties_itself_is_not_gone(space: Space, target: KubeTarget) -> None:
    name = f"{space.name}-goes"
    made = target.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    assert isinstance(made, Applied)
    live = target.get(Ref("", "Namespace", "", name))
    assert live is not None
    found = target.delete(Ref("", "Namespace", "", name), live["metadata"]["resourceVersion"], live["metadata"]["uid"])
    assert found == Deleted(gone=False) or getattr(found, "reason", None) is Reason.CHANGED


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_is_another_path_is_never_sent(space: Space, target: KubeTarget, name: str) -> None:
    """DELETE …/configmaps/.. would be DELETE of the namespace."""
    for found in (
        target.apply(cm(space, name)),
        target.create(cm(space, name)),
        target.delete(ref(space, name), "1", "u"),
    ):
        assert isinstance(found, Rejected) and found.reason is Reason.INVALID
    body = config_map("m", namespace="..")
    assert isinstance(target.apply(body), Rejected)
    live = target.get(Ref("", "Namespace", "", space.name))
    assert live is not None and "deletionTimestamp" not in live["metadata"]


@pytest.mark.parametrize("name", ["a/b", "a%2Fb", "a?b=c", "../x"])
def test_an_odd_name_reaches_no_other_object(space: Space, target: KubeTarget, name: str) -> None:
    found = target.apply(cm(space, name, {"a": "1"}))
    assert isinstance(found, Rejected) and found.reason in (Reason.INVALID, Reason.ABSENT, Reason.UNSERVED)
    names = {one["metadata"]["name"] for one in space.client.read(space.maps()).body["items"]}
    assert names <= {"kube-root-ca.crt"}


def test_names_of_rbac(space: Space, target: KubeTarget) -> None:
    name = f"system:{space.name}:a b"
    made = target.apply(
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}
    )
    assert isinstance(made, Applied), made
    meta = made.body["metadata"]
    assert meta["name"] == name
    role = Ref("rbac.authorization.k8s.io", "ClusterRole", "", name)
    assert target.get(role) == made.body
    assert target.delete(role, meta["resourceVersion"], meta["uid"]) == Deleted(gone=True)


def test_every_character_arrives(space: Space, target: KubeTarget) -> None:
    """A server reads an apply as YAML, which refuses some characters and makes a space of U+0085."""
    odd = "".join(map(chr, [*range(0x0, 0x250), 0x2028, 0x2029, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF, 0x1F600, 0x10FFFF]))
    data = {"all": odd, "end": "a\x85", "start": "\x85a", "yaml": "- a: 'b' # \"c\"\n\t...\n---\n", "yes": "no"}
    made = target.apply(cm(space, data=data))
    assert isinstance(made, Applied), made
    assert made.body["data"] == data
    assert target.get(ref(space)) == made.body


def secret(space: Space, value: object) -> Json:
    return within(space, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": value}})


def test_of_a_secret_nothing_is_shown(space: Space, target: KubeTarget) -> None:
    made = target.apply(secret(space, CANARY), manager="other")
    assert isinstance(made, Applied) and CANARY not in repr(made)
    first = within(space, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "YQ=="}})
    target.apply(first, manager="third", force=True)
    second = {**first, "data": {"k": "YzRuNHJ5"}}
    found = target.apply(second)
    assert isinstance(found, Conflict)
    assert {(one.theirs, one.ours) for one in found.causes if one.path[0] == "data"} == {
        ("(secret, 4 characters)", "(secret, 8 characters)")
    }


def test_many_threads(space: Space, target: KubeTarget) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: target.apply(cm(space, f"m{n}", {"a": "1"})), range(40)))
    assert all(isinstance(one, Applied) and one.created for one in found)
    assert all(target.get(ref(space, f"m{n}")) for n in range(40))
