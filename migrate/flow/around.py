"""What else is on the target beside the objects that a rollback deletes, and would go with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migrate.flow.view import View
from migrate.manifest.places import get
from migrate.model.checks import Shown
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.semantics.rollback import CLAIM, DEFINITION, NAMESPACE, Around


def look_around(view: View, going: Sequence[Ref], live: Mapping[Ref, Body]) -> Around:
    """List what may hang on these: all there is if a Namespace is among them, else claims and the kinds they define."""
    # What may hang on a claim or a definition may be anywhere.
    whole = {CLAIM}
    for ref in going:
        if (ref.group, ref.kind) == DEFINITION:
            names = get(live[ref], P("spec", "group")), get(live[ref], P("spec", "names", "kind"))
            whole.add((str(names[0] or ""), str(names[1] or "")))
    wanted = {*whole, *((ref.group, ref.kind) for ref in going)}
    inside: set[tuple[str, str]] = set()
    spaces = [ref.name for ref in going if (ref.group, ref.kind) == NAMESPACE]
    if spaces:
        # What has no `delete` is no object of its own, such as the usage of a pod.
        able = [one for one in view.kinds() if one.namespaced and {"list", "delete"} <= set(one.verbs)]
        inside = {(one.group, one.kind) for one in able}
        wanted |= inside
    bodies: dict[Ref, Body] = {}
    unseen: dict[tuple[str, str], str] = {}
    for kind in sorted(wanted):
        shown = view.of(*kind)
        if shown.why and kind in inside - whole:
            shown = _within(view, kind, spaces)
        bodies |= shown.bodies
        if shown.why and kind in inside | whole:
            unseen[kind] = shown.why
    for one in view.kinds():
        if not one.plural:
            unseen[one.group, "*"] = "its server does not answer"
    return Around(bodies, unseen)


def _within(view: View, kind: tuple[str, str], spaces: Sequence[str]) -> Shown:
    """In these Namespaces only, which takes less of a right."""
    found: dict[Ref, Body] = {}
    for space in spaces:
        shown = view.within(*kind, space)
        if shown.why:
            return shown
        found |= shown.bodies
    return Shown(found)
