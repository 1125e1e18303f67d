"""Which kinds a cluster serves, from either form of discovery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrate.cluster.wire import Wire
from migrate.errors import Forbidden, NotLoggedIn, Refused
from migrate.model.listing import Kind

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
Versions = list[tuple[str, list[Kind] | None]]  # preferred first; None: its server would not say


def discover(wire: Wire) -> tuple[Kind, ...]:
    """Give every kind once. Raises Refused when discovery itself is refused."""
    found: list[Kind] = []
    for root, plain in (("/api", _core), ("/apis", _groups)):
        try:
            answer = wire.ask("get", root, accept=_AGGREGATED, fits=_is_root)
        except Forbidden as no:
            raise NotLoggedIn(
                f"{wire.connection.name} does not let us see which kinds it has: {no.what}", wire.connection.login
            ) from None
        groups = _aggregated(answer) if answer.get("kind") == "APIGroupDiscoveryList" else plain(wire, answer)
        for group, versions in groups:
            found += _one_version_each(group, versions)
    return tuple(found)


def _one_version_each(group: str, versions: Versions) -> Iterator[Kind]:
    """The preferred version of each kind, and of those that it lacks the first that has it."""
    taken: set[str] = set()
    for version, kinds in versions:
        if kinds is None:
            yield Kind(group, version, "", "", False)
        for kind in kinds or ():
            if kind.plural not in taken:
                taken.add(kind.plural)
                yield kind


def _aggregated(answer: Mapping[str, Any]) -> Iterator[tuple[str, Versions]]:
    for item in _mappings(answer.get("items")):
        group = str((item.get("metadata") or {}).get("name") or "")
        yield group, [_stated(group, version) for version in _mappings(item.get("versions"))]


def _stated(group: str, version: Mapping[str, Any]) -> tuple[str, list[Kind] | None]:
    name = str(version.get("version"))
    kinds = [
        Kind(
            group,
            name,
            str(one.get("resource")),
            str((one.get("responseKind") or {}).get("kind")),
            one.get("scope") == "Namespaced",
            _verbs(one),
        )
        for one in _mappings(version.get("resources"))
    ]
    # Stale: the server behind an APIService did not answer; what it said earlier may be there still.
    return name, None if version.get("freshness") == "Stale" and not kinds else kinds


def _core(wire: Wire, answer: Mapping[str, Any]) -> Iterator[tuple[str, Versions]]:
    versions = answer.get("versions")
    names = [str(name) for name in versions] if isinstance(versions, list) else []
    yield "", [(name, _resources(wire, "", name)) for name in names]


def _groups(wire: Wire, answer: Mapping[str, Any]) -> Iterator[tuple[str, Versions]]:
    for group in _mappings(answer.get("groups")):
        name = str(group.get("name"))
        preferred = (group.get("preferredVersion") or {}).get("version")
        names = [str(one.get("version")) for one in _mappings(group.get("versions"))]
        names.sort(key=lambda version: version != preferred)
        yield name, [(version, _resources(wire, name, version)) for version in names]


def _resources(wire: Wire, group: str, version: str) -> list[Kind] | None:
    path = f"/apis/{group}/{version}" if group else f"/api/{version}"
    try:
        answer = wire.ask("get", path, fits=_is_resources)
    except NotLoggedIn:
        raise
    except Refused:
        return None
    rows = (one for one in _mappings(answer.get("resources")) if "/" not in str(one.get("name")))
    return [
        Kind(group, version, str(r.get("name")), str(r.get("kind")), bool(r.get("namespaced")), _verbs(r)) for r in rows
    ]


# An empty answer must not pass for a cluster without kinds.
def _is_root(body: Any) -> bool:
    parts = {"APIGroupDiscoveryList": "items", "APIVersions": "versions", "APIGroupList": "groups"}
    return isinstance(body, dict) and isinstance(body.get(parts.get(str(body.get("kind")), "")), list)


def _is_resources(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("resources"), list)


def _verbs(row: Mapping[str, Any]) -> tuple[str, ...]:
    verbs = row.get("verbs")
    return tuple(sorted(str(verb) for verb in verbs)) if isinstance(verbs, list) else ()


def _mappings(found: Any) -> Iterable[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else ()
