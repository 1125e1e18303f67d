"""Requirements of one pod that fit together on GKE, and whose words on EKS must: machine, GPU, local disks, class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from migrate.manifest.pods import PodTemplate
from migrate.model.effects import Severity
from migrate.model.rules import Known
from migrate.semantics.machines import is_google_type
from migrate.semantics.nodes import Meaning, Need, Stands
from migrate.semantics.nodevalues import Remark

REQUIRED, TERMS = "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"
_FAMILY = "cloud.google.com/machine-family"
_MACHINE = frozenset({"node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type", _FAMILY})
# On GKE these are attached to machines of many types; on EC2 an instance type has them or has not.
_SPECIAL = {
    "cloud.google.com/gke-accelerator": "The GPU",
    "cloud.google.com/gke-ephemeral-storage-local-ssd": "The local NVMe",
    "cloud.google.com/gke-local-nvme-ssd": "The local NVMe",
    "cloud.google.com/gke-local-ssd": "The local NVMe",
}


def asked(pod: PodTemplate) -> frozenset[str]:
    """The labels that the pod wants its node to have: by its node selector, or by any required term."""
    found: set[Any] = set()
    selector = pod.spec.get("nodeSelector")
    if isinstance(selector, Mapping):
        found.update(selector)
    here: Any = pod.spec
    for key in ("affinity", "nodeAffinity", REQUIRED, TERMS):
        here = here.get(key) if isinstance(here, Mapping) else None
    for term in here if isinstance(here, list) else ():
        listed = term.get("matchExpressions") if isinstance(term, Mapping) else None
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, Mapping) and one.get("operator") in ("In", "Exists") and isinstance(one.get("key"), str):
                found.add(one["key"])
    return frozenset(key for key in found if isinstance(key, str))


def agree(need: Need, means: Meaning, others: frozenset[str], known: Known) -> Meaning:
    """Take back what would contradict another requirement of the pod: together no instance could meet them."""
    if means.stands is not Stands.SAID or not need.positive:
        return means
    special = next((what for key, what in _SPECIAL.items() if key in others), "")
    if need.key in _MACHINE and special and _unanswered(need, known):
        said = f"{special} decides about the instance type; {need} was the machine that Google attached it to."
        fix = "Nothing, or name instance types under scheduling.instanceTypes in gke2eks.yaml."
        because = f"{means.because}; on EC2 the instance type brings {special[4:]}"
        return Meaning(Stands.FREE, (), because, (Remark(said, fix, Severity.REVIEW),))
    if need.key == "cloud.google.com/compute-class" and (special or others & _MACHINE):
        kept = tuple(one for one in means.needs if not one.key.endswith("/instance-category"))
        if kept != means.needs:
            because = f"{means.because}; what else the pod asks for decides the machine"
            return replace(means, stands=Stands.SAID if kept else Stands.FREE, needs=kept, because=because, remarks=())
    return means


def _unanswered(need: Need, known: Known) -> bool:
    if need.key == _FAMILY:
        return True
    return all(
        is_google_type(value) and known.answer("scheduling", "instanceTypes", value) is None for value in need.values
    )
