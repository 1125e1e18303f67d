"""PRE066: who names no class and so relies on the cluster's default one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.places import get
from migrate.manifest.references.edges import pod_of
from migrate.model.checks import Check, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import MISSING, Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.preflight.references_there import There, is_ending
from migrate.preflight.references_words import counted

DEFAULT = "PRE066"
_OLD_CLASS = "kubernetes.io/ingress.class"


@dataclass(frozen=True, slots=True)
class _Relies:
    """A kind of class, the annotations that make one the default, who relies on it, and what happens without."""

    group: str
    kind: str
    marks: tuple[str, ...]
    who: Callable[[There], Iterator[Ref]]
    severity: Severity
    harm: str
    fix: str


def checks(there: There) -> Iterator[Check]:
    """Is there a default class for those who name none."""
    for row in _ROWS:
        refs = list(dict.fromkeys(row.who(there)))
        if not refs:
            continue
        planned = (obj.body for obj in there.objects if (obj.ref.group, obj.ref.kind) == (row.group, row.kind))
        if any(_is_default(body, row) for body in planned):
            yield passed(DEFAULT, f"A {row.kind} that goes is the default.", *refs)
            continue
        shown = there.seen.of(row.group, row.kind)
        if any(_is_default(body, row) and not is_ending(body) for body in shown.bodies.values()):
            yield passed(DEFAULT, f"A {row.kind} of the target is the default.", *refs)
        elif shown.why:
            what = f"Whether a {row.kind} of the target is the default: {counted(refs)} names none."
            fix = f"grant list on {row.kind.lower()}es.{row.group}, or look yourself: kubectl get {row.kind.lower()}"
            yield unknown(DEFAULT, what, shown.why, fix, *refs)
        else:
            names = "names" if len(refs) == 1 else "name"
            yield finding(
                DEFAULT,
                f"No {row.kind} is the default, and {counted(refs)} {names} none.",
                row.fix,
                *refs,
                because=row.harm,
                severity=row.severity,
            )


def _is_default(body: Body, row: _Relies) -> bool:
    return any(get(body, P("metadata", "annotations", mark)) == "true" for mark in row.marks)


def _claims(there: There) -> Iterator[Ref]:
    for obj in there.objects:
        kind = (obj.ref.group, obj.ref.kind)
        specs: list[Any] = []
        if kind == ("", "PersistentVolumeClaim"):
            # A claim that is there has got its class, or its volume, already.
            specs = [] if there.live(obj.ref).live else [obj.spec]
        elif kind == ("apps", "StatefulSet"):
            specs = [get(one, P("spec")) for one in _list(obj.spec.get("volumeClaimTemplates"))]
        pod = pod_of(obj)
        for volume in _list(pod[1].get("volumes")) if pod else ():
            specs.append(get(volume, P("ephemeral", "volumeClaimTemplate", "spec")))
        if any(_wants(spec) for spec in specs):
            yield obj.ref


def _wants(spec: Any) -> bool:
    """Tell whether a claim is filled by the default class: '' asks for none, a named volume needs none."""
    if not isinstance(spec, Mapping) or spec.get("volumeName"):
        return False
    return spec.get("storageClassName") is None


def _ingresses(there: There) -> Iterator[Ref]:
    for obj in there.objects:
        if (obj.ref.group, obj.ref.kind) != ("networking.k8s.io", "Ingress"):
            continue
        if obj.spec.get("ingressClassName", MISSING) in (MISSING, None) and _OLD_CLASS not in obj.annotations:
            yield obj.ref


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_ROWS = (
    _Relies(
        "storage.k8s.io",
        "StorageClass",
        ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"),
        _claims,
        Severity.BLOCKER,
        "the claims wait for a volume until a class is the default.",
        "kubectl annotate storageclass NAME storageclass.kubernetes.io/is-default-class=true",
    ),
    _Relies(
        "networking.k8s.io",
        "IngressClass",
        ("ingressclass.kubernetes.io/is-default-class",),
        _ingresses,
        Severity.REVIEW,  # some controllers are told to take such Ingresses, too
        "most controllers pass it by, and it gets no address.",
        "name a class by an override of spec.ingressClassName in gke2eks.yaml, or make one the default: "
        "kubectl annotate ingressclass NAME ingressclass.kubernetes.io/is-default-class=true",
    ),
)
