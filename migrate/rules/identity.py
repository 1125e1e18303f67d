"""Who a pod is in the cloud: Google service accounts become IAM roles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.manifest.places import strings
from migrate.model.effects import Cause, Effect, Flag, Question, Remove, Set, Severity, Skip
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics.identities import GOOGLE_ACCOUNT, SETTINGS, sharing, token_subject

_ANNOTATIONS = P("metadata", "annotations")
GOOGLE = _ANNOTATIONS / GOOGLE_ACCOUNT
_ROLE_KEY = "eks.amazonaws.com/role-arn"
ROLE_ARN = _ANNOTATIONS / _ROLE_KEY
PLACEHOLDER = "UNDECIDED: identity.roles"
_DOCS = "https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html"
_IN_TEXT = re.compile(r"iam\.gke\.io/gcp-service-account[\"']?\s*[:=]\s*[\"']?([^\s\"',}]+)")
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Samples that were never filled in; they work on GKE no better.
_SAMPLE = re.compile(r"[<>{}$]|@(PROJECT_ID|PROJECT|YOUR_[A-Z_]+)\.|^[^@]*$")


def _workload_identity(obj: Object, known: Known) -> Iterator[Effect]:
    if GOOGLE_ACCOUNT in obj.annotations:
        yield from _judged(obj, known)
    if obj.ref.name == "default" and not _own(obj):
        # Every namespace of EKS has an account of this name, and this one has nothing to add to it.
        yield Skip(Cause.RULE, "said something to Workload Identity of GKE only; EKS makes its own")


def _judged(obj: Object, known: Known) -> Iterator[Effect]:
    email = obj.annotations[GOOGLE_ACCOUNT]
    # A line end of a template is no part of the name, and no question of its own.
    email = email.strip() if isinstance(email, str) else email
    why = f"Workload Identity of GKE does not exist on EKS; an IAM role takes the place of {email}"
    yield Remove(GOOGLE, why)
    if not isinstance(email, str) or not email:
        yield Flag(
            GOOGLE,
            "This ServiceAccount names no Google service account.",
            "Nothing; the key is removed.",
            Severity.INFO,
            already=True,
        )
        return
    answer = known.answer("identity", "roles", email)
    role = answer if isinstance(answer, str) else None
    # People who run one chart on both clouds name the role beside the account.
    named = obj.annotations.get(_ROLE_KEY)
    if known.answer("identity", "mode") == "pod-identity":
        yield from _associated(obj, known, email, role or (named if isinstance(named, str) else None))
        return
    if role is None and isinstance(named, str):
        role = named
    else:
        yield Set(ROLE_ARN, role or PLACEHOLDER, why)
    if role is None:
        yield Flag(
            ROLE_ARN,
            f"No IAM role is named yet for {email}.",
            "Name the role under identity.roles in gke2eks.yaml.",
            Severity.DECIDE,
            _which(email),
            already=_SAMPLE.search(email) is not None,
        )
    yield _trust(obj, known, email, role)


def _trust(obj: Object, known: Known, email: str, role: str | None) -> Flag:
    more = len(sharing(email, known)) - 1
    shared = f"; {more} more ServiceAccount{'s share' if more > 1 else ' shares'} it" if more > 0 else ""
    mode = known.answer("identity", "mode")
    return Flag(
        ROLE_ARN,
        f"{role or 'The role'} must trust {token_subject(obj.ref)} through the OIDC provider of the cluster on EKS, "
        f"audience sts.amazonaws.com{shared}.",
        "Name it under Condition in the trust policy of the role, or answer pod-identity under identity.mode.",
        Severity.INFO,
        None if isinstance(mode, str) else _MODE,
    )


def _associated(obj: Object, known: Known, email: str, role: str | None) -> Iterator[Effect]:
    command = (
        "aws eks create-pod-identity-association --cluster-name <cluster> "
        f"--namespace {obj.ref.namespace or 'default'} --service-account {obj.ref.name} --role-arn {role or '<role>'}"
    )
    agent = "" if known.flavour == "auto" else ", with the add-on eks-pod-identity-agent on the cluster"
    yield Flag(
        GOOGLE,
        f"{email} becomes an EKS Pod Identity association, which is no part of any manifest.",
        f"Run {command} before its pods start{agent}; the role must trust pods.eks.amazonaws.com "
        "(sts:AssumeRole, sts:TagSession).",
        Severity.REVIEW,
    )
    if role is None:
        yield Flag(
            GOOGLE,
            f"No IAM role is named yet for {email}.",
            "Name the role under identity.roles in gke2eks.yaml.",
            Severity.DECIDE,
            _which(email),
            already=_SAMPLE.search(email) is not None,
        )


def _which(email: str) -> Question:
    return Question(
        key=("identity", "roles", email),
        group="identity.roles",
        title="Which IAM role replaces each Google service account?",
        until="Pods start, then every call to a cloud API is refused.",
        example="arn:aws:iam::111122223333:role/" + re.sub(r"[^A-Za-z0-9+=,.@_-]", "-", email.partition("@")[0]),
    )


_MODE = Question(
    key=("identity", "mode"),
    group="identity.mode",
    title="How do pods get their IAM role: irsa or pod-identity?",
    until="Roles are named in annotations (irsa), and each must trust the OIDC provider of the cluster.",
    example="irsa",
    blocks=False,
)


def _own(obj: Object) -> bool:
    """Tell whether an account `default` says anything that stays true on EKS."""
    email = obj.annotations.get(GOOGLE_ACCOUNT)
    if isinstance(email, str) and email:
        return True
    if set(obj.annotations) - {_APPLIED, GOOGLE_ACCOUNT, *SETTINGS} or obj.labels:
        return True
    return any(obj.body.get(key) is not None for key in ("imagePullSecrets", "automountServiceAccountToken"))


def _in_custom(obj: Object, known: Known) -> Iterator[Effect]:
    """Operators and releases that make ServiceAccounts: CloudNativePG's template, values of a HelmRelease."""
    if "." not in obj.ref.group or obj.ref.group.endswith(".k8s.io"):
        return
    for place, text, _ in strings(obj.body):
        if place[0] in ("metadata", "status") or not isinstance(text, str):
            continue
        if place[-1] == GOOGLE_ACCOUNT and text != GOOGLE_ACCOUNT:
            yield _made(place, text.strip(), known)
        elif place[-1] != GOOGLE_ACCOUNT and (found := _IN_TEXT.search(text)):
            yield _made(place, found[1], known)


def _made(place: Path, email: str, known: Known) -> Flag:
    answer = known.answer("identity", "roles", email)
    role = answer if isinstance(answer, str) else "<role>"
    fix = f"Write {_ROLE_KEY}: {role} in its place with an override; the role must trust those ServiceAccounts."
    if known.answer("identity", "mode") == "pod-identity":
        fix = (
            f"Take it out with an override, and associate {role} with each of those ServiceAccounts (EKS Pod Identity)."
        )
    return Flag(
        place,
        f"ServiceAccounts that are made from this act as {email}, and Workload Identity of GKE does not exist on EKS.",
        fix,
        Severity.REVIEW,
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="IDN001",
        title="Google identity → IAM role",
        what="The Workload Identity annotation of a ServiceAccount becomes the annotation that names an IAM role. "
        "With identity.mode pod-identity it goes, and the finding has the command that makes the association. "
        "The account `default` is applied like any other: its annotation reaches the one that EKS makes.",
        why="Pods on EKS get cloud credentials from an IAM role, never from a Google service account.",
        docs=_DOCS,
        area="identity",
        severity=Severity.INFO,
        kinds=frozenset({("", "ServiceAccount")}),
        do="Name the IAM role of each Google service account under identity.roles.",
        effects=_workload_identity,
        gke="iam.gke.io/gcp-service-account: api@acme.iam.gserviceaccount.com",
        eks="eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/api",
        change="identity.roles, or identity.mode: pod-identity, in gke2eks.yaml",
        example=Example(
            before={"metadata": {"annotations": {"iam.gke.io/gcp-service-account": "api@a.iam.gserviceaccount.com"}}},
            after={"metadata": {"annotations": {"eks.amazonaws.com/role-arn": PLACEHOLDER}}},
        ),
    ),
    Rule(
        id="IDN007",
        title="Google identities in custom resources",
        what="Nothing is changed; templates and values from which ServiceAccounts are made with the Workload Identity "
        "annotation are named, with the role that you answered.",
        why="An operator or a release writes the ServiceAccount anew, whatever was applied.",
        docs=_DOCS,
        area="identity",
        severity=Severity.REVIEW,
        kinds=frozenset(),
        do="Name the IAM role in the template or the values with an override.",
        effects=_in_custom,
        gke="serviceAccountTemplate: {metadata: {annotations: {iam.gke.io/gcp-service-account: …}}}",
        eks="unchanged, and named in a finding",
        change="overrides in gke2eks.yaml",
    ),
)
