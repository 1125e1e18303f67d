"""What access target adds for --prune, --on-conflict and rollback is enough, and nothing of it is too much: each run
here is of a user who has exactly the printed roles, or those less one verb."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from contract.target_help import open_target
from policy_scenes import chosen
from rig.controlplane import ControlPlane
from rig.http import Json
from rights_help import from_printed, printed, user, verbs
from rollback_help import Life, actions, deployment, messages, obj

from migrate.cli.main import main
from migrate.errors import Forbidden, Refused
from migrate.practice import Cluster, Server
from migrate.semantics.more_rights import More

RBAC = "rbac.authorization.k8s.io"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def source() -> Iterator[str]:
    served = Server(Cluster()).start()
    yield served.url
    served.stop()


@pytest.fixture
def life(control_plane: ControlPlane, source: str, tmp_path: Path) -> Life:
    return Life(control_plane.client(), tmp_path, f"more{next(_numbers)}", open_target(source))


def secret(space: str, name: str) -> Json:
    return obj("Secret", name, space, type="Opaque", data={"password": "eA=="})


def closed(space: str) -> Json:
    return obj("NetworkPolicy", "closed", space, "networking.k8s.io/v1", spec={"podSelector": {}})


def first_and_second(life: Life) -> None:
    """Three objects leave the plan, of a kind that stays in it, of one that does not, and a Secret."""
    space = life.space
    stays = [obj("Namespace", space), obj("ConfigMap", "stays", space, data={"a": "1"}), secret(space, "login")]
    goes = [obj("ConfigMap", "old", space, data={"a": "1"}), secret(space, "old"), closed(space)]
    life.on_source(*stays[:1], secret(space, "login"), secret(space, "old"))
    life.plan(*stays, *goes)
    assert life.apply().exit == 0
    life.plan(*stays)


def left(life: Life) -> set[str]:
    kinds = (("v1", "ConfigMap", "old"), ("v1", "Secret", "old"), ("networking.k8s.io/v1", "NetworkPolicy", "closed"))
    return {kind for version, kind, name in kinds if life.get(version, kind, name)}


def test_prune_with_what_is_printed(control_plane: ControlPlane, life: Life) -> None:
    first_and_second(life)
    text = printed(life, More(prune=True))
    assert "delete" in verbs(text) and "update" not in verbs(text) and "adds get and DELETE, by name, of 3" in text
    report = life.apply(target=user(control_plane, text), prune=True, no_undo=True)
    assert report.exit == 0 and report.counts["deleted"] == 3 and left(life) == set()
    assert "--prune adds nothing" in printed(life, More(prune=True))


def test_a_second_plan_without_the_right_to_prune(control_plane: ControlPlane, life: Life) -> None:
    """The plain roles are enough for the plain run; --prune is refused before anything is written."""
    first_and_second(life)
    text = printed(life)
    assert not {"delete", "update"} & verbs(text)
    plain = user(control_plane, text)
    report = life.apply(target=plain)
    assert report.exit == 0 and report.written == 0 and report.since is not None
    kept = {one.ref.kind: one.why_kept for one in report.since.left}
    # What may be listed is seen; what may not is not taken for gone.
    assert kept == {"ConfigMap": "", "Secret": "it could not be read", "NetworkPolicy": "it could not be read"}
    with pytest.raises(Forbidden) as no:
        life.apply(target=plain, prune=True, no_undo=True)
    assert f"may not delete configmaps old in {life.space}" in no.value.details
    assert "access target --prune" in no.value.next and "Nothing was written" in no.value.next
    assert left(life) == {"ConfigMap", "Secret", "NetworkPolicy"}


@pytest.mark.parametrize(("verb", "resource"), [("delete", "secrets"), ("list", "ingresses"), ("list", "rolebindings")])
def test_prune_says_what_is_missing(control_plane: ControlPlane, life: Life, verb: str, resource: str) -> None:
    first_and_second(life)
    target = user(control_plane, printed(life, More(prune=True)), without=(verb, resource))
    with pytest.raises(Forbidden) as no:
        life.apply(target=target, prune=True, no_undo=True)
    (line,) = no.value.details
    assert line.startswith(f"may not {verb} ") and resource in line
    assert len(left(life)) == 3


def storage(name: str, kind: str) -> Json:
    return obj("StorageClass", name, "", "storage.k8s.io/v1", provisioner="a.b/c", parameters={"type": kind})


def binding(space: str, role: str) -> Json:
    who = [{"kind": "ServiceAccount", "name": "default", "namespace": space}]
    ref = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
    return obj("RoleBinding", "web", space, f"{RBAC}/v1", roleRef=ref, subjects=who)


def fixed(life: Life) -> None:
    """Each has a field that is fixed for life and is planned otherwise; one is of the whole cluster."""
    space = life.space
    life.client.apply(obj("Namespace", space), manager="platform")
    other = deployment(space, "web", 1)
    for where in (other["spec"]["selector"]["matchLabels"], other["spec"]["template"]["metadata"]["labels"]):
        where["tier"] = "b"
    pairs = [
        (deployment(space, "web", 1), other),
        (storage(space, "gp2"), storage(space, "gp3")),
        (binding(space, "view"), binding(space, "edit")),
        *(
            (
                {**secret(space, "login"), "immutable": True},
                {**secret(space, "login"), "data": {"password": "eQ=="}, "immutable": True},
            ),
        ),
    ]
    life.on_source(obj("Namespace", space), pairs[-1][1])
    for was, _ in pairs:
        life.client.create(was)
    life.plan(*(planned for _, planned in pairs))


def test_recreate_with_what_is_printed(control_plane: ControlPlane, life: Life) -> None:
    fixed(life)
    more = More(chosen("recreate"))
    text = printed(life, more)
    assert f"{life.space}-gke2eks-trial" in text and "adds DELETE, by name, of 4 objects" in text
    report = life.apply(target=user(control_plane, text), policies=more.policies, no_undo=True)
    assert report.exit == 0, report.results
    assert {one.policy for one in report.results} == {"recreate"} and len(report.results) == 4
    life.client.delete(storage(life.space, "gp3"))


def test_recreate_says_what_is_missing(control_plane: ControlPlane, life: Life) -> None:
    fixed(life)
    more = More(chosen("overwrite", f"recreate=StorageClass/{life.space}"))
    text = printed(life, more)
    deletes = [rule for doc in yaml.safe_load_all(text) for rule in doc.get("rules", ()) if "delete" in rule["verbs"]]
    assert [(rule["resources"], rule["resourceNames"]) for rule in deletes] == [(["storageclasses"], [life.space])]
    target = user(control_plane, text)
    with pytest.raises(Forbidden) as no:
        life.apply(target=target, policies=chosen("recreate"), no_undo=True)
    assert f"may not delete secrets login in {life.space}" in no.value.details and "deployments.apps" in str(
        no.value.details
    )
    assert "access target --on-conflict recreate" in no.value.next
    assert life.get("apps/v1", "Deployment", "web")
    report = life.apply(target=target, policies=more.policies, no_undo=True)
    assert actions(report)[f"StorageClass/{life.space}"] == "created" and report.counts["failed"] == 3
    life.client.delete(storage(life.space, "gp3"))


@pytest.mark.parametrize("policy", ["overwrite", "keep-target", "adopt:argocd"])
def test_what_the_other_policies_need(control_plane: ControlPlane, life: Life, policy: str) -> None:
    """An apply by force needs nothing but patch; adopt writes owners by an update."""
    space = life.space
    life.client.apply(obj("Namespace", space), manager="platform")
    life.client.apply(obj("ConfigMap", "a", space, data={"k": "theirs"}), manager="argocd")
    life.client.apply(storage(space, "gp3") | {"allowVolumeExpansion": True}, manager="argocd")
    life.plan(obj("ConfigMap", "a", space, data={"k": "ours"}), storage(space, "gp3") | {"allowVolumeExpansion": False})
    more = More(chosen(policy))
    text = printed(life, more)
    adopts = policy.startswith("adopt")
    assert ("update" in verbs(text)) is adopts and "delete" not in verbs(text)
    if adopts:
        target = user(control_plane, text, without=("update",))
        with pytest.raises(Forbidden) as no:
            life.apply(target=target, policies=more.policies)
        assert f"may not update configmaps a in {space}" in no.value.details
    report = life.apply(target=user(control_plane, text), policies=more.policies)
    assert report.exit == 0 and {one.policy for one in report.results} == {policy.partition(":")[0]}, report.results
    life.client.delete(storage(space, "gp3"))


def test_on_the_command_line(control_plane: ControlPlane, life: Life, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused in words, with exit code 4 and nothing written; with what the hint prints the same command works."""
    first_and_second(life)
    admin = ("--context", "rig", "--kubeconfig", control_plane.kubeconfig())
    key = ("--hash-key-file", life.key, "--yes")

    def run(*words: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, words)))
        caught = capsys.readouterr()
        assert "Traceback" not in caught.err
        return int(ended.value.code or 0), caught.out + caught.err

    def reach(text: str) -> tuple[object, ...]:
        return ("-w", life.ws, "--context", "rig", "--kubeconfig", from_printed(control_plane, text).kubeconfig)

    plain = reach(printed(life))
    mine = ("--wait", "none", "--exclude", "Secret/*/login")  # its value is on a source that is not named here
    for words, missing, fix in (
        (("apply", "--prune", "--no-undo", *mine), "may not delete configmaps old", "access target --prune prints it"),
        (("rollback",), "cannot get resource", "access target --rollback prints it"),
    ):
        code, said = run(*words, *plain, *key)
        said = " ".join(said.split())
        assert code == 4 and missing in said and fix in said and "Nothing was written" in said, said
    assert len(left(life)) == 3
    code, text = run("access", "target", "-w", life.ws, *admin, "--prune", "--on-conflict", "overwrite")
    assert code == 0 and "adds nothing: also what is applied by force" in text
    code, said = run("apply", "--prune", "--no-undo", *mine, *reach(text), *key)
    assert code == 0 and left(life) == set(), said
    code, text = run("access", "target", "-w", life.ws, *admin, "--rollback", "--delete-data", "Secret")
    assert code == 0 and "--rollback adds" in text


def test_where_nobody_answers_each_object_says_so(
    control_plane: ControlPlane, life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server without reviews of access: found out at the object, in words, and nothing is lost."""

    def silent(*_: object) -> None:
        raise Refused("not served", "run it again.")

    monkeypatch.setattr("migrate.flow.allowed.asked", silent)
    first_and_second(life)
    target = user(control_plane, printed(life, More(prune=True)), without=("delete", "secrets"))
    report = life.apply(target=target, prune=True, no_undo=True)
    (failed,) = [one for one in report.results if one.action.value == "failed"]
    assert failed.ref.kind == "Secret" and "cannot delete" in failed.message and "access target" in failed.fix
    assert report.exit == 1 and "Secret" in left(life)
    changed = {**obj("ConfigMap", "fixed", life.space, data={"a": "1"}), "immutable": True}
    life.client.create(changed)
    life.plan(obj("Namespace", life.space), {**changed, "data": {"a": "2"}})
    report = life.apply(target=user(control_plane, printed(life)), policies=chosen("recreate"))
    found = next(one for one in report.results if one.ref.name == "fixed")
    assert found.action.value == "failed" and "cannot delete" in found.message and report.exit == 1
    assert life.get("v1", "ConfigMap", "fixed")
    life.client.delete(changed)
    target = user(control_plane, printed(life, More(rollback=True)), without=("delete", "configmaps"))
    undone = life.rollback(target, everything=True)
    assert actions(undone)["ConfigMap/stays"] == "failed" and undone.exit == 1
    assert "cannot delete" in messages(undone)["ConfigMap/stays"]
