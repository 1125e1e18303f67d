"""What objects name: each edge where it is, where it is not, and where the field is odd; and the graph of it all."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from migrate.manifest.kinds import is_cluster_scoped
from migrate.manifest.places import drop, get, put
from migrate.manifest.references import Chosen, Defined, Graph, references, rows
from migrate.manifest.references.graph import by_name
from migrate.model.objects import MISSING, Object
from migrate.model.path import parse
from migrate.model.ref import Ref, group_of
from migrate.reading import read

EDGES = [
    (one["of"], one["body"], one["edge"], one["at"], one["to"])
    for one in yaml.safe_load((Path(__file__).parent / "data" / "references.yaml").read_text())
]
POD, GATE, NET, RBAC = "v1 Pod", "gateway.networking.k8s.io/v1", "networking.k8s.io/v1", "rbac.authorization.k8s.io"
ODD: tuple[Any, ...] = (None, 7, True, "", "x{{y}}", [], [7, None], {}, {"name": 7}, [{"name": None}], {7: 7}, [[[]]])


def obj(what: str, text: Any = "{}", name: str = "me", space: str = "ns") -> Object:
    version, kind = what.split()
    namespace = "" if is_cluster_scoped(group_of(version), kind) else space
    body = yaml.safe_load(text) if isinstance(text, str) else copy.deepcopy(text)
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **body.pop("metadata", {})}
    body = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
    return Object(Ref(group_of(version), kind, namespace, name), body)


def said(one: Any) -> str:
    to = one.to
    if isinstance(to, Chosen):
        text = " ".join(["pods", to.namespace, *(f"{need.key}={min(need.values)}" for need in to.selector)])
    else:
        text = f"definition of {to.kind}.{to.group}" if isinstance(to, Defined) else str(to)
    return " ".join([text, *one.keys, *(["?"] if one.optional else [])])


@pytest.mark.parametrize(("what", "text", "edge", "field", "to"), EDGES, ids=[f"{one[2]} of {one[0]}" for one in EDGES])
def test_an_edge(what: str, text: Any, edge: str, field: str, to: str) -> None:
    one = obj(what, text)
    found = [(r.kind, str(r.field), said(r)) for r in references(one)]
    assert (edge, field, to) in found
    place = parse(field)
    if field in ("kind", "metadata.name", "metadata.namespace"):
        return  # every object has these
    absent = Object(one.ref, drop(copy.deepcopy(one.body), place))
    assert (edge, field) not in [(r.kind, str(r.field)) for r in references(absent)]
    for depth in range(1, len(place) + 1):
        for value in ODD:
            body = put(copy.deepcopy(one.body), place[:depth], value)
            assert all(said(r) for r in references(Object(one.ref, body)))


def test_every_kind_of_edge_has_a_row() -> None:
    def edges(node: rows.Node) -> set[str]:
        found = {row.kind for row in node.rows}
        for child in (*node.children.values(), *([node.each] if node.each else [])):
            found |= edges(child)
        return found

    known = {kind for node in (rows.POD, *rows._KINDS.values()) for kind in edges(node)}
    assert known <= {edge for _, _, edge, _, _ in EDGES}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "kind", "key", "items", "namespace", "optional", "apiGroup"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(EDGES), _JSON, st.integers(1, 9))
def test_odd_input_never_raises(edge: tuple[str, ...], value: Any, depth: int) -> None:
    one = obj(edge[0], edge[1])
    place = parse(edge[3])[:depth]
    if get(one.body, place) is MISSING or edge[3] == "kind":
        return
    odd = Object(one.ref, put(one.body, place, value))
    list(references(odd))
    Graph([odd]).dangling()
    Graph([odd]).needed([odd.ref])


def dangling(*objects: Object) -> list[str]:
    return [f"{d.ref} {d.field} {d.key}".strip() for d in Graph(objects).dangling()]


SECRET = "{spec: {volumes: [{name: v, secret: {secretName: x, items: [{key: a}, {key: b}]}}]}}"


def test_what_is_there_does_not_dangle() -> None:
    pod = obj(POD, SECRET)
    assert dangling(pod) == ["Pod/ns/me spec.volumes[name=v].secret.secretName"]
    assert dangling(pod, obj("v1 Secret", "{data: {a: y, b: z}}", "x")) == []
    assert dangling(pod, obj("v1 Secret", "{data: {a: y}}", "x")) == [
        "Pod/ns/me spec.volumes[name=v].secret.items[1].key b"
    ]
    assert dangling(pod, obj("v1 Secret", "{data: {a: y, b: z}}", "x", "other")) != []


def test_binary_keys_and_tokens_count() -> None:
    pod = obj(
        POD,
        "{spec: {volumes: [{configMap: {name: x, items: [{key: a}]}}, "
        "{secret: {secretName: t, items: [{key: token}]}}]}}",
    )
    token = obj("v1 Secret", "{type: kubernetes.io/service-account-token}", "t")
    assert dangling(pod, obj("v1 ConfigMap", "{binaryData: {a: y}}", "x"), token) == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (POD, "{spec: {volumes: [{configMap: {name: kube-root-ca.crt, items: [{key: ca.crt}]}}]}}"),
        (POD, "{spec: {serviceAccountName: default, priorityClassName: system-node-critical}}"),
        (POD, "{spec: {runtimeClassName: gvisor}}"),
        (POD, "{spec: {volumes: [{secret: {secretName: x, optional: true}}]}}"),
        (f"{RBAC}/v1 RoleBinding", f"{{roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: view}}}}"),
        (
            f"{RBAC}/v1 ClusterRoleBinding",
            f"{{roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: 'system:auth-delegator'}}}}",
        ),
        (f"{RBAC}/v1 ClusterRoleBinding", "{subjects: [{kind: User, name: x}, {kind: Group, name: y}]}"),
        ("v1 PersistentVolumeClaim", "{spec: {storageClassName: standard-rwo}}"),
        ("v1 PersistentVolumeClaim", "{spec: {storageClassName: 'UNDECIDED: storage.classes.x'}}"),
        (f"{NET} Ingress", "{spec: {ingressClassName: gce-internal}}"),
        (f"{GATE} Gateway", "{spec: {gatewayClassName: gke-l7-rilb}}"),
        ("monitoring.googleapis.com/v1 PodMonitoring", "{}"),
        ("v1 Service", "{spec: {selector: {}}}"),
        ("v1 Service", "{spec: {type: ExternalName, selector: {app: x}}}"),
        (f"{NET} NetworkPolicy", "{spec: {podSelector: {matchLabels: {app: x}}}}"),
        (f"{NET} Ingress", "{metadata: {annotations: {cert-manager.io/issuer: i}}, spec: {tls: [{secretName: x}]}}"),
    ],
)
def test_what_every_cluster_has_does_not_dangle(what: str, text: str) -> None:
    assert dangling(obj(what, text)) == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("external-secrets.io/v1 ExternalSecret", "{}"),
        ("external-secrets.io/v1 ExternalSecret", "{metadata: {name: other}, spec: {target: {name: x}}}"),
        ("bitnami.com/v1alpha1 SealedSecret", "{}"),
        ("cert-manager.io/v1 Certificate", "{spec: {secretName: x}}"),
        ("secrets-store.csi.x-k8s.io/v1 SecretProviderClass", "{spec: {secretObjects: [7, {secretName: x}]}}"),
    ],
)
def test_a_secret_that_an_operator_makes_does_not_dangle(what: str, text: str) -> None:
    maker = obj(what, text, "x")
    assert dangling(obj(POD, SECRET), maker) == [f"{maker.ref} kind"]  # only its definition is missing


def test_pods_are_found_by_labels() -> None:
    service = obj("v1 Service", "{spec: {selector: {app: x, tier: y}}}")
    labels = "{app: x, tier: y, more: z}"
    for what in (POD, "apps/v1 Deployment", "batch/v1 CronJob", "argoproj.io/v1 Rollout"):
        text = f"{{metadata: {{labels: {labels}}}, spec: {{containers: []}}}}"
        if what != POD:
            text = f"{{spec: {{template: {text}}}}}"
        if "CronJob" in what:
            text = f"{{spec: {{jobTemplate: {text}}}}}"
        assert [d for d in dangling(service, obj(what, text, "w")) if "Service" in d] == [], what
        assert dangling(service, obj(what, text, "w", "elsewhere"))[0] == "Service/ns/me spec.selector"
    budget = "{spec: {selector: {matchExpressions: [{key: app, operator: In, values: [x, q]}]}}}"
    pod = obj(POD, f"{{metadata: {{labels: {labels}}}}}", "w")
    assert dangling(obj("policy/v1 PodDisruptionBudget", budget), pod) == []
    assert dangling(obj("policy/v1 PodDisruptionBudget", budget.replace("In", "NotIn")), pod) != []


def test_definitions_and_served_groups() -> None:
    widget = obj("acme.example/v1 Widget")
    crd = obj(
        "apiextensions.k8s.io/v1 CustomResourceDefinition", "{spec: {group: acme.example, names: {kind: Widget}}}", "w"
    )
    api = obj(
        "apiregistration.k8s.io/v1 APIService", "{spec: {group: acme.example, service: {name: s, namespace: ns}}}", "v"
    )
    assert dangling(widget) == ["Widget.acme.example/ns/me kind"] and dangling(widget, crd) == []
    assert dangling(widget, api, obj("v1 Service", "{}", "s")) == []
    assert dangling(obj("acme.example/v1 Gadget"), crd) != []


def test_a_word_that_volumes_say_is_no_class() -> None:
    claim = obj("v1 PersistentVolumeClaim", "{spec: {storageClassName: manual}}")
    assert dangling(claim) != []
    assert dangling(claim, obj("v1 PersistentVolume", "{spec: {storageClassName: manual}}", "p")) == []


def test_custom_kinds_of_cluster_scope_and_moved_groups_are_found() -> None:
    ingress = obj(f"{NET} Ingress", "{spec: {defaultBackend: {resource: {apiGroup: a.b, kind: Bucket, name: x}}}}")
    assert dangling(ingress, Object(Ref("a.b", "Bucket", "", "x"), {}))[:1] in ([], ["Bucket.a.b/x kind"])
    scaler = "{spec: {scaleTargetRef: {apiVersion: extensions/v1beta1, kind: Deployment, name: x}}}"
    assert dangling(obj("autoscaling/v2 HorizontalPodAutoscaler", scaler), obj("apps/v1 Deployment", "{}", "x")) == []


def test_what_a_selection_needs() -> None:
    deployment = obj(
        "apps/v1 Deployment",
        "{spec: {template: {spec: {serviceAccountName: a, volumes: [{persistentVolumeClaim: {claimName: c}}]}}}}",
    )
    subject = "{kind: ServiceAccount, namespace: ns, name: a}"
    binding = f"{{roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: r}}, subjects: [{subject}]}}"
    objects = [
        deployment,
        obj("v1 ServiceAccount", "{imagePullSecrets: [{name: s}]}", "a"),
        obj("v1 Secret", "{}", "s"),
        obj("v1 PersistentVolumeClaim", "{spec: {storageClassName: fast}}", "c"),
        obj("storage.k8s.io/v1 StorageClass", "{}", "fast"),
        obj("storage.k8s.io/v1 StorageClass", "{}", "slow"),
        obj(f"{RBAC}/v1 ClusterRoleBinding", binding, "b"),
        obj(f"{RBAC}/v1 ClusterRole", "{}", "r"),
        obj("v1 Namespace", "{}", "ns"),
        obj("v1 Secret", "{}", "unused"),
    ]
    needed = Graph(objects).needed([deployment.ref])
    assert {str(ref) for ref in needed} == {
        *("ServiceAccount/ns/a", "Secret/ns/s", "PersistentVolumeClaim/ns/c", "StorageClass/fast"),
        *("ClusterRoleBinding/b", "ClusterRole/r", "Namespace/ns"),
    }
    near = Graph(objects).needed([deployment.ref], lambda ref: False)
    assert {str(ref) for ref in near} == {"ServiceAccount/ns/a", "PersistentVolumeClaim/ns/c", "Namespace/ns"}
    assert Graph(objects).needed([obj("v1 Secret", "{}", "not-read").ref]) == frozenset()


def test_a_path_is_said_by_name() -> None:
    body = {"spec": {"containers": [{"name": "a", "args": ["x"]}, {"name": "b"}]}}
    assert str(by_name(body, parse("spec.containers[1].env[0]"))) == "spec.containers[name=b].env[0]"
    assert str(by_name(None, parse("spec.containers[1]"))) == "spec.containers[1]"


def test_a_whole_cluster_is_quick(shared: Path) -> None:
    source = [str(shared / "corpus" / "gke-cluster.json.gz")]
    snapshot = read(source, stdin=lambda: b"", needles=(), hash_key=b"k").snapshot
    took = []
    for _ in range(3):
        start = time.process_time()
        Graph(snapshot.objects).dangling()
        took.append(time.process_time() - start)
    assert min(took) < 0.15
