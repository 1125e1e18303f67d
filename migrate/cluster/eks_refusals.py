"""What AWS said no to, in words for people. What AWS or boto3 wrote is printed masked, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from migrate.cluster.eks_regions import Partition, partition_of
from migrate.cluster.gke_refusals import masked
from migrate.errors import Refused

# What botocore calls the same thing in different services.
NOT_KNOWN = ("UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "OptInRequired")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_SIGNATURE = ("InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "IncompleteSignature")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "ForbiddenException")
_THROTTLED = ("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded")

_NETWORK = "Check the network, the proxy (https_proxy) and any firewall, then run this again."
_CLOCK = re.compile(r"(?i)signature expired|not yet current|skewed")
_NOT_ALLOWED = re.compile(r"(?:User: (\S+) is )?not authorized to perform: ([\w-]+:\w+)(?: on resource: (\S+))?")
_SECRET = re.compile(
    r"k8s-aws-v1\.[\w-]*"
    r"|(?i:x-amz-(?:security-token|signature|credential))[=:]\s*[^\s&'\"]+"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|[A-Za-z0-9/+=]{60,}"  # session tokens, and what sts:DecodeAuthorizationMessage decodes
)
_MOST = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """The cluster that was asked for, and with which profile of ~/.aws/config (None: what boto3 finds)."""

    region: str
    cluster: str
    profile: str | None = None

    def __str__(self) -> str:
        return f"{self.region}/{self.cluster}"

    @property
    def with_profile(self) -> str:
        """What a command of the AWS command line ends with."""
        return f" --profile {self.profile}" if self.profile else ""

    def command(self, verb: str, more: str = "", name: str = "--name") -> str:
        """A command for a person: aws eks <verb> of this cluster."""
        end = f" {more}" if more else ""
        return f"aws eks {verb} --region {self.region} {name} {self.cluster}{end}{self.with_profile}"


def refusal(error: Any, wanted: Wanted) -> Refused:
    """Turn what boto3 raised while it asked AWS, or while it looked for credentials, into an error for people."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return _answered(error, wanted)
    for names, what, following in _WITHOUT_ANSWER:
        if isinstance(error, tuple(getattr(exceptions, name) for name in names if hasattr(exceptions, name))):
            return Refused(what.format(**_filled(error, wanted)), following.format(**_filled(error, wanted)))
    if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):
        return _unreachable(error, wanted)
    what = f"AWS could not be asked ({type(error).__name__})."
    return Refused(what, "Check ~/.aws/config, ~/.aws/credentials and the AWS_… variables, then run this again.")


# (classes of botocore.exceptions, what, next). Texts of these exceptions may hold what a program printed: not shown.
_LOGIN = "Run aws sso login{profile}, or set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run where an IAM role is attached."
_WITHOUT_ANSWER: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("ProfileNotFound",),
        "There is no AWS profile {missing}.",
        "Name another; aws configure list-profiles shows all.",
    ),
    (("NoCredentialsError",), "There are no AWS credentials on this machine that can be used.", _LOGIN),
    (
        ("PartialCredentialsError",),
        "A part of the AWS credentials is missing: {part}.",
        "Set it too, or unset the rest.",
    ),
    (
        ("SSOTokenLoadError", "UnauthorizedSSOTokenError", "SSOError", "TokenRetrievalError", "NoAuthTokenError"),
        "Your SSO login at AWS has expired, or there is none.",
        "Run aws sso login{profile}, then run this again.",
    ),
    (
        ("LoginError",),
        "Your login at AWS has expired, or there is none.",
        "Run aws login{profile}, then run this again.",
    ),
    (
        ("CredentialRetrievalError", "MetadataRetrievalError"),
        "AWS credentials could not be fetched ({provider}).",
        "Run aws sts get-caller-identity{profile}: it shows what is wrong with them.",
    ),
    (
        ("ConfigParseError", "ConfigNotFound", "InvalidConfigError", "InfiniteLoopConfigError"),
        "The AWS configuration of this machine cannot be used.",
        "Correct ~/.aws/config and ~/.aws/credentials; aws sts get-caller-identity{profile} shows what is wrong.",
    ),
    (
        ("MissingDependencyException",),
        "These AWS credentials need a Python package that is missing.",
        "Install botocore[crt] beside gke2eks (pipx inject gke2eks 'botocore[crt]').",
    ),
)


def not_known(wanted: Wanted, at_home: Partition | None, error: Any) -> Refused:
    """The region does not know these credentials. `at_home`: the partition that does, None when no one does."""
    here = partition_of(wanted.region)
    details = _said(error)
    if at_home is None or here is None or (at_home == here and wanted.region == here.home):
        following = (
            f"Check whose they are (aws sts get-caller-identity{wanted.with_profile}), and put new ones in place."
        )
        return Refused(
            "AWS does not know these credentials: the key is deleted, inactive or mistyped.", following, details
        )
    if at_home != here:
        what = f"{wanted.region} belongs to {here}; these credentials are of {at_home}, which is another world."
        return Refused(what, f"Name a profile of {here}, or a cluster in a region of {at_home}.", details)
    token = "If it is: a session token of the worldwide STS host is not taken there; get one from a regional host."
    return Refused(
        f"{at_home} knows these credentials, but {wanted.region} does not: that region is not enabled in the account.",
        f"Check the region's name, or enable it: aws account enable-region --region-name {wanted.region}",
        (token, *details),
    )


def not_found(wanted: Wanted, here: Iterable[str] | None, elsewhere: Iterable[str]) -> Refused:
    """Say that this cluster is not there. `here`: the region's clusters, None when nobody may list them.

    `elsewhere`: regions that have a cluster of this name.
    """
    what = f"There is no EKS cluster {wanted.cluster} in {wanted.region}."
    names = sorted(here or ())
    if here is None:
        details = ["Which clusters there are is not said: that needs eks:ListClusters."]
    else:
        details = [f"Clusters in {wanted.region}: {_some(names) if names else 'none'}."]
    namesakes = [f"{region}/{wanted.cluster}" for region in sorted(elsewhere)]
    if len(namesakes) == 1:
        return Refused(what, f"Write {namesakes[0]}.", details)
    if namesakes:
        return Refused(what, f"Write the one that you mean: {_some(namesakes)}.", details)
    near = get_close_matches(wanted.cluster, names, n=1)
    if near:
        return Refused(what, f"Write {wanted.region}/{near[0]} if that is the one.", details)
    following = (
        f"Check name, region and account; aws eks list-clusters --region REGION{wanted.with_profile} shows them."
    )
    return Refused(what, following, details)


def not_active(wanted: Wanted, status: str, codes: Iterable[str]) -> Refused:
    """Say that the cluster has no API server to talk to. `codes`: what EKS itself finds wrong with it."""
    if status in ("CREATING", "PENDING"):
        return Refused(f"{wanted} is still being created.", f"Wait for it: {wanted.command('wait cluster-active')}")
    if status == "DELETING":
        return Refused(f"{wanted} is being deleted.", "Name another cluster.")
    known = [masked(code) for code in codes]
    details = [f"EKS finds: {_some(known)}."] if known else []
    what = f"{wanted} cannot be used: its status is {masked(status) or 'not said'}."
    return Refused(what, f"Look at its health: {wanted.command('describe-cluster', '--query cluster.health')}", details)


def _answered(error: Any, wanted: Wanted) -> Refused:
    """AWS itself said no."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    text = str(error.response.get("Error", {}).get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    details = _said(error)
    if code in DENIED or "not authorized to perform" in text:
        return _denied(text, error.operation_name, wanted, details)
    if code in _EXPIRED:
        following = (
            f"Log in again (aws sso login{wanted.with_profile}), or set new AWS_… variables, then run this again."
        )
        return Refused("Your AWS credentials have expired.", following)
    if code in _SIGNATURE:  # their texts repeat the whole request with the session token: not shown
        if code == "RequestTimeTooSkewed" or _CLOCK.search(text):
            return Refused(
                "This machine's clock differs from that of AWS by minutes.", "Set the clock, then run this again."
            )
        following = "Check AWS_SECRET_ACCESS_KEY, or the profile in ~/.aws/credentials: it is not the key's secret."
        return Refused("AWS does not accept the signature of these credentials.", following)
    if code in _THROTTLED or status == 429:
        return Refused("AWS has had too many requests.", "Wait a minute, then run this again.", details)
    if isinstance(status, int) and status >= 500:
        return Refused(f"AWS failed ({status}).", "Run this again in a few minutes.", details)
    what = f"AWS refused {error.operation_name} for {wanted} ({masked(code) or status})."
    return Refused(what, "Check the region and the name, and AWS_ENDPOINT_URL if you set it.", details)


def _denied(text: str, operation: str, wanted: Wanted, details: tuple[str, ...]) -> Refused:
    match = _NOT_ALLOWED.search(text)
    who = (match[1] if match else None) or "These credentials"
    service = "sts" if operation.startswith("AssumeRole") else "sso" if operation == "GetRoleCredentials" else "eks"
    action = match[2] if match else f"{service}:{operation}"
    on = (match[3] if match else None) or str(wanted)
    what = masked(f"{who} may not {action} on {on}.")
    if "explicit deny" in text:
        where = "a service control policy" if "service control policy" in text else "a policy"
        return Refused(what, f"Something forbids it: ask whoever keeps {where} to let {action} through.", details)
    return Refused(what, f"Ask for {action} in an IAM policy, or use another profile.", details)


def _unreachable(error: Any, wanted: Wanted) -> Refused:
    here = partition_of(wanted.region)
    if here is not None and wanted.region not in here.regions and "ConnectionError" in type(error).__name__:
        near = get_close_matches(wanted.region, here.regions, n=3)
        following = f"Write {' or '.join(near)} if that is the one." if near else "Check the region's name."
        return Refused(f"No region {wanted.region} of {here} is known here, and nothing answers there.", following)
    return Refused(f"AWS cannot be reached in {wanted.region} ({type(error).__name__}).", _NETWORK)


def _filled(error: Any, wanted: Wanted) -> dict[str, str]:
    known = getattr(error, "kwargs", {})
    return {
        "missing": masked(str(known.get("profile", wanted.profile))),
        "part": masked(str(known.get("cred_var", "?"))),
        "provider": masked(str(known.get("provider", "instance metadata"))),
        "profile": wanted.with_profile,
    }


def _said(error: Any) -> tuple[str, ...]:
    text = str(getattr(error, "response", {}).get("Error", {}).get("Message", "") or "")
    shown = masked(_SECRET.sub("(hidden)", text))
    return (f"AWS says: {shown}" if shown.endswith((".", "…")) else f"AWS says: {shown}.",) if shown else ()


def _some(names: list[str]) -> str:
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")
