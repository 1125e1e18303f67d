"""images.tsv: which image is copied where, and who runs it; for scripts that copy."""

from __future__ import annotations

from migrate.model.plan import Plan

_RULE = "IMG001"
_HEAD = ("source", "target", "digest", "used by")


def images_tsv(plan: Plan) -> str:
    """One line for each image that moves, sorted; an empty target is not decided yet. '' when nothing moves.

    Copy a line with `crane copy SOURCE TARGET`: all platforms, so that the digest stays the same.
    """
    users: dict[tuple[str, str], list[str]] = {}
    for step in plan.steps:
        for change in step.changes:
            before, after = change.before, change.after
            if change.rule == _RULE and isinstance(before, str) and isinstance(after, str):
                target = "" if after.startswith("UNDECIDED: ") else _pushed(after)
                users.setdefault((before, target), []).append(str(step.ref))
    lines = [
        (source, target, source.partition("@")[2], ",".join(dict.fromkeys(refs)))
        for (source, target), refs in sorted(users.items())
    ]
    return "".join("\t".join(line) + "\n" for line in (_HEAD, *lines)) if lines else ""


def _pushed(target: str) -> str:
    """Where to push: by its tag when there is one, because a digest beside it would leave the tag out."""
    name, _, _ = target.partition("@")
    return name if ":" in name.rpartition("/")[2] else target
