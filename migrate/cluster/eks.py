"""Reach an EKS cluster by its name: boto3 only, no aws command line and no kubeconfig."""

from __future__ import annotations

import base64
import binascii
import logging
import re
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from migrate.cluster.connection import Connection, with_token
from migrate.cluster.eks_facts import EksFacts, facts, if_ended, if_refused, if_silent
from migrate.cluster.eks_refusals import NOT_KNOWN, Wanted, not_active, not_found, not_known, refusal
from migrate.cluster.eks_regions import Partition, partition_of, partitions
from migrate.cluster.eks_token import Tokens
from migrate.errors import BadInput, Refused

FORM = "region/cluster, such as us-east-2/prod"
PATIENCE = 20.0  # seconds for one answer
TRIES = 3
_SEARCH = 6.0  # seconds for all regions together
_REGION = r"[a-z]{2,8}(?:-[a-z]+)+-\d+"
_CLUSTER = r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}"
_NAME = re.compile(rf"({_REGION})/({_CLUSTER})")
# What people have at hand instead: an ARN, also as a context's name, eksctl's name of a context, the parts swapped.
_OTHERS = (
    re.compile(rf"arn:[\w-]+:eks:(?P<region>{_REGION}):\d*:cluster/(?P<cluster>{_CLUSTER})"),
    re.compile(rf"(?:[^@]*@)?(?P<cluster>{_CLUSTER})\.(?P<region>{_REGION})\.eksctl\.io"),
    re.compile(rf"(?P<cluster>{_CLUSTER})/(?P<region>{_REGION})"),
    re.compile(rf"(?P<region>{_REGION})[a-z]/(?P<cluster>{_CLUSTER})"),  # a zone
)


@dataclass(frozen=True, slots=True)
class EksCluster:
    """How to reach one cluster. `ca` is PEM. `token` gives one that is fresh at each call, from any thread, or
    raises Refused. What a person does: `login` when it is refused, `login_again` when it was taken before,
    `if_silent` when nobody answers.
    """

    name: str
    url: str
    ca: bytes
    token: Tokens = field(repr=False)
    login: str
    login_again: str
    if_silent: str
    facts: EksFacts

    def connection(self) -> Connection:
        """Open the door. Nothing is sent yet."""
        return with_token(
            self.name,
            self.url,
            self.ca,
            self.token,
            login=self.login,
            login_again=self.login_again,
            if_silent=self.if_silent,
            target=True,
            forget=self.token.forget,
        )


def connect(name: str, profile: str | None = None) -> EksCluster:
    """Ask AWS how to reach the cluster "region/cluster", by what boto3 finds or a profile of ~/.aws/config.

    Raises BadInput for a name or a profile that cannot be, Refused for everything that AWS says no to.
    """
    region, cluster = split(name)
    wanted = Wanted(region, cluster, profile)
    session, credentials = session_of(wanted)
    found = _described(session, wanted)
    known = facts(found, region, cluster, _who(session, region))
    return EksCluster(
        name=str(wanted),
        url=str(found["endpoint"]),
        ca=_ca(found, wanted),
        # A local cluster on an Outpost goes by its id.
        token=Tokens(credentials, region, str(found.get("id") or cluster), lambda error: refusal(error, wanted)),
        login=if_refused(known, wanted),
        login_again=if_ended(wanted),
        if_silent=if_silent(known, wanted),
        facts=known,
    )


def split(name: str) -> tuple[str, str]:
    """("us-east-2", "prod") of "us-east-2/prod". BadInput names the right form."""
    match = _NAME.fullmatch(name)
    if match and partition_of(match[1]):
        return match[1], match[2]
    if match:
        raise BadInput(f"{match[1]} is no region of AWS.", f"Write {FORM}.")
    others = (one.fullmatch(name) for one in _OTHERS)
    right = next((f"{one['region']}/{one['cluster']}" for one in others if one), FORM)
    raise BadInput(f"{name!r} is not the name of an EKS cluster.", f"Write {right}.")


def session_of(wanted: Wanted) -> tuple[Any, Any]:
    """A session, and credentials that work, so that what is wrong with them is said first."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound

    logger = logging.getLogger("botocore")
    logger.addHandler(logging.NullHandler())  # else its remarks go to stderr
    logging.getLogger("botocore.auth").setLevel(logging.INFO)  # below that it logs session tokens and signatures
    try:
        session = boto3.Session(profile_name=wanted.profile, region_name=wanted.region)
        credentials = session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        credentials.get_frozen_credentials()
    except ProfileNotFound as error:
        said = refusal(error, wanted)
        raise BadInput(said.what, said.next) from None
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        raise refusal(error, wanted) from None
    return session, credentials


def client_of(session: Any, service: str, region: str, *, hurry: bool = False) -> Any:
    """A client. `hurry`: the answer is not needed, so neither patience nor a second try."""
    from botocore.config import Config

    retries = {"mode": "standard", "total_max_attempts": 1 if hurry else TRIES}
    config = Config(
        connect_timeout=3 if hurry else 5,
        read_timeout=5 if hurry else PATIENCE,
        retries=retries,
        user_agent_extra="gke2eks",
    )
    return session.client(service, region_name=region, config=config)


def _described(session: Any, wanted: Wanted) -> dict[str, Any]:
    """The answer of DescribeCluster, of a cluster that has an API server."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found: dict[str, Any] = client_of(session, "eks", wanted.region).describe_cluster(name=wanted.cluster)[
            "cluster"
        ]
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code == "ResourceNotFoundException":
            raise not_found(wanted, _listed(session, wanted), _elsewhere(session, wanted)) from None
        if code in NOT_KNOWN:
            raise not_known(wanted, _at_home(session, wanted), error) from None
        raise refusal(error, wanted) from None
    except (BotoCoreError, OSError, ValueError) as error:  # ValueError: an AWS_ENDPOINT_URL that is no address
        raise refusal(error, wanted) from None
    if "connectorConfig" in found:
        what = f"{wanted} is only registered with AWS; it is not a cluster of EKS."
        raise Refused(what, "Name one that EKS runs, or reach this one by --context.")
    status = str(found.get("status") or "")
    url = str(found.get("endpoint") or "")
    if status not in ("ACTIVE", "UPDATING") or not url:  # while it is updated, it answers
        issues = (found.get("health") or {}).get("issues") or ()
        raise not_active(wanted, status, [str(one.get("code", "")) for one in issues])
    if not url.startswith("https://"):  # a token goes there
        raise Refused(
            f"The address of {wanted} is not https.", "Check AWS_ENDPOINT_URL: AWS does not say such a thing."
        )
    return found


def _listed(session: Any, wanted: Wanted) -> list[str] | None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        pages = client_of(session, "eks", wanted.region, hurry=True).get_paginator("list_clusters").paginate()
        return [str(name) for page in pages for name in page["clusters"]]
    except (BotoCoreError, ClientError):
        return None


def _elsewhere(session: Any, wanted: Wanted) -> list[str]:
    """The other regions that have a cluster of this name: people mix up regions. Those that say no are passed over."""
    partition = partition_of(wanted.region)
    known = session.get_available_regions("eks", partition_name=partition.id) if partition else ()
    others = [one for one in known if one != wanted.region]
    clients = [(region, client_of(session, "eks", region, hurry=True)) for region in others]  # not made in threads
    pool = ThreadPoolExecutor(12)
    asked = {pool.submit(_has, client, wanted.cluster): region for region, client in clients}
    done, _ = wait(asked, timeout=_SEARCH)
    pool.shutdown(wait=False, cancel_futures=True)
    return [asked[one] for one in done if one.result()]


def _has(client: Any, cluster: str) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.describe_cluster(name=cluster)
    except (BotoCoreError, ClientError):
        return False
    return True


def _at_home(session: Any, wanted: Wanted) -> Partition | None:
    """The partition that knows these credentials: its STS answers everybody whom it knows."""
    own = partition_of(wanted.region)
    open_ones = [one for one in partitions() if one.id in ("aws", "aws-cn", "aws-us-gov") and one != own]
    return next((one for one in (own, *open_ones) if one and _who(session, one.home)), None)


def _who(session: Any, region: str) -> str | None:
    """Our ARN, None when STS does not say: inside a VPC it may be out of reach, which must not matter."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return str(client_of(session, "sts", region, hurry=True).get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError):
        return None


def _ca(found: dict[str, Any], wanted: Wanted) -> bytes:
    try:
        pem = base64.b64decode((found.get("certificateAuthority") or {}).get("data") or "", validate=True)
    except (binascii.Error, ValueError):
        pem = b""
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        following = "Look at it with aws eks describe-cluster; without a certificate nothing is sent there."
        raise Refused(f"AWS did not say which certificate {wanted} has.", following)
    return pem
