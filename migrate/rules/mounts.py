"""Mount options that only Google's drivers understand."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.effects import Effect, Flag, Remove, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.rules import Example, Known, Rule


def _mount_options(obj: Object, _known: Known) -> Iterator[Effect]:
    here: Path = P("mountOptions") if obj.ref.kind == "StorageClass" else P("spec", "mountOptions")
    options = (obj.body if obj.ref.kind == "StorageClass" else obj.spec).get("mountOptions")
    for at, option in enumerate(options if isinstance(options, list) else ()):
        if isinstance(option, str) and option.startswith("read_ahead_kb="):
            yield Remove(here / at, "Google's disk driver interprets it; the EBS driver hands it to mount, which fails")
            yield Flag(
                here,
                f"{option} told Google's disk driver what to do; on EKS the kernel's own read-ahead holds.",
                "Nothing, unless you measured that you need it: then set read_ahead_kb from the node's user data.",
                Severity.REVIEW,
            )


RULES: tuple[Rule, ...] = (
    Rule(
        id="STO005",
        title="Mount option of Google's disk driver, removed",
        what="read_ahead_kb leaves the mount options of classes and volumes.",
        why="Google's driver takes the option out before it mounts. The EBS driver does not, and every mount fails.",
        docs="https://github.com/kubernetes-sigs/gcp-compute-persistent-disk-csi-driver",
        area="storage",
        severity=Severity.INFO,
        kinds=frozenset({("storage.k8s.io", "StorageClass"), ("", "PersistentVolume")}),
        do="Nothing, unless you measured that you need it.",
        effects=_mount_options,
        gke="mountOptions: [discard, read_ahead_kb=4096]",
        eks="mountOptions: [discard]",
        change="overrides in gke2eks.yaml",
        example=Example(
            before={"spec": {"mountOptions": ["discard", "read_ahead_kb=4096"]}},
            after={"spec": {"mountOptions": ["discard"]}},
        ),
    ),
)
