"""Does for pods behind an NLB what the AWS Load Balancer Controller does: targets, their health, readiness gates.

    with Balancer(client, seconds=2) as balancer: …

Facts from kubernetes-sigs/aws-load-balancer-controller (pkg/inject/pod_readiness, pkg/targetgroupbinding,
pkg/backend/endpoint_resolver.go, helm templates/webhook.yaml), all code here is our own:
- The webhook mpod.elbv2.k8s.aws is asked when a pod is created in a namespace with the label; it adds one gate
  `target-health.elbv2.k8s.aws/<TargetGroupBinding>` for each binding of type ip whose Service selects the pod. A pod
  that is made before the binding gets none.
- A target is an endpoint that is ready, or whose containers are and that is not being deleted; others are taken out.
- The condition of the gate is True while the target is healthy; the patch names the pod's uid.
Nobody checks a target here: it is healthy `seconds` after it was registered, as they were at that moment.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3
from rig.faults import Proxy
from rig.http import ApiError, Client, Json
from rolling_help import condition, ends, gates

LABEL = "elbv2.k8s.aws/pod-readiness-gate-inject"
PREFIX = "target-health.elbv2.k8s.aws/"
_TYPE = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type"
_BINDING = ("elbv2.k8s.aws/v1beta1", "TargetGroupBinding")
_NAME = "aws-load-balancer-webhook"
_MERGE = "application/strategic-merge-patch+json"
_PAUSE = 0.15


class Balancer(threading.Thread):
    """`healthy`: {namespace/service: [(when, how many healthy targets)]}, a line for each change."""

    def __init__(self, client: Client, seconds: float = 2) -> None:
        super().__init__(name="balancer", daemon=True)
        self.client, self.seconds = client, seconds
        self.healthy: dict[str, list[tuple[float, int]]] = {}
        self.errors: list[str] = []
        self._good: dict[tuple[str, str], float] = {}  # (binding, uid of a pod): from when on it is healthy
        self._over, self._stack = threading.Event(), ExitStack()

    def __enter__(self) -> Self:
        self._stack.callback(self._halt)
        self._listen()
        self.start()
        return self

    def __exit__(self, sort: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def _halt(self) -> None:
        self._over.set()
        self.join(60)

    def run(self) -> None:
        while not self._over.wait(_PAUSE):
            try:
                self._round()
            except ApiError as error:
                if error.status not in (404, 409):  # gone, or changed meanwhile
                    self.errors.append(str(error))
            except (urllib3.exceptions.HTTPError, OSError) as error:
                self.errors.append(str(error))

    def fewest(self, service: str, since: float) -> int:
        """The fewest healthy targets of a Service from a moment on (time.monotonic), that moment included."""
        lines = self.healthy[service]
        first = max((at for at, _ in lines if at <= since), default=since)
        return min(count for at, count in lines if at >= first)

    def now(self, service: str) -> int:
        """How many targets of a Service are healthy; 0 before there was a look at it."""
        return next((count for _, count in self.healthy.get(service, ())[-1:]), 0)

    def bindings(self, space: str) -> list[str]:
        return [one["metadata"]["name"] for one in self.client.list(*_BINDING, space)]

    def _round(self) -> None:
        services = [one for one in self.client.list("v1", "Service") if _ours(one)]
        if not services:
            return
        have = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in self.client.list(*_BINDING)}
        slices = self.client.list("discovery.k8s.io/v1", "EndpointSlice")
        pods = {one["metadata"]["uid"]: one for one in self.client.list("v1", "Pod")}
        now = time.monotonic()
        for service in services:
            meta = service["metadata"]
            for port in service["spec"]["ports"]:
                name = _name(service, port)
                if (meta["namespace"], name) not in have:
                    self.client.create(_binding(service, port, name))
            targets = _targets(service, slices, pods)
            healthy = self._registered([_name(service, port) for port in service["spec"]["ports"]], targets, now)
            key = f"{meta['namespace']}/{meta['name']}"
            lines = self.healthy.setdefault(key, [])
            if not lines or lines[-1][1] != healthy:
                lines.append((now, healthy))

    def _registered(self, bindings: list[str], targets: Mapping[str, Json], now: float) -> int:
        """Register and take out, say to the gates what is known; how many are healthy in all of the groups."""
        for key in [key for key in self._good if key[0] in bindings and key[1] not in targets]:
            del self._good[key]
        healthy = dict.fromkeys(targets, True)
        for name in bindings:
            for uid, pod in targets.items():
                good = now >= self._good.setdefault((name, uid), now + self.seconds)
                healthy[uid] = healthy[uid] and good
                said, gate = "True" if good else "False", f"{PREFIX}{name}"
                if gate in gates(pod) and condition(pod, gate) != said:
                    self._say(pod, gate, said)
        return sum(healthy.values())

    def _say(self, pod: Json, gate: str, said: str) -> None:
        why = {} if said == "True" else {"reason": "Elb.RegistrationInProgress"}
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        one = {"type": gate, "status": said, "lastTransitionTime": when, **why}
        body = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": {"conditions": [one]}}
        self.client.raw("PATCH", self.client.path_of(pod, "status"), None, body, _MERGE)

    def _listen(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
                answer: Json = {"uid": asked["uid"], "allowed": True}
                if patch := outer._injected(asked["namespace"], asked["object"]):
                    coded = base64.b64encode(json.dumps(patch).encode()).decode()
                    answer |= {"patchType": "JSONPatch", "patch": coded}
                whole = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
                data = json.dumps(whole).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=served.serve_forever, args=(0.05,), daemon=True).start()
        self._stack.callback(served.server_close)
        self._stack.callback(served.shutdown)
        proxy = self._stack.enter_context(Proxy(f"http://127.0.0.1:{served.server_port}", tls=True))
        bundle = base64.b64encode(Path(str(proxy.ca)).read_bytes()).decode()
        body = _webhook({"url": f"{proxy.url}/mutate-v1-pod", "caBundle": bundle})
        self.client.create(body)
        self._stack.callback(self.client.delete, body)

    def _injected(self, space: str, pod: Json) -> list[Json]:
        """The patch that gives a pod its gates."""
        labels, have = pod["metadata"].get("labels") or {}, gates(pod)
        services = {one["metadata"]["name"]: one for one in self.client.list("v1", "Service", space)}
        wanted = list(have)
        for one in self.client.list(*_BINDING, space):
            service, gate = services.get(one["spec"]["serviceRef"]["name"]), f"{PREFIX}{one['metadata']['name']}"
            selector = (service or {"spec": {}})["spec"].get("selector") or {}
            if selector and selector.items() <= labels.items() and gate not in wanted:
                wanted.append(gate)
        value = [{"conditionType": gate} for gate in wanted]
        return [{"op": "add", "path": "/spec/readinessGates", "value": value}] if wanted != have else []


def _ours(service: Json) -> bool:
    notes = service["metadata"].get("annotations") or {}
    ending = "deletionTimestamp" in service["metadata"]
    return service["spec"].get("loadBalancerClass") == "service.k8s.aws/nlb" and notes.get(_TYPE) == "ip" and not ending


def _targets(service: Json, slices: list[Json], pods: Mapping[str, Json]) -> dict[str, Json]:
    """{uid: pod} of what belongs into the target groups of a Service."""
    meta, found = service["metadata"], {}
    for one in slices:
        if one["metadata"]["namespace"] != meta["namespace"]:
            continue
        if (one["metadata"].get("labels") or {}).get("kubernetes.io/service-name") != meta["name"]:
            continue
        for point in one.get("endpoints") or ():
            pod = pods.get((point.get("targetRef") or {}).get("uid", ""))
            ready = point.get("conditions", {}).get("ready", True)
            if pod and (ready or condition(pod, "ContainersReady") == "True") and not ends(pod):
                found[pod["metadata"]["uid"]] = pod
    return found


def _name(service: Json, port: Json) -> str:
    meta = service["metadata"]
    words = [re.sub(r"[^a-z0-9]", "", meta[key])[:8] for key in ("namespace", "name")]
    tail = hashlib.sha256(f"{meta['uid']}{port['port']}".encode()).hexdigest()[:10]
    return f"k8s-{'-'.join(words)}-{tail}"


def _binding(service: Json, port: Json, name: str) -> Json:
    meta = service["metadata"]
    arn = f"arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/{name}/0123456789abcdef"
    spec = {"targetType": "ip", "targetGroupARN": arn, "serviceRef": {"name": meta["name"], "port": port["port"]}}
    named = {"name": name, "namespace": meta["namespace"]}
    return {"apiVersion": _BINDING[0], "kind": _BINDING[1], "metadata": named, "spec": spec}


def _webhook(client_config: Json) -> Json:
    hook: dict[str, Any] = {
        "name": "mpod.elbv2.k8s.aws",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "timeoutSeconds": 30,
        "clientConfig": client_config,
        "namespaceSelector": {"matchExpressions": [{"key": LABEL, "operator": "In", "values": ["enabled"]}]},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": _NAME},
        "webhooks": [hook],
    }
