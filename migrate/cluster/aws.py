"""The AWS account behind an EKS cluster, as checks ask for it. It is only read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from migrate.cluster import aws_data, aws_identity, aws_images, aws_network
from migrate.cluster.aws_door import Door
from migrate.cluster.eks_facts import EksFacts
from migrate.cluster.eks_refusals import Wanted
from migrate.model.aws import (
    Address,
    Association,
    Blind,
    Certificate,
    FileSystem,
    Found,
    Here,
    Key,
    Provider,
    Repository,
    Role,
    Snapshot,
    Subnet,
    Volume,
)

# Every IAM action that a check may ask for; docs/preflight-aws.md has the policy.
ACTIONS = tuple(
    sorted((*aws_network.ACTIONS, *aws_identity.ACTIONS, *aws_images.ACTIONS, *aws_data.ACTIONS, "eks:DescribeCluster"))
)


class Account:
    """A `model.aws.Aws` of live credentials. Answers are not kept: each check asks once."""

    def __init__(self, facts: EksFacts, profile: str | None = None) -> None:
        self._door = Door(Wanted(facts.region, facts.name, profile))
        self._here = Here(
            cluster=facts.name,
            region=facts.region,
            partition=facts.partition,
            account=facts.account,
            arn=facts.arn,
            flavour=facts.flavour,
            vpc=facts.vpc,
            caller=facts.caller,
            profile=profile,
        )

    @property
    def here(self) -> Here:
        return self._here

    def issuer(self) -> str | Blind:
        return aws_identity.issuer(self._door, self._here.cluster)

    def addresses(self, ids: Iterable[str]) -> Found[Address]:
        return aws_network.addresses(self._door, ids)

    def subnets(self) -> tuple[Subnet, ...] | Blind:
        return aws_network.subnets(self._door, self._here.vpc)

    def certificates(self, arns: Iterable[str]) -> Found[Certificate]:
        return aws_network.certificates(self._door, arns)

    def issued(self) -> tuple[Certificate, ...] | Blind:
        return aws_network.issued(self._door)

    def roles(self, names: Iterable[str]) -> Found[Role]:
        return aws_identity.roles(self._door, names)

    def provider(self, arn: str) -> Provider | Blind | None:
        return aws_identity.provider(self._door, arn)

    def associations(self, accounts: Iterable[tuple[str, str]]) -> tuple[Association, ...] | Blind:
        return aws_identity.associations(self._door, self._here.cluster, frozenset(accounts))

    def images(self, wanted: Mapping[Repository, frozenset[str]]) -> Mapping[Repository, frozenset[str] | Blind | None]:
        return aws_images.images(self._door, wanted)

    def cached(self, repository: Repository) -> bool | Blind:
        return aws_images.cached(self._door, repository)

    def keys(self, ids: Iterable[str]) -> Found[Key]:
        return aws_data.keys(self._door, ids)

    def file_systems(self, ids: Iterable[str]) -> Found[FileSystem]:
        return aws_data.file_systems(self._door, ids)

    def volumes(self, ids: Iterable[str]) -> Found[Volume]:
        return aws_data.volumes(self._door, ids)

    def snapshots(self, ids: Iterable[str]) -> Found[Snapshot]:
        return aws_data.snapshots(self._door, ids)

    def balancers(self) -> Mapping[str, int] | Blind:
        return aws_network.balancers(self._door)

    def quota(self, code: str) -> int | Blind:
        return aws_network.quota(self._door, code)
