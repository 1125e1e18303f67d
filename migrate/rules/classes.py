"""Classes of volumes: those of Google's drivers become classes of the drivers on EKS."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.effects import Cause, Effect, Flag, Manual, Question, Remove, Set, Severity, Skip
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import diskclass, performance
from migrate.semantics import storageclass as meaning
from migrate.semantics.parameters import PARAMETERS, Wanted, write
from migrate.semantics.storageclass import Family

_PROVISIONER, _TOPOLOGIES, _BINDING = P("provisioner"), P("allowedTopologies"), P("volumeBindingMode")
_EBS_DOCS = "https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md"
_REFUSED = "the EBS driver refuses a parameter that it does not know, and every claim would wait"
_IGNORED = "the driver on EKS does not know this parameter"
_PERSISTENT_2 = (125, 250, 500, 1000)
_PROFILE = "gke-gcsfuse/profile"


def _disk_class(obj: Object, known: Known) -> Iterator[Effect]:
    if meaning.family(obj) is not Family.DISK:
        return
    ebs, row = meaning.volume_type(obj, known), meaning.type_row(obj, known)
    many_zones = meaning.parameters(obj).get("enable-multi-zone-provisioning", "").lower() == "true"
    if row is None or not ebs or many_zones:
        what = "one volume over disks in many zones" if many_zones else f"the disk type {meaning.disk_type(obj)}"
        note = f": {row.fields['note']}" if row is not None and row.fields.get("note") and not many_zones else ""
        yield Flag(
            PARAMETERS,
            f"This class asks for {what}, and nothing on EBS is like it{note}.",
            "Use S3, EFS or FSx for Lustre; or set provisioner and the whole of parameters with overrides.",
            Severity.BLOCKER,
        )
        return
    because = f"EKS has no Google disks; judged by provisioner and parameters ({row.where})"
    encrypted = "Google disks are always encrypted; EBS volumes only when asked"
    wanted: Wanted = {"type": (ebs, because), "encrypted": ("true", encrypted)}
    yield Set(_PROVISIONER, meaning.provisioner(known.flavour), because)
    yield from diskclass.translate(obj, ebs, row, known, wanted)
    yield from write(obj, Family.DISK, wanted, known, _REFUSED)
    yield from _places(obj, known)
    if obj.body.get("volumeBindingMode") in (None, "Immediate"):
        why = "with Immediate, EBS picks a zone before the pod has one, and the two may never meet"
        yield Set(_BINDING, "WaitForFirstConsumer", why)
    yield from _marks(obj)


def _places(obj: Object, known: Known) -> Iterator[Effect]:
    found = diskclass.topologies(obj, known)
    if found is None:
        return
    because = "zones of Google Cloud and their label do not exist on EKS"
    yield Set(_TOPOLOGIES, found.terms, because) if found.terms else Remove(_TOPOLOGIES, because)
    for question in found.questions:
        yield Flag(
            _TOPOLOGIES,
            f"No availability zone is named yet for {question.key[-1]}.",
            "Name it under zones in gke2eks.yaml.",
            Severity.DECIDE,
            question,
        )
    if found.unknown:
        yield Flag(
            _TOPOLOGIES,
            f"The EBS driver knows no topology {', '.join(found.unknown)}; it was left out.",
            "Check where volumes of this class may be.",
            Severity.REVIEW,
        )


def _marks(obj: Object) -> Iterator[Effect]:
    """What GKE writes on its own classes, and what comes along when somebody copies one."""
    because = "GKE marks its own classes with it; nothing on EKS reads it"
    own = (meaning.DEFAULT_BY_POLICY, "addonmanager.kubernetes.io/mode", "kubernetes.io/cluster-service")
    for field, pairs in (("labels", obj.labels), ("annotations", obj.annotations)):
        for key, value in pairs.items():
            driver = (key, value) == ("k8s-app", "gcp-compute-persistent-disk-csi-driver")
            if isinstance(key, str) and (driver or key in own or key.startswith("components.gke.io/")):
                yield Remove(P("metadata", field, key), because)


def _filestore_class(obj: Object, known: Known) -> Iterator[Effect]:
    if meaning.family(obj) is not Family.FILESTORE:
        return
    because = "Filestore does not exist on EKS; EFS is the file system that many nodes share"
    place, question = meaning.file_system(obj.ref.name, known)
    yield Set(_PROVISIONER, meaning.EFS_PROVISIONER, because)
    wanted: Wanted = {
        "provisioningMode": ("efs-ap", "each claim becomes an access point of one file system"),
        "fileSystemId": (place, "an EFS file system is made outside the cluster and named here"),
        "directoryPerms": ("700", "the directory of each claim belongs to its access point's user alone"),
    }
    yield from write(obj, Family.FILESTORE, wanted, known, _IGNORED)
    yield Remove(P("allowVolumeExpansion"), "EFS grows by itself; its driver expands nothing")
    yield Remove(_TOPOLOGIES, "an EFS file system is reached from every zone that has a mount target")
    if question is not None:
        yield Flag(
            PARAMETERS / "fileSystemId",
            "No EFS file system is named yet for this class.",
            "Create one with a mount target in each zone, and name it under storage.fileSystems in gke2eks.yaml.",
            Severity.DECIDE,
            question,
        )
    addon = " (Auto Mode has no EFS driver of its own)" if known.flavour == "auto" else ""
    yield Flag(
        _PROVISIONER,
        "On EFS the size of a claim is not enforced, every file gets one uid and gid that the access point forces, "
        "and each small operation takes longer than on Filestore.",
        f"Install the EFS CSI driver add-on{addon}; test what runs chown or works on many small files.",
        Severity.REVIEW,
    )
    yield from _marks(obj)


def _other_class(obj: Object, known: Known) -> Iterator[Effect]:
    family = meaning.family(obj)
    if family is Family.LUSTRE:
        yield from _lustre(obj, known)
    elif family is Family.PARALLELSTORE:
        yield Manual("Parallelstore does not exist on AWS: design FSx for Lustre (SCRATCH_2) and load the data anew.")
    elif family is Family.GCSFUSE and obj.ref.name.startswith("gcsfusecsi-") and _PROFILE in obj.labels:
        yield Skip(Cause.GKE, "GKE's built-in class")
    elif family is Family.GCSFUSE:
        yield Manual("The S3 driver has no classes: each bucket is a PersistentVolume that names s3.csi.aws.com.")
    elif obj.body.get("provisioner") == "csi.trident.netapp.io":
        yield from _trident(obj, known)


def _lustre(obj: Object, known: Known) -> Iterator[Effect]:
    because = "Managed Lustre does not exist on AWS; FSx for Lustre takes its place"
    said = meaning.parameters(obj)
    asked = performance.whole(said.get("perunitstoragethroughput"))
    speed = next((step for step in _PERSISTENT_2 if step >= (asked or 1000)), 1000)
    wanted: Wanted = {
        "deploymentType": ("PERSISTENT_2", "without it FSx makes SCRATCH_1, which loses data with a server"),
        "perUnitStorageThroughput": (str(speed), "FSx sells 125, 250, 500 or 1000 MB/s for each TiB"),
    }
    yield Set(_PROVISIONER, "fsx.csi.aws.com", because)
    for parameter, group, title, example in (
        ("subnetId", "storage.subnets", "In which subnet is the file system of each Lustre class?", "subnet-0a1b2c3d"),
        ("securityGroupIds", "storage.securityGroups", "Which security groups let nodes reach Lustre?", "sg-0a1b2c3d"),
    ):
        question = Question(
            key=(*group.split("."), obj.ref.name),
            group=group,
            title=title,
            until="No file system can be made, and pods of the class wait.",
            example=example,
        )
        answer = known.answer(*question.key)
        value = answer.replace(" ", "") if isinstance(answer, str) else f"UNDECIDED: {question.name}"
        wanted[parameter] = (value, "an FSx file system is placed by subnet and security groups")
        if not isinstance(answer, str):
            fix = f"Name it under {group} in gke2eks.yaml."
            yield Flag(
                PARAMETERS / parameter, f"No {parameter} is named yet for this class.", fix, Severity.DECIDE, question
            )
    tags = diskclass.tags(said).taken
    if tags:
        wanted["extraTags"] = (",".join(tags), "labels of a Lustre instance become tags of the file system")
    yield from write(obj, Family.LUSTRE, wanted, known, _IGNORED)
    yield Remove(_TOPOLOGIES, "the subnet says in which zone an FSx file system lives")
    yield Flag(
        _PROVISIONER,
        "FSx for Lustre lives in one zone, and sizes are rounded up to 1200 GiB or a multiple of 2400 GiB.",
        "Install the FSx CSI driver add-on, and keep the pods in the zone of the subnet.",
        Severity.REVIEW,
    )


def _trident(obj: Object, known: Known) -> Iterator[Effect]:
    backends = [meaning.parameters(obj).get("backendtype")]
    for config in known.all("trident.netapp.io", "TridentBackendConfig"):
        backends.append(config.spec.get("storageDriverName"))
    found = next((b for b in backends if isinstance(b, str) and b.startswith(("google-cloud-netapp", "gcp-cvs"))), None)
    if found is not None:
        yield Flag(
            PARAMETERS / "backendType" if found == backends[0] else _PROVISIONER,
            f"Trident's backend is {found}, which exists on Google Cloud only.",
            "Create FSx for NetApp ONTAP, and a TridentBackendConfig with ontap-nas or ontap-san for it.",
            Severity.BLOCKER,
        )


_STORAGE_CLASS = frozenset({("storage.k8s.io", "StorageClass")})
RULES: tuple[Rule, ...] = (
    Rule(
        id="STO001",
        title="Persistent disk class to EBS",
        what="A StorageClass of the Google disk driver becomes one of the EBS driver.",
        why="EKS has no Google disks. The class is judged by provisioner and parameters, not by name.",
        docs=_EBS_DOCS,
        area="storage",
        severity=Severity.INFO,
        kinds=_STORAGE_CLASS,
        do="Look at size, iops and throughput.",
        effects=_disk_class,
        gke="provisioner: pd.csi.storage.gke.io    type: pd-balanced",
        eks='provisioner: ebs.csi.aws.com          type: gp3, encrypted: "true"',
        change="overrides in gke2eks.yaml, or a row in your own overlay of mappings/storage.yaml",
        example=Example(
            before={"provisioner": "pd.csi.storage.gke.io", "parameters": {"type": "pd-balanced"}},
            after={
                "provisioner": "ebs.csi.aws.com",
                "parameters": {"type": "gp3", "encrypted": "true"},
                "volumeBindingMode": "WaitForFirstConsumer",
            },
        ),
    ),
    Rule(
        id="STO006",
        title="Filestore class to EFS",
        what="A StorageClass of Filestore becomes one of the EFS driver, with an access point for each claim.",
        why="Filestore does not exist on AWS. EFS is shared by all nodes, too, but sizes and owners work otherwise.",
        docs="https://github.com/kubernetes-sigs/aws-efs-csi-driver/blob/master/docs/README.md",
        area="storage",
        severity=Severity.INFO,
        kinds=_STORAGE_CLASS,
        do="Create a file system and name it; test what changes owners of files.",
        effects=_filestore_class,
        gke="provisioner: filestore.csi.storage.gke.io    tier: enterprise",
        eks="provisioner: efs.csi.aws.com    provisioningMode: efs-ap, fileSystemId: fs-…",
        change="storage.fileSystems in gke2eks.yaml",
        example=Example(
            before={"provisioner": "filestore.csi.storage.gke.io", "parameters": {"tier": "standard"}},
            after={
                "provisioner": "efs.csi.aws.com",
                "parameters": {
                    "provisioningMode": "efs-ap",
                    "fileSystemId": "UNDECIDED: storage.fileSystems.x",
                    "directoryPerms": "700",
                },
            },
        ),
    ),
    Rule(
        id="STO007",
        title="Classes of other file systems",
        what="A Managed Lustre class becomes one of FSx for Lustre; Parallelstore and gcsfuse are left to you.",
        why="Each needs another product on AWS, and only Lustre has a class of the same shape.",
        docs="https://github.com/kubernetes-sigs/aws-fsx-csi-driver/blob/master/docs/README.md",
        area="storage",
        severity=Severity.INFO,
        kinds=_STORAGE_CLASS,
        do="Name subnet and security groups; design the rest.",
        effects=_other_class,
        gke="provisioner: lustre.csi.storage.gke.io",
        eks="provisioner: fsx.csi.aws.com    deploymentType: PERSISTENT_2",
        change="storage.subnets and storage.securityGroups in gke2eks.yaml",
    ),
)
