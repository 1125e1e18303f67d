"""Cleaning takes what servers wrote, and nothing that a person meant."""

import copy
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate import catalog
from migrate.cleaner import clean, load_cleaning
from migrate.model.objects import Object
from migrate.model.ref import Ref, group_of

TABLES = load_cleaning(catalog.text("cleaning.yaml"))
UID = {"uid": "u", "resourceVersion": "1"}


def wash(kind, group="", meta=None, **rest):
    body = {"kind": kind, "metadata": {"name": "x", **(meta or {})}, **rest}
    before = copy.deepcopy(body)
    out, paths = clean(Object(Ref(group, kind, "n", "x"), body), TABLES)
    assert body == before
    assert clean(Object(Ref(group, kind, "n", "x"), out), TABLES) == (out, ())
    return out, [str(path) for path in paths]


def test_t1_empties_that_mean_something_stay():
    spec = {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}], "volumes": [{"emptyDir": {}}]}
    assert wash("NetworkPolicy", "networking.k8s.io", UID, spec=spec)[0]["spec"] == spec


def test_t2_user_finalizers_stay_and_job_selectors_go():
    meta = {**UID, "finalizers": ["acme.io/guard", "foregroundDeletion"], "generateName": "x-"}
    labels = {"app": "a", "controller-uid": "1", "job-name": "x"}
    spec = {"selector": {"matchLabels": {"controller-uid": "1"}}, "template": {"metadata": {"labels": labels}}}
    out, _ = wash("Job", "batch", meta, spec=spec)
    assert out["metadata"] == {"name": "x", "finalizers": ["acme.io/guard"]}
    assert out["spec"] == {"template": {"metadata": {"labels": {"app": "a"}}}}
    manual = {**spec, "manualSelector": True}
    assert wash("Job", "batch", UID, spec=manual)[0]["spec"] == manual


def test_t23_bindings_to_this_cloud_go():
    notes = {"pv.kubernetes.io/bind-completed": "yes", "volume.kubernetes.io/selected-node": "n", "mine": "1",
             "volume.kubernetes.io/storage-provisioner": "pd.csi.storage.gke.io"}  # fmt: skip
    out, _ = wash("PersistentVolumeClaim", meta={**UID, "annotations": notes}, spec={"volumeName": "pvc-1", "a": 1})
    assert out["spec"] == {"a": 1} and out["metadata"]["annotations"] == {"mine": "1"}
    assert wash("PersistentVolumeClaim", spec={"volumeName": "static"})[0]["spec"] == {"volumeName": "static"}
    claim = {"name": "c", "namespace": "n", "uid": "1", "resourceVersion": "2"}
    assert wash("PersistentVolume", spec={"claimRef": claim})[0]["spec"]["claimRef"] == {"name": "c", "namespace": "n"}


def service(**spec):
    return {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}],
            **spec}  # fmt: skip


def test_t24_allocated_service_fields_go_and_asked_ones_stay():
    assert wash("Service", meta=UID, spec=service())[0]["spec"] == {"ports": [{"port": 80, "protocol": "TCP"}]}
    headless = wash("Service", meta=UID, spec=service(clusterIP="None"))[0]["spec"]
    assert headless["clusterIP"] == "None"
    dual = wash("Service", meta=UID, spec=service(ipFamilyPolicy="RequireDualStack"))[0]["spec"]
    assert dual["ipFamilyPolicy"] == "RequireDualStack" and dual["ipFamilies"] == ["IPv4"]
    applied = json.dumps({"spec": {"ports": [{"port": 80, "nodePort": 30080}]}})
    note = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}}
    assert "nodePort" in wash("Service", meta={**UID, **note}, spec=service())[0]["spec"]["ports"][0]


@pytest.mark.parametrize(("manager", "kept"), [("helm", True), ("kube-controller-manager", False)])
def test_node_port_of_a_manager(manager, kept):
    ports = {'k:{"port":80,"protocol":"TCP"}': {"f:nodePort": {}}}
    entry = {"manager": manager, "fieldsV1": {"f:spec": {"f:ports": ports}}}
    out, _ = wash("Service", meta={**UID, "managedFields": [entry]}, spec=service())
    assert ("nodePort" in out["spec"]["ports"][0]) is kept


def test_a_file_that_a_person_wrote_keeps_everything():
    spec = {"ports": [{"port": 80, "nodePort": 30080}], "clusterIP": "10.0.0.9", "ipFamilies": ["IPv6"]}
    assert wash("Service", spec=spec)[1] == []


def test_t27_computed_and_injected_go():
    rule = {"aggregationRule": {"clusterRoleSelectors": []}, "rules": [{"verbs": ["get"]}]}
    assert wash("ClusterRole", "rbac.authorization.k8s.io", **rule)[1] == ["rules"]
    hooks = [{"name": "h", "clientConfig": {"caBundle": "x", "url": "u"}, "timeoutSeconds": 10}]
    injected = {"annotations": {"cert-manager.io/inject-ca-from": "a/b"}}
    group = "admissionregistration.k8s.io"
    out, _ = wash("ValidatingWebhookConfiguration", group, injected, webhooks=hooks)
    assert out["webhooks"] == [{"name": "h", "clientConfig": {"url": "u"}, "timeoutSeconds": 10}]
    assert wash("ValidatingWebhookConfiguration", group, webhooks=hooks)[1] == []


def test_pods_accounts_and_facts():
    spec = {"nodeName": "n", "volumes": [{"name": "kube-api-access-1"}], "serviceAccount": "a",
            "serviceAccountName": "a", "containers": [{"name": "c", "volumeMounts": [{"name": "kube-api-access-1"}]}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "tolerationSeconds": 300}]}  # fmt: skip
    assert wash("Pod", meta=UID, spec=spec)[0]["spec"] == {"serviceAccountName": "a", "containers": [{"name": "c"}]}
    labels = {
        "app": "a",
        "topology.kubernetes.io/zone": "us-central1-a",
        "topology.kubernetes.io/region": "us-central1",
    }
    assert wash("Pod", meta={**UID, "labels": labels})[0]["metadata"]["labels"] == {"app": "a"}
    tokens = [{"name": "x-token-abcde"}, {"name": "mine"}]
    assert wash("ServiceAccount", secrets=tokens)[0]["secrets"] == [{"name": "mine"}]
    assert wash("Secret", meta=UID, gke2eksFacts={"a": 1})[0]["gke2eksFacts"] == {"a": 1}


KEYS = ["metadata", "spec", "status", "template", "containers", "volumes", "ports", "claimRef", "labels", "annotations",
        "finalizers", "volumeClaimTemplates", "jobTemplate", "selector", "webhooks", "secrets", "clusterIP", "uid",
        "managedFields", "fieldsV1", "f:spec", "f:ports", "nodePort", "tolerations", "data", "conversion"]  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "None", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)
KINDS = ["Pod", "Service", "Namespace", "Secret", "ServiceAccount", "PersistentVolume", "PersistentVolumeClaim"]


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(KEYS), ANY, max_size=6))
def test_malformed_bodies_do_not_raise(kind, body):
    before = copy.deepcopy(body)
    out, _ = clean(Object(Ref("", kind, "n", "x"), body), TABLES)
    assert body == before
    clean(Object(Ref("", kind, "n", "x"), out), TABLES)


def test_the_corpus_is_clean_once(shared):
    for body in json.loads(gzip.decompress((shared / "corpus/gke-cluster.json.gz").read_bytes()))["items"]:
        meta = body["metadata"]
        ref = Ref(group_of(body["apiVersion"]), body["kind"], meta.get("namespace", ""), meta["name"])
        out, paths = clean(Object(ref, body), TABLES)
        assert paths and clean(Object(ref, out), TABLES) == (out, ())
