"""Volumes: classes of Google disks become classes of EBS, and claims find them. Depth is the next issue's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.effects import Create, Effect, Flag, Remove, Set, Severity
from migrate.model.objects import MISSING, Object
from migrate.model.path import P, Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import storageclass as meaning

GP3 = "gp3"
_PARAMETERS = P("parameters")
_DOCS = "https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md"


def _storage_class(obj: Object, known: Known) -> Iterator[Effect]:
    if not meaning.is_google_disk(obj):
        return
    row = {r.fields["type"]: r for r in known.rows("storage.yaml")}.get(meaning.disk_type(obj))
    parameters = obj.body.get("parameters")
    parameters = parameters if isinstance(parameters, Mapping) else {}
    if row is None or parameters.get("replication-type", "none") not in ("none", None):
        said = "two zones" if row is not None else f"the disk type {meaning.disk_type(obj)}"
        yield Flag(
            P("parameters"),
            f"This class asks for {said}; no rule translates that yet.",
            "Set provisioner and the whole of parameters with overrides, in the words of the EBS driver.",
            Severity.BLOCKER,
        )
        return
    because = f"EKS has no Google disks; judged by provisioner and parameters ({row.where})"
    yield Set(P("provisioner"), meaning.provisioner(known.flavour), because)
    yield Set(_PARAMETERS / "type", row.fields["ebs"], because)
    yield Set(_PARAMETERS / "encrypted", "true", "Google disks are always encrypted; EBS volumes only when asked")
    if row.fields.get("note"):
        yield Flag(
            _PARAMETERS / "type",
            f"The disk changes: {row.fields['note']}.",
            "Check size, iops and throughput of the volumes of this class.",
            Severity.REVIEW,
        )
    yield from _google_parameters(parameters)


def _google_parameters(parameters: Mapping[str, Any]) -> Iterator[Effect]:
    for key in parameters:
        if key in ("type", "csi.storage.k8s.io/fstype", "fstype", "encrypted"):
            continue
        place = _PARAMETERS / str(key)
        yield Remove(place, "the EBS driver refuses a parameter that it does not know, and every claim would wait")
        if key != "replication-type":
            yield Flag(
                place,
                f"The parameter {key} has no counterpart here and was removed.",
                "Set what you need with overrides; the EBS driver lists its parameters.",
                Severity.REVIEW,
            )


def _claim(obj: Object, known: Known) -> Iterator[Effect]:
    yield from _claim_at(P("spec"), obj.body.get("spec"), known)


def _claim_templates(obj: Object, known: Known) -> Iterator[Effect]:
    templates = obj.spec.get("volumeClaimTemplates")
    for at, template in enumerate(templates if isinstance(templates, list) else ()):
        if isinstance(template, Mapping):
            yield from _claim_at(P("spec", "volumeClaimTemplates", at, "spec"), template.get("spec"), known)


def _claim_at(path: Path, spec: Any, known: Known) -> Iterator[Effect]:
    if not isinstance(spec, Mapping):
        return
    name = spec.get("storageClassName", MISSING)
    place = path / "storageClassName"
    if name == "":
        return
    if isinstance(name, str):
        storage_class = known.find(meaning.class_ref(name))
        if storage_class is None:
            yield Flag(
                place,
                f"The class {name} was not read, so its meaning is unknown.",
                "Read the StorageClasses too, or make sure that the target has this class.",
                Severity.REVIEW,
            )
            return
    else:
        storage_class = meaning.default_class(known)
        if storage_class is None:
            yield Flag(
                place,
                "This claim names no class, and no default class was read.",
                "EKS marks no class as default: name one here with an override.",
                Severity.REVIEW,
            )
            return
    if not meaning.is_google_disk(storage_class) or known.migrates(storage_class.ref):
        if not isinstance(name, str):
            yield Set(place, storage_class.ref.name, "the source's default class, written out: EKS may have none")
        return
    because = f"{storage_class.ref.name} is GKE's own class and stays behind; {GP3} takes its place"
    yield Set(place, GP3, because)
    yield Create(_gp3(known.flavour), "claims of GKE's built-in disk classes need a class on EKS")


def _gp3(flavour: str) -> Object:
    body = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": GP3},
        "provisioner": meaning.provisioner(flavour),
        "parameters": {"type": "gp3", "encrypted": "true"},
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }
    return Object(meaning.class_ref(GP3), body)


RULES: tuple[Rule, ...] = (
    Rule(
        id="STO001",
        title="Persistent disk class to EBS",
        what="A StorageClass of the Google disk driver becomes one of the EBS driver.",
        why="EKS has no Google disks. The class is judged by provisioner and parameters, not by name.",
        docs=_DOCS,
        area="storage",
        severity=Severity.INFO,
        kinds=frozenset({("storage.k8s.io", "StorageClass")}),
        do="Look at size, iops and throughput.",
        effects=_storage_class,
        gke="provisioner: pd.csi.storage.gke.io    type: pd-balanced",
        eks='provisioner: ebs.csi.aws.com          type: gp3, encrypted: "true"',
        change="overrides in gke2eks.yaml, or a row in your own overlay of mappings/storage.yaml",
        example=Example(
            before={"provisioner": "pd.csi.storage.gke.io", "parameters": {"type": "pd-balanced"}},
            after={"provisioner": "ebs.csi.aws.com", "parameters": {"type": "gp3", "encrypted": "true"}},
        ),
    ),
    Rule(
        id="STO002",
        title="Claims of GKE's built-in classes",
        what="A claim that names a disk class of GKE's own, or none at all, names a class that exists on EKS.",
        why="GKE's built-in classes stay behind, and EKS has no default class: such a claim would wait for ever.",
        docs="https://docs.aws.amazon.com/eks/latest/userguide/create-storage-class.html",
        area="storage",
        severity=Severity.INFO,
        kinds=frozenset({("", "PersistentVolumeClaim")}),
        do="Nothing, unless you want another class: use overrides.",
        effects=_claim,
        gke="storageClassName: standard-rwo",
        eks="storageClassName: gp3",
        change="overrides in gke2eks.yaml",
    ),
    Rule(
        id="STO003",
        title="Claim templates of GKE's built-in classes",
        what="A volumeClaimTemplate that names a disk class of GKE's own, or none, names a class that exists on EKS.",
        why="The class of a template cannot be changed in place later: it has to be right when the object is made.",
        docs="https://docs.aws.amazon.com/eks/latest/userguide/create-storage-class.html",
        area="storage",
        severity=Severity.INFO,
        kinds=frozenset({("apps", "StatefulSet")}),
        do="Nothing, unless you want another class: use overrides.",
        effects=_claim_templates,
        gke="storageClassName: standard-rwo",
        eks="storageClassName: gp3",
        change="overrides in gke2eks.yaml",
    ),
)
