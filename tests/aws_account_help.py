"""An `Aws` in memory, for judgement alone: what is not put into it is not there, what is `denied` nobody may ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from migrate.model.aws import (
    Address,
    Association,
    Blind,
    Certificate,
    Found,
    Here,
    Provider,
    Repository,
    Role,
    Subnet,
)

ACCOUNT = "111122223333"
HERE = Here(
    cluster="prod",
    region="us-east-2",
    partition="aws",
    account=ACCOUNT,
    arn=f"arn:aws:eks:us-east-2:{ACCOUNT}:cluster/prod",
    flavour="standard",
    vpc="vpc-1",
    caller=f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/ann",
)
HOST = "oidc.eks.us-east-2.amazonaws.com/id/EXAMPLE"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}"
PUBLIC, PRIVATE = "kubernetes.io/role/elb", "kubernetes.io/role/internal-elb"


class Memory:
    """`things` by id or ARN, whatever they are; the rest by name of the method."""

    def __init__(self, *things: Any, here: Here = HERE, denied: Iterable[str] = (), **rest: Any) -> None:
        self.here = here
        self.things = {_name(one): one for one in things}
        self.denied = set(denied)
        self.rest = rest
        self.asked: list[str] = []

    def _all(self, method: str, names: Iterable[str], kind: type | None = None) -> Found[Any]:
        self.asked.append(method)
        if method in self.denied:
            return dict.fromkeys(names, NO)
        return {name: self.things.get(name) for name in names}

    def _one(self, method: str, without: Any) -> Any:
        self.asked.append(method)
        return NO if method in self.denied else self.rest.get(method, without)

    def issuer(self) -> str | Blind:
        return self._one("issuer", f"https://{HOST}")

    def addresses(self, ids: Iterable[str]) -> Found[Any]:
        return self._all("addresses", ids)

    def subnets(self) -> tuple[Subnet, ...] | Blind:
        found = tuple(one for one in self.things.values() if isinstance(one, Subnet))
        return self._one("subnets", found)

    def certificates(self, arns: Iterable[str]) -> Found[Any]:
        return self._all("certificates", arns)

    def issued(self) -> tuple[Certificate, ...] | Blind:
        found = (one for one in self.things.values() if isinstance(one, Certificate))
        return self._one("issued", tuple(one for one in found if one.status == "ISSUED"))

    def roles(self, names: Iterable[str]) -> Found[Any]:
        return self._all("roles", names)

    def provider(self, arn: str) -> Provider | Blind | None:
        return self._all("provider", [arn])[arn]

    def associations(self, accounts: Iterable[tuple[str, str]]) -> tuple[Association, ...] | Blind:
        wanted = set(accounts)
        found = (one for one in self.things.values() if isinstance(one, Association))
        return self._one("associations", tuple(one for one in found if (one.namespace, one.account) in wanted))

    def images(self, wanted: Mapping[Repository, frozenset[str]]) -> Mapping[Repository, frozenset[str] | Blind | None]:
        self.asked.append("images")
        there: dict[str, set[str]] = self.rest.get("images", {})
        if "images" in self.denied:
            return dict.fromkeys(wanted, NO)
        return {one: frozenset(there[one.name] & ids) if one.name in there else None for one, ids in wanted.items()}

    def cached(self, repository: Repository) -> bool | Blind:
        return self._one("cached", False)

    def keys(self, ids: Iterable[str]) -> Found[Any]:
        return self._all("keys", ids)

    def file_systems(self, ids: Iterable[str]) -> Found[Any]:
        return self._all("file_systems", ids)

    def volumes(self, ids: Iterable[str]) -> Found[Any]:
        return self._all("volumes", ids)

    def snapshots(self, ids: Iterable[str]) -> Found[Any]:
        return self._all("snapshots", ids)

    def balancers(self) -> Mapping[str, int] | Blind:
        return self._one("balancers", {})

    def quota(self, code: str) -> int | Blind:
        return self._one("quota", 50)


NO = Blind("ann may not look", "allow it in IAM, then run preflight again.")


def _name(one: Any) -> str:
    if isinstance(one, Role):
        return one.arn.rpartition("/")[2]
    return str(getattr(one, "id", "") or one.arn)


def address(id: str, used_by: str = "") -> Address:
    return Address(id, "192.0.2.1", used_by)


def subnet(id: str, zone: str = "a", free: int = 100, tags: str = PUBLIC, name: str = "") -> Subnet:
    return Subnet(id, name, f"us-east-2{zone}", free, dict.fromkeys(tags.split(), "1"))


def somewhere_else(**changes: Any) -> Here:
    return replace(HERE, **changes)
