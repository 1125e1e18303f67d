"""Every tenth answer is spoiled while a second plan prunes and makes anew, and while all of it is taken back."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from apply_real import before, writes
from contract.target_help import open_target
from policy_scenes import chosen, settings, write_as
from rig.controlplane import ControlPlane
from rig.faults import Faults, Proxy, Unauthorized
from rig.http import Json
from rollback_help import Life, deployment, obj, state
from test_apply_storm import STORM

from migrate.cluster.pace import Pace
from migrate.errors import Error
from migrate.model.ran import Report
from migrate.model.undone import UndoReport

# A user with one token cannot log in again.
RULES = tuple(rule for rule in STORM if not isinstance(rule.action, Unauthorized))
KINDS = (
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("apps/v1", "Deployment"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
)
POLICIES = chosen("recreate", "overwrite=ConfigMap/*/theirs")
SOON = 8  # runs, at most


@pytest.fixture(scope="module")
def proxy(control_plane: ControlPlane) -> Iterator[Proxy]:
    with before(control_plane) as made:
        yield made


def binding(space: str, role: str) -> Json:
    group = "rbac.authorization.k8s.io"
    ref = {"apiGroup": group, "kind": "ClusterRole", "name": role}
    who = [{"kind": "ServiceAccount", "name": "app", "namespace": space}]
    return obj("RoleBinding", "app", space, f"{group}/v1", roleRef=ref, subjects=who)


def selecting(space: str, name: str, tier: str) -> Json:
    body = deployment(space, name, 1)
    labels = {"app": name, "tier": tier}
    body["spec"]["selector"] = {"matchLabels": labels}
    body["spec"]["template"]["metadata"]["labels"] = labels
    return body


def planned(space: str, day: int) -> list[Json]:
    """The second day has other values, five objects less, three more, and fields that are fixed for life."""
    kept = [settings(space, f"c{n:02}", day=str(day if n < 10 else 1)) for n in range(15)]
    mine = range(15, 20) if day == 1 else range(20, 23)
    tier, role = ("a", "view") if day == 1 else ("b", "edit")
    ports = [{"port": 80 + day}]
    return [
        obj("Namespace", space),
        obj("ServiceAccount", "app", space),
        settings(space, "theirs", level=f"day {day}"),
        *kept,
        *(settings(space, f"c{n:02}", day=str(day)) for n in mine),
        obj("Service", "web", space, spec={"selector": {"app": "web"}, "ports": ports}),
        selecting(space, "web", tier),
        deployment(space, "worker", day),
        binding(space, role),
    ]


def there(life: Life) -> dict[str, Any]:
    """What is in the namespace, without what a server gives out by chance."""
    found = {}
    for version, kind in KINDS:
        for body in life.client.list(version, kind, life.space):
            name = body["metadata"]["name"]
            if name in ("kube-root-ca.crt", "default"):
                continue
            shown = state(body) or {}
            shown["metadata"] = {k: v for k, v in shown["metadata"].items() if k not in ("uid", "creationTimestamp")}
            spec = {k: v for k, v in shown.get("spec", {}).items() if k not in ("clusterIP", "clusterIPs")}
            found[f"{kind}/{name}"] = json.loads(json.dumps({**shown, "spec": spec}).replace(life.space, "SPACE"))
    return found


def to_the_end(go: Callable[[], Report | UndoReport]) -> int:
    """Run it again, as a person does, until it says that all is done; how often."""
    for count in range(1, SOON + 1):
        try:
            if (report := go()).exit == 0:
                return count
            said = Counter(f"{one.action} {one.message}" for one in report.results if one.message)
            print("exit", report.exit, dict(said))
        except Error as bad:
            print(bad.what)
    raise AssertionError(f"not done after {SOON} runs")


def test_a_second_day_in_a_storm(control_plane: ControlPlane, proxy: Proxy, tmp_path: Path) -> None:
    client = control_plane.client()
    stormy = open_target(
        proxy.url,
        control_plane.ca,
        control_plane.token(),
        pace=Pace(rate=1000, burst=1000),
        pause=lambda s: time.sleep(min(s, 0.02)),
    )
    seen: dict[str, list[dict[str, Any]]] = {}
    for name, target in (("calm", None), ("storm", stormy)):
        life = Life(client, tmp_path, f"{name}-second-day")
        client.apply(obj("Namespace", life.space), manager="platform")
        write_as(life, "argocd", settings(life.space, "theirs", level="debug"))
        states = seen[name] = [there(life)]
        proxy.faults = Faults(seed=7, rules=RULES)
        for day in (1, 2):
            life.plan(*planned(life.space, day))
            more: dict[str, Any] = {"policies": POLICIES, "prune": day == 2, "target": target}
            times = to_the_end(partial(life.apply, **more))
            states.append(there(life))
            print(name, "day", day, "runs", times, len(states[-1]), "objects")
        for everything in (False, True):
            times = to_the_end(partial(life.rollback, target, everything=everything))
            states.append(there(life))
        said = Counter(one.fault.split()[0] for one in proxy.log if one.fault)
        print(name, "rollback", times, dict(said), len(proxy.log))
        if target is not None:
            assert sum(said.values()) >= len(proxy.log) * 0.06 and len(said) >= 5, said
            proxy.faults = Faults()
            assert life.rollback(target, everything=True).exit == 0 and writes(proxy) == []
    calm, storm = seen["calm"], seen["storm"]
    assert [len(one) for one in calm] == [1, 26, 24, 26, 1]
    assert calm[3] == calm[1] and calm[4] == calm[0]
    for day, (one, other) in enumerate(zip(calm, storm, strict=True)):
        assert one == other, f"after step {day}"
