"""Every tenth answer of a real server is spoiled: an apply comes to the same end, and then has nothing to do."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from apply_help import Run, run
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.faults import Faults, Garbage, Latency, Proxy, Reset, Rule, Status, Truncate, Unauthorized
from rig.services import Addresses
from rig.shapes import eks
from rig.shapes.provisioner import Provisioner
from test_corpus import answered, sendable

from migrate.cluster.connection import with_token
from migrate.cluster.pace import Pace
from migrate.cluster.target import KubeTarget
from migrate.flow.run import Wait
from migrate.flow.secret_values import Filled
from migrate.model.journal import Outcome
from migrate.model.plan import Plan, Step
from migrate.model.ref import Ref
from migrate.reading import read

STORM = (
    Rule(Unauthorized(), nth=25),
    Rule(Reset("request"), chance=0.015),
    Rule(Reset("answer"), chance=0.015),
    Rule(Reset("body", 0.5), chance=0.01),
    Rule(Truncate(0.5), chance=0.01),
    Rule(Truncate(0.5, honest=True), chance=0.01),
    Rule(Garbage(), chance=0.01),
    Rule(Status(429, retry_after=0.05), chance=0.01),
    Rule(Status(500), chance=0.005),
    Rule(Status(503), chance=0.01),
    Rule(Status(504, executed=True), chance=0.01),
    Rule(Latency(0.1), chance=0.01),
)
# What a server gives out by chance or by the order in which things came, and what controllers add when they come to it.
THEIRS = (
    "deployment.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "kubernetes.io/service-account.uid",
)
BY_CHANCE = {
    "metadata": ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "finalizers"),
    "spec": ("claimRef", "clusterIP", "clusterIPs", "volumeName", "healthCheckNodePort"),
}


def fill(step: Step) -> Filled:
    assert step.body is not None
    return Filled(sendable(step.ref, step.body))


def source(which: str, request: pytest.FixtureRequest) -> Path:
    if which == "example":
        return Path(request.getfixturevalue("repo")) / "examples" / "gke-cluster.json"
    return Path(request.getfixturevalue("shared")) / "corpus" / "gke-cluster.json.gz"


@contextmanager
def target(assets: Assets, *rules: Rule) -> Iterator[tuple[KubeTarget, Proxy]]:
    """An EKS-shaped control plane of its own, asked through a proxy."""
    with ControlPlane(assets).start(with_kwok=True, tokens=[("other", ["system:masters"])]) as plane:
        client = plane.client()
        eks.load(client, "standard")
        pair = (plane.folder / "server.crt", plane.folder / "server.key")
        proxy = Proxy(plane.url, upstream_ca=plane.ca, certificate=pair)
        with Addresses(plane.client(), "standard"), Provisioner(plane.client(), eks.PLACE), proxy:
            tokens = itertools.cycle((plane.token(), plane.token("other")))
            login = [next(tokens)]
            connection = with_token(
                "the target",
                proxy.url,
                plane.ca.read_bytes(),
                lambda: login[0],
                login="log in again.",
                forget=lambda: login.__setitem__(0, next(tokens)),
            )
            # The pauses between attempts are cut short; nothing else is.
            made = KubeTarget(connection, pace=Pace(rate=1000, burst=1000), pause=lambda s: time.sleep(min(s, 0.02)))
            proxy.faults = Faults(seed=11, rules=rules)
            yield made, proxy


GOOD = {one.value for one in (Outcome.CREATED, Outcome.CONFIGURED, Outcome.UNCHANGED, Outcome.HELD)}


def end_state(made: KubeTarget, plan: Plan) -> Mapping[Ref, Any]:
    """Each planned object as it is in the end, without what another run would have otherwise, too."""
    found: dict[Ref, Any] = {}
    for step in plan.steps:
        if step.body is None:
            continue
        live = made.get(step.ref, str(step.body["apiVersion"]))
        found[step.ref] = None if live is None else _projected(dict(live))
    return found


def _projected(body: dict[str, Any]) -> Any:
    ours = [
        (one["manager"], one["operation"], one["fieldsV1"])
        for one in body["metadata"].get("managedFields", ())
        if one["manager"].startswith("gke2eks") and not one.get("subresource")
    ]
    uid = str(body["metadata"]["uid"])
    for part, names in BY_CHANCE.items():
        if isinstance(body.get(part), dict):
            body[part] = {key: value for key, value in body[part].items() if key not in names}
    for port in (body.get("spec") or {}).get("ports", ()) if body["kind"] == "Service" else ():
        port.pop("nodePort", None)
    for key in [one for one in body["metadata"].get("annotations", ()) if one.startswith(THEIRS)]:
        del body["metadata"]["annotations"][key]
    if not body["metadata"].get("annotations"):
        body["metadata"].pop("annotations", None)
    body.pop("status", None)
    if body.get("type") == "kubernetes.io/service-account-token":
        body["data"] = sorted(body["data"])  # the target signs its own, and each has its keys
    text = re.sub(r"kube-api-access-[a-z0-9]{5}", "kube-api-access", json.dumps(body)).replace(uid, "its-uid")
    return json.loads(text), sorted(ours, key=str)


def _apart(one: Any, other: Any, path: str) -> Iterator[str]:
    """Where two values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from _apart(one.get(key), other.get(key), f"{path}.{key}")
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for at, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _apart(left, right, f"{path}[{at}]")
    elif one != other:
        yield path


def changing(proxy: Proxy) -> list[str]:
    return [
        f"{one.method} {one.path}"
        for one in proxy.log
        if one.method != "GET" and "dryRun=All" not in one.path and "selfsubject" not in one.path
    ]


@pytest.mark.parametrize(("which", "fewest", "hold"), [("example", 20, False), ("cluster", 300, True)])
def test_a_tenth_of_all_answers_is_spoiled(
    which: str, fewest: int, hold: bool, assets: Assets, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    snapshot = read([str(source(which, request))], stdin=lambda: b"", needles=(), hash_key=b"test").snapshot
    states: dict[str, Mapping[Ref, Any]] = {}
    actions: dict[str, Mapping[str, str]] = {}
    for name, rules in (("calm", ()), ("storm", STORM)):
        workspace = tmp_path / name
        workspace.mkdir()
        (workspace / ".gke2eks").write_text("x")
        plan = answered(snapshot, "standard", workspace)

        def go(wait: Wait = Wait.NONE, plan: Plan = plan, workspace: Path = workspace) -> Run:
            return run(plan, made, workspace, everything=hold, fill=fill, patience=12, wait=wait)

        with target(assets, *rules) as (made, proxy):
            first = go(Wait.NONE if hold else Wait.ALL)
            said = Counter(one.fault.split()[0] for one in proxy.log if one.fault)
            print(which, name, len(proxy.log), "requests", dict(said), Counter(first.actions().values()))
            assert first.ended.trouble is None and not first.ended.untried
            if rules:
                assert sum(said.values()) >= len(proxy.log) * 0.07 and len(said) >= 6, said
            proxy.faults = Faults()
            second = go()
            states[name], actions[name] = end_state(made, plan), first.actions()
            proxy.faults = Faults()
            again = go()
            print(which, name, first.writes, second.writes, again.writes)
            assert again.writes == 0 and changing(proxy) == []
        if rules:
            lost = [one for one in first.bad() if actions["calm"].get(str(one.ref)) in GOOD]
            assert lost == []
    assert len(states["calm"]) >= fewest
    different = {str(ref): sorted(_apart(body, states["storm"][ref], "")) for ref, body in states["calm"].items()}
    different = {ref: paths for ref, paths in different.items() if paths}
    assert not different, "\n".join(f"{ref}: {', '.join(paths)}" for ref, paths in different.items())
