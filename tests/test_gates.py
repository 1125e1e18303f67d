"""Who waits for whose readiness."""

from __future__ import annotations

import random
from typing import Any

import pytest
import yaml

from migrate.flow.plan import tables
from migrate.manifest.kinds import CLUSTER_SCOPED
from migrate.manifest.waves import waves
from migrate.model.decided import Decided
from migrate.model.effects import Cause
from migrate.model.objects import Object
from migrate.model.plan import Fate, Plan, Standing, Step
from migrate.model.ref import Ref, group_of
from migrate.planner import plan
from migrate.reading import read
from migrate.semantics.controllers import controllers
from migrate.semantics.gates import Gates, gates

CRD = "apiextensions.k8s.io/v1 CustomResourceDefinition"


def a_ref(what: str, name: str = "me", space: str = "ns") -> Ref:
    version, kind = what.split()
    group = group_of(version)
    cluster = (group, kind) in CLUSTER_SCOPED
    return Ref(group, kind, "" if cluster else space, name)


def obj(what: str, name: str, text: str = "{}", space: str = "ns") -> Object:
    ref = a_ref(what, name, space)
    metadata = {"name": name} | ({"namespace": ref.namespace} if ref.namespace else {})
    return Object(ref, {"apiVersion": what.split()[0], "kind": ref.kind, "metadata": metadata, **yaml.safe_load(text)})


def a_plan(*objects: Object, by_hand: tuple[Ref, ...] = ()) -> Plan:
    def step(ref: Ref, body: Any, fate: Fate) -> Step:
        return Step(ref, "v1", fate, Cause.RULE, Standing.READY, "", None, body, (), ())

    steps = [step(one.ref, one.body, Fate.MIGRATE) for one in objects]
    steps += [step(ref, None, Fate.MANUAL) for ref in by_hand]
    order = waves([one.ref for one in objects])
    return Plan("standard", "", "", "", {}, tuple(steps), (), (), (), (), (), order, "")


def said(found: Gates) -> dict[str, list[str]]:
    return {ref.short: [to.short for to in waits] for ref, waits in found.waits.items()}


DEPLOYMENT = """
spec:
  template:
    metadata: {labels: {app: NAME}}
    spec:
      serviceAccountName: NAME
      containers: [{name: a, envFrom: [{configMapRef: {name: NAME}}]}]
      volumes: [{name: v, persistentVolumeClaim: {claimName: NAME}}]
"""


def deployment(name: str = "api") -> Object:
    return obj("apps/v1 Deployment", name, DEPLOYMENT.replace("NAME", name))


def test_gates_follow_references_to_what_is_written_earlier() -> None:
    found = gates(
        a_plan(
            obj("v1 Namespace", "ns"),
            obj("v1 ConfigMap", "api"),
            obj("v1 PersistentVolumeClaim", "api", "spec: {storageClassName: gp3}"),
            obj("storage.k8s.io/v1 StorageClass", "gp3"),
            obj("v1 Service", "api", "spec: {selector: {app: api}}"),
            deployment(),
            deployment("sibling"),
            obj(
                "autoscaling/v2 HorizontalPodAutoscaler",
                "api",
                "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}}",
            ),
            obj("policy/v1 PodDisruptionBudget", "api", "spec: {selector: {matchLabels: {app: api}}}"),
            obj("networking.k8s.io/v1 Ingress", "api", "spec: {defaultBackend: {service: {name: api}}}"),
            obj("networking.k8s.io/v1 NetworkPolicy", "api", "spec: {podSelector: {matchLabels: {app: api}}}"),
        )
    )
    assert said(found) == {
        "ConfigMap/api": ["Namespace/ns"],
        "PersistentVolumeClaim/api": ["Namespace/ns", "StorageClass/gp3"],
        "Service/api": ["Namespace/ns"],  # not the pods that wait for nothing but it
        "Deployment/api": ["ConfigMap/api", "Namespace/ns", "PersistentVolumeClaim/api"],
        "Deployment/sibling": ["Namespace/ns"],
        "HorizontalPodAutoscaler/api": ["Namespace/ns", "Deployment/api"],
        "Ingress/api": ["Namespace/ns", "Service/api"],
        "NetworkPolicy/api": ["Namespace/ns"],
        "PodDisruptionBudget/api": ["Namespace/ns", "Deployment/api"],
    }
    assert found.broken == ()
    api = a_ref("apps/v1 Deployment", "api")
    assert {ref.short for ref in found.stopped_by([api])} == {"HorizontalPodAutoscaler/api", "PodDisruptionBudget/api"}
    claim = a_ref("v1 PersistentVolumeClaim", "api")
    stopped = found.stopped_by([claim])
    assert {ref.kind for ref in stopped} == {"Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget"}
    assert set(stopped.values()) == {claim}


def test_what_a_person_moves_by_hand_is_waited_for_too() -> None:
    secret = a_ref("v1 Secret", "api")
    pod = obj("v1 Pod", "p", "spec: {containers: [{name: a, envFrom: [{secretRef: {name: api}}]}]}")
    assert said(gates(a_plan(pod, by_hand=(secret,)))) == {"Pod/p": ["Secret/api"]}
    assert said(gates(a_plan(pod))) == {}


WEBHOOK = """
webhooks:
- clientConfig: {service: {namespace: ns, name: op}}
  rules: [{apiGroups: [GROUP]}]
"""
OPERATOR = f"""
- [{CRD}, things, {{spec: {{group: example.com, names: {{kind: Thing, plural: things}}}}}}]
- [v1 ServiceAccount, op, {{}}]
- [rbac.authorization.k8s.io/v1 ClusterRole, op,
   {{rules: [{{apiGroups: [example.com], resources: [things/status], verbs: [update]}}]}}]
- [rbac.authorization.k8s.io/v1 ClusterRoleBinding, op,
   {{roleRef: {{kind: ClusterRole, name: op}}, subjects: [{{kind: ServiceAccount, name: op, namespace: ns}}]}}]
- [v1 Service, op, {{spec: {{selector: {{app: op}}}}}}]
- [example.com/v1 Thing, thing, {{}}]
"""


def operator(*more: Object) -> tuple[Object, ...]:
    return (*(obj(what, name, str(body)) for what, name, body in yaml.safe_load(OPERATOR)), deployment("op"), *more)


def test_custom_resources_wait_for_their_definition_and_their_controller() -> None:
    found = gates(a_plan(*operator()))
    thing = a_ref("example.com/v1 Thing", "thing")
    waits = {to.short: why for to, why in found.waits[thing].items()}
    assert waits == {"CustomResourceDefinition/things": "definition", "Deployment/op": "controller"}
    assert found.stopped_by([a_ref("apps/v1 Deployment", "op")]) == {thing: a_ref("apps/v1 Deployment", "op")}


@pytest.mark.parametrize(
    "rule",
    [
        "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}",
        "{apiGroups: [example.com], resources: [things], verbs: [create, update]}",
        "{apiGroups: [example.com], resources: [things/status], verbs: [get]}",
        "{apiGroups: [other.com], resources: [things/status], verbs: [update]}",
    ],
)
def test_who_may_only_write_specs_or_everything_is_no_controller(rule: str) -> None:
    parts = [one for one in operator() if one.ref.kind != "ClusterRole"]
    role = obj("rbac.authorization.k8s.io/v1 ClusterRole", "op", f"rules: [{rule}]")
    assert controllers([*parts, role]) == {}
    assert list(controllers(operator())) == [("example.com", "Thing")]


def test_webhooks_and_api_services_wait_for_the_pods_behind_them() -> None:
    hook = obj(
        "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration", "op", WEBHOOK.replace("GROUP", "example.com")
    )
    wide = obj("admissionregistration.k8s.io/v1 MutatingWebhookConfiguration", "op", WEBHOOK.replace("GROUP", "'*'"))
    api = obj(
        "apiregistration.k8s.io/v1 APIService",
        "v1.example.com",
        "spec: {group: example.com, service: {namespace: ns, name: op}}",
    )
    found = said(gates(a_plan(*operator(hook, wide, api))))
    for one in (hook, wide, api):
        assert found[one.ref.short] == ["Service/op", "Deployment/op"]
    assert found["Thing.example.com/thing"] == [
        "ValidatingWebhookConfiguration/op",
        "CustomResourceDefinition/things",
        "APIService/v1.example.com",
        "Deployment/op",
    ]


def test_custom_resources_wait_for_the_pods_that_convert_them() -> None:
    definition = """
    spec:
      group: example.com
      names: {kind: Thing, plural: things}
      conversion: {webhook: {clientConfig: {service: {namespace: ns, name: op}}}}
    """
    parts = [one for one in operator() if one.ref.kind not in ("CustomResourceDefinition", "ClusterRole")]
    found = gates(a_plan(*parts, obj(CRD, "things", definition)))
    waits = found.waits[a_ref("example.com/v1 Thing", "thing")]
    assert list(waits.values()) == ["definition", "conversion of its kind"]
    assert a_ref(CRD, "things") not in found.waits  # its pods may need it to start


def test_no_controller_is_waited_for_that_starts_with_what_the_object_makes() -> None:
    parts = f"""
    - [{CRD}, c, {{spec: {{group: cert-manager.io, names: {{kind: Certificate, plural: certificates}}}}}}]
    - [cert-manager.io/v1 Certificate, own, {{spec: {{secretName: op}}}}]
    - [cert-manager.io/v1 Certificate, other, {{spec: {{secretName: other}}}}]
    - [rbac.authorization.k8s.io/v1 Role, op,
       {{rules: [{{apiGroups: [cert-manager.io], resources: ["*"], verbs: ["*"]}}]}}]
    - [rbac.authorization.k8s.io/v1 RoleBinding, op,
       {{roleRef: {{kind: Role, name: op}}, subjects: [{{kind: ServiceAccount, name: op}}]}}]
    """
    made = [obj(what, name, str(body)) for what, name, body in yaml.safe_load(parts)]
    pod = "{serviceAccountName: op, volumes: [{name: v, secret: {secretName: op}}]}"
    found = gates(a_plan(*made, obj("apps/v1 Deployment", "op", f"spec: {{template: {{spec: {pod}}}}}")))
    of = {ref.name: [to.kind for to in waits] for ref, waits in found.waits.items() if ref.kind == "Certificate"}
    assert of == {"own": ["CustomResourceDefinition"], "other": ["CustomResourceDefinition", "Deployment"]}


def ring(*names: str) -> list[Object]:
    """Claims of which each is filled from the next."""
    return [
        obj("v1 PersistentVolumeClaim", name, f"spec: {{dataSourceRef: {{kind: PersistentVolumeClaim, name: {to}}}}}")
        for name, to in zip(names, (*names[1:], names[0]), strict=True)
    ]


def test_a_ring_is_cut_once_the_same_way_and_said() -> None:
    objects = ring("c", "a", "b", "d")
    first = gates(a_plan(*objects))
    (cut,) = first.broken
    assert (cut.ref.name, cut.to.name) == ("d", "c")
    assert str(cut).startswith("These wait for each other: PersistentVolumeClaim/ns/d → PersistentVolumeClaim/ns/c → ")
    assert str(cut).endswith("PersistentVolumeClaim/ns/d is written without waiting for PersistentVolumeClaim/ns/c.")
    assert len(cut.ring) == 4
    for seed in range(5):
        assert gates(a_plan(*random.Random(seed).sample(objects, 4))) == first
    assert is_acyclic(first)
    assert gates(a_plan(*ring("self"))).waits == {}


def is_acyclic(found: Gates) -> bool:
    left = {ref: set(waits) for ref, waits in found.waits.items()}
    while left:
        free = {ref for ref, waits in left.items() if not waits & left.keys()}
        if not free:
            return False
        left = {ref: waits for ref, waits in left.items() if ref not in free}
    return True


@pytest.mark.parametrize("seed", range(20))
def test_any_rings_are_cut(seed: int) -> None:
    chance = random.Random(seed)
    names = [f"n{i}" for i in range(12)]
    kind = "snapshot.storage.k8s.io/v1 VolumeSnapshot"
    objects = []
    for name in names:
        to, source = chance.choice(names), chance.choice(names)
        named = f"{{apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: {to}}}"
        objects.append(obj("v1 PersistentVolumeClaim", name, f"spec: {{dataSourceRef: {named}}}"))
        objects.append(obj(kind, name, f"spec: {{source: {{persistentVolumeClaimName: {source}}}}}"))
    found = gates(a_plan(*objects))
    assert is_acyclic(found)
    edges = sum(len(waits) for waits in found.waits.values())
    assert edges + len(found.broken) == 24
    assert gates(a_plan(*reversed(objects))) == found


@pytest.mark.parametrize("place", ["example", "corpus"])
def test_on_real_plans_gates_lead_backwards_and_in_no_ring(place: str, request: pytest.FixtureRequest) -> None:
    if place == "example":
        path = request.getfixturevalue("repo") / "examples" / "gke-cluster.json"
    else:
        path = request.getfixturevalue("shared") / "corpus" / "gke-cluster.json.gz"
    made = plan(read([str(path)], stdin=lambda: b"", needles=(), hash_key=b"test").snapshot, tables(), Decided())
    found = gates(made)
    at = {ref: index for index, wave in enumerate(made.waves) for ref in wave}
    assert found.waits and found.broken == ()
    assert is_acyclic(found)
    assert all(at.get(to, 0) <= at[ref] for ref, waits in found.waits.items() for to in waits)
