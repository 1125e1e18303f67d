"""`gke2eks explain`."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

import click

from migrate.cli.screen import color, echo, unicode, width


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
    from migrate.model.path import Path as Place
    from migrate.model.path import PathError, parse
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
    asked: Place | None = None
    if field:
        places = [c.path for c in step.changes] + list(step.cleaned)
        whole = [p for p in places if str(p) == field]
        endings = whole or [p for p in places if str(p).endswith(field) or (p and p[-1] == field)]
        if len(set(endings)) > 1:
            raise BadInput(
                f"{field} is the ending of {len(set(endings))} fields",
                "give more of the path.",
                sorted({str(p) for p in endings}),
            )
        try:
            asked = endings[0] if endings else parse(field)
        except PathError as error:
            raise BadInput(str(error), "give a path as the report prints it.") from None
    name = manifests.get(step.ref)
    file = f"{workspace!s}/manifests/{name}" if name else ""
    echo(explain(plan, step, asked, file, cleaned, width=width(), color=color(), unicode=unicode()).rstrip("\n"))
    return 0
