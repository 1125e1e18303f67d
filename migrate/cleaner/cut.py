"""A body without some of its places."""

from __future__ import annotations

from typing import Any

from migrate.cleaner.found import Place
from migrate.model.objects import Body

# A parent that cleaning emptied goes with its last child, these only; every other empty may mean something.
_PRUNED = frozenset(
    {"annotations", "labels", "finalizers", "volumes", "volumeMounts", "tolerations", "secrets", "data"}
)


def without(body: Body, paths: list[Place]) -> Body:
    """A copy without these places, and without the parents that became empty and meant nothing else."""
    tree: dict[Any, Any] = {}
    for path in paths:
        node = tree
        for segment in path[:-1]:
            node = node.setdefault(segment, {})
        node[path[-1]] = None
    cut: Body = _cut(body, tree)
    return cut


def _cut(value: Any, tree: dict[Any, Any]) -> Any:
    if isinstance(value, list):
        kept = [_cut(v, tree[i]) if i in tree else v for i, v in enumerate(value) if tree.get(i, tree) is not None]
        return kept
    out = dict(value)
    for key, below in tree.items():
        if below is None:
            del out[key]
            continue
        rest = _cut(out[key], below)
        if not rest and (key in _PRUNED or (key == "spec" and "finalizers" in below)):
            del out[key]
        else:
            out[key] = rest
    return out
