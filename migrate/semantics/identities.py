"""Who a name means: people, groups and machines that Google knows, and the project whose cluster this was."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.model.rules import Known, Row

TABLE = "rbac.yaml"
# iam.gke.io keys that say nothing any more once the Google identity is gone.
SETTINGS = (
    "iam.gke.io/return-principal-id-as-email",
    "iam.gke.io/credential-quota-project",
    "iam.gke.io/enable-wi-image-pull",
)
GOOGLE_ACCOUNT = "iam.gke.io/gcp-service-account"
_MEMBER = re.compile(
    r"(?:serviceAccount:)?(?P<project>[a-z0-9.:-]+)\.svc\.id\.goog\[(?P<space>[^/\]]+)/(?P<name>[^/\]]+)\]"
)
_PRINCIPAL = re.compile(
    r"principal://iam\.googleapis\.com/projects/[^/]+/locations/global/workloadIdentityPools/"
    r"(?P<project>[a-z0-9.:-]+)\.svc\.id\.goog/subject/ns/(?P<space>[^/]+)/sa/(?P<name>[^/]+)"
)
# An address as Google knows it. With a prefix (oidc:ana@acme.dev) another provider than Google says who it is.
_ADDRESS = re.compile(r"[^@\s:/#]+@[^@\s:/#]+")
# Unique ids of Google accounts have 21 digits; older ones fewer.
_NUMBER = re.compile(r"[0-9]{18,22}")
_POOL = ".svc.id.goog"
_NODE = re.compile(r"gce://(?P<project>[^/]+)/")


class Who(StrEnum):
    """What a subject of a binding is, in words that stand before its name."""

    PERSON = "the Google account"
    MACHINE = "the Google service account"
    NUMBER = "the Google account with the number"
    GROUP = "the Google group"
    WORKFORCE = "the workforce identity"
    MEMBER = "the workload identity"
    NAMED = "the user"
    NAMED_GROUP = "the group"


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject of kind User or Group. `account` is the ServiceAccount that a workload identity stands for."""

    who: Who
    name: str
    group: bool = False
    project: str = ""
    account: tuple[str, str] | None = None

    @property
    def google(self) -> bool:
        """Tell whether only Google can mean this name."""
        return self.who not in (Who.NAMED, Who.NAMED_GROUP)


def subject(kind: object, name: object) -> Subject | None:
    """Judge a subject by its name. None for Kubernetes' own names, principals of AWS, and what is no subject."""
    if not isinstance(name, str) or not name or kind not in ("User", "Group"):
        return None
    if name.startswith(("system:", "arn:aws", "eks:")):
        return None
    if kind == "Group":
        if name.startswith("principalSet://"):
            return Subject(Who.WORKFORCE, name, group=True)
        return Subject(Who.GROUP if _ADDRESS.fullmatch(name) else Who.NAMED_GROUP, name, group=True)
    found = _MEMBER.fullmatch(name) or _PRINCIPAL.fullmatch(name)
    if found:
        return Subject(Who.MEMBER, name, project=found["project"], account=(found["space"], found["name"]))
    if name.startswith(("principal://", "principalSet://")):
        return Subject(Who.WORKFORCE, name)
    if _NUMBER.fullmatch(name):
        return Subject(Who.NUMBER, name)
    if name.endswith(".gserviceaccount.com"):
        return Subject(Who.MACHINE, name)
    return Subject(Who.PERSON if _ADDRESS.fullmatch(name) else Who.NAMED, name)


def local_account(found: Subject, known: Known) -> Ref | None:
    """The ServiceAccount of this very cluster that a workload identity names.

    A pool belongs to a project, and so may serve other clusters, too. Without the project of this one, or without the
    account, nobody is guessed: a guess would give rights away.
    """
    if found.account is None or found.project != project(known):
        return None
    here = Ref("", "ServiceAccount", *found.account)
    return here if known.find(here) is not None else None


def project(known: Known) -> str:
    """The project whose pool the cluster uses, as Google or its nodes name it; '' when neither does."""
    if known.facts.workload_pool:
        return known.facts.workload_pool.removesuffix(_POOL)
    return known.facts.project or known.once("identities.project", lambda: _project(known))


def _project(known: Known) -> str:
    texts = (node.spec.get("providerID") for node in known.all("", "Node"))
    matches = (_NODE.match(text) for text in texts if isinstance(text, str))
    found = {match["project"] for match in matches if match}
    return found.pop() if len(found) == 1 else ""


def sharing(email: str, known: Known) -> tuple[Ref, ...]:
    """The ServiceAccounts that act as this Google service account and go along."""
    return known.once("identities.sharing", lambda: _sharing(known)).get(email, ())


def _sharing(known: Known) -> Mapping[str, tuple[Ref, ...]]:
    found: dict[str, list[Ref]] = {}
    for account in known.all("", "ServiceAccount"):
        email = account.annotations.get(GOOGLE_ACCOUNT)
        if isinstance(email, str) and known.migrates(account.ref):
            found.setdefault(email.strip(), []).append(account.ref)
    return {email: tuple(sorted(refs)) for email, refs in found.items()}


def token_subject(ref: Ref) -> str:
    """What the token of a ServiceAccount says under `sub`, and a trust policy must name."""
    return f"system:serviceaccount:{ref.namespace or 'default'}:{ref.name}"


def row_of(what: str, name: str, known: Known) -> Row | None:
    """The first row of mappings/rbac.yaml for a name; `what` is user, group or role."""
    rows = known.once("identities.rows", lambda: _rows(known.rows(TABLE)))
    return next((row for sort, pattern, row in rows if sort == what and pattern.fullmatch(name)), None)


def _rows(rows: tuple[Row, ...]) -> list[tuple[str, re.Pattern[str], Row]]:
    return [
        (str(row.fields["what"]), re.compile("|".join(_glob(str(name)) for name in row.fields["names"])), row)
        for row in rows
    ]


def _glob(name: str) -> str:
    return re.escape(name).replace(r"\*", ".*")


def granted(binding: Object) -> str:
    """What a binding gives, in words: 'ClusterRole view in shop'."""
    role = binding.body.get("roleRef")
    role = role if isinstance(role, Mapping) else {}
    where = f" in {binding.ref.namespace}" if binding.ref.kind == "RoleBinding" and binding.ref.namespace else ""
    return f"{role.get('kind', 'the role')} {role.get('name', '')}".strip() + where
