"""Plans and targets for the tests of preflight: what goes, and what a target shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from migrate.manifest.kinds import CLUSTER_SCOPED
from migrate.manifest.waves import waves
from migrate.model.checks import Check, Shown
from migrate.model.effects import Cause, Severity
from migrate.model.facts import UNKNOWN, Facts
from migrate.model.listing import Kind
from migrate.model.path import Path
from migrate.model.plan import Fate, Finding, Plan, Standing, Step
from migrate.model.ref import Ref, group_of
from migrate.semantics.going import Going, going

Json = dict[str, Any]


def ref_of(body: Mapping[str, Any]) -> Ref:
    meta = body["metadata"]
    return Ref(group_of(body["apiVersion"]), body["kind"], meta.get("namespace", ""), meta["name"])


def thing(what: str, name: str, space: str = "", **fields: Any) -> Json:
    """thing("apps/v1 Deployment", "web", "shop", spec={…}); `notes` and `labels` go into the metadata."""
    version, kind = what.split()
    meta: Json = {"name": name} | ({"namespace": space} if space else {})
    meta |= {"annotations": fields.pop("notes")} if "notes" in fields else {}
    meta |= {"labels": fields.pop("labels")} if "labels" in fields else {}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **fields}


def a_going(
    *bodies: Json,
    flavour: str = "standard",
    held: bool = False,
    version: str = "1.36.1",
    fixes: Mapping[Ref, str] | None = None,
) -> Going:
    steps = tuple(
        Step(ref_of(one), "v1", Fate.MIGRATE, Cause.RULE, Standing.READY, "", None, one, (), ()) for one in bodies
    )
    facts = Facts(kubernetes_version=version) if version else UNKNOWN
    found = tuple(Finding("IDN001", Severity.REVIEW, ref, Path(()), "", fix, "") for ref, fix in (fixes or {}).items())
    order = waves([step.ref for step in steps])
    plan = Plan(flavour, "", "", "", {}, steps, found, (), (), (), (), order, "", facts)
    return going(plan, everything=held)


class Target:
    """A `Seen`: these bodies, and the kinds of these, of `kinds` ('apps/v1 Deployment') and the usual ones."""

    name = "us-east-2/prod"
    minor = "1.36"
    usual = (
        "v1 Namespace, v1 Node, v1 ConfigMap, v1 Secret, v1 Service, v1 Pod, v1 ServiceAccount, apps/v1 Deployment, "
        "apps/v1 DaemonSet, apps/v1 StatefulSet, storage.k8s.io/v1 StorageClass, storage.k8s.io/v1 CSIDriver, "
        "networking.k8s.io/v1 NetworkPolicy, networking.k8s.io/v1 Ingress, networking.k8s.io/v1 IngressClass, "
        "autoscaling/v2 HorizontalPodAutoscaler, apiregistration.k8s.io/v1 APIService, "
        "apiextensions.k8s.io/v1 CustomResourceDefinition, v1 PersistentVolumeClaim, "
        "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration"
    )

    def __init__(self, *bodies: Json, kinds: str = "", blind: Iterable[str] = (), silent: str = "") -> None:
        self.bodies = {ref_of(one): one for one in (thing("v1 Namespace", "kube-system"), *bodies)}
        kube = self.bodies[Ref("", "Namespace", "", "kube-system")]
        kube["metadata"].setdefault("uid", "target-uid")
        self.blind = set(blind)
        said = [*self.usual.split(", "), *(kinds.split(", ") if kinds else [])]
        said += [f"{one['apiVersion']} {one['kind']}" for one in bodies]
        self._kinds = tuple(dict.fromkeys(_kind(one) for one in said))
        if silent:
            self._kinds += (Kind(group_of(silent), silent.rpartition("/")[2], "", "", False),)

    def kinds(self) -> tuple[Kind, ...]:
        return self._kinds

    def of(self, group: str, kind: str) -> Shown:
        if kind in self.blind:
            return Shown({}, f"the caller may not list {kind}")
        return Shown({ref: one for ref, one in self.bodies.items() if (ref.group, ref.kind) == (group, kind)})


def _kind(what: str) -> Kind:
    version, kind = what.split()
    group = group_of(version)
    return Kind(
        group, version.rpartition("/")[2], f"{kind.lower()}s", kind, (group, kind) not in CLUSTER_SCOPED, ("list",)
    )


def said(checks: Iterable[Check]) -> list[tuple[str, str]]:
    return [(one.id, one.status.value) for one in checks]


def only(checks: Iterable[Check], id: str) -> Check:
    (found,) = [one for one in checks if one.id == id]
    return found
