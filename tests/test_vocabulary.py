"""A plan says nothing to AWS that AWS does not publish: every output is held against mappings/aws.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from vocabulary import strangers, table

from migrate.flow.plan import tables
from migrate.manifest.text import load_all
from migrate.model.decided import Decided
from migrate.model.plan import Standing
from migrate.planner import plan
from migrate.reading import read

FLAVOURS = ("standard", "auto")
CASES = sorted((Path(__file__).parent / "cases").iterdir())
NLB = "service.beta.kubernetes.io/aws-load-balancer-"


def _service(annotations: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"kind": "Service", "metadata": {"name": "web", "annotations": annotations}, "spec": spec}


def _class(provisioner: str, parameters: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"kind": "StorageClass", "provisioner": provisioner, "parameters": parameters, **more}


def _volume(driver: str, **spec: Any) -> dict[str, Any]:
    attributes = spec.pop("attributes", {})
    return {"kind": "PersistentVolume", "spec": {"csi": {"driver": driver, "volumeAttributes": attributes}, **spec}}


def _topology(key: str, value: str) -> list[dict[str, Any]]:
    return [{"matchLabelExpressions": [{"key": key, "values": [value]}]}]


def _affinity(key: str, value: str) -> dict[str, Any]:
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": key, "values": [value]}]}]}}


READINESS = {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}
ZONE = "topology.kubernetes.io/zone"
EBS, AUTO = "ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com"
FINE = [
    ("standard", _service({f"{NLB}scheme": "internet-facing"}, loadBalancerClass="service.k8s.aws/nlb")),
    ("auto", _service({f"{NLB}scheme": "UNDECIDED: services.scheme"}, loadBalancerClass="eks.amazonaws.com/nlb")),
    ("auto", _service({f"{NLB}listener-attributes.TCP-80": "tcp.idle_timeout.seconds=600"})),
    ("auto", _service({f"{NLB}target-group-attributes": "stickiness.enabled=true,stickiness.type=source_ip"})),
    ("standard", _service({"prometheus.io/scrape": "true"}, loadBalancerClass="tailscale")),
    ("standard", _class(EBS, {"type": "gp3", "encrypted": "true", "csi.storage.k8s.io/fstype": "ext4"})),
    ("auto", _class(AUTO, {"type": "gp3"}, allowedTopologies=_topology("eks.amazonaws.com/compute-type", "auto"))),
    ("standard", _class("example.com/nfs", {"whatever": "x"}, allowedTopologies=_topology("rack", "1"))),
    ("standard", _volume("s3.csi.aws.com", attributes={"bucketName": "b-1"}, mountOptions=["prefix a/", "--uid=1000"])),
    ("standard", _volume(EBS, nodeAffinity=_affinity(ZONE, "us-east-1a"))),
    ("standard", {"kind": "Namespace", "metadata": {"labels": READINESS}}),
    ("standard", {"kind": "Service", "metadata": {"annotations": None}, "spec": [1]}),
]
STRANGE = [
    ("standard", _service({f"{NLB}color": "red"}), "no annotation that AWS publishes"),
    ("standard", _service({f"{NLB}scheme": "external"}), "no value that AWS publishes"),
    ("standard", _service({f"{NLB}scheme": True}), "no value that AWS publishes"),
    ("auto", _service({f"{NLB}type": "external"}), "not for auto"),
    ("standard", _service({}, loadBalancerClass="eks.amazonaws.com/nlb"), "is not for standard"),
    ("standard", _service({f"{NLB}attributes": "idle_timeout.timeout_seconds=60"}), "no lb-attribute"),
    ("standard", _service({f"{NLB}target-group-attributes.80": "stickiness.type=lb_cookie"}), "no value"),
    ("standard", _service({f"{NLB}listener-attributes.TCP-80": "tcp.idle_timeout.seconds=9000"}), "no value"),
    ("standard", _service({"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/a"}), "no annotation"),
    ("standard", _class(EBS, {"type": "pd-ssd"}), "no value that AWS publishes"),
    ("standard", _class(EBS, {"replication-type": "none"}), "no parameter that AWS publishes"),
    ("standard", _class(AUTO, {}), "is not for standard"),
    ("auto", _class(AUTO, {"ext4EncryptionSupport": "true"}), "no parameter that AWS publishes"),
    ("standard", _class(EBS, {}, allowedTopologies=_topology("topology.gke.io/zone", "a")), "no topology-key"),
    ("standard", _class(EBS, {}, allowedTopologies=_topology(ZONE, "us-central1-a")), "no value"),
    ("standard", {"kind": "VolumeSnapshotClass", "driver": EBS, "parameters": {"image-type": "x"}}, "no parameter"),
    ("standard", {"kind": "VolumeAttributesClass", "driverName": EBS, "parameters": {"iops": "x"}}, "no value"),
    ("auto", {"kind": "VolumeAttributesClass", "driverName": AUTO, "parameters": {"iops": "3000"}}, "no parameter"),
    ("standard", _volume("fs.csi.aws.com"), "no value that AWS publishes"),
    ("standard", _volume("efs.csi.aws.com", attributes={"path": "/"}), "no volume-attribute"),
    ("standard", _volume("s3.csi.aws.com", mountOptions=["implicit-dirs"]), "no mount-option"),
    ("standard", _volume("s3.csi.aws.com", mountOptions=["prefix a"]), "no value that AWS publishes"),
    ("standard", _volume(EBS, nodeAffinity=_affinity("topology.gke.io/zone", "us-east-1a")), "no topology-key"),
    ("auto", {"kind": "Namespace", "metadata": {"labels": READINESS}}, "not for auto"),
]


@pytest.mark.parametrize(("flavour", "body"), FINE)
def test_what_aws_publishes_is_no_stranger(flavour: str, body: dict[str, Any]) -> None:
    assert strangers(body, flavour) == []


@pytest.mark.parametrize(("flavour", "body", "why"), STRANGE)
def test_a_stranger_is_named(flavour: str, body: dict[str, Any], why: str) -> None:
    (found,) = strangers(body, flavour)
    assert why in found


def test_claim_templates_are_walked() -> None:
    template = {"metadata": {"annotations": {"eks.amazonaws.com/x": "y"}}}
    (found,) = strangers({"kind": "StatefulSet", "spec": {"volumeClaimTemplates": [template]}}, "standard")
    assert found.startswith("spec.volumeClaimTemplates[0].metadata.annotations[eks.amazonaws.com/x]")


def test_every_row_is_whole_and_says_where_it_was_read() -> None:
    whats = "annotation label lb-attribute target-group-attribute listener-attribute provisioner csi-driver parameter"
    whats += " volume-attribute loadbalancer-class topology-key mount-option"
    seen = set()
    for row in table():
        fields = row.fields
        assert fields["what"] in whats.split() and fields["key"], row.where
        lonely = fields["what"] in ("lb-attribute", "target-group-attribute", "listener-attribute")
        assert ("of" in fields) != lonely, row.where
        assert fields["flavours"] and set(fields["flavours"]) <= set(FLAVOURS), row.where
        assert re.compile(fields["value"]) and len(fields["source"]) >= 3, row.where
        mine = (fields["what"], fields.get("of"), fields["key"], fields["value"])
        assert mine not in seen, f"{row.where} is there twice"
        seen.add(mine)


def _said(file: Path, flavour: str) -> dict[str, set[str]]:
    """What each object of a file says that is strange, by the name that findings use."""
    found = {}
    for body in (document.body for document in load_all(file.read_text())):
        metadata = body["metadata"]
        place = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
        found[f"{body['kind']}/{place}{metadata.get('name')}"] = set(strangers(body, flavour))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_no_case_expects_a_stranger(case: Path) -> None:
    why = yaml.safe_load((case / "why.yaml").read_text())
    flavour = (why.get("decisions") or {}).get("flavour", "standard")
    before = _said(case / "input.yaml", flavour)
    after = _said(case / "expected.yaml", flavour)
    # What the source itself says to AWS is its owner's, and what is blocked says so aloud: a person must act.
    blocked = {line.split()[2] for line in why["findings"] if line.split()[1] == "blocker"}
    added = {name: said - before.get(name, set()) for name, said in after.items() if name not in blocked}
    assert {name: said for name, said in added.items() if said} == {}


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("source", ["example", "cluster", "manifests"])
def test_no_plan_holds_a_stranger(source: str, flavour: str, request: pytest.FixtureRequest) -> None:
    if source == "example":
        place = Path(request.getfixturevalue("repo")) / "examples" / "gke-cluster.json"
    else:
        corpus = Path(request.getfixturevalue("shared")) / "corpus"
        place = corpus / ("gke-cluster.json.gz" if source == "cluster" else "manifests")
    snapshot = read([str(place)], stdin=lambda: b"", needles=(), hash_key=b"test").snapshot
    before = {obj.ref: obj.body for obj in snapshot.objects}
    made = plan(snapshot, tables(), Decided(flavour=flavour))
    found = {
        f"{step.ref} {said}"
        for step in made.steps
        if step.body is not None and step.standing is not Standing.BLOCKED
        for said in set(strangers(step.body, flavour)) - set(strangers(before.get(step.ref, {}), flavour))
    }
    assert sorted(found) == []
