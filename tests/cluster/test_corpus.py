"""What the plan writes is taken by a real API server wherever it took the source; both flavours, strict fields.

Every question is answered by the example that the tool itself prints: a user who appends gke2eks.undecided.yaml to
gke2eks.yaml gets these manifests. Nothing is created but namespaces and definitions: the rest are dry runs.

Created NodePools are judged by Karpenter's own definitions. Of eks.amazonaws.com NodeClass, which those of Auto Mode
refer to, AWS publishes no definition; the plan makes none, and no server looks at the reference.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client
from rig.shapes.loading import define, real

from migrate.cleaner import clean
from migrate.flow.plan import read_decisions, tables
from migrate.manifest.kinds import is_cluster_scoped
from migrate.manifest.text import load_all
from migrate.model.objects import Body, Snapshot
from migrate.model.plan import Plan
from migrate.model.ref import Ref
from migrate.planner import plan
from migrate.reading import read
from migrate.render.undecided import undecided_yaml

TODAY = date(2026, 11, 23)
SOURCES = ("example", "cluster", "manifests")
FLAVOURS = ("standard", "auto")
TESTS = Path(__file__).parent.parent


def _place(which: str, request: pytest.FixtureRequest) -> Path:
    if which == "example":
        return Path(request.getfixturevalue("repo")) / "examples" / "gke-cluster.json"
    corpus = Path(request.getfixturevalue("shared")) / "corpus"
    return corpus / ("gke-cluster.json.gz" if which == "cluster" else "manifests")


def answered(snapshot: Snapshot, flavour: str, folder: Path) -> Plan:
    """Plan with every question answered by its own example; a second round answers what the first one opened."""
    file, text = folder / "gke2eks.yaml", ""
    for _ in range(3):
        file.write_text(text)
        decided, _ = read_decisions(folder, today=TODAY, flavour=flavour)
        made = plan(snapshot, tables(), decided)
        if not any(question.blocks for question in made.undecided):
            return made
        # What holds only release is a comment there.
        text += re.sub(r"(?m)^ *#.*\n", "", undecided_yaml(made))
    raise AssertionError(f"questions stay open: {[q.key for q in made.undecided if q.blocks]}")


def sendable(ref: Ref, body: Body) -> dict[str, Any]:
    """The object as apply would send it: Secret values, which never reach a plan, are stood in for."""
    out = dict(body)
    if is_cluster_scoped(ref.group, ref.kind) is not True and ref.namespace:
        out["metadata"] = {**out["metadata"], "namespace": ref.namespace}
    if (ref.group, ref.kind) == ("", "Secret"):
        for field in ("data", "stringData"):
            if isinstance(out.get(field), Mapping):
                out[field] = {key: base64.b64encode(_secret(str(body.get("type")))).decode() for key in out[field]}
    return out


def _secret(kind: str) -> bytes:
    if kind == "kubernetes.io/dockerconfigjson":
        return b'{"auths":{}}'
    return b"{}" if kind == "kubernetes.io/dockercfg" else b"x"


def said(client: Client, body: dict[str, Any]) -> str:
    """What the server says to a strict dry run; '' when it takes the object."""
    try:
        client.apply(body, manager="gke2eks-test", force=True, dry_run=True, strict=True)
    except ApiError as refused:
        return f"{refused.status} {refused}"[:400]
    return ""


def karpenter(client: Client, flavour: str) -> None:
    """Bring Karpenter's kinds as that flavour of EKS has them: Auto Mode has no EC2NodeClass."""
    found = [crd for crd in real("karpenter") if flavour == "standard" or crd["spec"]["group"] == "karpenter.sh"]
    assert {crd["spec"]["names"]["kind"] for crd in found} >= {"NodePool", "NodeClaim"}
    define(client, found)


def prepare(client: Client, made: Plan) -> None:
    """Create the namespaces and the definitions that the objects need."""
    spaces = {step.ref.namespace for step in made.steps if step.ref.namespace}
    for name in sorted(spaces):
        client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, manager="rig", force=True)
    for step in made.steps:
        if step.ref.kind == "CustomResourceDefinition" and step.body is not None:
            client.apply(sendable(step.ref, step.body), manager="rig", force=True)


def judge(client: Client, snapshot: Snapshot, made: Plan) -> tuple[int, list[str]]:
    """Send every planned object: how many, and those that the server refuses although it takes their source."""
    prepare(client, made)
    sources = {obj.ref: clean(obj, tables().cleaning)[0] for obj in snapshot.objects}
    asked, refused = 0, []
    for step in made.steps:
        if step.body is None:
            continue
        asked += 1
        ours = said(client, sendable(step.ref, step.body))
        if ours and (step.ref not in sources or not said(client, sendable(step.ref, sources[step.ref]))):
            refused.append(f"{step.ref}: {ours}")
    return asked, refused


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("source", SOURCES)
def test_the_server_takes_what_it_took(
    source: str, flavour: str, fresh_control_plane: ControlPlane, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    snapshot = read([str(_place(source, request))], stdin=lambda: b"", needles=(), hash_key=b"test").snapshot
    made = answered(snapshot, flavour, tmp_path)
    client = fresh_control_plane.client()
    karpenter(client, flavour)
    asked, refused = judge(client, snapshot, made)
    assert refused == []
    assert asked == sum(step.body is not None for step in made.steps) > 40


def _inputs() -> Iterator[list[Any]]:
    for file in sorted((TESTS / "coverage").glob("*.yaml")):
        yield from (entry["objects"] for entry in yaml.load(file.read_text("utf-8"), yaml.CSafeLoader))
    for case in sorted((TESTS / "cases").iterdir()):
        yield [document.body for document in load_all((case / "input.yaml").read_text("utf-8"))]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_server_takes_the_plan_of_every_identifier_and_case(
    flavour: str, fresh_control_plane: ControlPlane, tmp_path: Path
) -> None:
    client, asked, refused, pools = fresh_control_plane.client(), 0, [], 0
    karpenter(client, flavour)
    for objects in _inputs():
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
        snapshot = read(["-"], stdin=lambda body=body: body, needles=(), hash_key=b"test").snapshot
        made = answered(snapshot, flavour, tmp_path)
        number, more = judge(client, snapshot, made)
        asked, refused = asked + number, refused + more
        pools += sum(step.ref.kind == "NodePool" for step in made.steps if step.body is not None)
    assert refused == []
    assert asked > 300
    assert pools > 10


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_karpenter_itself_refuses_what_is_no_nodepool(flavour: str, fresh_control_plane: ControlPlane) -> None:
    """The definitions have teeth: a field, an operator's value and a label that Karpenter does not take."""
    client = fresh_control_plane.client()
    karpenter(client, flavour)
    ref = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}

    def pool(requirement: dict[str, Any], labels: dict[str, str], **spec: Any) -> dict[str, Any]:
        template = {"metadata": {"labels": labels}, "spec": {"nodeClassRef": ref, "requirements": [requirement]}}
        body = {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "a"}}
        return {**body, "spec": {"template": template, **spec}}

    fine = {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}
    assert said(client, pool(fine, {"compute-class": "a"}, weight=1)) == ""
    assert "not declared" in said(client, pool(fine, {}, nonsense=1))
    assert "weight" in said(client, pool(fine, {}, weight=101))
    assert "integer" in said(client, pool({"key": "cpu", "operator": "Gt", "values": ["8Gi"]}, {}))
    assert "restricted" in said(client, pool(fine, {"karpenter.sh/nodepool": "a"}))
