"""Where the images of Google's registries go: by the table mappings/registries.yaml and the user's answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migrate.errors import BadMapping
from migrate.manifest import pods
from migrate.manifest.places import item_segment
from migrate.model.objects import Object
from migrate.model.path import Path
from migrate.model.rules import Known, Row
from migrate.semantics.imagerefs import ImageRef, parse

_HOST = r"(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev"
GOOGLE_HOST = re.compile(rf"(?:{_HOST})\Z", re.IGNORECASE)
# The registries of gcr.io live in Artifact Registry under these names: one repository has two names.
_SAME = {
    ("us-docker.pkg.dev", "gcr.io"),
    ("us-docker.pkg.dev", "us.gcr.io"),
    ("europe-docker.pkg.dev", "eu.gcr.io"),
    ("asia-docker.pkg.dev", "asia.gcr.io"),
}
# As the kubelet's own helper knows ECR (kubernetes/cloud-provider-aws cmd/ecr-credential-provider/main.go).
_ECR = re.compile(r"[0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|amazonaws\.eu|on\.aws)\Z")
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
_ECR_NAME = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*\Z")
_OPEN = "UNDECIDED: images.registry"
# Containers that GKE's webhook puts into running pods; they leave whole (STO032), and nobody copies their image.
_INJECTED = ("gke-gcsfuse-sidecar", "gke-gcsfuse-metadata-prefetch")
UNDECIDED = "UNDECIDED: "


class Verb(StrEnum):
    """What becomes of an image. `none`: not Google's. `broken`: no image at all."""

    NONE = "none"
    BROKEN = "broken"
    COPY = "copy"
    REPLACE = "replace"
    STAY = "stay"


@dataclass(frozen=True, slots=True)
class Judged:
    """One reference: `target` is what is written for it; `source` its repository; `row` what the table says.

    `open` is the answer that is missing, `trouble` why the target cannot be as it is.
    """

    verb: Verb
    ref: ImageRef | None = None
    target: str = ""
    source: str = ""
    row: Row | None = None
    open: tuple[str, ...] = ()
    trouble: str = ""
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The images of all pods that go along: which repositories share a name, and which hosts the user leaves as is."""

    sharing: Mapping[str, frozenset[str]]
    staying: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Entry:
    pattern: re.Pattern[str]
    row: Row


def places(obj: Object) -> Iterator[tuple[Path, str]]:
    """Every image of a pod: of containers of all kinds, and of `image` volumes."""
    template = pods.pod_template(obj)
    if template is None:
        return
    spec = Path((*template.path, "spec"))
    for name in pods.CONTAINERS:
        for at, container in template.items(name):
            if isinstance(container.get("image"), str) and container.get("name") not in _INJECTED:
                yield spec / name / item_segment(name, template.spec[name], at) / "image", container["image"]
    for at, volume in template.items("volumes"):
        image = volume.get("image")
        if isinstance(image, Mapping) and isinstance(image.get("reference"), str):
            here = spec / "volumes" / item_segment("volumes", template.spec["volumes"], at)
            yield here / "image" / "reference", image["reference"]


def is_google(host: str) -> bool:
    """Tell whether a registry is one of Google's."""
    return GOOGLE_HOST.match(host.removesuffix(":443")) is not None


def is_ecr(registry: str) -> bool:
    """Tell whether nodes of EKS pull from this registry by their own role."""
    return _ECR.match(registry.partition("/")[0]) is not None


def judge(text: str, known: Known) -> Judged:
    """Say what becomes of a reference, asked once for each text. What we wrote ourselves is left alone."""
    memory: dict[str, Judged] = known.once("registries.judged", dict)
    if text not in memory:
        memory[text] = _judge(text, known)
    return memory[text]


def _judge(text: str, known: Known) -> Judged:
    found = _sorted(text, known)
    if found.verb is not Verb.COPY or found.answered or found.ref is None:
        return found
    registry = known.answer("images", "registry")
    host, _, prefix = registry.partition("/") if isinstance(registry, str) else ("", "", "")
    path = _path(found)
    name = f"{prefix}/{path}" if prefix else path
    trouble = ""
    if (not host or is_ecr(host)) and not (_ECR_NAME.match(name) and 2 <= len(name) <= 256):
        trouble = f"ECR takes no repository of the name {name}"
    others = sorted(seen(known).sharing.get(path, frozenset()) - {found.source})
    if others:
        trouble = f"{found.source} and {' and '.join(others)} would share the name {name}"
    if trouble:
        key = ("images", "repositories", found.source)
        return _with(found, f"{UNDECIDED}images.repositories/{path}{found.ref.suffix}", key, trouble)
    if not host:
        return _with(found, f"{_OPEN}/{path}{found.ref.suffix}", ("images", "registry"), "")
    return _with(found, f"{registry}/{path}{found.ref.suffix}", (), "")


def _with(found: Judged, target: str, key: tuple[str, ...], trouble: str) -> Judged:
    return Judged(found.verb, found.ref, target, found.source, found.row, key, trouble)


def _path(found: Judged) -> str:
    return found.source.partition("/")[2]


def seen(known: Known) -> Seen:
    """What all images of the plan say together, found once."""
    return known.once("registries.seen", lambda: _seen(known))


def _seen(known: Known) -> Seen:
    sharing: dict[str, set[str]] = {}
    staying = set()
    for group, kind in sorted(pods.KINDS):
        for obj in known.all(group, kind):
            for _, text in places(obj) if known.migrates(obj.ref) else ():
                found = _sorted(text, known)
                if found.verb is Verb.COPY and not found.answered:
                    sharing.setdefault(_path(found), set()).add(found.source)
                elif found.verb is Verb.STAY and found.answered and found.ref is not None:
                    staying.add(found.ref.host)
    return Seen({path: frozenset(of) for path, of in sharing.items()}, frozenset(staying))


def _sorted(text: str, known: Known) -> Judged:
    """The verb by answers and table, before images.registry is asked."""
    if text.startswith(UNDECIDED):
        return Judged(Verb.NONE)
    ref = parse(text)
    if ref is None:
        # A template may leave the image out for a controller to fill in.
        return Judged(Verb.BROKEN if text else Verb.NONE)
    if not is_google(ref.host):
        return Judged(Verb.NONE, ref)
    source = _canonical(ref)
    for name in dict.fromkeys((f"{ref.host}/{ref.repository}", source)):
        answered = _answered(name, ref, known)
        if answered is not None:
            return Judged(Verb.COPY if answered else Verb.STAY, ref, answered, source, answered=True)
    for entry in known.once("registries.table", lambda: _table(known)):
        match = entry.pattern.match(source)
        if match:
            verb = Verb(entry.row.fields["verb"])
            target = (
                f"{entry.row.fields.get('to', 'docker.io')}{source[match.end() :]}{ref.suffix}"
                if verb is Verb.REPLACE
                else ""
            )
            return Judged(verb, ref, target, source, entry.row)
    return Judged(Verb.NONE, ref)


def _answered(name: str, ref: ImageRef, known: Known) -> str | None:
    """What images.repositories says: the new reference, '' for one that stays, None for nothing. Longest name wins."""
    parts = name.split("/")
    for end in range(len(parts), 0, -1):
        answer: Any = known.answer("images", "repositories", "/".join(parts[:end]))
        if isinstance(answer, str):
            return "" if answer == "stays" else "/".join([answer, *parts[end:]]) + ref.suffix
    return None


def _canonical(ref: ImageRef) -> str:
    """'gcr.io/acme/api' also for 'us-docker.pkg.dev/acme/gcr.io/api'; a project of a domain has two parts."""
    parts = ref.repository.split("/")
    at = 2 if "." in parts[0] else 1
    if len(parts) > at + 1 and (ref.host, parts[at]) in _SAME:
        return "/".join([parts[at], *parts[:at], *parts[at + 1 :]])
    return f"{ref.host}/{ref.repository}"


def _table(known: Known) -> tuple[_Entry, ...]:
    found = []
    for order, row in enumerate(known.rows("registries.yaml")):
        if row.fields["verb"] not in ("copy", "replace", "stay"):
            raise BadMapping(f"{row.where}: unknown verb '{row.fields['verb']}'", "use copy, replace or stay.")
        for host in row.fields["hosts"]:
            for under in row.fields.get("under", [""]):
                name = f"{host}/{under}" if under else host
                pattern = re.compile("[a-z0-9-]+".join(re.escape(part) for part in name.split("*")) + r"(?=/|\Z)")
                # A whole name before one with a `*`, and of two with a `*` the one that says more.
                found.append(((-len(under), "*" in host, -len(host), -order), _Entry(pattern, row)))
    return tuple(entry for _, entry in sorted(found, key=lambda one: one[0]))
