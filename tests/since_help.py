"""What tests of the second plan share: a source that deploys, a workspace, and a target."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apply_help import TODAY
from contract.target_help import as_client
from rig.http import ApiError, Client, Json
from rollback_help import Life, deployment, obj

from migrate.flow import apply
from migrate.flow.export import export
from migrate.flow.plan import make_plan
from migrate.flow.prepared import Prepared
from migrate.model.selection import parse_selection
from migrate.model.since import Since

CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "gp3"}


@dataclass
class Team(Life):
    """A life whose source is a cluster of its own. `old` writes to it."""

    old: Client = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.source = as_client(self.old)

    def deploy(self, *bodies: Json) -> None:
        """Apply on the source, as the team does."""
        for body in bodies:
            self.old.apply(body, manager="team", force=True)

    def undeploy(self, *bodies: Json) -> None:
        for body in bodies:
            self.old.delete(body)
        for body in bodies:  # a claim goes when the last pod that mounts it has gone
            soon(lambda body=body: not _there(self.old, body))

    def export(self, flavour: str = "standard", **options: Any) -> None:
        """Export the namespace and plan it."""
        select = parse_selection(namespaces=[self.space])
        now = "2026-01-01T00:00:00+00:00"
        export(self.source, self.ws, now=now, hash_key_file=self.key, select=select, **options)
        self.replan(flavour)

    def replan(self, flavour: str = "standard", **options: Any) -> None:
        make_plan([], self.ws, stdin=lambda: b"", today=TODAY, flavour=flavour, hash_key_file=self.key, **options)

    def ready(self, **options: Any) -> Prepared:
        return apply.prepare(self.target, self.ws, today=TODAY, hash_key_file=self.key, source=self.source, **options)

    def since(self, **options: Any) -> Since:
        """What is shown before the question."""
        with self.ready(**options) as ready:
            assert ready.since is not None
            return ready.since

    def on_target(self, body: Json) -> Json | None:
        return self.get(body["apiVersion"], body["kind"], body["metadata"]["name"])


def soon(what: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def _there(client: Client, body: Json) -> bool:
    meta = body["metadata"]
    try:
        client.get(body["apiVersion"], body["kind"], meta["name"], meta.get("namespace"))
    except ApiError as no:
        assert no.status == 404, no
        return False
    return True


def config(space: str, name: str, **data: str) -> Json:
    return obj("ConfigMap", name, space, data=data or {"a": "1"})


def secret(space: str, value: str) -> Json:
    return obj("Secret", "login", space, type="Opaque", data={"password": base64.b64encode(value.encode()).decode()})


def image(space: str, name: str, tag: int, replicas: int | None = 2, **pod: Any) -> Json:
    return deployment(space, name, replicas, containers=[{"name": "web", "image": f"example.com/{name}:{tag}"}], **pod)


def mounts(*names: str, claim: str = "") -> list[Json]:
    found: list[Json] = [{"name": name, "configMap": {"name": name}} for name in names]
    return found + ([{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else [])


def shop(space: str) -> dict[str, Json]:
    """What the team runs: `api` behind a Service with an autoscaler, `worker` without one, and `old`, with data."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    scaling = {"minReplicas": 2, "maxReplicas": 9, "scaleTargetRef": target}
    return {
        "space": obj("Namespace", space),
        "settings": config(space, "settings"),
        "login": secret(space, "first"),
        "api": image(space, "api", 1),
        "service": obj("Service", "api", space, spec={"selector": {"app": "api"}, "ports": [{"port": 80}]}),
        "hpa": obj("HorizontalPodAutoscaler", "api", space, "autoscaling/v2", spec=scaling),
        "worker": image(space, "worker", 1),
        "old-settings": config(space, "old-settings"),
        "data": obj("PersistentVolumeClaim", "data", space, spec=CLAIM),
        "old": image(space, "old", 1, volumes=mounts("old-settings", claim="data")),
    }


def names(refs: Any) -> list[str]:
    return [ref.short for ref in refs]


def kept(since: Since) -> dict[str, str]:
    """{what left the plan: why it is kept}."""
    return {one.ref.short: one.why_kept for one in since.left}
