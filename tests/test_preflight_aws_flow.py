"""The whole way: a reviewed plan, a practice cluster as the target, and an AWS account behind it."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

from apply_help import plan_of
from aws_account_help import ACCOUNT, HERE, Memory
from contract.target_help import open_target
from preflight_target_help import thing

from migrate.cli.names import TargetName
from migrate.cluster.aws import ACTIONS, Account
from migrate.cluster.eks_facts import facts
from migrate.flow.preflight import preflight
from migrate.model.checks import Check, Status
from migrate.practice import Cluster, Server
from migrate.render.checked import page

TODAY = date(2026, 11, 23)
NOTES = "service.beta.kubernetes.io/aws-load-balancer-"
FACTS = facts({"arn": HERE.arn}, HERE.region, HERE.cluster, HERE.caller)


def test_preflight_of_a_target_that_eks_names(tmp_path: Path) -> None:
    notes = {f"{NOTES}eip-allocations": "eipalloc-0none", f"{NOTES}scheme": "internet-facing"}
    spec = {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb", "ports": [{"port": 80}]}
    plan_of([thing("v1 Service", "web", "shop", spec=spec, notes=notes)], tmp_path / "out")
    served = Server(Cluster()).start()
    looked: list[str] = []
    try:
        said = preflight(
            open_target(served.url),
            tmp_path / "out",
            today=TODAY,
            facts=FACTS,
            aws=Memory(denied=["subnets"]),
            watch=lambda what, *_: looked.append(what),
        )
    finally:
        served.stop()
    by_id: dict[str, Check] = {one.id: one for one in said.checks}
    assert by_id["PRE100"].status is Status.PASS and by_id["PRE105"].status is Status.FINDING
    assert by_id["PRE115"].status is Status.UNKNOWN and by_id["PRE115"].because == "ann may not look"
    shown = page(said.checks, said.target, passes=True, exit_line="", width=100, color=False, unicode=True)
    assert "eipalloc-0none" in shown and "ann may not look" in shown
    assert {"AWS addresses", "AWS certificates"} <= set(looked)


def test_only_a_target_named_by_eks_has_an_account() -> None:
    aws = TargetName(context=None, eks="us-east-2/prod", profile="p").aws(FACTS)
    assert isinstance(aws, Account) and (aws.here.account, aws.here.profile) == (ACCOUNT, "p")
    assert aws.here.command("sts get-caller-identity").endswith("--region us-east-2 --profile p")
    assert TargetName(context="a", eks=None).aws(None) is None


def test_every_action_only_reads() -> None:
    assert all(one.partition(":")[2].startswith(("Get", "List", "Describe")) for one in ACTIONS)


def test_the_ids_are_of_the_range_and_in_the_docs(repo: Path) -> None:
    found = set()
    for path in (repo / "migrate/preflight").glob("aws_*.py"):
        texts = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
        found |= {one for one in texts if isinstance(one, str) and one.startswith("PRE") and len(one) == 6}
    docs = (repo / "docs/preflight-aws.md").read_text()
    assert all(100 <= int(one[3:]) < 140 and f"| {one} |" in docs for one in found) and len(found) > 15
    assert all(f'"{one}"' in docs for one in ACTIONS), "the policy names every action"
