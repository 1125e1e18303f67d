"""VolumeAttributesClasses: what a volume may be changed to while it is used."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.effects import Effect, Flag, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import performance
from migrate.semantics import storageclass as meaning
from migrate.semantics.parameters import PARAMETERS, Wanted, write
from migrate.semantics.storageclass import Family

_EBS_DOCS = "https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md"


def _attributes_class(obj: Object, known: Known) -> Iterator[Effect]:
    if meaning.driver_family(obj.body.get("driverName")) is not Family.DISK:
        return
    because = "EKS has no Google disks; the EBS driver changes a volume with the same kind of class"
    said = meaning.parameters(obj)
    iops = performance.whole(said.get("iops"))
    fit = performance.settings("gp3", iops, performance.mebibytes(said.get("throughput")))
    wanted: Wanted = {}
    if fit.iops is not None:
        wanted["iops"] = (str(fit.iops), "the IOPS of a volume, within the limits of gp3")
    if fit.throughput is not None:
        wanted["throughput"] = (str(fit.throughput), "the EBS driver takes MiB/s without a unit")
    yield Set(P("driverName"), meaning.provisioner(known.flavour), because)
    yield from write(obj, Family.DISK, wanted, known, "the EBS driver refuses a parameter that it does not know")
    if known.flavour == "auto":
        yield Flag(
            P("driverName"),
            "AWS documents VolumeAttributesClasses for the EBS CSI driver add-on, and nowhere for Auto Mode.",
            "Try one there first; else set iops and throughput in StorageClasses, and leave this class behind.",
            Severity.BLOCKER,
        )
    for note in fit.said:
        yield Flag(
            PARAMETERS,
            f"The class changes: {note}.",
            "Check the figures; an EBS volume can be changed a few times a day only.",
            Severity.REVIEW,
        )


RULES: tuple[Rule, ...] = (
    Rule(
        id="STO008",
        title="VolumeAttributesClass to EBS",
        what="A VolumeAttributesClass of the Google disk driver becomes one of the EBS driver.",
        why="The EBS driver writes figures without units, and refuses parameters that it does not know.",
        docs="https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/modify-volume.md",
        area="storage",
        severity=Severity.INFO,
        kinds=frozenset({("storage.k8s.io", "VolumeAttributesClass")}),
        do="Check iops and throughput.",
        effects=_attributes_class,
        gke='driverName: pd.csi.storage.gke.io    throughput: "290Mi"',
        eks='driverName: ebs.csi.aws.com    throughput: "290"',
        change="overrides in gke2eks.yaml",
        example=Example(
            before={"driverName": "pd.csi.storage.gke.io", "parameters": {"iops": "4000", "throughput": "290Mi"}},
            after={"driverName": "ebs.csi.aws.com", "parameters": {"iops": "4000", "throughput": "290"}},
        ),
    ),
)
