"""The commands through the door to EKS: preflight, apply, release and access target with --eks us-east-2/prod."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from apply_stage import deployment, obj
from aws_fake import NAME, SESSION, WHO, FakeAws
from aws_fake import aws_fixture as aws_fixture
from aws_fake import without_aws_fixture as without_aws_fixture
from eks_stage import Authenticator, Stage, control_plane, reach
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.faults import Latency, Proxy, Rule, Unauthorized
from rig.http import Client
from rig.services import Addresses
from rig.shapes import eks
from rig.shapes.provisioner import Provisioner
from rig.users import limited

from migrate.flow import practice
from migrate.flow.plan import make_plan

TARGET = f"-w out --eks {NAME}"
SOURCE = "--source-context gke"
ACCOUNT = "account 123456789012"
MAPS = 12
VOLUMES = """
volumes:
  {data/data-redis-0: copied, data/data-redis-1: copied, edge/caddy-data: copied, ops/tsdb-prometheus-0: empty-ok}
"""


@pytest.fixture(scope="module")
def judge() -> Iterator[Authenticator]:
    made = Authenticator()
    yield made
    made.close()


@pytest.fixture(scope="module")
def plane(assets: Assets, judge: Authenticator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane in the shape of EKS, with load balancers and volumes."""
    with control_plane(assets, tmp_path_factory.mktemp("webhook"), judge) as plane:
        client = plane.client()
        eks.load(client, "standard")
        pool = {"metadata": {"labels": {"eks.amazonaws.com/nodegroup": "main"}}}  # the bundled answers name it
        for node in client.list("v1", "Node"):
            client.patch(node, pool)
        with Addresses(plane.client(), "standard"), Provisioner(plane.client(), eks.PLACE):
            yield plane


@pytest.fixture(name="stage")
def stage_fixture(aws: FakeAws, plane: ControlPlane, judge: Authenticator, tmp_path: Path) -> Iterator[Stage]:
    certificate = plane.folder / "server.crt", plane.folder / "server.key"
    judge.ended.clear()
    judge.tokens.clear()
    with Proxy(plane.url, upstream_ca=plane.ca, certificate=certificate) as proxy:
        reach(aws, proxy, plane)
        yield Stage(tmp_path, aws, proxy, plane, judge)
        assert proxy.errors == []


def planned(stage: Stage, space: str, *more: dict[str, Any]) -> None:
    """A plan of a namespace with some ConfigMaps."""
    maps = [obj("ConfigMap", f"m{number}", space, data={"n": str(number)}) for number in range(MAPS)]
    file = stage.home / "cluster.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [obj("Namespace", space), *maps, *more]}))
    make_plan([str(file)], stage.home / "out", stdin=lambda: b"", today=date.today())


def test_the_whole_story(stage: Stage, plane: ControlPlane, repo: Path) -> None:
    """The bundled example, from a cluster that is only read to one that EKS describes."""
    example = repo / "examples" / "gke-cluster.json"
    source = practice.start([str(example)], stdin=lambda: b"", port=0).server
    (stage.home / ".kube").mkdir()
    practice.write_kubeconfig(stage.home / ".kube" / "config", source.url, "gke")
    try:
        give_value(stage, Client(source.url), json.loads(example.read_text()))
        assert stage.run("gke2eks export -w out --context gke") == 0, stage.said
        answers = (repo / "examples" / "gke2eks.yaml").read_text() + VOLUMES
        (stage.home / "out" / "gke2eks.yaml").write_text(answers)
        assert stage.run("gke2eks plan -w out") == 0, stage.said
        story(stage, plane, Client(source.url))
    finally:
        source.stop()


def give_value(stage: Stage, source: Client, example: dict[str, Any]) -> None:
    """A practice cluster makes up the values of Secrets; a real target looks into this one."""
    found = next(one for one in example["items"] if (one["kind"], one["metadata"]["name"]) == ("Secret", "gar-pull"))
    source.patch(found, {"data": found["data"]})
    stage.never = (*stage.never, "made-up-token", found["data"][".dockerconfigjson"])


def story(stage: Stage, plane: ControlPlane, source: Client) -> None:
    assert stage.run(f"gke2eks access target {TARGET}") == 0, stage.said
    assert "aws eks" in stage.said and "kind: ClusterRole" in stage.said
    assert stage.run(f"gke2eks preflight {TARGET} {SOURCE}") == 0, stage.said
    assert stage.said.startswith(f"EKS {NAME}, {ACCOUNT}, Kubernetes 1.36"), stage.said
    assert f"aws eks create-addon --cluster-name prod --region {NAME.partition('/')[0]}" in stage.said
    assert stage.writes(done=False) == []

    assert stage.run(f"gke2eks apply {TARGET} {SOURCE}", typed="prod") == 3, stage.said
    assert "'prod' was typed, and the target is us-east-2/prod" in stage.said
    assert stage.writes(done=False) == []
    assert stage.run(f"gke2eks apply {TARGET} {SOURCE}", typed=NAME) == 0, stage.said
    assert f"Target EKS {NAME}, {ACCOUNT}, Kubernetes 1.36" in stage.said and "Auto Mode" not in stage.said
    assert f"Type {NAME} to go on" in stage.said
    assert f"What is held starts with: gke2eks release -w out --eks {NAME} {SOURCE}" in stage.said
    assert stage.writes()
    stage.faults()
    assert stage.run(f"gke2eks apply {TARGET} {SOURCE} --yes") == 0, stage.said
    assert stage.writes(done=False) == [] and "No object was written." in stage.said

    stop(source)
    assert stage.run(f"gke2eks release {TARGET} {SOURCE} --yes") == 0, stage.said
    redis = plane.client().get("apps/v1", "StatefulSet", "redis", "data")
    assert redis["status"]["readyReplicas"] == redis["spec"]["replicas"] > 0
    assert plane.client().get("batch/v1", "CronJob", "daily-report", "app")
    stage.faults()
    assert stage.run(f"gke2eks diff {TARGET} {SOURCE}") == 0, stage.said
    assert "Is the target what was planned? Yes" in stage.said, stage.said
    assert stage.writes(done=False) == []
    where = {operation for operation, region in stage.aws.requests if region == "us-east-2"}
    assert where == {operation for operation, _ in stage.aws.requests} == {"DescribeCluster", "GetCallerIdentity"}


def stop(source: Client) -> None:
    """What a person does on the source before a release."""
    for version, kind, name, space, spec in (
        ("batch/v1", "CronJob", "daily-report", "app", {"suspend": True}),
        ("batch/v1", "CronJob", "pull-secret-refresher", "ops", {"suspend": True}),
        ("apps/v1", "Deployment", "worker", "app", {"replicas": 0}),
        ("apps/v1", "Deployment", "caddy", "edge", {"replicas": 0}),
        ("apps/v1", "StatefulSet", "redis", "data", {"replicas": 0}),
        ("apps/v1", "StatefulSet", "prometheus", "ops", {"replicas": 0}),
    ):
        source.patch(source.get(version, kind, name, space), {"spec": spec})
    late = time.monotonic() + 60
    stopped = re.compile("worker-|caddy-|redis-|prometheus-")
    while any(stopped.match(pod["metadata"]["name"]) for pod in source.list("v1", "Pod")):
        assert time.monotonic() < late
        time.sleep(0.05)


def test_a_token_that_is_refused_on_the_way_is_made_anew(stage: Stage) -> None:
    """As when this machine's clock is wrong: the server takes a token for old before we do. Nothing is sent twice."""
    planned(stage, "renewed")
    # A token of the same second would be the same one.
    stage.faults(Rule(Latency(1.1), method="PATCH", nth=1), Rule(Unauthorized(expire=True), method="PATCH", nth=6))
    assert stage.run(f"gke2eks apply {TARGET} --yes") == 0, stage.said
    assert f"created {MAPS + 1}" in stage.said
    turned_away = [entry for entry in stage.proxy.log if entry.fault.startswith("unauthorized")]
    assert turned_away and len(stage.judge.tokens) == 2
    done = stage.writes()
    assert len(done) == len(set(done)) == MAPS + 1


def test_credentials_that_end_on_the_way(stage: Stage) -> None:
    planned(stage, "ended")
    stage.faults(Rule(Unauthorized(), method="PATCH", nth=range(6, 10_000)))
    assert stage.run(f"gke2eks apply {TARGET} --yes") == 5, stage.said
    first = stage.writes()
    assert len(first) == 5
    again = f"To go on: gke2eks apply -w out --eks {NAME}"
    for words in ("no longer accepts the credentials of us-east-2/prod", "log in to AWS again (aws sso login", again):
        assert words in stage.said
    assert "access entry" not in stage.said  # it was let in a moment ago
    assert "exit 5" in stage.said and "Ctrl-C" not in stage.said

    last = int(time.time())
    while int(time.time()) == last:  # a token of the same second would be the same one, and is remembered
        time.sleep(0.02)
    stage.judge.ended.add(SESSION)
    stage.faults()
    assert stage.run(f"gke2eks apply {TARGET} --yes") == 4, stage.said
    assert "does not accept the credentials" in stage.said and "aws eks create-access-entry" in stage.said
    assert stage.judge.refused[-1] == "the session ended" and stage.writes(done=False) == []

    stage.environment["AWS_SESSION_TOKEN"] = "canary-another-session"
    assert stage.run(f"gke2eks apply {TARGET} --yes") == 0, stage.said
    assert "Going on from" in stage.said
    second = stage.writes()
    assert len(second) == MAPS + 1 - len(first) and not set(first) & set(second)


def test_the_other_flavour(stage: Stage, plane: ControlPlane) -> None:
    """Auto Mode cannot be seen from a plan; AWS says it, and a plan for the other flavour is refused."""
    planned(stage, "flavour")
    reach(stage.aws, stage.proxy, plane, computeConfig={"enabled": True, "nodePools": ["general-purpose"]})
    assert stage.run(f"gke2eks preflight {TARGET}") == 1, stage.said
    assert f"EKS {NAME}, {ACCOUNT}, Kubernetes 1.36, Auto Mode" in stage.said and "PRE010" in stage.said
    before = stage.journal()
    assert stage.run(f"gke2eks apply {TARGET} --yes") == 3, stage.said
    assert "the plan is for EKS of flavour standard, and the target is auto" in stage.said
    assert "gke2eks plan -w out --flavour auto" in stage.said and "Nothing was written." in stage.said
    assert stage.writes(done=False) == [] and stage.journal() == before
    assert stage.run("gke2eks plan -w out --flavour auto") == 0, stage.said
    assert stage.run(f"gke2eks apply {TARGET} --yes") == 0, stage.said
    assert f"Target EKS {NAME}, {ACCOUNT}, Kubernetes 1.36, Auto Mode" in stage.said


def test_the_wrong_region(stage: Stage) -> None:
    planned(stage, "region")
    assert stage.run("gke2eks apply -w out --eks us-west-2/prod --yes") == 4, stage.said
    assert "There is no EKS cluster prod in us-west-2." in stage.said and "Write us-east-2/prod." in stage.said
    assert stage.proxy.log == [] and stage.journal() == []


def test_a_bug_tells_no_token(stage: Stage) -> None:
    """A traceback is what people paste."""
    planned(stage, "bug")
    breaks = "import migrate.cluster.writing as w; w.orjson = None; from migrate.cli.main import main; main()"
    assert stage.run(f"gke2eks apply {TARGET} --yes", start=[sys.executable, "-c", breaks]) == 1
    assert "Traceback" in stage.said and "orjson" in stage.said


def test_a_plain_context_is_told_of_roles_for_a_target(stage: Stage, plane: ControlPlane) -> None:
    planned(stage, "plain", deployment("plain"))
    (stage.home / ".kube").mkdir()
    file = stage.home / ".kube" / "config"
    spaces = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}
    for rules in ([], [spaces]):
        file.write_bytes(limited(plane, rules).kubeconfig.read_bytes())
        assert stage.run("gke2eks apply -w out --context rig --yes") == 4, stage.said
        assert "gke2eks access target" in stage.said
        assert "access source" not in stage.said and "gcloud" not in stage.said
    file.write_text(file.read_text().replace('"token": "', '"token": "x'))
    assert stage.run("gke2eks apply -w out --context rig --yes") == 4, stage.said
    assert "log in again" in stage.said and "kubectl --context rig" in stage.said and "gcloud" not in stage.said
    assert WHO not in stage.said
