"""Texts that people write into objects, and what a line of them says: env, args, commands, ConfigMaps, custom kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migrate.manifest import pods
from migrate.manifest.places import get, strings
from migrate.model.objects import Object
from migrate.model.path import Item, P, Path


class Sort(StrEnum):
    """What kind of place a text stands in."""

    IMAGE = "image"
    NAME = "name"
    COMMAND = "command"
    ADDRESS = "address"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Place:
    """One text. `name` is the variable or key that it is the value of; `file` when it may have lines of its own."""

    path: Path
    sort: Sort
    text: str
    name: str = ""
    keys: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text: the keys that lead to it, and (keys with dots, value) of all that it says."""

    number: int
    text: str
    keys: str
    pairs: tuple[tuple[str, str], ...]


_SKIP_NOTES = ("kubectl.kubernetes.io/", "meta.helm.sh/", "deployment.kubernetes.io/")
_KNOWN = re.compile(r"(\.k8s\.io|(^|\.)gke\.io|google\.com|googleapis\.com|^keda\.sh)$")
_GOOGLE = re.compile(r"(^|\.)(gke\.io|cloud\.google\.com|gke\.goog)(/|$)")
# Who is scheduled where is for the rules about scheduling; identities are for those about identity.
_ELSEWHERE = frozenset(
    {"nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "labels", "matchLabels"}
)
_POD_PARTS = ("dnsConfig", "hostAliases")
_CONTAINER_PARTS = ("env", "command", "args", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_ADDRESSED = {
    ("networking.k8s.io", "NetworkPolicy"): ("spec",),
    ("", "Endpoints"): ("subsets",),
    ("discovery.k8s.io", "EndpointSlice"): ("endpoints",),
}


def texts(obj: Object) -> Mapping[str, Any]:
    """The parts of an object in which such texts may stand, by key; empty for kinds that are not looked at."""
    kind = (obj.ref.group, obj.ref.kind)
    if kind in pods.KINDS:
        template = pods.pod_template(obj)
        notes = template.annotations if template is not None else {}
        parts = (*pods.CONTAINERS, *_POD_PARTS)
        said = {part: template.spec[part] for part in parts if part in template.spec} if template is not None else {}
        return {**said, "notes": notes, "own": obj.annotations}
    if kind == ("", "ConfigMap"):
        return {"data": obj.body.get("data"), "own": obj.annotations}
    if kind in _ADDRESSED:
        return {part: obj.body.get(part) for part in _ADDRESSED[kind]}
    if _custom(obj.ref.group):
        return {"spec": obj.spec, "own": obj.annotations}
    return {}


def _custom(group: str) -> bool:
    """A kind of somebody else: not Kubernetes' own, and none that other rules know by name."""
    return "." in group and not _KNOWN.search(group)


def places(obj: Object) -> Iterator[Place]:
    """Every text of an object that is looked at, with the path that the planner would print. Odd input yields less."""
    kind = (obj.ref.group, obj.ref.kind)
    yield from _notes(obj.annotations, P("metadata", "annotations"))
    template = pods.pod_template(obj)
    if template is not None:
        if template.path:
            yield from _notes(template.annotations, template.path / "metadata" / "annotations")
        yield from _pod(Path((*template.path, "spec")), template.spec)
    elif kind == ("", "ConfigMap"):
        data = obj.body.get("data")
        for key, value in data.items() if isinstance(data, Mapping) else ():
            if isinstance(key, str) and isinstance(value, str):
                yield Place(P("data", key), Sort.TEXT, value, key)
    elif kind in _ADDRESSED:
        for part in _ADDRESSED[kind]:
            yield from _addresses(obj, P(part))
    elif _custom(obj.ref.group):
        for path, text, is_key in strings(obj.spec):
            if not _ELSEWHERE.intersection(segment for segment in path if isinstance(segment, str)):
                yield from _any(Path(("spec", *path)), text, is_key)


def _addresses(obj: Object, at: Path) -> Iterator[Place]:
    found = get(obj.body, at)
    if isinstance(found, (Mapping, list)):
        for path, text, is_key in strings({str(at[0]): found}):
            if not is_key and (path[-1] in ("cidr", "ip") or path[-2:-1] == ("addresses",)):
                yield Place(path, Sort.ADDRESS, text, str(path[-1]))


def _notes(notes: Mapping[str, Any], at: Path) -> Iterator[Place]:
    for key, value in notes.items():
        if not isinstance(key, str) or not isinstance(value, str) or key.startswith(_SKIP_NOTES):
            continue
        if not _GOOGLE.search(key.partition("/")[0]):
            yield Place(at / key, Sort.TEXT, value, key.rpartition("/")[2])


def _pod(at: Path, spec: Mapping[str, Any]) -> Iterator[Place]:
    for part in (*_POD_PARTS, *pods.CONTAINERS):
        if part not in spec or not isinstance(spec[part], (Mapping, list)):
            continue
        for path, text, is_key in strings({part: spec[part]}):
            if part in pods.CONTAINERS:
                yield from _container(Path((*at, *path)), path, text, is_key)
            elif not is_key:
                yield Place(Path((*at, *path)), Sort.ADDRESS, text, str(path[-1]))


def _container(full: Path, path: Path, text: str, is_key: bool) -> Iterator[Place]:
    if len(path) < 3 or is_key:
        return
    if path[2] == "image":
        yield Place(full, Sort.IMAGE, text)
    elif path[2] == "volumeMounts" and path[-1] == "mountPath":
        yield Place(full, Sort.ADDRESS, text, "mountPath")
    elif path[2] in _CONTAINER_PARTS:
        yield from _any(full, text, is_key)


def _any(path: Path, text: str, is_key: bool) -> Iterator[Place]:
    """A text by the shape of its path: an image, a name of a variable, a value, a command, or plain text."""
    keys = ".".join(segment for segment in path if isinstance(segment, str))
    if is_key:
        yield Place(path, Sort.TEXT, "", "", keys)
        return
    last, before = path[-1], path[-2] if len(path) > 1 else None
    if last == "image":
        yield Place(path, Sort.IMAGE, text)
    elif "env" in path and last == "name" and path[-3:-2] == ("env",):
        yield Place(path, Sort.NAME, "", text)
    elif last == "value" and "env" in path:
        name = before.keys[0][1] if isinstance(before, Item) else ""
        yield Place(path, Sort.TEXT, text, str(name))
    elif {"command", "args"} & set(path[-2:-1]) or last in ("command", "args"):
        yield Place(path, Sort.COMMAND, text)
    elif "valueFrom" not in path:
        yield Place(path, Sort.TEXT, text, str(last) if isinstance(last, str) else "", keys)


_KEYED = re.compile(
    r"(?P<at>\s*(?:-\s+)*)(?:export\s+|set\s+|ENV\s+)?(?P<q>[\"']?)(?P<key>[A-Za-z_@][\w.@/-]*)(?P=q)\s*(?:=|:(?=\s|$)|:(?=[\"'\[{]))"
    r"\s*(?P<value>.*?)\s*$"
)
_ITEM = re.compile(r"(?P<at>\s*)-\s+(?P<value>[^\s:]+)\s*$")
_JSON = re.compile(r"\"([\w.@/ -]+)\"\s*:\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,{}\[\]\"]+))?")
_ARG = re.compile(r"(?<!\S)--?([A-Za-z][\w.-]*)(?:=|\s+)[\"']?([^\s\"']+)")
_COMMENT = re.compile(r"\s*(#(?!!)|//|;|<!--|--\s|REM\s|\*\s)")


def lines(place: Place) -> Iterator[Line]:
    """The lines of a text that are no comments. Keys are read from indentation, which YAML and printed JSON share."""
    if "\n" not in place.text.rstrip("\n"):
        keys = place.keys or place.name
        more = _said(place.text, keys if place.sort is not Sort.TEXT else "")
        yield Line(1, place.text, keys, ((keys, place.text.strip()), *more))
        return
    above: list[tuple[int, str]] = []
    for number, text in enumerate(place.text.split("\n"), 1):
        if not text.strip() or _COMMENT.match(text):
            continue
        found = _KEYED.match(text) or _ITEM.match(text)
        if found is None:
            parent = ".".join(key for _, key in above)
            yield Line(number, text, "", _said(text, parent if text.lstrip().startswith(("{", "[")) else ""))
            continue
        indent = len(found["at"])
        while above and above[-1][0] >= indent and (found.re is _KEYED or above[-1][0] > indent):
            above.pop()
        if found.re is _KEYED:
            above.append((indent, found["key"]))
        keys = ".".join(key for _, key in above)
        value = found["value"]
        yield Line(number, text, keys, ((keys, value.rstrip(", ")), *_said(value, keys)))


def _said(text: str, keys: str) -> tuple[tuple[str, str], ...]:
    """What stands inside a line: members of JSON, and arguments."""
    found = (
        [(name, plain or bare) for name, plain, bare in _JSON.findall(text)] if '":' in text or '" :' in text else []
    )
    if "-" in text:
        found += _ARG.findall(text)
    return tuple((f"{keys}.{name}" if keys else name, value) for name, value in found)
