"""What happened to objects between the moment their kind was listed and the end of the export.

Each list is one moment of one kind; several kinds are several moments. What was created, changed or deleted in between
may make the snapshot disagree with itself. The resourceVersion of a second list does not tell: it counts the writes of
all kinds. So a kind with few objects is listed once more, and one with many is watched from where its list ended.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from migrate.cluster.port import Source
from migrate.errors import Expired, Forbidden, Refused, Unreachable
from migrate.flow.lists import Listed, list_kind
from migrate.flow.threads import in_threads
from migrate.model.listing import Kind
from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.reading import LiveList, Redactor
from migrate.workspace.moving import split

_FEW = 50  # objects: to list them again costs less than the second that a watch takes
_THREADS = 8  # they mostly wait
# Kinds that follow others, and machines, which come and go: nothing of them moves.
_FOLLOWING = frozenset({("", "Endpoints"), ("", "Node")})

State = Mapping[Ref, tuple[Object, Any]]


def look_again(
    source: Source, kinds: Sequence[tuple[Kind, Listed]], redactor: Redactor
) -> dict[Kind, tuple[tuple[str, ...], str]]:
    """Say of each kind what happened to it, and why nobody can tell. Raises nothing of the cluster's."""
    gone: list[Refused] = []  # a server that went away is not asked for every kind

    def look(job: tuple[Kind, Listed], over: threading.Event) -> tuple[Kind, tuple[str, ...], str]:
        kind, listed = job
        try:
            if gone:
                raise gone[0]
            return kind, _happened(source, kind, listed, redactor, over), ""
        except Unreachable as bad:
            gone.append(bad)
            return kind, (), bad.what
        except Refused as bad:
            return kind, (), bad.what

    asked = [job for job in kinds if (job[0].group, job[0].kind) not in _FOLLOWING]
    return {kind: (changed, unseen) for kind, changed, unseen in in_threads(asked, look, _THREADS)}


def _happened(source: Source, kind: Kind, listed: Listed, redactor: Redactor, over: threading.Event) -> tuple[str, ...]:
    before = _state(listed.found)
    after: dict[Ref, tuple[Object, Any] | None] | None = None
    if listed.found.count > _FEW and "watch" in kind.verbs and all(listed.versions.values()):
        try:
            after = _watched(source, kind, listed.versions, redactor)
        except (Expired, Forbidden):
            after = None  # forgotten already, or no right to watch: `list` is all that an export needs
    if after is None:
        spaces = [space for space in listed.versions if space]
        now = _state(list_kind(source, kind, spaces, redactor, over).found)
        after = {ref: now.get(ref) for ref in {*before, *now}}
    return tuple(sorted(_said(before, after)))


def _watched(
    source: Source, kind: Kind, versions: Mapping[str, str], redactor: Redactor
) -> dict[Ref, tuple[Object, Any] | None]:
    after: dict[Ref, tuple[Object, Any] | None] = {}
    for namespace, version in versions.items():
        for event in source.changes(kind, version, namespace):
            one = LiveList(kind, source.name, redactor)
            one.add({"items": [event["object"]]})
            for ref, state in _state(one).items():
                after[ref] = None if event["type"] == "DELETED" else state
    return after


def _state(found: LiveList) -> dict[Ref, tuple[Object, Any]]:
    """Objects, and the keyed hashes of secret values, which a redacted body does not show."""
    return {one.ref: (one, found.observed.get(one.ref)) for one in found.objects}


def _said(before: State, after: Mapping[Ref, tuple[Object, Any] | None]) -> Iterable[str]:
    for ref, now in after.items():
        old = before.get(ref)
        some = now or old
        if some is None or _is_controlled(some[0]):
            continue
        name = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
        if old is None:
            yield f"created {name}"
        elif now is None:
            yield f"deleted {name}"
        elif old[0].body != now[0].body and (old[1] != now[1] or split(old[0].body)[0] != split(now[0].body)[0]):
            yield f"changed {name}"


def _is_controlled(obj: Object) -> bool:
    """Tell whether a controller makes it from another object, as pods of a Deployment: that one counts, not this."""
    owners = obj.metadata.get("ownerReferences")
    return isinstance(owners, list) and any(isinstance(one, Mapping) and one.get("controller") for one in owners)
