"""Roles, OIDC providers and Pod Identity associations, as IAM and EKS show them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from migrate.cluster.aws_door import Door
from migrate.model.aws import Association, Blind, Found, Provider, Role
from migrate.model.objects import Body

_CLUSTER = "eks:DescribeCluster"
_ROLE = "iam:GetRole"
_PROVIDER = "iam:GetOpenIDConnectProvider"
_LIST = "eks:ListPodIdentityAssociations"
_ONE = "eks:DescribePodIdentityAssociation"
ACTIONS = (_ROLE, _PROVIDER, _LIST, _ONE)
_NONE = ("NoSuchEntity", "NoSuchEntityException")


def issuer(door: Door, cluster: str) -> str | Blind:
    """The cluster's OIDC issuer, '' when it has none."""

    def ask() -> str:
        found = door.client("eks").describe_cluster(name=cluster)["cluster"]
        return str(((found.get("identity") or {}).get("oidc") or {}).get("issuer") or "")

    return door.ask(_CLUSTER, ask)


def roles(door: Door, names: Iterable[str]) -> Found[Role]:
    """Roles of the account by name, without their path."""

    def one(name: str) -> Role | Blind | None:
        def ask() -> Role:
            found = door.client("iam").get_role(RoleName=name)["Role"]
            return Role(str(found["Arn"]), _policy(found.get("AssumeRolePolicyDocument")))

        return door.find(_ROLE, ask, _NONE)

    return door.each(names, one)


def _policy(document: Any) -> Body:
    """A trust policy; boto3 decodes it, unless it could not."""
    if isinstance(document, str):
        document = json.loads(unquote(document))
    return document if isinstance(document, Mapping) else {}


def provider(door: Door, arn: str) -> Provider | Blind | None:
    """An OIDC provider by its ARN."""

    def ask() -> Provider:
        found = door.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        return Provider(arn, tuple(str(one) for one in found.get("ClientIDList") or ()))

    return door.find(_PROVIDER, ask, _NONE)


def associations(door: Door, cluster: str, wanted: frozenset[tuple[str, str]]) -> tuple[Association, ...] | Blind:
    """The associations of these ServiceAccounts. A list does not say the role: each is looked at."""

    def listed() -> list[str]:
        pages = door.client("eks").get_paginator("list_pod_identity_associations").paginate(clusterName=cluster)
        every = (one for page in pages for one in page["associations"])
        return [str(one["associationId"]) for one in every if (one["namespace"], one["serviceAccount"]) in wanted]

    def one(id: str) -> Association | Blind:
        def ask() -> Association:
            client = door.client("eks")
            found = client.describe_pod_identity_association(clusterName=cluster, associationId=id)["association"]
            return Association(id, found["namespace"], found["serviceAccount"], str(found.get("roleArn", "")))

        return door.ask(_ONE, ask)

    ids = door.ask(_LIST, listed)
    if isinstance(ids, Blind):
        return ids
    read = door.each(ids, one).values()
    blind = next((one for one in read if isinstance(one, Blind)), None)
    return blind or tuple(one for one in read if isinstance(one, Association))
