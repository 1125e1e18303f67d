"""Who may do what: subjects of bindings that Google knows by name, and groups that hold everybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.effects import Effect, Flag, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.rules import Known, Rule
from migrate.semantics import identities
from migrate.semantics.identities import Subject, Who

_DOCS = "https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html"
_BINDINGS = frozenset(
    {("rbac.authorization.k8s.io", "ClusterRoleBinding"), ("rbac.authorization.k8s.io", "RoleBinding")}
)
_ENTRY = "aws eks create-access-entry --cluster-name <cluster> --principal-arn <IAM role>"


def _google(obj: Object, known: Known) -> Iterator[Effect]:
    for place, item in _subjects(obj):
        found = identities.subject(item.get("kind"), item.get("name"))
        if found is None:
            continue
        answer = known.answer("identity", "groups" if found.group else "users", found.name)
        if isinstance(answer, str):
            yield from _renamed(place / "name", found, answer)
        elif identities.row_of("user", found.name, known) is not None:
            continue
        elif (account := identities.local_account(found, known)) is not None:
            value = {"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}
            yield Set(place, value, f"{found.name} is {account} of this cluster, as Google knows it")
            yield Flag(
                place,
                f"{found.name} meant this ServiceAccount in every cluster of the project; on EKS {account} has it in "
                "this cluster alone.",
                "Nothing, unless pods of another cluster come in by this name: give their IAM role an access entry.",
                Severity.INFO,
            )
        else:
            yield _nobody(obj, place / "name", found)


def _renamed(place: Path, found: Subject, answer: str) -> Iterator[Effect]:
    where = f"identity.{'groups' if found.group else 'users'} in gke2eks.yaml"
    if answer != found.name:
        yield Set(place, answer, f"{where} says so")
    what = "group" if found.group else "user name"
    yield Flag(
        place,
        f"{_first(found)} {found.name} comes in by an access entry with the {what} {answer}.",
        f"Create the entry: {_entry(found, answer)}.",
        Severity.INFO,
    )


def _nobody(obj: Object, place: Path, found: Subject) -> Flag:
    if not found.google:
        return Flag(
            place,
            f"{_first(found)} {found.name} gets {identities.granted(obj)} on EKS when an access entry, "
            "or your own OIDC provider, gives somebody this name.",
            f"See that somebody has it: {_entry(found, found.name)}.",
            Severity.INFO,
        )
    fix = f"Create an access entry ({_entry(found, '<name>')})"
    if found.who is Who.MEMBER:
        fix = "If it means a ServiceAccount of this cluster, set the subject to it with an override; else create an "
        fix += f"access entry ({_entry(found, '<name>')})"
    key = "groups" if found.group else "users"
    return Flag(
        place,
        f"{obj.ref} gives {identities.granted(obj)} to {found.who} {found.name}; on EKS nobody has this name, and the "
        "binding gives it to nobody.",
        f"{fix} and answer its name under identity.{key}; or take the subject out.",
        Severity.REVIEW,
    )


def _first(found: Subject) -> str:
    return found.who[0].upper() + found.who[1:]


def _entry(found: Subject, name: str) -> str:
    option = "--kubernetes-groups" if found.group else "--username"
    return f"{_ENTRY} {option} {name}"


def _everybody(obj: Object, known: Known) -> Iterator[Effect]:
    for place, item in _subjects(obj):
        kind, name = item.get("kind"), item.get("name")
        if kind not in ("User", "Group") or not isinstance(name, str):
            continue
        answered = known.answer("identity", "groups" if kind == "Group" else "users", name)
        row = identities.row_of(str(kind).lower(), name, known)
        if row is None or isinstance(answered, str):
            continue
        yield Flag(
            place / "name",
            f"{obj.ref} gives {identities.granted(obj)} to {name}. {row.fields['say']}.",
            str(row.fields["fix"]),
            Severity(str(row.fields.get("weight", "review"))),
        )


def _subjects(obj: Object) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    listed = obj.body.get("subjects")
    for at, item in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(item, Mapping):
            yield P("subjects", at), item


RULES: tuple[Rule, ...] = (
    Rule(
        id="RBA001",
        title="People, groups and machines of Google",
        what="Subjects that Google knows (addresses, numbers, groups, workforce and workload identities) get the name "
        "that you answer. A workload identity of this very cluster becomes its ServiceAccount. Without an answer the "
        "name stays: the binding is accepted and gives nobody anything.",
        why="EKS knows IAM principals by access entries, and what your OIDC provider says. An entry has a user name "
        "and groups; neither may begin with system:, and a user name not with eks:, aws:, amazon: or iam:.",
        docs=_DOCS,
        area="identity",
        severity=Severity.REVIEW,
        kinds=_BINDINGS,
        do="Create access entries, and answer their names under identity.users and identity.groups.",
        effects=_google,
        gke="subjects: [{kind: Group, name: sre@acme.dev}]",
        eks="subjects: [{kind: Group, name: sre}]",
        change="identity.users, identity.groups in gke2eks.yaml",
    ),
    Rule(
        id="RBA002",
        title="Subjects that mean somebody else on EKS",
        what="Groups that hold everybody, system:masters, logins of old GKE clusters and GKE's components are named in "
        "a finding; Kubernetes' own groups and users are kept without one.",
        why="system:authenticated holds everybody who can log in, and that is not the same people on both sides.",
        docs="https://cloud.google.com/kubernetes-engine/docs/best-practices/rbac",
        area="identity",
        severity=Severity.REVIEW,
        kinds=_BINDINGS,
        do="Bind a group of your own.",
        effects=_everybody,
        gke="subjects: [{kind: Group, name: 'system:authenticated'}]",
        eks="kept, and named in a finding",
        change="a row in your own overlay of mappings/rbac.yaml, or overrides in gke2eks.yaml",
    ),
)
