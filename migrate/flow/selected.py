"""An option of selection that fits nothing in the plan is a slip, and must not look like a run without work."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Sequence
from pathlib import Path

from migrate.errors import BadInput
from migrate.model.objects import Object
from migrate.model.plan import Plan
from migrate.model.selection import OPTIONS, Selection, parse_selection
from migrate.render.words import kept

_MOST = 8


def refuse_nothing(plan: Plan, select: Selection, workspace: Path) -> None:
    """Each text must fit an object of the plan, and all together at least one. Raises BadInput."""
    if not select:
        return
    there = [Object(step.ref, step.body or {}) for step in plan.steps if kept(step)]
    for key, texts in select.texts().items():
        for text in texts:
            one = parse_selection(**{"only" if key == "exclude" else key: (text,)})
            if not any(one.matches(obj) for obj in there):
                raise _nothing(f"{OPTIONS[key]} {shlex.quote(text)}", _near(key, text, there), workspace)
    if not any(select.matches(obj) for obj in there):
        raise _nothing(select.as_options(), [], workspace)


def _nothing(options: str, near: Sequence[str], workspace: Path) -> BadInput:
    return BadInput(
        f"{options} fits no object of the plan in {workspace}",
        "correct it; report.md lists every object. Nothing was written.",
        near,
    )


def _near(key: str, text: str, there: Sequence[Object]) -> list[str]:
    """What the plan has instead: the nearest few, or all where they are few."""
    if key == "namespaces":
        names = {obj.ref.namespace for obj in there if obj.ref.namespace}
    elif key == "kinds":
        names = {obj.ref.short.partition("/")[0] for obj in there}
    elif key == "labels":
        return []
    else:
        names = {str(obj.ref) for obj in there}
    found = difflib.get_close_matches(text, sorted(names), 3, 0.5) or (sorted(names) if len(names) <= _MOST else [])
    return [f"the plan has {', '.join(found)}"] if found else []
