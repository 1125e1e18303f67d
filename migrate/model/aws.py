"""What AWS showed of the account behind the target, in words that checks understand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, Protocol, TypeVar

from migrate.model.objects import Body

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Blind:
    """Nobody could look. `why` is a clause without a full stop; `fix` is what to do."""

    why: str
    fix: str


# What was asked for by name: None is not there.
Found = Mapping[str, Thing | Blind | None]


@dataclass(frozen=True, slots=True)
class Address:
    """An Elastic IP address. `used_by` is '' when it is free."""

    id: str
    ip: str
    used_by: str


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet. `free` counts its free IPv4 addresses; `name` is its tag Name."""

    id: str
    name: str
    zone: str
    free: int
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of ACM. `status` as ACM says it: ISSUED. `hosts` are all its names, wildcards too."""

    arn: str
    status: str
    hosts: tuple[str, ...]
    ends: date | None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role, with its trust policy as a mapping."""

    arn: str
    trust: Body


@dataclass(frozen=True, slots=True)
class Provider:
    """An OIDC provider of IAM. `audiences` are its client ids."""

    arn: str
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Association:
    """EKS Pod Identity: a ServiceAccount's pods get this role."""

    id: str
    namespace: str
    account: str
    role: str


class Repository(NamedTuple):
    """A repository of ECR. `host` is its registry as images name it."""

    account: str
    region: str
    name: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A KMS key. `state` as KMS says it: Enabled."""

    arn: str
    state: str
    spec: str


@dataclass(frozen=True, slots=True)
class FileSystem:
    """An EFS file system. `state` as EFS says it: available."""

    id: str
    state: str
    mount_targets: int


@dataclass(frozen=True, slots=True)
class Volume:
    """An EBS volume. `state` as EC2 says it: available, in-use."""

    id: str
    state: str
    zone: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An EBS snapshot. `state` as EC2 says it: completed."""

    id: str
    state: str


@dataclass(frozen=True, slots=True)
class Here:
    """The cluster of EKS that is looked at. `caller` None: STS did not say; `vpc` None: EKS did not."""

    cluster: str
    region: str
    partition: str
    account: str
    arn: str
    flavour: str
    vpc: str | None
    caller: str | None
    profile: str | None = None

    def command(self, text: str, region: str = "") -> str:
        """A command for a person, in the right region and with the profile that was named."""
        end = f" --profile {self.profile}" if self.profile else ""
        return f"aws {text} --region {region or self.region}{end}"


class Aws(Protocol):
    """AWS as checks see it. Nothing is asked before it is needed; every no is a value."""

    @property
    def here(self) -> Here:
        """The cluster and its account."""
        ...

    def issuer(self) -> str | Blind:
        """The OIDC issuer of the cluster, with https://; '' when it has none."""
        ...

    def addresses(self, ids: Iterable[str]) -> Found[Address]:
        """Elastic IP addresses by allocation id."""
        ...

    def subnets(self) -> tuple[Subnet, ...] | Blind:
        """All subnets of the cluster's VPC."""
        ...

    def certificates(self, arns: Iterable[str]) -> Found[Certificate]:
        """Certificates by ARN."""
        ...

    def issued(self) -> tuple[Certificate, ...] | Blind:
        """All certificates of the region that are issued, of every key type."""
        ...

    def roles(self, names: Iterable[str]) -> Found[Role]:
        """Roles of the account by name."""
        ...

    def provider(self, arn: str) -> Provider | Blind | None:
        """An OIDC provider of the account."""
        ...

    def associations(self, accounts: Iterable[tuple[str, str]]) -> tuple[Association, ...] | Blind:
        """The Pod Identity associations of (namespace, ServiceAccount)."""
        ...

    def images(self, wanted: Mapping[Repository, frozenset[str]]) -> Mapping[Repository, frozenset[str] | Blind | None]:
        """Which of ':tag' or '@digest' are in a repository; None when there is no such repository."""
        ...

    def cached(self, repository: Repository) -> bool | Blind:
        """Tell whether a pull-through cache makes this repository at its first pull."""
        ...

    def keys(self, ids: Iterable[str]) -> Found[Key]:
        """KMS keys by id, alias or ARN."""
        ...

    def file_systems(self, ids: Iterable[str]) -> Found[FileSystem]:
        """EFS file systems by id."""
        ...

    def volumes(self, ids: Iterable[str]) -> Found[Volume]:
        """EBS volumes by id."""
        ...

    def snapshots(self, ids: Iterable[str]) -> Found[Snapshot]:
        """EBS snapshots by id."""
        ...

    def balancers(self) -> Mapping[str, int] | Blind:
        """How many load balancers the region has: {'network': 3, 'application': 1}."""
        ...

    def quota(self, code: str) -> int | Blind:
        """A quota of Elastic Load Balancing."""
        ...


def named(value: Any) -> tuple[str, ...]:
    """The items of a comma list in an annotation."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else ()
