"""Secrets with logins of registries: those of Google's alone stay behind, mixed ones lose Google's logins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.manifest import pods
from migrate.model.effects import Cause, Effect, Flag, Remove, Severity, Skip, Transform
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.ref import Ref
from migrate.model.rules import Known, Rule
from migrate.semantics.registries import is_ecr, is_google, seen

_KEYS = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
_FACTS = "gke2eksFacts"
_DOCS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_EKS.html"


def _secret(obj: Object, known: Known) -> Iterator[Effect]:
    google, others = _hosts(obj)
    if not google:
        return
    place = P("data", _KEYS[obj.body["type"]])
    if _stays_behind(obj, known):
        yield Skip(Cause.RULE, f"logins of {_and(google)} only; nodes of EKS pull from ECR with their own role")
        return
    needed = [host for host in google if host in seen(known).staying]
    for host in needed:
        yield Flag(
            place,
            f"The login of {host} goes along, because images stay there; most such logins are keys without an end.",
            "Copy these images, too, or make a key for this purpose alone.",
            Severity.REVIEW,
        )
    dropped = [host for host in google if host not in needed]
    reader = _mounted(known).get((obj.ref.namespace, obj.ref.name))
    if dropped and reader is not None:
        yield Flag(
            place,
            f"The login of {_and(dropped)} goes along, because {reader} reads this Secret as a file or variable.",
            "See what it pulls or pushes. A login of ECR lasts twelve hours, so better give its pods an IAM role.",
            Severity.REVIEW,
        )
        return
    for host in dropped:
        yield Transform(place, "drop_registry", host, f"nodes of EKS pull nothing from {host}")
    if dropped:
        left = _and([host for host in (*needed, *others) if host not in dropped])
        said = f"The login of {_and(dropped)} leaves this Secret when it is applied; that of {left} stays."
        yield Flag(place, said, "Nothing.", Severity.INFO)


def _references(obj: Object, known: Known) -> Iterator[Effect]:
    template = pods.pod_template(obj)
    place = P("imagePullSecrets") if template is None else Path((*template.path, "spec", "imagePullSecrets"))
    listed = (obj.body if template is None else template.spec).get("imagePullSecrets")
    if not isinstance(listed, list):
        return
    gone = {at: name for at, item in enumerate(listed) if (name := _gone(item, obj, known)) is not None}
    if not gone:
        return
    because = f"{_and(sorted(set(gone.values())))} stays behind: its logins are Google's, and ECR needs none"
    for where in [place] if len(gone) == len(listed) else [place / at for at in gone]:
        yield Remove(where, because)
    registry = known.answer("images", "registry")
    if isinstance(registry, str) and not is_ecr(registry):
        yield Flag(
            place,
            f"Nodes of EKS have no login for {registry} by themselves, and the Secret for Google's registry is gone.",
            "Add a Secret with a login for it with an override, unless everybody may pull from it.",
            Severity.REVIEW,
        )


def _gone(item: Any, obj: Object, known: Known) -> str | None:
    """The name of a Secret that is named here and stays behind."""
    name = item.get("name") if isinstance(item, Mapping) else None
    secret = known.find(Ref("", "Secret", obj.ref.namespace, name)) if isinstance(name, str) else None
    return name if secret is not None and _stays_behind(secret, known) else None


def _stays_behind(secret: Object, known: Known) -> bool:
    google, others = _hosts(secret)
    if not google or others or not known.migrates(secret.ref):
        return False
    at = (secret.ref.namespace, secret.ref.name)
    return at not in _mounted(known) and not seen(known).staying.intersection(google)


def _hosts(secret: Object) -> tuple[list[str], list[str]]:
    """The registries of a Secret: Google's, and others. The reader keeps the names of hosts and no login."""
    kind, facts = secret.body.get("type"), secret.body.get(_FACTS)
    listed = facts.get("registries") if isinstance(facts, Mapping) else None
    if not isinstance(kind, str) or kind not in _KEYS or not isinstance(listed, list):
        return [], []
    hosts = sorted({host for host in listed if isinstance(host, str)})
    return [host for host in hosts if is_google(host)], [host for host in hosts if not is_google(host)]


def _mounted(known: Known) -> Mapping[tuple[str, str], str]:
    """Secrets that pods read themselves, by (namespace, name), with one of the readers."""
    return known.once("pull_secrets.mounted", lambda: _readers(known))


def _readers(known: Known) -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for group, kind in sorted(pods.KINDS):
        for obj in known.all(group, kind):
            template = pods.pod_template(obj) if known.migrates(obj.ref) else None
            for name in _read(template) if template is not None else ():
                found.setdefault((obj.ref.namespace, name), str(obj.ref))
    return found


def _read(template: pods.PodTemplate) -> Iterator[str]:
    """Names of Secrets in volumes and variables of a pod."""
    for _, volume in template.items("volumes"):
        yield from _name(volume.get("secret"), "secretName")
        projected = volume.get("projected")
        sources = projected.get("sources") if isinstance(projected, Mapping) else None
        for source in sources if isinstance(sources, list) else ():
            yield from _name(source.get("secret") if isinstance(source, Mapping) else None, "name")
    for kind in pods.CONTAINERS:
        for _, container in template.items(kind):
            for one in container["env"] if isinstance(container.get("env"), list) else ():
                value = one.get("valueFrom") if isinstance(one, Mapping) else None
                yield from _name(value.get("secretKeyRef") if isinstance(value, Mapping) else None, "name")
            for one in container["envFrom"] if isinstance(container.get("envFrom"), list) else ():
                yield from _name(one.get("secretRef") if isinstance(one, Mapping) else None, "name")


def _name(holder: Any, key: str) -> Iterator[str]:
    if isinstance(holder, Mapping) and isinstance(holder.get(key), str):
        yield holder[key]


def _and(names: list[str]) -> str:
    return " and ".join(names)


RULES: tuple[Rule, ...] = (
    Rule(
        id="IMG007",
        title="Logins of Google's registries",
        what="A pull Secret with logins of Google's registries only stays behind; a mixed one loses them at apply.",
        why="Nodes of EKS pull from ECR with their role. What would go along is a key of Google Cloud without an end.",
        docs=_DOCS,
        area="images",
        severity=Severity.INFO,
        kinds=frozenset({("", "Secret")}),
        do="Nothing; delete the key in Google Cloud when you have moved.",
        effects=_secret,
        gke="auths: gcr.io, quay.io",
        eks="auths: quay.io",
        change="images.repositories (stays) in gke2eks.yaml keeps a login",
    ),
    Rule(
        id="IMG008",
        title="imagePullSecrets that stay behind",
        what="References to pull Secrets that stay behind leave ServiceAccounts and pods.",
        why="They name what is not there. Pods would start, but every one of them gets an event about it.",
        docs=_DOCS,
        area="images",
        severity=Severity.INFO,
        kinds=pods.KINDS | {("", "ServiceAccount")},
        do="Nothing, unless your registry on AWS is not ECR: then name its own Secret.",
        effects=_references,
        gke="imagePullSecrets: [{name: gcr}]",
        eks="removed",
        change="overrides in gke2eks.yaml",
    ),
)
