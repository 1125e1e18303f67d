"""Claims: the class they name, what they ask of it, and what becomes of the data behind them."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.effects import Create, Effect, Flag, Question, Remove, Set, Severity
from migrate.model.objects import MISSING, Object
from migrate.model.path import Path
from migrate.model.ref import Ref
from migrate.model.rules import Known, Rule
from migrate.semantics import storageclass
from migrate.semantics.claims import BETA_CLASS, HOLDERS, Claim, claims, class_of
from migrate.semantics.storageclass import Family

_CLASSES = "https://docs.aws.amazon.com/eks/latest/userguide/create-storage-class.html"
_CHOICES = ("copied", "empty-ok", "external")


def _class(obj: Object, known: Known) -> Iterator[Effect]:
    for claim in claims(obj):
        yield from _class_of(claim, known)


def _class_of(claim: Claim, known: Known) -> Iterator[Effect]:
    name, place = claim.class_name, claim.path / "storageClassName"
    if name == "" or not (name is MISSING or name is None or isinstance(name, str)):
        return
    old_key = BETA_CLASS in claim.annotations
    if old_key:
        yield Remove(claim.metadata_path / "annotations" / BETA_CLASS, "the old annotation; the field says it now")
    storage_class = class_of(claim, known)
    if storage_class is None:
        if old_key:
            yield Set(place, name, "the annotation won over the field, and still does")
        yield from _not_read(claim, known)
        return
    if known.migrates(storage_class.ref):
        if not isinstance(name, str):
            yield Set(place, storage_class.ref.name, "the source's default class, written out: EKS may have none")
        elif old_key:
            yield Set(place, name, "the annotation won over the field, and still does")
        return
    instead = storageclass.substitute(storage_class, known)
    if instead is None:
        yield Flag(
            place,
            f"The class {storage_class.ref.name} stays behind and nothing takes its place.",
            "Name a class of EKS here with an override.",
            Severity.BLOCKER,
        )
        return
    yield Set(
        place,
        instead.ref.name,
        f"{storage_class.ref.name} is GKE's own class and stays behind; {instead.ref.name} takes its place",
    )
    if not known.migrates(instead.ref):
        yield Create(instead, "claims of GKE's built-in classes need a class on EKS")
    if storageclass.family(storage_class) is Family.FILESTORE:
        yield from _file_system(place, instead.ref.name, known)
        zonal = storage_class.ref.name == "zonal-rwx"
        yield Flag(
            place,
            "On EFS the size of a claim is not enforced, every file gets the uid and gid of its access point, and "
            "each small operation takes longer than on Filestore.",
            "Install the EFS CSI driver add-on; test what runs chown or works on many small files"
            + ("; for the throughput of a zonal Filestore look at FSx." if zonal else "."),
            Severity.REVIEW,
        )


def _file_system(place: Path, name: str, known: Known) -> Iterator[Effect]:
    _, question = storageclass.file_system(name, known)
    if question is not None:
        yield Flag(
            place,
            f"The class {name} needs an EFS file system, and none is named yet.",
            "Create one, and name it under storage.fileSystems in gke2eks.yaml.",
            Severity.DECIDE,
            question,
        )


def _not_read(claim: Claim, known: Known) -> Iterator[Effect]:
    """A class that nobody read has no meaning that we could translate: its name alone says nothing."""
    name, place = claim.class_name, claim.path / "storageClassName"
    key = name if isinstance(name, str) else "(default)"
    answer = known.answer("storage", "classes", key)
    if isinstance(answer, str):
        yield Set(place, answer, f"storage.classes names it for {key}, which was not read")
        return
    fix = "Read the StorageClasses too (kubectl get sc -o yaml), or name a class of EKS under storage.classes."
    if isinstance(name, str) and not storageclass.is_built_in_name(name):
        yield Flag(place, f"The class {name} was not read, so its meaning is unknown.", fix, Severity.REVIEW)
        return
    said = f"{name} is a name of GKE's built-in classes; the class was not read, and EKS has none of this name."
    if key != name:
        said = "This claim names no class and no default class was read; EKS marks none as default."
    question = Question(
        key=("storage", "classes", key),
        group="storage.classes",
        title="Which class on EKS takes the place of each class that was not read?",
        until="The claim waits for ever, and so do its pods.",
        example="gp3",
    )
    yield Flag(place, said, fix, Severity.DECIDE, question)


def _data(obj: Object, known: Known) -> Iterator[Effect]:
    live = bool(obj.metadata.get("uid") or obj.metadata.get("creationTimestamp"))
    for claim in claims(obj):
        is_claim = obj.ref.kind == "PersistentVolumeClaim"
        if live and (not is_claim or not claim.spec.get("volumeName")):
            continue  # A template's claims are objects of their own there; a claim without a volume holds nothing.
        for name in claim.names:
            if is_claim or known.find(Ref("", "PersistentVolumeClaim", obj.ref.namespace, name)) is None:
                yield _data_of(claim, f"{obj.ref.namespace}/{name}", known)


def _data_of(claim: Claim, name: str, known: Known) -> Flag:
    answer = known.answer("volumes", name)
    if answer in _CHOICES:
        return Flag(claim.path, f"Data of {name}: {answer}.", "Nothing; you have decided.", Severity.INFO)
    return Flag(
        claim.path,
        f"The volume of {name} starts empty on EKS: the data in {_behind(claim, known)} stays behind.",
        "Copy the data (or say that it may be lost, or lives elsewhere) and answer under volumes in gke2eks.yaml.",
        Severity.INFO,
        Question(
            key=("volumes", name),
            group="volumes",
            title="What becomes of the data in each volume: copied, empty-ok or external?",
            until="The workload is planned but not released: an empty volume looks fine and is the worst outcome.",
            example="copied",
            blocks=False,
        ),
    )


def _behind(claim: Claim, known: Known) -> str:
    """The volume on the source, as its provider names it where that was read."""
    name = claim.spec.get("volumeName")
    if not isinstance(name, str) or not name:
        return "its volume"
    volume = known.find(Ref("", "PersistentVolume", "", name))
    csi = volume.spec.get("csi") if volume else None
    handle = csi.get("volumeHandle") if isinstance(csi, dict) else None
    return handle if isinstance(handle, str) and handle else f"PersistentVolume {name}"


RULES: tuple[Rule, ...] = (
    Rule(
        id="STO002",
        title="A claim finds its class",
        what="A claim that names a class of GKE's own, or none at all, names a class that exists on EKS. So do claim "
        "templates of StatefulSets and ephemeral volumes of pods.",
        why="GKE's built-in classes stay behind, and EKS has no default class: such a claim would wait for ever.",
        docs=_CLASSES,
        area="storage",
        severity=Severity.INFO,
        kinds=frozenset(HOLDERS),
        do="Nothing, unless you want another class: use overrides.",
        effects=_class,
        gke="storageClassName: standard-rwo",
        eks="storageClassName: gp3",
        change="storage.classes or overrides in gke2eks.yaml",
    ),
    Rule(
        id="STO004",
        title="What becomes of the data",
        what="Each volume with data on the source is named, and a question asks what becomes of its data.",
        why="Manifests move, disks do not. On EKS every claim gets a new, empty volume, and nothing looks wrong.",
        docs="https://kubernetes.io/docs/concepts/storage/persistent-volumes/",
        area="storage",
        severity=Severity.INFO,
        kinds=frozenset({("", "PersistentVolumeClaim"), ("apps", "StatefulSet")}),
        do="Answer copied, empty-ok or external for each claim under volumes in gke2eks.yaml.",
        effects=_data,
        gke="a disk with your data in it",
        eks="a new, empty volume until you copy",
        change="volumes.<namespace>/<claim> in gke2eks.yaml",
    ),
)
