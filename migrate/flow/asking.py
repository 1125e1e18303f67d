"""Which kinds an export asks for, and the right to do exactly that."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Sequence
from typing import Any

from migrate.cluster.port import Source
from migrate.errors import BadInput, Forbidden
from migrate.manifest import text
from migrate.model.listing import BY_REQUEST, Kind, Listing, Outcome

ROLE = "gke2eks-export"

# Kinds that the cluster makes up or forgets by itself: nothing in them moves. (group, kind); '' is every kind.
_NOT_MOVED: dict[tuple[str, str], str] = {
    ("", "Event"): "events are forgotten after an hour",
    ("events.k8s.io", ""): "events are forgotten after an hour",
    ("coordination.k8s.io", ""): "leases are written anew every few seconds",
    ("", "ComponentStatus"): "made up when it is asked for",
}
_NAMESPACES = Kind("", "v1", "namespaces", "Namespace", False)
_NO_LIST = "it has no list"
_METRICS = "metrics are measured, not kept"


def choose(kinds: Iterable[Kind], without: Sequence[str] = ()) -> tuple[list[Kind], list[Listing]]:
    """Part the kinds into those to ask for and those that are left out, with why. Raises BadInput."""
    known = tuple(kinds)
    unwanted = _unwanted(known, without)
    asked: list[Kind] = []
    left_out: list[Listing] = []
    for kind in known:
        why = BY_REQUEST if kind in unwanted else _not_moved(kind)
        if why:
            left_out.append(Listing(kind, Outcome.LEFT_OUT, why=why))
        else:
            asked.append(kind)
    return asked, left_out


def namespaces(source: Source, patterns: Sequence[str]) -> tuple[str, ...]:
    """The namespaces that the globs name; none for no globs: then all are read. Raises BadInput, Refused.

    Who may not list namespaces can still name them in full.
    """
    if not patterns:
        return ()
    try:
        pages = source.pages(_NAMESPACES)
        found = [str(item["metadata"]["name"]) for page in pages for item in page.get("items") or ()]
    except Forbidden as no:
        globs = [pattern for pattern in patterns if set(pattern) & set("*?[")]
        if globs:
            fix = "name the namespaces in full, or ask for the right to list them: gke2eks access source prints it."
            raise Forbidden(f"-n {globs[0]}: {no.what}", fix) from None
        return tuple(sorted(set(patterns)))
    for pattern in patterns:
        if not fnmatch.filter(found, pattern):
            near = difflib.get_close_matches(pattern, found, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadInput(f"-n {pattern}: {source.name} has no such namespace{hint}", "correct the name.")
    return tuple(sorted(name for name in found if any(fnmatch.fnmatchcase(name, one) for one in patterns)))


def role(kinds: Iterable[Kind], without: Sequence[str] = ()) -> str:
    """The ClusterRole that lets an export list what it asks for, and nothing else, as YAML."""
    asked, _ = choose(kinds, without)
    groups: dict[str, list[str]] = {}
    for kind in asked:
        if kind.plural:
            groups.setdefault(kind.group, []).append(kind.plural)
    rules: list[dict[str, Any]] = [
        {"apiGroups": [group], "resources": sorted(groups[group]), "verbs": ["list"]} for group in sorted(groups)
    ]
    metadata = {"name": ROLE}
    body = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}
    return text.dump(body)


def _not_moved(kind: Kind) -> str:
    said = _NOT_MOVED.get((kind.group, kind.kind)) or _NOT_MOVED.get((kind.group, ""))
    if said:
        return said
    if kind.group == "metrics.k8s.io" or kind.group.endswith(".metrics.k8s.io"):
        return _METRICS
    # Without a plural it is a whole API that did not say what it has: asked for, so that it counts as failed.
    return _NO_LIST if kind.plural and "list" not in kind.verbs else ""


def _unwanted(kinds: Sequence[Kind], without: Sequence[str]) -> set[Kind]:
    names: dict[str, set[Kind]] = {}
    for kind in kinds:
        for name in (kind.kind, kind.plural):
            for spelling in (name, f"{name}.{kind.group}"):
                names.setdefault(spelling.casefold(), set()).add(kind)
    found: set[Kind] = set()
    for wanted in without:
        if wanted.casefold() not in names or not wanted:
            near = difflib.get_close_matches(wanted.casefold(), names, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadInput(f"--without {wanted}: this cluster has no such kind{hint}", "correct the name.")
        found |= names[wanted.casefold()]
    return found
