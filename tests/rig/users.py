"""Users that may do exactly what a test says, so that least privilege is tried against a real authorizer."""

import base64
import json
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from rig.controlplane import ControlPlane, write_private
from rig.http import ApiError, Client, Json
from rig.shapes.loading import STAND_IN, until

NAMESPACE = "rig-users"
LABELS = {STAND_IN: "user"}  # an export of a shape leaves them out
_NUMBERS = count(1)
RBAC = "rbac.authorization.k8s.io"
_REVIEW = "authorization.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Limited:
    """A ServiceAccount of the namespace rig-users. `client` speaks as it, `kubeconfig` lets other programs do so."""

    name: str
    token: str
    client: Client
    kubeconfig: Path

    @property
    def username(self) -> str:
        """As the server knows it: what audit lines and refusals say."""
        return f"system:serviceaccount:{NAMESPACE}:{self.name}"


def limited(
    plane: ControlPlane,
    rules: list[Json],
    within: dict[str, list[Json]] | None = None,
    seconds: int = 3600,
    name: str = "",
) -> Limited:
    """A new account with these ClusterRole rules, in the namespaces `within` also those, and nothing but discovery.

    A rule is RBAC's own: {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}. `seconds`: how long the
    token lives; the server gives at least 600. The namespaces in `within` must exist. `name`: '' for one of its own.
    """
    admin, name = plane.client(), name or f"limited-{next(_NUMBERS)}"
    _make(admin, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": LABELS}})
    meta = {"name": name, "namespace": NAMESPACE, "labels": LABELS}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}
    _make(admin, account)
    grants: list[tuple[str | None, list[Json]]] = [(None, rules), *(within or {}).items()]
    for namespace, granted in grants:
        for obj in _grant(name, namespace, granted):
            admin.create(obj)
        if granted:
            user = f"system:serviceaccount:{NAMESPACE}:{name}"
            until(lambda: _in_force(admin, user, namespace, granted[0]), 60, f"the rights of {name}")  # noqa: B023
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}}
    token = admin.raw("POST", admin.path_of(account, "token"), None, body)["status"]["token"]
    client = Client(plane.url, plane.ca, token)
    plane.clients.append(client)  # closed with the control plane
    return Limited(name, token, client, _kubeconfig(plane, name, token))


def _grant(name: str, namespace: str | None, rules: list[Json]) -> list[Json]:
    kind = "Role" if namespace else "ClusterRole"
    meta: Json = {"name": f"rig:{name}", "labels": LABELS} | ({"namespace": namespace} if namespace else {})
    reference = {"apiGroup": RBAC, "kind": kind, "name": meta["name"]}
    subjects = [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]
    role = {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": meta, "rules": rules}
    return [
        role,
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": meta,
            "roleRef": reference,
            "subjects": subjects,
        },
    ]


def _in_force(admin: Client, user: str, namespace: str | None, rule: Json) -> bool:
    """The authorizer learns of roles and bindings by watches of its own: a moment after they are written.

    One rule is enough: they come together.
    """
    verb, *_ = rule["verbs"]
    if urls := rule.get("nonResourceURLs"):
        spec: Json = {"nonResourceAttributes": {"verb": verb, "path": urls[0]}}
    else:
        resource, _, sub = rule["resources"][0].partition("/")
        asked = {"verb": verb, "group": rule["apiGroups"][0], "resource": resource, "subresource": sub}
        asked |= {"namespace": namespace or "", "name": rule.get("resourceNames", [""])[0]}
        spec = {"resourceAttributes": asked}
    body = {"apiVersion": _REVIEW, "kind": "SubjectAccessReview", "spec": {"user": user, **spec}}
    return bool(admin.raw("POST", f"/apis/{_REVIEW}/subjectaccessreviews", None, body)["status"].get("allowed"))


def _make(admin: Client, obj: Json) -> None:
    try:
        admin.create(obj)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise


def _kubeconfig(plane: ControlPlane, name: str, token: str) -> Path:
    path = plane.folder / f"kubeconfig-{name}.json"
    ca = base64.b64encode(plane.ca.read_bytes()).decode()
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "rig",
        "clusters": [{"name": "rig", "cluster": {"server": plane.url, "certificate-authority-data": ca}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": name}}],
    }
    write_private(path, json.dumps(config, indent=1))
    return path
