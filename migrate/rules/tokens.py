"""Tokens of ServiceAccounts: those made for Google, and those that the old cluster signed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.manifest import pods
from migrate.manifest.places import item_segment
from migrate.model.effects import Effect, Flag, Remove, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.ref import Ref
from migrate.model.rules import Known, Rule
from migrate.semantics import keyfiles

_LABELS = P("metadata", "labels")
_TYPE = "kubernetes.io/service-account-token"
_NAME = "kubernetes.io/service-account.name"
# Written by the cleaner of unused tokens; with the second one a token counts as given up.
_LAST_USED = ("kubernetes.io/legacy-token-last-used", "kubernetes.io/legacy-token-invalid-since")
_FOR_GOOGLE = re.compile(
    r"(?:identitynamespace:)?[a-z0-9.:-]+\.svc\.id\.goog.*|(?:https:)?//iam\.googleapis\.com/projects/.*", re.DOTALL
)
_OF_GKE = re.compile(r"https://container\.googleapis\.com/v1/projects/.*", re.DOTALL)


def _audiences(obj: Object, _known: Known) -> Iterator[Effect]:
    for place, audience in _asked(obj):
        if not isinstance(audience, str):
            continue
        if _FOR_GOOGLE.fullmatch(audience):
            yield Flag(
                place,
                f"A token for {audience} is of use to Google only, and Google does not know the issuer of the EKS "
                "cluster.",
                "When the pod calls AWS only, take it out: with an IAM role on its ServiceAccount, EKS mounts a token "
                "for sts.amazonaws.com by itself. Where it still calls Google, add the EKS issuer as a provider of a "
                "workload identity pool, and name that provider here.",
                Severity.REVIEW,
            )
        elif _OF_GKE.fullmatch(audience):
            yield Flag(
                place,
                f"{audience} is the issuer of the GKE cluster; the API server of EKS refuses such a token.",
                "Leave audience out, which is the API server itself, or name the issuer of the EKS cluster.",
                Severity.REVIEW,
            )


def _asked(obj: Object) -> Iterator[tuple[Path, Any]]:
    if obj.ref.kind == "CSIDriver":
        listed = obj.spec.get("tokenRequests")
        for at, item in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(item, Mapping):
                yield P("spec", "tokenRequests", at, "audience"), item.get("audience")
        return
    template = pods.pod_template(obj)
    for at, volume in template.items("volumes") if template is not None else ():
        projected = volume.get("projected")
        sources = projected.get("sources") if isinstance(projected, Mapping) else None
        for index, source in enumerate(sources if isinstance(sources, list) else ()):
            token = source.get("serviceAccountToken") if isinstance(source, Mapping) else None
            if template is not None and isinstance(token, Mapping):
                volumes = Path((*template.path, "spec", "volumes"))
                here = item_segment("volumes", template.spec["volumes"], at)
                yield (
                    Path((*volumes, here, "projected", "sources", index, "serviceAccountToken", "audience")),
                    token.get("audience"),
                )


def _signed(obj: Object, known: Known) -> Iterator[Effect]:
    if obj.body.get("type") != _TYPE:
        return
    for key in _LAST_USED:
        if key in obj.labels:
            yield Remove(_LABELS / key, "a controller of the old cluster wrote it about the old token")
    account = obj.annotations.get(_NAME)
    who = (
        str(Ref("", "ServiceAccount", obj.ref.namespace, account)) if isinstance(account, str) else "no ServiceAccount"
    )
    readers = keyfiles.readers(obj.ref, known)
    outside = "" if readers else ", so somebody outside the cluster may hold it"
    yield Flag(
        P("type"),
        f"The token of {who} in here is signed by the GKE cluster, and EKS refuses it; EKS writes a new one into this "
        f"Secret. In the cluster {keyfiles.words(readers)}{outside}.",
        "Hand the new token, the CA and the address of the API server to whoever uses it from outside; better, give "
        "them an access entry, or tokens that expire.",
        Severity.REVIEW,
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="IDN005",
        title="Tokens made for Google",
        what="Audiences of projected tokens and of CSI drivers that only Google accepts are kept and named.",
        why="Google trusts the issuer of the GKE cluster. The EKS cluster has another one, which it must be told of.",
        docs="https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes",
        area="identity",
        severity=Severity.REVIEW,
        kinds=pods.KINDS | {("storage.k8s.io", "CSIDriver")},
        do="Take them out, or federate the EKS cluster with Google.",
        effects=_audiences,
        gke="serviceAccountToken: {audience: acme-prod.svc.id.goog, path: token}",
        eks="kept, and named in a finding",
        change="overrides in gke2eks.yaml",
    ),
    Rule(
        id="IDN006",
        title="Tokens that the old cluster signed",
        what="A Secret for a ServiceAccount's token that a person made goes along empty, and EKS fills it. Tokens that "
        "a controller made stay behind.",
        why="A token is worth something to the cluster that signed it, and to nobody else.",
        docs="https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/",
        area="identity",
        severity=Severity.REVIEW,
        kinds=frozenset({("", "Secret")}),
        do="Find out who uses the token outside the cluster.",
        effects=_signed,
        gke="type: kubernetes.io/service-account-token    data: {token: (secret)}",
        eks="type: kubernetes.io/service-account-token",
        change="overrides in gke2eks.yaml",
    ),
)
