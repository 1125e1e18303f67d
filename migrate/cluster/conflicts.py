"""Conflicts of server-side apply: whose field it is, where it is, and what both sides want there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from migrate.cluster.outcome import Cause
from migrate.manifest.places import get
from migrate.model.objects import MISSING, Body
from migrate.model.path import Item, Path, Segment

OWNED = "FieldManagerConflict"  # the reason of such a cause
_QUOTED = r'"(?:[^"\\]|\\.)*"'
# conflict with "kubectl-client-side-apply" using apps/v1; with "scaler" with subresource "scale" using apps/v1
_MESSAGE = re.compile(
    rf"conflict with (?P<manager>{_QUOTED})(?: with subresource (?P<sub>{_QUOTED}))?(?: using (?P<version>\S+))?.*"
)
_KEY = re.compile(rf"(?P<name>[A-Za-z0-9_-]*)=(?P<value>{_QUOTED}|[^,\]]*)(?P<end>,|\])")
_INDEX = re.compile(r"\[(\d+)\]")


def causes(status: Any) -> list[Mapping[str, Any]]:
    """The causes of a Status that name another owner; none: it is another kind of 409."""
    details = status.get("details") if isinstance(status, dict) else None
    found = details.get("causes") if isinstance(details, dict) else None
    rows = found if isinstance(found, list) else []
    return [one for one in rows if isinstance(one, dict) and one.get("reason") == OWNED]


def read(found: list[Mapping[str, Any]], sent: Body) -> tuple[Cause, ...]:
    """Say each cause in our words, in the order of their paths; without values."""
    return tuple(sorted((_cause(one, sent) for one in found), key=lambda cause: (str(cause.path), cause.manager)))


def with_values(found: tuple[Cause, ...], sent: Body, live: Body | None, *, secret: bool) -> tuple[Cause, ...]:
    """Add what both sides say. `live` is None where it could not be read."""
    return tuple(_valued(one, sent, live, secret) for one in found)


def _cause(one: Mapping[str, Any], sent: Body) -> Cause:
    message, field = str(one.get("message") or ""), str(one.get("field") or "")
    match = _MESSAGE.fullmatch(message)
    manager, sub, version = match.group("manager", "sub", "version") if match else (message, None, None)
    return Cause(located(field, sent), _unquoted(manager), message, version or "", _unquoted(sub or ""))


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text)) if text.startswith('"') else text
    except ValueError:  # Go quotes a few characters in other ways than JSON
        return text[1:-1]


def located(field: str, sent: Body) -> Path:
    """The path of '.metadata.annotations.a.b/c'. Keys are not quoted there; what we sent tells where each ends."""
    found = next(_walks(field, sent), None)
    return Path(found) if found is not None else Path(_plainly(field))


def _walks(field: str, value: Any) -> Iterator[tuple[Segment, ...]]:
    """Every way to read the rest of a field from this value downward."""
    if not field:
        yield ()
    elif field[0] == "." and isinstance(value, Mapping):
        for key in (key for key in value if isinstance(key, str) and field.startswith(key, 1)):
            rest = field[1 + len(key) :]
            if rest[:1] in ("", ".", "["):
                yield from ((key, *more) for more in _walks(rest, value[key]))
    elif field[0] == "[" and isinstance(value, list) and (part := _bracket(field)):
        segment, at = part
        inner = [item for item in value if _fits(item, segment)]
        for item in inner or [None]:
            yield from ((segment, *more) for more in _walks(field[at:], item))


def _bracket(field: str) -> tuple[Segment, int] | None:
    """Read '[name="a",port=80]', '[3]' or, in a set, '[="x"]', and where it ends."""
    if match := _INDEX.match(field):
        return int(match[1]), match.end()
    keys: list[tuple[str, str | int | bool]] = []
    at = 1
    while match := _KEY.match(field, at):
        try:
            value = json.loads(match["value"])
        except ValueError:
            value = match["value"].strip('"')
        keys.append((match["name"], value))
        at = match.end()
        if match["end"] == "]":
            return Item(tuple(keys)), at
    return None


def _fits(item: Any, segment: Segment) -> bool:
    """A key that the server filled in, such as a port's protocol, is not among what we sent."""
    if not isinstance(segment, Item) or not isinstance(item, Mapping):
        return False
    return all(item.get(name, value) == value for name, value in segment.keys) and any(
        name in item for name, _ in segment.keys
    )


def _plainly(field: str) -> Iterator[Segment]:
    """Read a field that is not in what we sent: a dot ends a key."""
    while field:
        part = _bracket(field) if field[0] == "[" else None
        if part:
            yield part[0]
            field = field[part[1] :]
            continue
        key = re.match(r"\.?[^.\[]*", field)
        end = max(1, key.end() if key else 1)
        yield field[:end].removeprefix(".")
        field = field[end:]


def _valued(cause: Cause, sent: Body, live: Body | None, secret: bool) -> Cause:
    ours, theirs = _at(sent, cause.path), MISSING if live is None else _at(live, cause.path)
    if secret:
        ours, theirs = _size(ours), _size(theirs)
    return replace(cause, ours=ours, theirs=theirs)


def _at(body: Body, path: Path) -> Any:
    here: Any = body
    for segment in path:
        if isinstance(segment, Item) and isinstance(here, list):
            here = next((item for item in here if _fits(item, segment)), MISSING)
        else:
            here = get(here, (segment,))
    return here


def _size(value: Any) -> Any:
    """Of a Secret nothing is shown, its annotations included: kubectl keeps a copy of the values in one."""
    if value is MISSING:
        return MISSING
    return f"(secret, {len(value)} characters)" if isinstance(value, str) else "(secret)"
