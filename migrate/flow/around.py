"""What else is on the target beside the objects that a rollback deletes, and would go with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migrate.flow.view import View
from migrate.manifest.places import get
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.semantics.rollback import CLAIM, DEFINITION, NAMESPACE, Around


def look_around(view: View, going: Sequence[Ref], live: Mapping[Ref, Body]) -> Around:
    """List what may hang on these: all there is if a Namespace is among them, else claims and the kinds they define."""
    wanted = {CLAIM, *((ref.group, ref.kind) for ref in going)}
    for ref in going:
        if (ref.group, ref.kind) == DEFINITION:
            names = get(live[ref], P("spec", "group")), get(live[ref], P("spec", "names", "kind"))
            wanted.add((str(names[0] or ""), str(names[1] or "")))
    if any((ref.group, ref.kind) == NAMESPACE for ref in going):
        # What has no `delete` is no object of its own, such as the usage of a pod.
        able = [one for one in view.kinds() if one.namespaced and {"list", "delete"} <= set(one.verbs)]
        wanted |= {(one.group, one.kind) for one in able}
    bodies: dict[Ref, Body] = {}
    unseen: dict[tuple[str, str], str] = {}
    for kind in sorted(wanted):
        shown = view.of(*kind)
        bodies |= shown.bodies
        if shown.why:
            unseen[kind] = shown.why
    for one in view.kinds():
        if not one.plural:
            unseen[one.group, "*"] = "its server does not answer"
    return Around(bodies, unseen)
