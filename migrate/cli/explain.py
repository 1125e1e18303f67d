"""`gke2eks explain`."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.screen import color, echo, unicode, width

if TYPE_CHECKING:
    from migrate.model.path import Path as Place


@click.command("explain")
@click.argument("ref")
@click.argument("field", required=False)
@click.option(
    "-w",
    "--workspace",
    default="./gke2eks-out",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of this migration.",
)
@click.option("--cleaned", is_flag=True, help="List the fields that the source cluster had written.")
def command(ref: str, field: str | None, workspace: Path, cleaned: bool) -> int:
    """Say why each field of one object changes. REF is as printed, e.g. 'Service/shop/web'."""
    from migrate.errors import BadInput
    from migrate.flow.plan import nearest, stored_plan
    from migrate.render.explain import explain

    plan, manifests, digest = stored_plan(workspace, today=datetime.now(UTC).date())
    if digest != plan.digest:
        place = shlex.quote(str(workspace))
        echo(
            f"note: the decisions or the tables changed since the plan was written; run gke2eks plan -w {place}",
            err=True,
        )
    found = [step for step in plan.steps if str(step.ref) == ref]
    if not found:
        near = nearest(ref, [step.ref for step in plan.steps])
        raise BadInput(f"no object {ref} in this plan", "use one of the names that the report prints.", near)
    step = found[0]
    asked = _field(field, [c.path for c in step.changes] + list(step.cleaned)) if field else None
    name = manifests.get(step.ref)
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
