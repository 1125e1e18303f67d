"""Whose object is this: the system's objects are known, and what a user meant is not mistaken for them."""

import collections
import gzip
import json

import pytest

from migrate import catalog
from migrate.model.effects import Cause
from migrate.model.objects import Object
from migrate.model.ref import Ref, group_of
from migrate.semantics.owners import load_managed, made_by

TABLES = load_managed(catalog.text("managed.yaml"))


def ask(kind, name, namespace="", meta=None, there=(), **rest):
    kind, _, group = kind.partition(".")
    ref = Ref(group, kind, namespace, name)
    found = made_by(Object(ref, {"metadata": meta or {}, **rest}), TABLES, set(there).__contains__)
    return found[0] if found else None


ADDON = {"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}
DNS = "ConfigMap", "kube-dns", "kube-system"
SLICE, CRD = "EndpointSlice.discovery.k8s.io", "CustomResourceDefinition.apiextensions.k8s.io"
SC, ADMISSION = "StorageClass.storage.k8s.io", "ValidatingWebhookConfiguration.admissionregistration.k8s.io"
PD = {"provisioner": "pd.csi.storage.gke.io"}
BY = {"labels": {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}}
GKE, K8S, CTRL = Cause.GKE, Cause.KUBERNETES, Cause.CONTROLLER


@pytest.mark.parametrize(
    ("args", "rest", "cause"),
    [
        (("Namespace", "kube-system"), {}, K8S),
        (("Namespace", "default"), {"meta": {"labels": {"kubernetes.io/metadata.name": "default"}}}, K8S),
        (("Namespace", "default"), {"meta": {"labels": {"team": "a"}}}, None),
        (("Namespace", "gmp-public"), {}, GKE),
        (("Namespace", "istio-system"), {}, None),
        (("ConfigMap", "x", "gke-managed-cim"), {}, GKE),
        (("OperatorConfig.monitoring.googleapis.com", "config", "gmp-public"), {}, None),
        (("Secret", "alertmanager", "gmp-public"), {}, None),
        (("ConfigMap", "mine", "kube-system"), {}, None),
        (("DaemonSet.apps", "netd", "kube-system"), {"meta": ADDON}, GKE),
        (("Deployment.apps", "copied", "shop"), {"meta": ADDON}, None),
        (DNS, {"meta": ADDON}, GKE),
        (DNS, {"meta": ADDON, "data": {"stubDomains": "{}"}}, GKE),
        (DNS, {"meta": ADDON, "data": {"stubDomains": '{"a": ["1.2.3.4"]}'}}, None),
        (("ConfigMap", "kube-root-ca.crt", "shop"), {}, CTRL),
        (("ServiceAccount", "default", "shop"), {}, CTRL),
        (("ServiceAccount", "default", "shop"), {"meta": {"annotations": {"iam.gke.io/x": "y"}}}, None),
        (("ServiceAccount", "default", "shop"), {"imagePullSecrets": [{"name": "ar"}]}, None),
        (("ServiceAccount", "default", "shop"), {"automountServiceAccountToken": False}, None),
        ((SC, "standard-rwo"), {"meta": ADDON, **PD}, GKE),
        ((SC, "fast"), {"meta": ADDON, **PD}, None),
        ((SC, "standard-rwo"), {"provisioner": "other.io"}, None),
        (("Service", "kubernetes", "default"), {}, K8S),
        ((SLICE, "a", "shop"), {"meta": BY}, CTRL),
        ((SLICE, "a", "shop"), {}, None),
        (("Endpoints", "a", "shop"), {"subsets": [{"addresses": [{"ip": "1.2.3.4"}]}]}, None),
        (("Endpoints", "a", "shop"), {"subsets": [{"addresses": [{"targetRef": {"kind": "Pod"}}]}]}, CTRL),
        ((CRD, "backendconfigs.cloud.google.com"), {}, GKE),
        ((CRD, "clusters.postgresql.cnpg.io"), {}, None),
        (("PriorityClass.scheduling.k8s.io", "system-node-critical"), {}, K8S),
        ((ADMISSION, "neg-annotation.config.common-webhooks.networking.gke.io"), {}, GKE),
        (("RuntimeClass.node.k8s.io", "gvisor"), {"handler": "gvisor"}, GKE),
        (("ResourceQuota", "gke-resource-quotas", "shop"), {}, GKE),
        (("Node", "n"), {}, K8S),
        (("Secret", "sh.helm.release.v1.a.v1", "shop"), {"type": "helm.sh/release.v1"}, CTRL),
        (("Secret", "a-token-abcde", "shop"), {"type": "kubernetes.io/service-account-token"}, CTRL),
        (("Secret", "ci", "shop"), {"type": "kubernetes.io/service-account-token"}, None),
        (("Pod", "bare", "shop"), {"spec": None}, None),
        (("ReplicaSet.apps", "bare", "shop"), {}, None),
    ],
)
def test_whose(args, rest, cause):
    assert ask(*args, **rest) is cause


def test_owners():
    def owned(version, kind):
        return {"ownerReferences": [{"apiVersion": version, "kind": kind, "name": "o", "controller": True}]}

    assert ask("Pod", "p", "shop", owned("apps/v1", "ReplicaSet")) is CTRL
    assert ask("Secret", "s", "shop", owned("acme.io/v1", "Thing")) is None
    assert ask("Secret", "s", "shop", owned("acme.io/v1", "Thing"), [Ref("acme.io", "Thing", "shop", "o")]) is CTRL
    assert ask("PersistentVolumeClaim", "c", "shop", owned("apps/v1", "StatefulSet")) is None


def test_provisioned_volumes_name_their_claim():
    meta = {"annotations": {"pv.kubernetes.io/provisioned-by": "pd.csi.storage.gke.io"}}
    body = {"metadata": meta, "spec": {"claimRef": {"namespace": "data", "name": "c"}}}
    found = made_by(Object(Ref("", "PersistentVolume", "", "p"), body), TABLES, lambda ref: False)
    assert found == (CTRL, "provisioned for PersistentVolumeClaim/data/c")


@pytest.mark.parametrize("bad", [None, [], 1, "x"])
def test_malformed(bad):
    for kind in ("Namespace", "ServiceAccount", "Secret", "PersistentVolume", "Endpoints", "Pod", "ConfigMap"):
        body = {"metadata": bad, "spec": bad, "data": bad, "subsets": bad, "type": bad, "imagePullSecrets": bad}
        made_by(Object(Ref("", kind, "n", "default"), body), TABLES, lambda ref: False)
        made_by(Object(Ref("", kind, "n", "x"), {"metadata": {"ownerReferences": bad}}), TABLES, lambda ref: False)


def test_the_corpus_splits(shared):
    objects = []
    for body in json.loads(gzip.decompress((shared / "corpus/gke-cluster.json.gz").read_bytes()))["items"]:
        meta = body["metadata"]
        ref = Ref(group_of(body["apiVersion"]), body["kind"], meta.get("namespace", ""), meta["name"])
        objects.append(Object(ref, body))
    refs = {obj.ref for obj in objects}
    mine = [obj.ref for obj in objects if made_by(obj, TABLES, refs.__contains__) is None]
    print(collections.Counter(ref.kind for ref in mine), len(mine))
    assert 850 <= len(mine) <= 960
    assert not [ref for ref in mine if ref.namespace in ("kube-system", "gmp-system", "kube-node-lease")]
    assert not [ref for ref in mine if ref.kind in ("ReplicaSet", "EndpointSlice", "Node", "Lease", "IPAddress")]
