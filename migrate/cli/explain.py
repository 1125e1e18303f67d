"""`gke2eks explain`."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.options import workspace_option
from migrate.cli.screen import color, echo, unicode, width

if TYPE_CHECKING:
    from migrate.model.path import Path as Place


@click.command("explain")
@click.argument("ref")
@click.argument("field", required=False)
@workspace_option
@click.option("--cleaned", is_flag=True, help="List the fields that the source cluster had written.")
def command(ref: str, field: str | None, workspace: Path, cleaned: bool) -> int:
    """Say why each field of one object changes. REF is as printed, e.g. 'Service/shop/web'.

    FIELD shows one field only: its whole path, or an ending that only one field has.

    REF `cluster` shows what concerns the cluster as a whole. It speaks about the plan that was written last, with the
    selection that its options made.
    """
    from migrate.errors import BadInput
    from migrate.flow.plan import nearest, stored_plan
    from migrate.render.explain import explain

    stored = stored_plan(workspace, today=datetime.now(UTC).date())
    plan = stored.plan
    if stored.digest != plan.digest:
        again = f"gke2eks plan -w {shlex.quote(str(workspace))} {stored.options}".rstrip()
        echo(f"note: the decisions or the tables changed since the plan was written; run {again}", err=True)
    if ref == "cluster":
        from migrate.render.source import page

        echo(page(plan, width=width(), color=color(), unicode=unicode()).rstrip("\n"))
        return 0
    found = [step for step in plan.steps if str(step.ref) == ref]
    if not found:
        near = nearest(ref, [step.ref for step in plan.steps])
        raise BadInput(f"no object {ref} in this plan", "use one of the names that the report prints.", near)
    step = found[0]
    asked = _field(field, [c.path for c in step.changes] + list(step.cleaned)) if field else None
    name = stored.manifest_of.get(step.ref)
    file = f"{workspace!s}/manifests/{name}" if name else ""
    echo(explain(plan, step, asked, file, cleaned, width=width(), color=color(), unicode=unicode()).rstrip("\n"))
    return 0


def _field(asked: str, places: list[Place]) -> Place:
    """Find the field that a person means: a whole path, or an ending that only one field has."""
    from migrate.errors import BadInput
    from migrate.model.path import PathError, parse

    whole = {place for place in places if str(place) == asked}
    ending = whole or {place for place in places if str(place).rstrip('"]').endswith(asked.rstrip('"]'))}
    if len(ending) > 1:
        raise BadInput(
            f"{asked} is the ending of {len(ending)} fields", "give more of the path.", sorted(map(str, ending))
        )
    try:
        return ending.pop() if ending else parse(asked)
    except PathError as error:
        raise BadInput(str(error), "give a path as the report prints it.") from None
