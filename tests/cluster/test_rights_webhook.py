"""Rights that RBAC knows nothing of: an authorizer of a cloud grants them, as EKS does by access policies."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from contract.target_help import as_client
from rig import flags
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rights_plans import a_plan

from migrate.cluster.outcome import Applied, Reason, Rejected
from migrate.flow.rights import rights
from migrate.flow.view import View
from migrate.model.checks import Status
from migrate.semantics.going import Going

EDITS = ("get", "list", "create", "patch")
PLAN = """
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: a, namespace: default}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
"""


class Policies(BaseHTTPRequestHandler):
    """`reader` is an admin, `writer` may do what an edit is; of everybody else it has no opinion."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        spec = asked["spec"]
        verb = spec.get("resourceAttributes", {}).get("verb")
        yes = spec["user"] == "reader" or (spec["user"] == "writer" and verb in EDITS)
        answer: dict[str, Any] = {"apiVersion": asked["apiVersion"], "kind": asked["kind"], "status": {"allowed": yes}}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def plane(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Policies)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    config = tmp_path_factory.mktemp("webhook") / "config.json"
    webhook = {"name": "eks", "cluster": {"server": f"http://127.0.0.1:{server.server_port}/authorize"}}
    context = {"name": "eks", "context": {"cluster": "eks", "user": "eks"}}
    config.write_text(json.dumps({"clusters": [webhook], "contexts": [context], "current-context": "eks"}))
    usual = flags.apiserver

    def more(port: int, controllers: bool) -> list[str]:
        kept = [flag for flag in usual(port, controllers) if not flag.startswith("--authorization-mode")]
        webhooks = [f"--authorization-webhook-config-file={config}", "--authorization-webhook-version=v1"]
        return [*kept, "--authorization-mode=RBAC,Webhook", *webhooks]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flags, "apiserver", more)
        with ControlPlane(assets).start(tokens=("reader", "writer", "nobody"), with_controllers=False) as started:
            yield started
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def goes() -> Going:
    return a_plan(*PLAN.split("---"))


def judged(plane: ControlPlane, user: str, goes: Going) -> dict[str, Status]:
    target = as_client(plane.client(user))
    return {check.id: check.status for check in rights(target, goes, View(target))}


def test_an_authorizer_that_cannot_list_is_asked_one_by_one(plane: ControlPlane, goes: Going) -> None:
    listed, whole = as_client(plane.client("reader")).rules("default")
    assert not whole and all("secrets" not in rule["resources"] for rule in listed)
    assert set(judged(plane, "reader", goes).values()) == {Status.PASS}
    assert judged(plane, "nobody", goes)["PRE050"] is Status.FINDING


def test_who_grants_a_role_must_have_it_by_rbac(plane: ControlPlane, goes: Going) -> None:
    """The Role grants nothing more than the run needs itself, so no `escalate` is asked for; its dry run says no."""
    assert set(judged(plane, "writer", goes).values()) == {Status.PASS}
    (role,) = [body for ref, body in goes.bodies.items() if ref.kind == "Role"]
    said = as_client(plane.client("writer")).dry_run(role)
    assert isinstance(said, Rejected) and said.reason is Reason.ESCALATION
    assert isinstance(as_client(plane.client("reader")).dry_run(role), Applied)
