"""What a real server may say to an apply, each made to happen in a namespace of its own."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apply_hooks import webhook
from apply_stage import Json, Stage, deployment, obj, secret, service
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client
from rig.users import Limited, limited

APPLY = "gke2eks apply -w out --context prod --source-context gke --yes"
SOON = " --ready-timeout 3"
RBAC = "rbac.authorization.k8s.io"
THEIRS = "their-own-value-9d2e"


@dataclass
class Place:
    """Where a scene plays. `before` is all that stands on the target when the command runs."""

    stage: Stage
    plane: ControlPlane
    space: str
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.plane.client()

    def plan(self, *bodies: Json, **labels: str) -> None:
        """Plan the namespace, a Secret, and these."""
        space = obj("Namespace", self.space, metadata={"labels": labels} if labels else {})
        # A workload that no Service leads to would arrive held.
        leads = [service(self.space)] if any(one["kind"] == "Deployment" for one in bodies) else []
        self.stage.plan(space, secret(self.space), *leads, *bodies)

    def applied(self, *bodies: Json) -> None:
        """Plan and apply these first; nothing has to be ready."""
        self.plan(*bodies)
        code, said = self.stage.quiet(f"{APPLY} --wait none")
        assert code == 0, said

    def theirs(self, body: Json, manager: str) -> None:
        self.client.apply(body, manager=manager, force=True)

    def user(self, *rules: Json) -> Limited:
        """The target is asked as somebody who may read all, write ConfigMaps, Secrets and Namespaces, and this."""
        read = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}
        write = {"apiGroups": [""], "resources": ["namespaces", "secrets", "services"], "verbs": ["create", "patch"]}
        made = limited(self.plane, [read, write, *rules], name=f"{self.space}-ana")
        self.stage.kubeconfig(user={"token": made.token})
        return made

    def until(self, true: Callable[[], Any]) -> Any:
        late = time.monotonic() + 60
        while not (found := _tried(true)):
            assert time.monotonic() < late
            time.sleep(0.05)
        return found


def _tried(true: Callable[[], Any]) -> Any:
    try:
        return true()
    except ApiError:
        return None


@dataclass(frozen=True)
class Scene:
    """`make` builds it up; the command is run once it returns, or yields: then it goes on when the command ended."""

    title: str
    make: Callable[[Place], Any]
    command: str = APPLY
    code: int = 1
    space: str = "shop"
    shows: str = "said"  # or "err": what is told before, and on the way


def config(space: str, name: str = "settings", **data: str) -> Json:
    return obj("ConfigMap", name, space, data=data or {"mode": "fast"})


def one_manager(p: Place) -> None:
    p.applied(deployment(p.space, replicas=2))
    p.theirs(deployment(p.space, replicas=5), "kubectl")


def two_managers(p: Place) -> None:
    p.applied(config(p.space, mode="fast", level="info"))
    p.theirs(config(p.space, mode="slow"), "kubectl")
    p.theirs(config(p.space, level="debug"), "argocd-controller")


def a_secret(p: Place) -> None:
    p.stage.canaries = (*p.stage.canaries, THEIRS.encode())
    p.plan()
    p.client.apply(obj("Namespace", p.space), manager="kubectl")
    value = base64.b64encode(THEIRS.encode()).decode()
    p.stage.canaries = (*p.stage.canaries, value.encode())
    p.theirs(obj("Secret", "login", p.space, data={"password": value}), "kubectl")


def quota(p: Place) -> None:
    p.applied()
    hard = {"hard": {"count/configmaps": "1"}}
    p.client.apply(obj("ResourceQuota", "few", p.space, spec=hard), manager="kubectl")
    p.until(lambda: p.client.get("v1", "ResourceQuota", "few", p.space)["status"].get("used"))
    p.plan(config(p.space), deployment(p.space, volumes=[{"name": "v", "configMap": {"name": "settings"}}]))


def denies(p: Place) -> Any:
    p.applied()
    p.plan(config(p.space))
    with webhook(p.client, p.space, "ConfigMaps need a label team"):
        p.until(lambda: not _takes(p))
        yield


def down(p: Place) -> Any:
    p.applied()
    p.plan(config(p.space))
    with webhook(p.client, p.space, None):
        p.until(lambda: not _takes(p))
        yield


def _takes(p: Place) -> bool:
    try:
        p.client.apply(config(p.space, "probe"), manager="kubectl", dry_run=True)
    except ApiError:
        return False
    return True


def no_right(p: Place) -> None:
    p.plan(config(p.space))
    p.user()


def escalation(p: Place) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}]
    p.plan(obj("Role", "shell", p.space, f"{RBAC}/v1", rules=rules))
    p.user({"apiGroups": [RBAC], "resources": ["roles"], "verbs": ["create", "patch"]})


def pod_security(p: Place) -> None:
    p.plan(deployment(p.space), **{"pod-security.kubernetes.io/enforce": "restricted"})


def immutable(p: Place) -> None:
    p.applied(deployment(p.space))
    other = deployment(p.space)
    for labels in (other["spec"]["selector"]["matchLabels"], other["spec"]["template"]["metadata"]["labels"]):
        labels["tier"] = "front"
    p.plan(other)


def unknown_field(p: Place) -> None:
    p.plan(deployment(p.space, restartPolice="Always"))


def being_deleted(p: Place) -> None:
    p.client.apply(obj("Namespace", p.space), manager="kubectl")
    body = config(p.space) | {"metadata": {"name": "settings", "namespace": p.space, "finalizers": ["example.com/x"]}}
    p.client.apply(body, manager="kubectl", force=True)
    p.client.delete(body)
    p.plan(config(p.space), deployment(p.space, volumes=[{"name": "v", "configMap": {"name": "settings"}}]))


def namespace_ending(p: Place) -> None:
    stuck(p)
    p.plan(config(p.space))


def stuck(p: Place) -> None:
    """A namespace that is being deleted, and will not go."""
    p.client.apply(obj("Namespace", p.space), manager="kubectl")
    meta = {"name": "stays", "namespace": p.space, "finalizers": ["example.com/x"]}
    p.client.apply(obj("ConfigMap", "stays", p.space, metadata=meta), manager="kubectl")
    p.client.delete(obj("Namespace", p.space))


def crd(plural: str, group: str) -> Json:
    names = {"kind": "Widget", "plural": plural, "singular": plural[:-1], "listKind": "WidgetList"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return obj("CustomResourceDefinition", f"{plural}.{group}", "", "apiextensions.k8s.io/v1", spec=spec)


def never_established(p: Place) -> None:
    group = "shop.example.com"
    p.client.apply(crd("widgets", group), manager="kubectl")
    p.until(lambda: p.client.list(f"{group}/v1", "Widget", p.space) is not None)
    p.plan(crd("gadgets", group), obj("Widget", "one", p.space, f"{group}/v1", spec={"size": 1}))


def not_ready(p: Place) -> None:
    p.plan(config(p.space), deployment(p.space, nodeSelector={"disk": "fast"}))


def image_pull(p: Place) -> Any:
    """Nodes are pretended here, so what a kubelet would say is written by hand."""
    p.applied(deployment(p.space, nodeSelector={"disk": "fast"}))
    pod = p.until(lambda: p.client.list("v1", "Pod", p.space))[0] | {"apiVersion": "v1", "kind": "Pod"}
    said = 'Back-off pulling image "example.com/web:1": ErrImagePull: 403 Forbidden'
    state = {"waiting": {"reason": "ImagePullBackOff", "message": said}}
    one = {
        "name": "web",
        "image": "example.com/web:1",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": state,
    }
    p.client.patch(pod, {"status": {"containerStatuses": [one]}}, "status")


def cycle(p: Place) -> None:
    def claim(name: str, other: str) -> Json:
        spec = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "wait",
            "dataSourceRef": {"kind": "PersistentVolumeClaim", "name": other},
        }
        return obj("PersistentVolumeClaim", name, p.space, spec=spec)

    wait = {"provisioner": "example.com/none", "volumeBindingMode": "WaitForFirstConsumer"}
    p.client.apply(obj("StorageClass", "wait", "", "storage.k8s.io/v1", **wait), manager="kubectl")
    p.plan(claim("a", "b"), claim("b", "a"))


SCENES = (
    Scene("A field of another manager", one_manager, space="shop-field"),
    Scene("Two other managers", two_managers, space="shop-two"),
    Scene("A Secret of another manager", a_secret, space="shop-secret"),
    Scene("A ResourceQuota", quota, space="shop-quota"),
    Scene("A webhook that says no", denies, space="shop-hook"),
    Scene("A webhook that does not answer", down, space="shop-down"),
    Scene("A right that is missing", no_right, space="shop-right"),
    Scene("A role that grants more than you have", escalation, space="shop-role"),
    Scene("Pods that PodSecurity refuses", pod_security, APPLY + SOON, space="shop-pods"),
    Scene("A field that cannot be changed", immutable, space="shop-fixed"),
    Scene("A field that no server knows", unknown_field, space="shop-typo"),
    Scene("An object that is being deleted", being_deleted, space="shop-ending"),
    Scene("A namespace that is being deleted", namespace_ending, space="shop-gone"),
    Scene("A definition that is never established", never_established, APPLY + SOON, space="shop-crd"),
    Scene("A workload that does not get ready", not_ready, APPLY + SOON, space="shop-ready"),
    Scene("An image that cannot be pulled", image_pull, APPLY + SOON, space="shop-image"),
    Scene("Objects that wait for each other", cycle, code=0, space="shop-ring", shows="err"),
)
