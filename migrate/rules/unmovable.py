"""PersistentVolumes that nothing on EKS can serve: each is named, and left to a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.model.effects import Effect, Flag, Manual, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Known, Rule
from migrate.semantics import storageclass
from migrate.semantics.staticvolumes import mapping
from migrate.semantics.storageclass import Family

_WRITE = "copy the data, and write the volume for the driver fsx.csi.aws.com."
_ADVICE: Mapping[Family, tuple[str, str]] = {
    Family.LUSTRE: ("Managed Lustre", f"Create FSx for Lustre (PERSISTENT_2), {_WRITE}"),
    Family.PARALLELSTORE: ("Parallelstore", f"Create FSx for Lustre (SCRATCH_2), {_WRITE}"),
}


def _by_hand(obj: Object, _known: Known) -> Iterator[Effect]:
    flex = mapping(obj.spec.get("flexVolume"))
    advice = _ADVICE.get(storageclass.driver_family(mapping(obj.spec.get("csi")).get("driver")))
    if flex:
        yield Manual("FlexVolume drivers are programs on the nodes of the source")
        yield Flag(
            P("spec", "flexVolume"),
            f"The FlexVolume driver {flex.get('driver')} is a program on the nodes, and EKS nodes do not have it.",
            "Find a CSI driver for the same storage (Mountpoint for S3 for buckets), and write the volume for it.",
            Severity.BLOCKER,
        )
    elif obj.spec.get("local"):
        yield Flag(
            P("spec", "local"),
            "This volume is a disk of one node of the source, and no node on EKS has its name.",
            "Leave it behind (select.exclude in gke2eks.yaml), and use emptyDir on nodes with instance store, or EBS.",
            Severity.BLOCKER,
        )
    elif advice:
        what, fix = advice
        yield Manual(f"a volume of {what}, which EKS does not have")
        yield Flag(P("spec", "csi"), f"This volume is a file system of {what}.", fix, Severity.BLOCKER)


RULES: tuple[Rule, ...] = (
    Rule(
        id="STO014",
        title="Volume without a counterpart",
        what="Volumes of Managed Lustre, Parallelstore, FlexVolume drivers and disks of nodes are left to a person.",
        why="Their servers or programs exist on the source only; what replaces them has to be created first.",
        docs="https://docs.aws.amazon.com/eks/latest/userguide/fsx-csi.html",
        area="storage",
        severity=Severity.BLOCKER,
        kinds=frozenset({("", "PersistentVolume")}),
        do="Create the file system on AWS, copy the data, and write the volume by hand.",
        effects=_by_hand,
        gke="driver: lustre.csi.storage.gke.io",
        eks="written by hand for fsx.csi.aws.com",
        change="exclude in gke2eks.yaml",
    ),
)
