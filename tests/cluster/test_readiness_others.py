"""Readiness of what runs no pods, as the real controllers write it; and reasons of the wave table, tried."""

from __future__ import annotations

import pytest
from readiness_help import becomes, body, by_hand, look, pods, pods_spec, ready_pods, space, workload
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client, Json
from shapes_help import eventually

from migrate.semantics.readiness import Failed, FirstPod, Readiness, Ready, Waiting, first_pod, readiness

__all__ = ["by_hand", "space"]


def test_claims_wait_for_their_first_pod_only(by_hand: Client, space: str) -> None:
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "ebs.csi.aws.com"}
    late = by_hand.create(kind | {"metadata": {"name": "late"}, "volumeBindingMode": "WaitForFirstConsumer"})
    now = by_hand.create(kind | {"metadata": {"name": "now"}})
    size = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}

    def claim(name: str, class_name: str) -> Json:
        return by_hand.create(body("v1 PersistentVolumeClaim", space, size | {"storageClassName": class_name}, name))

    def judged(one: Json, of: Json) -> Readiness:
        live = by_hand.get("v1", "PersistentVolumeClaim", one["metadata"]["name"], space)
        return readiness(live, claim_waits=first_pod(live, of, pods(by_hand, space)))

    waits, at_once = claim("waits", "late"), claim("at-once", "now")
    assert judged(waits, late) == Ready(settling="its first pod; its volume is made then")
    assert eventually(lambda: judged(at_once, now) == Waiting("a volume from ebs.csi.aws.com"))
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "waits"}}]
    by_hand.create(body("v1 Pod", space, pods_spec(volumes=volumes)))
    assert first_pod(waits, late, pods(by_hand, space)) is FirstPod.THERE
    assert eventually(lambda: judged(waits, late) == Waiting("a volume from ebs.csi.aws.com"))
    volume = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "now"}
    csi = {"csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"}}
    ref = {"claimRef": {"namespace": space, "name": "later"}}
    early = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "early"}, "spec": volume | csi | ref}
    # A volume that names a claim is ready before that claim is there: it is no gate in the other direction.
    becomes(by_hand, by_hand.create(early), Ready())
    later = by_hand.create(
        body("v1 PersistentVolumeClaim", space, size | {"storageClassName": "now", "volumeName": "early"}, "later")
    )
    assert eventually(lambda: judged(later, now) == Ready())


def test_services_settle_and_stop_nothing(by_hand: Client, space: str) -> None:
    inner = by_hand.create(body("v1 Service", space, {"ports": [{"port": 80}]}, "inner"))
    outer = by_hand.create(body("v1 Service", space, {"type": "LoadBalancer", "ports": [{"port": 80}]}, "outer"))
    backend = {"service": {"name": "inner", "port": {"number": 80}}}
    door = by_hand.create(body("networking.k8s.io/v1 Ingress", space, {"defaultBackend": backend}, "door"))
    assert look(by_hand, inner) == Ready()
    for one in (outer, door):
        assert look(by_hand, one) == Ready(settling="an address from the load balancer controller")
        by_hand.patch(one, {"status": {"loadBalancer": {"ingress": [{"hostname": "x.invalid"}]}}}, sub="status")
        assert look(by_hand, one) == Ready()


def test_autoscaler_and_budget(by_hand: Client, space: str) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    hpa = by_hand.create(
        body("autoscaling/v2 HorizontalPodAutoscaler", space, {"scaleTargetRef": target, "maxReplicas": 3})
    )
    selector = {"matchLabels": {"app": "web"}}
    pdb = by_hand.create(body("policy/v1 PodDisruptionBudget", space, {"minAvailable": 1, "selector": selector}))
    found = eventually(lambda: (f := look(by_hand, hpa)) and "FailedGetScale" in f.reason and f)
    assert isinstance(found, Waiting) and found.reason.startswith("its target (FailedGetScale: "), found
    becomes(by_hand, pdb, Ready)
    web = by_hand.create(workload("apps/v1 Deployment", space, replicas=0))
    found = becomes(by_hand, hpa, Ready)  # it looks every 15 seconds
    assert found == Ready(inert="its target has 0 replicas, so it does not scale")
    by_hand.patch(web, {"spec": {"replicas": 1}})
    becomes(by_hand, pdb, Ready(settling="healthy pods: 0 of 1; none may be evicted yet"))
    ready_pods(by_hand, space, 1)
    becomes(by_hand, pdb, Ready())

    def settles() -> bool:
        found = look(by_hand, hpa)
        return isinstance(found, Ready) and "FailedGetResourceMetric" in found.settling

    assert eventually(settles), look(by_hand, hpa)


def definition(plural: str, kind: str) -> Json:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
    spec = {"group": "rig.example", "scope": "Namespaced", "names": {"plural": plural, "kind": kind}}
    meta = {"name": f"{plural}.rig.example"}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta}
    return crd | {"spec": spec | {"versions": [version]}}


def test_definitions_and_their_objects(by_hand: Client, space: str) -> None:
    made = by_hand.create(definition("things", "Thing"))
    assert readiness(made) == Waiting("the API server to serve its kind")
    becomes(by_hand, made, Ready())
    thing = body("rig.example/v1 Thing", space, {})
    # Ready means that its objects are taken, at once.
    thing = by_hand.create(thing)
    assert look(by_hand, thing) == Ready()
    condition: Json = {"type": "Ready", "status": "False", "reason": "Slow", "message": "wait"}
    by_hand.patch(thing, {"status": {"conditions": [condition]}}, sub="status")
    assert look(by_hand, thing) == Waiting("its controller to say Ready (Slow: wait)")
    condition |= {"status": "True", "observedGeneration": 1}
    by_hand.patch(thing, {"status": {"conditions": [condition]}}, sub="status")
    assert look(by_hand, thing) == Ready()
    by_hand.patch(thing, {"spec": {"new": 1}})
    assert look(by_hand, thing) == Waiting("its controller to see the last change")
    twin = by_hand.create(definition("others", "Thing"))
    found = becomes(by_hand, twin, Failed)
    assert isinstance(found, Failed) and found.reason.startswith("its names are taken (")
    with pytest.raises(ApiError) as refused:
        by_hand.raw("GET", "/apis/rig.example/v1/others")
    assert refused.value.status == 404


def test_api_service_without_its_backend(by_hand: Client, space: str) -> None:
    spec = {"group": "far.example", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100}
    spec |= {"insecureSkipTLSVerify": True, "service": {"namespace": space, "name": "none"}}
    meta = {"name": "v1.far.example"}
    made = by_hand.create(
        {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": meta, "spec": spec}
    )
    found = eventually(lambda: (f := look(by_hand, made)) and "ServiceNotFound" in f.reason and f)
    assert isinstance(found, Waiting), look(by_hand, made)
    becomes(by_hand, {**made, "metadata": {"name": "v1.apps"}}, Ready())
    by_hand.delete(made)


def test_what_is_being_deleted_has_failed(by_hand: Client, space: str) -> None:
    held = {"metadata": {"name": "cm", "namespace": space, "finalizers": ["rig.example/hold"]}}
    one = by_hand.create({"apiVersion": "v1", "kind": "ConfigMap"} | held)
    assert look(by_hand, one) == Ready()
    by_hand.delete(one)
    assert isinstance(look(by_hand, one), Failed)
    by_hand.patch(one, {"metadata": {"finalizers": None}})


def test_why_some_kinds_are_written_first(control_plane: ControlPlane) -> None:
    """What the rows of manifest/waves.py say a server does when the order is wrong."""
    admin, writer, space = control_plane.client(), control_plane.client("writer"), "wrong-order"
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})

    def refused(client: Client, obj: Json) -> str:
        with pytest.raises(ApiError) as caught:
            client.create(obj)
        return f"{caught.value.status} {caught.value.body['message']}"

    missing = refused(admin, body("v1 Pod", space, pods_spec(priorityClassName="none")))
    assert missing.startswith("403") and "no PriorityClass with name none was found" in missing
    missing = refused(admin, body("v1 Pod", space, pods_spec(runtimeClassName="none")))
    assert missing.startswith("403") and 'RuntimeClass "none" not found' in missing
    missing = refused(admin, body("v1 Pod", space, pods_spec(serviceAccountName="none")))
    assert missing.startswith("403") and 'serviceaccount "none" not found' in missing
    missing = refused(admin, body("v1 Service", "no-such-space", {"ports": [{"port": 80}]}))
    assert missing.startswith("404")
    rbac = "rbac.authorization.k8s.io"
    rule = {"apiGroups": [rbac], "resources": ["rolebindings"], "verbs": ["create"]}
    meta = {"name": "binder", "namespace": space}
    admin.create({"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": meta, "rules": [rule]})
    user = {"kind": "User", "name": "writer", "apiGroup": rbac}
    binding = {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": meta, "subjects": [user]}
    admin.create(binding | {"roleRef": {"apiGroup": rbac, "kind": "Role", "name": "binder"}})
    early = binding | {"metadata": {"name": "early", "namespace": space}}
    early |= {"roleRef": {"apiGroup": rbac, "kind": "Role", "name": "none"}}
    assert refused(writer, early).startswith("404")
    assert admin.create(early)
    token = {"name": "token", "namespace": space, "annotations": {"kubernetes.io/service-account.name": "none"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": token, "type": "kubernetes.io/service-account-token"}
    admin.create(secret)
    assert eventually(lambda: "token" not in {s["metadata"]["name"] for s in admin.list("v1", "Secret", space)})
