"""Texts become objects; what is no object is left out with its reason."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from migrate.errors import BadInput
from migrate.manifest.kinds import is_cluster_scoped
from migrate.manifest.text import load_all
from migrate.model.objects import LeftOut, Object, Snapshot
from migrate.model.ref import Ref, group_of
from migrate.reading.files import Ignored, Text, texts
from migrate.reading.fit import Found, unfit
from migrate.reading.foreign import unparsable
from migrate.reading.redact import Redactor

_DEEPEST_LIST = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, redacted, and what is remembered of secret values (keyed hashes; never digested)."""

    snapshot: Snapshot
    observed: tuple[dict[str, Any], ...]


@dataclass(slots=True)
class _Pile:
    """What has been gathered so far."""

    found: list[Found] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    documents: int = 0
    ignored: int = 0


def read(sources: Sequence[str], *, stdin: Callable[[], bytes], needles: Sequence[str], hash_key: bytes) -> Reading:
    """Read files, directories and standard input ('-'). Raises BadInput when there is no object at all."""
    return read_with(Redactor(needles, hash_key), sources, stdin=stdin)


def read_with(redactor: Redactor, sources: Sequence[str], *, stdin: Callable[[], bytes]) -> Reading:
    """The same, where somebody has a redactor of his own."""
    with no_garbage_collection():
        pile = _Pile()
        for text in texts(sources, stdin):
            _add(pile, text)
        reading = _reading(pile, redactor)
    if not reading.snapshot.objects:
        raise _nothing(sources, reading.snapshot.left_out)
    return reading


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Hold the collector back: a bulk load makes no garbage, only work for it, and so does what was loaded later."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.freeze()
            gc.enable()


def _nothing(sources: Sequence[str], left_out: Sequence[LeftOut]) -> BadInput:
    details = [f"{one.source}:{one.line}  {one.reason}. {one.fix}" for one in left_out]
    fix = "Correct what is named above." if details else "Give files or directories with Kubernetes manifests."
    return BadInput(f"nothing could be read from {', '.join(sources) or 'no source'}", fix, details)


def _add(pile: _Pile, text: Text | LeftOut | Ignored) -> None:
    if isinstance(text, Ignored):
        pile.ignored += 1
    elif isinstance(text, LeftOut):
        pile.left_out.append(text)
    else:
        for one in _documents(pile, text):
            if isinstance(one, LeftOut):
                pile.documents += 1
                pile.left_out.append(one)
            else:
                _unwrap(pile, one, 0)


def _documents(pile: _Pile, text: Text) -> Iterator[Found | LeftOut]:
    template = "{{" in text.data
    secret = "secret" in text.data.casefold()
    for document in load_all(text.data):
        error = document.error
        if error is not None and error.kind != "duplicate":
            said = unparsable(error, template=template, secret=secret)
            yield LeftOut(text.source, error.line, *said)
            continue
        if error is not None:
            pile.notes.append(f"{text.source}:{error.line}: {error.message}; the last one counts, as in kubectl")
        if document.body is not None:
            yield Found(text.source, document.line, "", document.body)


def _unwrap(pile: _Pile, one: Found, depth: int) -> None:
    body = one.body
    if not _is_list(body):
        pile.documents += 1
        pile.found.append(one)
        return
    if depth > _DEEPEST_LIST:
        pile.documents += 1
        pile.left_out.append(one.left_out(("Lists nested too deeply", "Give the objects themselves.")))
        return
    metadata = body.get("metadata")
    if isinstance(metadata, Mapping) and metadata.get("continue"):
        pile.notes.append(f"{one.origin} is one page of a longer list; the other pages were not in it")
    typed = _item_type(body)
    for index, item in enumerate(body["items"] or ()):
        if typed and isinstance(item, dict) and "kind" not in item:
            item = {**typed, **item}
        _unwrap(pile, Found(one.source, one.line, f"{one.item}.items[{index}]".lstrip("."), item), depth + 1)


def _is_list(body: Any) -> bool:
    if not isinstance(body, dict) or not str(body.get("kind", "")).endswith("List"):
        return False
    metadata = body.get("metadata")
    named = isinstance(metadata, Mapping) and "name" in metadata
    return not named and "items" in body and (body["items"] is None or isinstance(body["items"], list))


def _item_type(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the items of a DeploymentList leave unsaid; a plain List says nothing."""
    kind = str(body["kind"]).removesuffix("List")
    return {"apiVersion": body["apiVersion"], "kind": kind} if kind and "apiVersion" in body else {}


def _reading(pile: _Pile, redactor: Redactor) -> Reading:
    fit: list[Found] = []
    for one in pile.found:
        said = unfit(one)
        if said:
            pile.left_out.append(one.left_out(said))
        else:
            fit.append(one)
    objects, observed, duplicates = _objects(pile, fit, redactor)
    if pile.ignored:
        pile.notes.append(f"not read, because not YAML or JSON by name: {_count(pile.ignored, 'file')} in directories")
    snapshot = Snapshot(
        objects=tuple(objects[ref] for ref in sorted(objects)),
        left_out=tuple(sorted(pile.left_out)),
        documents=pile.documents,
        notes=tuple(pile.notes),
        duplicates=tuple(duplicates),
    )
    secrets = tuple({"ref": str(ref), "keys": observed[ref]} for ref in sorted(observed) if observed[ref])
    return Reading(snapshot, secrets)


def _objects(
    pile: _Pile, fit: Sequence[Found], redactor: Redactor
) -> tuple[dict[Ref, Object], dict[Ref, dict[str, Any]], list[tuple[Ref, str, str]]]:
    scopes = _declared_scopes(fit)
    objects: dict[Ref, Object] = {}
    observed: dict[Ref, dict[str, Any]] = {}
    duplicates: list[tuple[Ref, str, str]] = []
    defaulted = 0
    for one in fit:
        ref, was_defaulted = _identity(one.body, scopes)
        redacted = redactor.redact(one.body)
        first = objects.get(ref)
        if first is None:
            defaulted += was_defaulted
            objects[ref] = Object(ref, redacted.body, one.origin)
            observed[ref] = redacted.keys
        elif first.body != redacted.body or observed[ref] != redacted.keys:
            duplicates.append((ref, first.origin, one.origin))
    if defaulted:
        pile.notes.append(f"without a namespace, taken to be in 'default': {_count(defaulted, 'object')}")
    return objects, observed, duplicates


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _identity(body: Mapping[str, Any], scopes: Mapping[tuple[str, str], bool]) -> tuple[Ref, bool]:
    """Give the ref, and whether its namespace is our assumption."""
    group, kind, metadata = group_of(body["apiVersion"]), body["kind"], body["metadata"]
    namespace = metadata.get("namespace") or ""
    cluster = is_cluster_scoped(group, kind)
    if cluster is None:
        cluster = scopes.get((group, kind), not namespace)
    defaulted = not cluster and not namespace
    return Ref(group, kind, "" if cluster else namespace or "default", metadata["name"]), defaulted


def _declared_scopes(fit: Sequence[Found]) -> dict[tuple[str, str], bool]:
    """Learn from the CustomResourceDefinitions that were read: (group, kind) → is cluster-scoped."""
    scopes: dict[tuple[str, str], bool] = {}
    for one in fit:
        spec = one.body.get("spec") if one.body["kind"] == "CustomResourceDefinition" else None
        names = spec.get("names") if isinstance(spec, Mapping) else None
        if isinstance(spec, Mapping) and isinstance(names, Mapping) and "scope" in spec:
            scopes[str(spec.get("group")), str(names.get("kind"))] = spec["scope"] == "Cluster"
    return scopes
