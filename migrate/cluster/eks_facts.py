"""Facts about an EKS cluster from DescribeCluster, and what they mean for somebody who cannot get in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from migrate.cluster.eks_refusals import Wanted

_EVERYBODY = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class EksFacts:
    """The cluster as AWS describes it; None is unknown. `kubernetes` is a minor version: '1.36'.

    `status` is ACTIVE or UPDATING, `flavour` standard or auto, `authentication` CONFIG_MAP, API_AND_CONFIG_MAP or
    API. `public_cidrs` may reach the public endpoint. `caller` is the ARN of who asked.
    """

    name: str
    region: str
    partition: str
    arn: str
    account: str
    status: str
    kubernetes: str | None
    platform: str | None
    flavour: str
    public_endpoint: bool | None
    private_endpoint: bool | None
    public_cidrs: tuple[str, ...]
    vpc: str | None
    authentication: str | None
    caller: str | None

    def as_json(self) -> dict[str, Any]:
        """Only str, bool, None and lists."""
        return asdict(self) | {"public_cidrs": list(self.public_cidrs)}


def facts(found: Mapping[str, Any], region: str, name: str, caller: str | None) -> EksFacts:
    """Facts of the answer's `cluster`. What it leaves out is unknown, but for Auto Mode."""
    arn = str(found.get("arn") or "")
    parts = [*arn.split(":"), "", "", "", "", ""]
    vpc = found.get("resourcesVpcConfig") or {}
    return EksFacts(
        name=name,
        region=region,
        partition=parts[1],
        arn=arn,
        account=parts[4],
        status=str(found.get("status") or ""),
        kubernetes=found.get("version"),
        platform=found.get("platformVersion"),
        # A cluster from before Auto Mode does not speak of it; somebody has to switch it on.
        flavour="auto" if (found.get("computeConfig") or {}).get("enabled") else "standard",
        public_endpoint=vpc.get("endpointPublicAccess"),
        private_endpoint=vpc.get("endpointPrivateAccess"),
        public_cidrs=tuple(sorted(vpc.get("publicAccessCidrs") or ())),
        vpc=vpc.get("vpcId"),
        authentication=(found.get("accessConfig") or {}).get("authenticationMode"),
        caller=caller,
    )


def if_refused(known: EksFacts, wanted: Wanted) -> str:
    """What a person does when the API server does not take the token: mostly nobody told EKS who that is."""
    who = known.caller or "the IAM role or user of these credentials"
    again = f"If it has one, log in to AWS again (aws sso login{wanted.with_profile}) and check this machine's clock."
    if known.authentication == "CONFIG_MAP":
        return f"have {who} added to the ConfigMap kube-system/aws-auth of {known.name}. {again}"
    arn, note = _principal(known)
    entry = wanted.command("create-access-entry", f"--principal-arn {arn}", name="--cluster-name")
    return f"give {who} an access entry and a policy: {entry}{note}. {again}"


def if_ended(wanted: Wanted) -> str:
    """What a person does when the API server no longer takes the tokens of somebody whom it knew: a session ended."""
    return f"log in to AWS again (aws sso login{wanted.with_profile}, or new keys), then run the same command again."


def if_silent(known: EksFacts, wanted: Wanted) -> str:
    """What a person does when nobody answers at the endpoint."""
    open_it = wanted.command("update-cluster-config", "--resources-vpc-config endpointPublicAccess=true")
    if known.public_endpoint is False:
        where = f"the VPC {known.vpc}" if known.vpc else "its VPC"
        first = f"its endpoint is private: run this inside {where} or through a proxy there (https_proxy)"
        return f"{first}, or open a public one: {open_it},publicAccessCidrs=YOUR-ADDRESS/32"
    if known.public_cidrs and not set(_EVERYBODY) & set(known.public_cidrs):
        allowed = ",".join((*known.public_cidrs, "YOUR-ADDRESS/32"))
        return f"its public endpoint lets only some addresses in; add yours: {open_it},publicAccessCidrs={allowed}"
    return "check the network, DNS and the proxy (https_proxy)."


def _principal(known: EksFacts) -> tuple[str, str]:
    """(ARN for an access entry, remark). The ARN of a session names its role without the role's path."""
    caller = known.caller or ""
    kind, _, rest = caller.rpartition(":")[2].partition("/")
    if kind != "assumed-role":
        return caller or "ARN", ""
    role = rest.partition("/")[0]
    arn = f"arn:{known.partition}:iam::{caller.split(':')[4]}:role/{role}"
    return arn, f" (aws iam get-role --role-name {role} prints the ARN, if the role has a path)"
