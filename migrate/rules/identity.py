"""Who a pod is in the cloud: Google service accounts become IAM roles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.effects import Effect, Flag, Question, Remove, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Example, Known, Rule

_ANNOTATIONS = P("metadata", "annotations")
_GOOGLE_KEY = "iam.gke.io/gcp-service-account"
GOOGLE = _ANNOTATIONS / _GOOGLE_KEY
ROLE_ARN = _ANNOTATIONS / "eks.amazonaws.com/role-arn"
PLACEHOLDER = "UNDECIDED: identity.roles"
_DOCS = "https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html"


def _workload_identity(obj: Object, known: Known) -> Iterator[Effect]:
    email = obj.annotations.get(_GOOGLE_KEY)
    if email is None:
        return
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
    role = known.answer("identity", "roles", email)
    if known.answer("identity", "mode") == "pod-identity":
        yield Flag(
            GOOGLE,
            f"{email} becomes an EKS Pod Identity association, which is no part of any manifest.",
            f"Create the association of this ServiceAccount with {role or 'an IAM role'} before the pods start.",
            Severity.REVIEW,
        )
        return
    yield Set(ROLE_ARN, role if isinstance(role, str) else PLACEHOLDER, why)
    if not isinstance(role, str):
        yield Flag(
            ROLE_ARN,
            f"No IAM role is named yet for {email}.",
            "Name the role under identity.roles in gke2eks.yaml.",
            Severity.DECIDE,
            Question(
                key=("identity", "roles", email),
                group="identity.roles",
                title="Which IAM role replaces each Google service account?",
                until="Pods start, then every call to a cloud API is refused.",
                example="arn:aws:iam::111122223333:role/"
                + re.sub(r"[^A-Za-z0-9+=,.@_-]", "-", email.partition("@")[0]),
            ),
            # A placeholder such as <PROJECT_ID> does not work on GKE either; the move is not to blame.
            already="<" in email,
        )


RULES: tuple[Rule, ...] = (
    Rule(
        id="IDN001",
        title="Google identity → IAM role",
        what="The Workload Identity annotation of a ServiceAccount becomes the annotation that names an IAM role.",
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
)
