"""Addresses, subnets, certificates and load balancers, as EC2, ACM, ELB and Service Quotas show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from migrate.cluster.aws_door import Door, portions
from migrate.model.aws import Address, Blind, Certificate, Found, Subnet

_ADDRESSES = "ec2:DescribeAddresses"
_SUBNETS = "ec2:DescribeSubnets"
_CERTIFICATE = "acm:DescribeCertificate"
_CERTIFICATES = "acm:ListCertificates"
_BALANCERS = "elasticloadbalancing:DescribeLoadBalancers"
_QUOTA = "servicequotas:GetServiceQuota"
_DEFAULT = "servicequotas:GetAWSDefaultServiceQuota"
ACTIONS = (_ADDRESSES, _SUBNETS, _CERTIFICATE, _CERTIFICATES, _BALANCERS, _QUOTA, _DEFAULT)
Thing = TypeVar("Thing")


def addresses(door: Door, ids: Iterable[str]) -> Found[Address]:
    """Elastic IP addresses. A filter, unlike a list of ids, makes no error of one that is missing."""

    def ask(some: list[str]) -> list[Any]:
        wanted = [{"Name": "allocation-id", "Values": some}]
        return list(door.client("ec2").describe_addresses(Filters=wanted)["Addresses"])

    return filtered(door, _ADDRESSES, ids, ask, _address)


def filtered(
    door: Door,
    action: str,
    ids: Iterable[str],
    ask: Callable[[list[str]], list[Any]],
    read: Callable[[Mapping[str, Any]], tuple[str, Thing]],
) -> Found[Thing]:
    """Ask for many things by id, a portion at a time; what AWS does not list is not there."""
    found: dict[str, Thing | Blind | None] = {}
    for some in portions(ids):
        answer = door.ask(action, lambda some=some: [read(one) for one in ask(some)])  # type: ignore[misc]
        if isinstance(answer, Blind):
            found |= dict.fromkeys(some, answer)
        else:
            found |= dict.fromkeys(some) | dict(answer)
    return found


def _address(one: Mapping[str, Any]) -> tuple[str, Address]:
    who = one.get("InstanceId") or one.get("NetworkInterfaceId") or one.get("AssociationId") or ""
    return str(one["AllocationId"]), Address(str(one["AllocationId"]), str(one.get("PublicIp", "")), str(who))


def subnets(door: Door, vpc: str | None) -> tuple[Subnet, ...] | Blind:
    """All subnets of a VPC."""
    if vpc is None:
        return Blind("EKS did not say which VPC the cluster is in", "look with aws eks describe-cluster.")

    def ask() -> tuple[Subnet, ...]:
        pages = door.client("ec2").get_paginator("describe_subnets")
        found = pages.paginate(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
        return tuple(sorted((_subnet(one) for page in found for one in page["Subnets"]), key=lambda one: one.id))

    return door.ask(_SUBNETS, ask)


def _subnet(one: Mapping[str, Any]) -> Subnet:
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in one.get("Tags") or ()}
    free = int(one.get("AvailableIpAddressCount", 0))
    return Subnet(str(one["SubnetId"]), tags.get("Name", ""), str(one["AvailabilityZone"]), free, tags)


def certificates(door: Door, arns: Iterable[str]) -> Found[Certificate]:
    """Certificates, each asked for in the region that its ARN names."""
    return door.each(arns, lambda arn: _certificate(door, arn))


def _certificate(door: Door, arn: str) -> Certificate | Blind | None:
    def ask() -> Certificate:
        region = arn.split(":")[3] if arn.count(":") >= 5 else ""
        one = door.client("acm", region).describe_certificate(CertificateArn=arn)["Certificate"]
        names = one.get("SubjectAlternativeNames") or [one.get("DomainName", "")]
        ends = one.get("NotAfter")
        hosts = tuple(sorted(str(name) for name in names))
        day = ends.date() if isinstance(ends, datetime) else None
        return Certificate(arn, str(one.get("Status", "")), hosts, day, str(one.get("Type", "")))

    return door.find(_CERTIFICATE, ask, absent=("ResourceNotFoundException",))


def issued(door: Door) -> tuple[Certificate, ...] | Blind:
    """What a load balancer controller looks through when no certificate is named: every one that is issued."""

    def ask() -> list[str]:
        client = door.client("acm")
        # Without them ACM lists RSA keys of 1024 and 2048 bits alone.
        every = client.meta.service_model.shape_for("KeyAlgorithm").enum
        pages = client.get_paginator("list_certificates")
        found = pages.paginate(CertificateStatuses=["ISSUED"], Includes={"keyTypes": list(every)})
        return [str(one["CertificateArn"]) for page in found for one in page["CertificateSummaryList"]]

    arns = door.ask(_CERTIFICATES, ask)
    if isinstance(arns, Blind):
        return arns
    read = certificates(door, arns).values()  # a list shows but the first 100 names of each
    blind = next((one for one in read if isinstance(one, Blind)), None)
    return blind or tuple(one for one in read if isinstance(one, Certificate))


def balancers(door: Door) -> Mapping[str, int] | Blind:
    """How many load balancers the region has, by type."""

    def ask() -> Mapping[str, int]:
        pages = door.client("elbv2").get_paginator("describe_load_balancers").paginate()
        return Counter(str(one.get("Type", "")) for page in pages for one in page["LoadBalancers"])

    return door.ask(_BALANCERS, ask)


def quota(door: Door, code: str) -> int | Blind:
    """The quota that the account has; AWS's default where it has none of its own."""
    which = {"ServiceCode": "elasticloadbalancing", "QuotaCode": code}
    absent = ("NoSuchResourceException",)

    def client() -> Any:
        return door.client("service-quotas")

    own = door.find(_QUOTA, lambda: int(client().get_service_quota(**which)["Quota"]["Value"]), absent)
    if own is not None:
        return own
    return door.ask(_DEFAULT, lambda: int(client().get_aws_default_service_quota(**which)["Quota"]["Value"]))
