"""Least privilege is enough, and nothing of it is too much: tried with users who have exactly that."""

from __future__ import annotations

import pytest
from contract.target_help import as_client
from rig.controlplane import ControlPlane
from rig.users import limited
from rights_help import applier, from_printed, with_needs
from rights_plans import a_plan
from shapes_help import eventually

from migrate.cluster.outcome import Applied, Reason, Rejected
from migrate.cluster.port import Target
from migrate.errors import Forbidden
from migrate.flow.rights import rights, rights_for
from migrate.flow.view import View
from migrate.model.checks import Check, Status
from migrate.model.ref import Ref
from migrate.semantics.going import Going
from migrate.semantics.target_rights import Need, needed
from migrate.semantics.target_role import powers

SPACE = "rights"
RBAC, ADMISSION = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"
BOUND = Ref(ADMISSION, "ValidatingAdmissionPolicyBinding", "", "rights")
PLAN = """
{apiVersion: v1, kind: Namespace, metadata: {name: rights}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: rights}, data: {k: v}}
---
{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: rights}, stringData: {k: v}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: rights}}
---
{apiVersion: v1, kind: Service, metadata: {name: a, namespace: rights}, spec: {selector: {app: a}, ports: [{port: 80}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: rights}
spec:
  replicas: 0
  selector: {matchLabels: {app: a}}
  template: {metadata: {labels: {app: a}}, spec: {serviceAccountName: a, containers: [{name: a, image: a}]}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a, namespace: rights}
spec: {maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}}
---
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: rights}, provisioner: ebs.csi.aws.com}
---
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: rights}, spec: {controller: a/b}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a, namespace: rights}
spec: {podSelector: {}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: covered, namespace: rights}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list, patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: more, namespace: rights}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [delete]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "rights:more"}
rules: [{apiGroups: [""], resources: [pods/eviction], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "rights:sum"}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {rights: nobody}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: a, namespace: rights}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: covered}
subjects: [{kind: ServiceAccount, name: a, namespace: rights}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: edits, namespace: rights}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: a, namespace: rights}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "rights:more"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "rights:more"}
subjects: [{kind: ServiceAccount, name: a, namespace: rights}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: rights}
spec:
  paramKind: {apiVersion: v1, kind: LimitRange}
  matchConstraints:
    resourceRules: [{apiGroups: [rights.example], apiVersions: [v1], resources: [none], operations: [CREATE]}]
  validations: [{expression: "true"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: rights}
spec:
  policyName: rights
  validationActions: [Audit]
  paramRef: {name: a, namespace: rights, parameterNotFoundAction: Allow}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.rights.example}
spec:
  group: rights.example
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
"""


@pytest.fixture(scope="module")
def goes() -> Going:
    return a_plan(*PLAN.split("---"))


def found(target: Target, goes: Going) -> list[Check]:
    return [check for check in rights(target, goes, View(target)) if check.status is not Status.PASS]


def ready(target: Target, goes: Going, missing: int) -> list[Check]:
    """The authorizer hears of new bindings a moment later."""
    looked: list[Check] = []

    def look() -> bool:
        looked[:] = found(target, goes)
        return len(looked) == missing

    eventually(look)
    return looked


@pytest.mark.parametrize("everywhere", [False, True], ids=["in its namespaces", "cluster-wide"])
def test_the_printed_roles_are_enough(control_plane: ControlPlane, goes: Going, everywhere: bool) -> None:
    target = as_client(applier(control_plane, goes, everywhere=everywhere).client)
    assert ready(target, goes, 0) == []
    tried = {ref: target.dry_run(body) for ref, body in goes.bodies.items()}
    # Before its policy is there, a binding with parameters is refused to whoever may not read everything.
    assert [ref.kind for ref, said in tried.items() if not isinstance(said, Applied)] == [BOUND.kind]
    elsewhere = {**goes.bodies[Ref("", "ConfigMap", SPACE, "a")], "metadata": {"name": "a", "namespace": "kube-system"}}
    assert isinstance(target.dry_run(elsewhere), Applied) == everywhere
    for need in needed(goes):
        if need.verb == "list" and any((kind.group, kind.kind) == (need.group, need.kind) for kind in target.kinds()):
            assert View(target).of(need.group, need.kind).why == ""


def test_everything_is_written_with_them(fresh_control_plane: ControlPlane, goes: Going) -> None:
    target = as_client(applier(fresh_control_plane, goes).client)
    assert ready(target, goes, 0) == []
    for wave in goes.plan.waves:
        written = {ref: target.apply(goes.bodies[ref]) for ref in wave}
        assert {ref: said for ref, said in written.items() if not isinstance(said, Applied)} == {}


WITHOUT = {"list": "PRE050", "get": "PRE050", "create": "PRE051", "patch": "PRE051"}


@pytest.mark.parametrize("verb", WITHOUT)
def test_each_verb_is_needed_for_each_kind(control_plane: ControlPlane, goes: Going, verb: str) -> None:
    needs = needed(goes)
    taken = {need for need in needs if need.verb == verb and not need.for_checks and need.group != RBAC}
    taken -= {Need("create", "", "Namespace", name=SPACE)}  # an admin made it
    target = as_client(with_needs(control_plane, goes, set(needs) - taken).client)
    checks: list[Check] = []

    def settled() -> bool:
        checks[:] = found(target, goes)
        return {check.id for check in checks} == {WITHOUT[verb]}

    assert eventually(settled), checks
    assert {ref for check in checks for ref in check.refs} >= {ref for need in taken for ref in need.refs}
    assert all(verb in check.message and "access target" in check.fix for check in checks)
    for need in taken:
        # A binding whose policy is not there is refused for that, before anything else.
        assert BOUND in need.refs or refused(target, need, goes), need


def refused(target: Target, need: Need, goes: Going) -> bool:
    if need.verb == "list":
        return "may not list" in View(target).of(need.group, need.kind).why
    if need.verb == "get":
        with pytest.raises(Forbidden):
            target.get(next(iter(need.refs), Ref(need.group, need.kind, "", "kube-system")))
        return True
    said = [target.dry_run(goes.bodies[ref]) for ref in need.refs]
    return all(isinstance(one, Rejected) and one.reason is Reason.FORBIDDEN for one in said)


def granting(goes: Going, verb: str) -> list[Need]:
    return [need for need in needed(goes) if need.verb == verb]


def test_escalate_is_asked_for_where_a_role_grants_more(control_plane: ControlPlane, goes: Going) -> None:
    taken = granting(goes, "escalate")
    assert [str(ref) for need in taken for ref in need.refs] == [
        "ClusterRole/rights:more",
        "ClusterRole/rights:sum",
        "Role/rights/more",
    ]
    target = as_client(with_needs(control_plane, goes, set(needed(goes)) - set(taken)).client)
    assert {check.id for check in ready(target, goes, 2)} == {"PRE052"}
    for need in taken:
        (ref,) = need.refs
        said = target.dry_run(goes.bodies[ref])
        assert isinstance(said, Rejected) and said.reason in (Reason.ESCALATION, Reason.ADMISSION)


def test_bind_is_asked_for_by_the_names_of_roles(control_plane: ControlPlane, goes: Going) -> None:
    taken = granting(goes, "bind")
    target = as_client(with_needs(control_plane, goes, set(needed(goes)) - set(taken)).client)
    looked = ready(target, goes, 3)
    # The roles that are only in the plan: nobody can tell before they are there. That of the cluster was tried.
    assert sorted((check.status.value, check.refs[0].name) for check in looked) == [
        ("finding", "edits"),
        ("unknown", "a"),
        ("unknown", "rights:more"),
    ]
    for need in taken:
        (ref,) = need.refs
        said = target.dry_run(goes.bodies[ref])
        assert isinstance(said, Rejected) and said.reason in (Reason.ESCALATION, Reason.ABSENT)


def test_who_has_it_all_needs_neither(control_plane: ControlPlane, goes: Going) -> None:
    """Every right but escalate and bind: what roles grant is theirs already."""
    verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate"]
    everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": verbs}]
    target = as_client(limited(control_plane, everything).client)
    looked = ready(target, goes, 3)
    # To sum up roles takes all verbs; and bindings to roles that are not there yet cannot be tried.
    assert sorted((check.id, check.status.value) for check in looked) == [
        ("PRE052", "finding"),
        ("PRE053", "unknown"),
        ("PRE053", "unknown"),
    ]
    admin = as_client(control_plane.client())
    assert found(admin, goes) == []


def test_who_may_nothing_is_told_all_of_it(control_plane: ControlPlane, goes: Going) -> None:
    target = as_client(limited(control_plane, []).client)
    looked = found(target, goes)
    assert {check.id for check in looked} == {"PRE050", "PRE051", "PRE052", "PRE053", "PRE054"}
    assert {ref for check in looked if check.id == "PRE051" for ref in check.refs} == set(goes.bodies)


def test_a_new_namespace_is_tried_in_default(control_plane: ControlPlane) -> None:
    new = a_plan(*PLAN.replace("rights}", "rights-new}").split("---"))
    admin = View(as_client(control_plane.client()))
    spaces = {need.namespace for need in rights_for(new, admin)}
    assert "default" in spaces and "rights-new" in spaces


def test_the_text_itself_is_what_an_admin_applies(control_plane: ControlPlane, goes: Going) -> None:
    from migrate.flow.access import access_objects
    from migrate.manifest import text
    from migrate.semantics.target_rights import plurals_of

    objects = access_objects(needed(goes), plurals_of(goes))
    printed = "\n---\n".join(text.dump(one) for one in objects)
    assert ready(as_client(from_printed(control_plane, printed).client), goes, 0) == []
    for one in objects:
        if one["kind"] != "Namespace":
            assert isinstance(as_client(control_plane.client()).dry_run(one), Applied)


def test_without_what_makes_an_admin_nobody_becomes_one(control_plane: ControlPlane, goes: Going) -> None:
    made = powers(goes, needed(goes))
    assert {str(ref) for power in made for ref in power.refs} == {"ClusterRole/rights:more", "ClusterRole/rights:sum"}
