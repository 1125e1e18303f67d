"""A team that deploys on the source while a target already serves: two control planes, and the commands it types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apply_real import Commands, Ended
from balancer_help import Balancer
from holding_help import eventually
from rig.assets import Assets
from rig.controlplane import ControlPlane, write_private
from rig.http import Client, Json
from rig.services import Addresses
from rig.shapes import eks
from rolling_help import all_serve

STAGES = Path(__file__).with_name("rolling_stages.yaml")
_KWOKS_OWN = ("pod-ready.yaml", "pod-delete.yaml")
# What finding SVC014 tells a person to do; nothing of it is written by itself.
DRAINING = """\
overrides:
- {ref: Deployment/*/web, path: spec.template.spec.terminationGracePeriodSeconds, value: 60, reason: SVC014}
- ref: Deployment/*/web
  path: spec.template.spec.containers[name=main].lifecycle
  value: {preStop: {sleep: {seconds: 15}}}
  reason: SVC014
"""


@dataclass(slots=True)
class Team:
    """`old` and `new` are the admins of source and target. A test keeps to a namespace, which names its workspace."""

    old: Client
    new: Client
    balancer: Balancer
    run: Commands
    folder: Path
    source_config: Path
    target_config: Path

    def begin(self, space: str, *bodies: Json, labels: Json | None = None) -> None:
        """What there is on the source before anybody moves, the draining settings, and the first plan."""
        self.old.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space, "labels": labels or {}}})
        for body in bodies:
            self.old.create(body)
        self.plan(space)

    def plan(self, space: str) -> None:
        """Export and plan; both have something to say, which is no failure."""
        where = self.folder / space
        reach = ("--context", "source", "--kubeconfig", self.source_config, "-n", space)
        done = self.run("export", "-w", where, *reach)
        assert done.exit in (0, 1), done.out
        (where / "gke2eks.yaml").write_text(DRAINING.replace("*", space))
        done = self.run("plan", "-w", where)
        assert done.exit in (0, 1), done.out

    def deploy(self, space: str, image: str, name: str = "web") -> None:
        """A new image on the source, as every CI does it."""
        body = self.old.get("apps/v1", "Deployment", name, space)
        body["spec"]["template"]["spec"]["containers"][0]["image"] = f"example.com/{image}"
        self.old.replace(body)

    def words(self, space: str) -> list[str]:
        target = ["--context", "rig", "--kubeconfig", str(self.target_config)]
        source = ["--source-context", "source", "--source-kubeconfig", str(self.source_config)]
        return ["-w", str(self.folder / space), *target, *source, "--yes", "-o", "json"]

    def go(self, command: str, space: str, *more: str) -> Ended:
        return self.run(command, *self.words(space), *more)

    def again(self, space: str, *more: str) -> Ended:
        """Export, plan, apply: what this team does many times a day."""
        self.plan(space)
        return self.go("apply", space, *more)

    def rollback(self, space: str) -> Ended:
        """Take back the last run; no source is asked."""
        target = ("--context", "rig", "--kubeconfig", self.target_config)
        return self.run("rollback", "-w", self.folder / space, *target, "--yes", "-o", "json")

    def begun(self, space: str) -> subprocess.Popen[bytes]:
        """An apply that runs beside the test, to be killed."""
        home = {**os.environ, "XDG_STATE_HOME": str(self.folder / "state")}
        line = [sys.executable, "-m", "migrate.cli", "apply", *self.words(space)]
        return subprocess.Popen(line, env=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def live(self, space: str, replicas: int, name: str = "web") -> list[Json]:
        """Apply held, wait for the load balancer's target group, release; the pods that serve then."""
        held = self.go("apply", space, "--hold")
        assert held.exit == 0, held.out
        assert self.new.list("v1", "Pod", space) == []
        eventually(lambda: self.balancer.bindings(space))
        released = self.go("release", space)
        assert released.exit == 0, released.out
        return all_serve(self.new, space, name, replicas)

    def deployment(self, space: str, name: str = "web") -> Json:
        return self.new.get("apps/v1", "Deployment", name, space)


def said(done: Ended) -> Json:
    """The document of a command with -o json; what went to stderr stands before it."""
    at = 0 if done.out.startswith("{") else done.out.index("\n{\n") + 1
    found: Json = json.JSONDecoder().raw_decode(done.out, at)[0]
    return found


@contextmanager
def teams(assets: Assets, folder: Path) -> Iterator[Team]:
    """A source, where nothing has to run, and an EKS-shaped target whose pods are those of rolling_stages.yaml."""
    stages = [*(path for path in assets.stages() if path.name not in _KWOKS_OWN), STAGES]
    with (
        ControlPlane(assets).start(with_controllers=False) as source,
        ControlPlane(assets).start(with_kwok=True, stages=stages) as target,
        Commands(folder) as run,
        Addresses(target.client(), "standard"),
    ):
        eks.load(target.client(), "standard")
        config = json.loads(source.kubeconfig().read_text())
        config["contexts"][0]["name"] = config["current-context"] = "source"
        write_private(folder / "source.json", json.dumps(config))
        with Balancer(target.client()) as balancer:
            names = (folder / "source.json", target.kubeconfig())
            yield Team(source.client(), target.client(), balancer, run, folder, *names)
        assert balancer.errors == []


def within(space: str, version: str, kind: str, name: str, **more: Any) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": space}, **more}


def workload(space: str, name: str = "web", replicas: int = 3, *, balanced: bool = True, **spec: Any) -> list[Json]:
    """A Deployment for long-lived WebSockets behind a load balancer, its budget and its settings."""
    port = {"containerPort": 8443}
    pod = {"containers": [{"name": "main", "image": "example.com/web:1", "ports": [port]}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    selector = {"matchLabels": {"app": name}}
    rolled = {"replicas": replicas, "minReadySeconds": 1, "selector": selector, "template": template, **spec}
    kind = "LoadBalancer" if balanced else "ClusterIP"
    service = {"type": kind, "selector": {"app": name}, "ports": [{"port": 443, "targetPort": 8443}]}
    budget = {"maxUnavailable": 1, "selector": selector}
    return [
        within(space, "v1", "ConfigMap", f"{name}-settings", data={"level": "info"}),
        within(space, "v1", "Service", name, spec=service),
        within(space, "apps/v1", "Deployment", name, spec=rolled),
        within(space, "policy/v1", "PodDisruptionBudget", name, spec=budget),
    ]
