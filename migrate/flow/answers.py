"""Every answer that gke2eks.yaml may hold: its key, its form, and what is expected in words."""

from __future__ import annotations

from collections.abc import Mapping

from migrate.workspace.decisions import AnswerSpec

_ROLE = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$"
_KEY = r"^(aws-managed|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+)$"
_ZONE = r"^[a-z]{2,3}(-[a-z]+)+-[0-9]+(-[a-z]+-[0-9]+)?[a-z]$"
_EIP = r"eipalloc-[0-9a-f]{8,17}"
_IP = r"[0-9]{1,3}(\.[0-9]{1,3}){3}"
_SUBNET = r"[A-Za-z0-9][A-Za-z0-9_./-]*"
# What an access entry takes as a user name or group: not one of the prefixes that AWS and Kubernetes keep.
_SUBJECT = r"^(?!system:|eks:|aws:|amazon:|iam:)[^\s].{0,127}$"
_ECR = r"[0-9]{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?"
_REGISTRY = rf"^({_ECR}|[a-z0-9.-]+(:[0-9]+)?)(/[a-z0-9._-]+)*$"
_LABEL = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"


def _list_of(one: str) -> str:
    return rf"{one}(, *{one})*"


ANSWERS: Mapping[str, AnswerSpec] = {
    spec.group: spec
    for spec in (
        AnswerSpec("identity.roles", "map", None, _ROLE, "the ARN of an IAM role for each Google service account"),
        AnswerSpec("identity.mode", "scalar", ("irsa", "pod-identity"), None, "how pods get their IAM role"),
        AnswerSpec(
            "volumes",
            "map",
            ("copied", "empty-ok", "external"),
            None,
            "what becomes of the data of each claim, written namespace/claim: copied, empty-ok or external",
        ),
        AnswerSpec(
            "storage.zonal",
            "map",
            ("accepted",),
            None,
            "accepted, for each class or volume whose disk may live in one zone only",
        ),
        AnswerSpec(
            "storage.classes",
            "map",
            None,
            r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$",
            "the name of a StorageClass on EKS for each class that was not read",
        ),
        AnswerSpec("storage.keys", "map", None, _KEY, "the ARN of a KMS key for each Cloud KMS key, or aws-managed"),
        AnswerSpec(
            "storage.fileSystems",
            "map",
            None,
            r"^fs-[0-9a-f]{8,40}$",
            "the id of an EFS file system (fs-…) for each Filestore class or volume",
        ),
        AnswerSpec(
            "storage.disks",
            "map",
            None,
            r"^vol-[0-9a-f]{8,17}$",
            "the id of an EBS volume (vol-…) for each Google disk that a manifest names",
        ),
        AnswerSpec(
            "storage.buckets",
            "map",
            None,
            r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
            "the name of an S3 bucket for each Cloud Storage bucket",
        ),
        AnswerSpec("storage.subnets", "map", None, r"^subnet-[0-9a-f]{8,17}$", "one subnet for each Lustre class"),
        AnswerSpec(
            "storage.securityGroups",
            "map",
            None,
            _list_of(r"sg-[0-9a-f]{8,17}"),
            "security groups (sg-…, separated by commas) for each Lustre class",
        ),
        AnswerSpec("zones", "map", None, _ZONE, "the availability zone (us-east-1a) for each zone of Google Cloud"),
        AnswerSpec(
            "services.addresses",
            "map",
            None,
            rf"new|{_list_of(_EIP)}|{_list_of(_IP)}",
            "for each Service, written namespace/name: new, or one Elastic IP allocation (eipalloc-…) for each "
            "subnet, or for an internal one one private address for each subnet, separated by commas",
        ),
        AnswerSpec(
            "services.subnets",
            "map",
            None,
            _list_of(_SUBNET),
            "for each subnet of Google Cloud: subnets of the VPC, one for each zone, separated by commas",
        ),
        AnswerSpec(
            "services.healthCheckPorts",
            "map",
            None,
            r"[1-9][0-9]{0,4}",
            "for each Service, written namespace/name: a TCP port that tells whether the pod is healthy",
        ),
        AnswerSpec(
            "services.idleTimeout",
            "scalar",
            None,
            r"6[0-9]|[7-9][0-9]|[1-9][0-9]{2}|[1-5][0-9]{3}|6000",
            "seconds, 60 to 6000, after which a network load balancer forgets a silent TCP connection",
        ),
        AnswerSpec(
            "identity.users",
            "map",
            None,
            _SUBJECT,
            "the user name of an access entry for each Google user, service account or numeric id that RBAC names",
        ),
        AnswerSpec(
            "identity.groups", "map", None, _SUBJECT, "a group of access entries for each Google group that RBAC names"
        ),
        AnswerSpec(
            "scheduling.nodes",
            "scalar",
            ("karpenter", "node-groups"),
            None,
            "who makes nodes on a cluster without Auto Mode: karpenter or managed node-groups",
        ),
        AnswerSpec(
            "scheduling.nodePools",
            "map",
            None,
            _LABEL,
            "the name of a NodePool, or of a managed node group, for each node pool of GKE",
        ),
        AnswerSpec(
            "scheduling.computeClasses",
            "map",
            None,
            _LABEL,
            "the name of a NodePool for each ComputeClass",
        ),
        AnswerSpec(
            "scheduling.instanceTypes",
            "map",
            None,
            r"^[a-z0-9-]+\.[a-z0-9-]+$",
            "an EC2 instance type (m7i.xlarge) for each machine type of Google Cloud",
        ),
        AnswerSpec(
            "scheduling.gpus",
            "map",
            None,
            r"^[a-z0-9-]+$",
            "a GPU of EC2, as its nodes are labelled (l4, a100, h100), for each accelerator of Google Cloud",
        ),
        AnswerSpec(
            "regions", "map", None, r"^[a-z]{2,3}(-[a-z]+)+-[0-9]+$", "the AWS region for each region of Google Cloud"
        ),
        AnswerSpec(
            "images.registry",
            "scalar",
            None,
            _REGISTRY,
            "the registry that images are copied to, such as 111122223333.dkr.ecr.us-east-1.amazonaws.com/shop",
        ),
        AnswerSpec(
            "images.repositories",
            "map",
            None,
            rf"^stays$|{_REGISTRY}",
            "for each repository of a Google registry, or the beginning of it: where its images go, or stays",
        ),
        AnswerSpec(
            "images.replace",
            "map",
            None,
            r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$",
            "the image that takes the place of each reference that is none",
        ),
        AnswerSpec(
            "runs",
            "map",
            ("held", "both"),
            None,
            "for each workload, written Kind/namespace/name: held (starts at release) or both (runs on both sides)",
        ),
    )
}
