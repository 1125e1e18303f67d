"""Secrets with logins of registries: those of Google's alone stay behind, mixed ones lose Google's logins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.manifest import pods
from migrate.manifest.places import strings
from migrate.model.effects import Cause, Effect, Flag, Remove, Severity, Skip, Transform
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.ref import Ref
from migrate.model.rules import Known, Rule
from migrate.semantics import keyfiles
from migrate.semantics.registries import is_ecr, is_google, seen

_KEYS = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
_FACTS = "gke2eksFacts"
# Where a custom resource names a Secret with logins: spec.secretRef.name, spec.imagePullSecrets[0].name, dockerConfig.
_SECRET = re.compile(r"secret|docker|auth|credential|pull", re.IGNORECASE)
_TWELVE = "See what it pulls or pushes. A login of ECR lasts twelve hours, so better give its pods an IAM role."
_DOCS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_EKS.html"


def _secret(obj: Object, known: Known) -> Iterator[Effect]:
    google, others = _hosts(obj)
    if not _pulls(obj):
        yield from _configuration(obj, known)
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
            f"The login of {_and(dropped)} goes along, because {reader}.",
            _TWELVE,
            Severity.REVIEW,
        )
        return
    for host in dropped:
        yield Transform(place, "drop_registry", host, f"nodes of EKS pull nothing from {host}")
    if dropped:
        left = _and([host for host in (*needed, *others) if host not in dropped])
        said = f"The login of {_and(dropped)} leaves this Secret when it is applied; that of {left} stays."
        yield Flag(place, said, "Nothing.", Severity.INFO)


def _configuration(obj: Object, known: Known) -> Iterator[Effect]:
    """A Docker configuration under another type, for kaniko and its like. A key file in it is IDN003's to name."""
    google = [host for host in _registries(obj) if is_google(host)]
    if not google or keyfiles.credentials(obj):
        return
    data = obj.body.get("data")
    keys = [key for key in data if isinstance(key, str)] if isinstance(data, Mapping) else []
    who = keyfiles.words(keyfiles.readers(obj.ref, known))
    said = f"The login of {_and(google)} in here goes along: {who}."
    yield Flag(P("data", keys[0]) if len(keys) == 1 else P("data"), said, _TWELVE, Severity.REVIEW)


def _references(obj: Object, known: Known) -> Iterator[Effect]:
    if "." in obj.ref.group and not obj.ref.group.endswith(".k8s.io"):
        yield from _custom(obj, known)
        return
    template = pods.pod_template(obj)
    if template is None and obj.ref.kind != "ServiceAccount":
        return
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


def _custom(obj: Object, known: Known) -> Iterator[Effect]:
    """Custom resources are not rewritten: what an empty place means to their controller, no rule can know."""
    names = _left(known).get(obj.ref.namespace)
    for place, text, is_key in strings(obj.body) if names else ():
        if is_key or text not in (names or ()) or place[0] in ("metadata", "status") or not _SECRET.search(str(place)):
            continue
        yield Flag(
            place,
            f"This names Secret/{obj.ref.namespace}/{text}, which stays behind: its logins are Google's.",
            "Take it out with an override; where the registry on AWS needs a login, name its own Secret.",
            Severity.REVIEW,
        )


def _left(known: Known) -> Mapping[str, frozenset[str]]:
    """The Secrets that stay behind, by namespace."""
    return known.once("pull_secrets.left", lambda: _all_left(known))


def _all_left(known: Known) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for secret in known.all("", "Secret"):
        if _stays_behind(secret, known):
            found.setdefault(secret.ref.namespace, set()).add(secret.ref.name)
    return {space: frozenset(names) for space, names in found.items()}


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
    if not _pulls(secret):
        return [], []
    hosts = _registries(secret)
    return [host for host in hosts if is_google(host)], [host for host in hosts if not is_google(host)]


def _pulls(secret: Object) -> bool:
    kind = secret.body.get("type")
    return isinstance(kind, str) and kind in _KEYS


def _registries(secret: Object) -> list[str]:
    facts = secret.body.get(_FACTS)
    listed = facts.get("registries") if isinstance(facts, Mapping) else None
    return sorted({host for host in listed if isinstance(host, str)}) if isinstance(listed, list) else []


def _mounted(known: Known) -> Mapping[tuple[str, str], str]:
    """Secrets that somebody reads other than the kubelet, by (namespace, name), and who does."""
    return known.once("pull_secrets.mounted", lambda: _readers(known))


def _readers(known: Known) -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for group, kind in sorted(pods.KINDS):
        for obj in known.all(group, kind):
            template = pods.pod_template(obj) if known.migrates(obj.ref) else None
            for name in _read(template) if template is not None else ():
                found.setdefault((obj.ref.namespace, name), f"{obj.ref} reads this Secret as a file or variable")
    for account in known.all("", "ServiceAccount"):
        listed = account.body.get("secrets") if known.migrates(account.ref) else None
        for item in listed if isinstance(listed, list) else ():
            for name in _name(item, "name"):
                said = f"{account.ref} lists it under secrets, where builders such as Tekton take logins from"
                found.setdefault((account.ref.namespace, name), said)
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
        what="References to pull Secrets that stay behind leave ServiceAccounts and pods. Custom resources that "
        "name one are left as they are, and the place is named.",
        why="They name what is not there. Pods would start, but every one of them gets an event about it.",
        docs=_DOCS,
        area="images",
        severity=Severity.INFO,
        kinds=frozenset(),
        do="Nothing, unless your registry on AWS is not ECR: then name its own Secret.",
        effects=_references,
        gke="imagePullSecrets: [{name: gcr}]",
        eks="removed",
        change="overrides in gke2eks.yaml",
    ),
)
