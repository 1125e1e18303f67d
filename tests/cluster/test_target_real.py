"""The writing client on a real API server: its contract, and every no that the practice cluster does not know."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from contract.servers import Json, Server, Space, config_map, deployment, eventually, kinds, real, space
from contract.target_help import as_client, open_target
from contract.test_target import *  # noqa: F403
from contract.test_target import CANARY, cm, ref, within
from rig.controlplane import ControlPlane
from rig.faults import Faults, Proxy, Reset, Rule, Status

from migrate.cluster.outcome import Applied, Conflict, Reason, Rejected, Unknown
from migrate.cluster.target import KubeTarget
from migrate.errors import Forbidden, NotLoggedIn
from migrate.model.ref import Ref

__all__ = ["kinds", "space"]
HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


@pytest.fixture(scope="session")
def server(control_plane: ControlPlane) -> Iterator[Server]:
    yield from real(control_plane)


@pytest.fixture
def target(space: Space) -> KubeTarget:
    return as_client(space.client)


def no(found: object, reason: Reason) -> Rejected:
    assert isinstance(found, Rejected) and found.reason is reason, found
    return found


def pod(space: Space) -> Json:
    body = {"containers": [{"name": "x", "image": "registry.invalid/x:1"}]}
    return within(space, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": body})


def test_unknown_fields_and_wrong_types(space: Space, target: KubeTarget) -> None:
    """The server walks maps in Go's order and names some of the faults, at times others."""
    body = within(space, deployment("d", foo=1, replicas="two"))
    body["spec"]["template"]["spec"]["containers"][0]["imagge"] = "x"
    undeclared = "field not declared in schema"
    known = {
        "spec.foo": undeclared,
        "spec.replicas": "expected numeric (int or float), got string",
        'spec.template.spec.containers[name="main"].imagge': undeclared,
    }
    for found in (target.apply(body), target.dry_run(body)):
        said = {one.field: one.message for one in no(found, Reason.INVALID).faults}
        assert said and said.items() <= known.items()


def test_unknown_fields_at_create(space: Space, target: KubeTarget) -> None:
    body = within(space, deployment("d", foo=1))
    body["spec"]["template"]["spec"]["containers"][0]["imagge"] = "x"
    found = no(target.create(body), Reason.INVALID)
    assert {(one.field, one.message) for one in found.faults} == {
        ("spec.foo", "unknown field"),
        ("spec.template.spec.containers[0].imagge", "unknown field"),
    }


def test_an_immutable_field(space: Space, target: KubeTarget) -> None:
    assert isinstance(target.apply(within(space, deployment("d"))), Applied)
    body = deployment("d")
    body["spec"]["selector"] = {"matchLabels": {"app": "d", "tier": "x"}}
    body["spec"]["template"]["metadata"]["labels"]["tier"] = "x"
    found = no(target.apply(within(space, body)), Reason.INVALID)
    assert [one.field for one in found.faults] == ["spec.selector"]
    assert found.faults[0].message.endswith("field is immutable")


def test_an_odd_manager_and_a_subresource(space: Space, target: KubeTarget) -> None:
    body = within(space, deployment("d", replicas=2))
    assert isinstance(target.apply(body, manager='odd "name"'), Applied)
    path = space.deployments("d") + "/scale"
    assert space.client.change(path, {"spec": {"replicas": 5}}, fieldManager="scaler").code == 200
    other = within(space, deployment("d", replicas=3))
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "other"
    found = target.apply(other)
    assert isinstance(found, Conflict)
    assert [
        (str(one.path), one.manager, one.version, one.subresource, one.theirs, one.ours) for one in found.causes
    ] == [
        ("spec.replicas", "scaler", "apps/v1", "scale", 5, 3),
        ("spec.template.spec.containers[name=main].image", 'odd "name"', "", "", "registry.invalid/a:1", "other"),
    ]


def test_a_quota(space: Space, target: KubeTarget) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "0"}}}
    assert space.client.post(space.path("resourcequotas"), quota).code == 201
    eventually(lambda: space.client.read(space.path("resourcequotas", "q")).body.get("status", {}).get("hard"))
    found = no(target.apply(cm(space)), Reason.QUOTA)
    assert found.by == "q" and "exceeded quota: q" in found.message


def test_pod_security_and_what_the_server_remarks(space: Space, target: KubeTarget) -> None:
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    space.client.change(f"/api/v1/namespaces/{space.name}", {"metadata": {"labels": levels}})
    eventually(lambda: isinstance(target.dry_run(pod(space)), Rejected))
    assert no(target.apply(pod(space)), Reason.POD_SECURITY).by == "restricted:latest"
    found = target.apply(within(space, deployment("d")))
    assert isinstance(found, Applied)
    assert len(found.remarks) == 1
    assert found.remarks[0].startswith('would violate PodSecurity "restricted:latest": allowPrivilegeEscalation')


def test_a_limit_range(space: Space, target: KubeTarget) -> None:
    limits = {"metadata": {"name": "l"}, "spec": {"limits": [{"type": "Pod", "max": {"cpu": "1"}}]}}
    assert space.client.post(space.path("limitranges"), limits).code == 201
    eventually(lambda: isinstance(target.dry_run(pod(space)), Rejected))
    assert "cpu" in no(target.apply(pod(space)), Reason.ADMISSION).message


def test_a_namespace_that_ends(space: Space, target: KubeTarget) -> None:
    name = f"{space.name}-ends"
    body = {"metadata": {"name": name}, "spec": {"finalizers": ["kubernetes", "gke2eks.dev/test"]}}
    assert space.client.post("/api/v1/namespaces", body).code == 201
    space.client.drop(f"/api/v1/namespaces/{name}")
    no(target.apply(config_map("m", namespace=name)), Reason.NAMESPACE_ENDING)
    space.client.put(f"/api/v1/namespaces/{name}/finalize", body | {"spec": {"finalizers": []}})


def test_who_may_not(space: Space, control_plane: ControlPlane) -> None:
    nobody = as_client(control_plane.client("nobody"))
    for found in (nobody.apply(cm(space)), nobody.dry_run(cm(space)), nobody.create(cm(space))):
        assert 'User "nobody" cannot ' in no(found, Reason.FORBIDDEN).message
    no(nobody.delete(ref(space), "1", "u"), Reason.FORBIDDEN)
    with pytest.raises(Forbidden):
        nobody.get(ref(space))
    with pytest.raises(NotLoggedIn):
        open_target(control_plane.url, control_plane.ca, "nonsense").apply(cm(space))


def test_who_may_not_read_still_hears_of_a_conflict(
    space: Space, control_plane: ControlPlane, target: KubeTarget
) -> None:
    target.apply(cm(space, data={"a": "1"}), manager="other")
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "patch", "namespace": space.name}}
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]}
    assert isinstance(target.apply(role | {"kind": "Role", "rules": [rule]}), Applied)
    bound = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "patch"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "writer"}
    assert isinstance(target.apply(role | {"kind": "RoleBinding", "roleRef": bound, "subjects": [subject]}), Applied)
    writer = as_client(control_plane.client("writer"))
    eventually(lambda: isinstance(writer.dry_run(cm(space, data={"a": "2"})), Conflict))


def test_rights_that_the_caller_does_not_have(space: Space, control_plane: ControlPlane, target: KubeTarget) -> None:
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "metadata": {"name": "more", "namespace": space.name}}
    rule = {"apiGroups": [group], "resources": ["roles"], "verbs": ["get", "create", "patch"]}
    assert isinstance(target.apply(role | {"kind": "Role", "rules": [rule]}), Applied)
    bound = {"apiGroup": group, "kind": "Role", "name": "more"}
    subject = {"apiGroup": group, "kind": "User", "name": "writer"}
    assert isinstance(target.apply(role | {"kind": "RoleBinding", "roleRef": bound, "subjects": [subject]}), Applied)
    writer = as_client(control_plane.client("writer"))
    secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    wanted = role | {"kind": "Role", "metadata": {"name": "x", "namespace": space.name}, "rules": [secrets]}
    eventually(lambda: getattr(writer.dry_run(wanted), "reason", None) is not Reason.FORBIDDEN)
    no(writer.apply(wanted), Reason.ESCALATION)


def test_too_large(space: Space, target: KubeTarget) -> None:
    from contract.servers import custom

    for size in (2_000_000, 4_000_000):  # what etcd takes, what the API server takes
        no(target.apply(within(space, custom("Free", "a", spec={"x": "x" * size}))), Reason.TOO_LARGE)


@contextmanager
def webhook(space: Space, answer: Json | None) -> Iterator[str]:
    """A webhook on the ConfigMaps of this namespace; None: nobody listens at its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
            data = json.dumps(review | {"response": {"uid": asked["request"]["uid"], **(answer or {})}}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    name = f"gate-{space.name}.gke2eks.dev"
    with Proxy(f"http://127.0.0.1:{served.server_port}", tls=True) as proxy:
        ca = base64.b64encode(Path(str(proxy.ca)).read_bytes()).decode()
        hook = {
            "name": name,
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 2,
            "clientConfig": {"url": "https://127.0.0.1:9/" if answer is None else f"{proxy.url}/", "caBundle": ca},
            "rules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps", "secrets"]}
            ],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space.name}},
        }
        assert space.client.post(HOOKS, {"metadata": {"name": name}, "webhooks": [hook]}).code == 201
        try:
            yield name
        finally:
            space.client.drop(f"{HOOKS}/{name}")
    served.shutdown()
    served.server_close()


def test_a_webhook_that_says_no(space: Space, target: KubeTarget) -> None:
    answer = {"allowed": False, "status": {"code": 409, "message": f"not {CANARY}"}, "warnings": [f"old {CANARY}"]}
    with webhook(space, answer) as name:
        eventually(lambda: isinstance(target.dry_run(cm(space)), Rejected))
        found = no(target.apply(cm(space)), Reason.WEBHOOK)
        assert found.by == name
        assert found.message.endswith(f"denied the request: not {CANARY}")
        assert found.remarks == (f"old {CANARY}",)
        hidden = no(target.apply(secret(space, CANARY)), Reason.WEBHOOK)  # noqa: F405
        assert hidden.by == name and CANARY not in repr(hidden)


def test_a_webhook_that_does_not_answer(space: Space, target: KubeTarget) -> None:
    with webhook(space, None) as name:
        eventually(lambda: isinstance(target.dry_run(cm(space)), Rejected))
        assert no(target.apply(cm(space)), Reason.WEBHOOK_DOWN).by == name
        assert no(target.create(cm(space)), Reason.WEBHOOK_DOWN).by == name
        assert target.get(ref(space)) is None


@pytest.mark.parametrize("value", [12345, {"deep": CANARY}, [CANARY], True])
def test_no_answer_about_a_secret_quotes_it(space: Space, target: KubeTarget, value: object) -> None:
    """The server's own words do: 'expected string, got &value.valueUnstructured{Value:12345}'."""
    found = no(target.apply(secret(space, value)), Reason.INVALID)  # noqa: F405
    assert CANARY not in repr(found) and "12345" not in repr(found)


def test_an_invalid_secret(space: Space, target: KubeTarget) -> None:
    body = within(space, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": f"!{CANARY}"}})
    assert CANARY not in repr(no(target.apply(body), Reason.INVALID))
    body |= {
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(CANARY.encode()).decode()},
    }
    found = no(target.apply(body), Reason.INVALID)
    assert [one.field for one in found.faults] == ["data[.dockerconfigjson]"]
    assert CANARY not in repr(found)


def test_another_version_of_a_kind(space: Space, target: KubeTarget) -> None:
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    spec = {"scaleTargetRef": scaled, "maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
    old = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}, "spec": spec}
    assert isinstance(target.apply(within(space, old)), Applied)
    one = Ref("autoscaling", "HorizontalPodAutoscaler", space.name, "h")
    for version in ("autoscaling/v1", "autoscaling/v2"):
        live = target.get(one, version)
        assert live is not None and live["apiVersion"] == version


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[Proxy]:
    pair = (control_plane.folder / "server.crt", control_plane.folder / "server.key")
    with Proxy(control_plane.url, upstream_ca=control_plane.ca, certificate=pair) as proxy:
        yield proxy
    assert proxy.errors == []


def test_lost_answers_of_a_real_server(space: Space, proxy: Proxy, control_plane: ControlPlane) -> None:
    target = open_target(proxy.url, proxy.ca, control_plane.token(), timeout=10)
    assert target.get(ref(space)) is None
    proxy.faults = Faults(
        rules=[Rule(Reset("answer"), method="PATCH|POST", nth=1), Rule(Status(504, executed=True), nth=3)]
    )
    found = target.apply(cm(space, data={"a": "1"}))
    assert isinstance(found, Applied) and found.repeated and not found.created
    assert target.get(ref(space)) == found.body
    proxy.faults = Faults(rules=[Rule(Reset("head"), method="POST", nth=1)])
    assert isinstance(target.create(cm(space, "other")), Unknown)
    assert target.get(ref(space, "other")) is not None
