"""`gke2eks preflight`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.names import SourceName, TargetName
from migrate.cli.options import hash_key_option, selection_options, source_options, target_options, workspace_option
from migrate.cli.progress import Looking, Region, is_live
from migrate.cli.screen import color, echo, unicode, width
from migrate.errors import DONE, LOOK

if TYPE_CHECKING:
    from migrate.model.selection import Selection


@click.command("preflight")
@target_options()
@source_options
@selection_options
@workspace_option
@click.option(
    "--age-identity",
    "age_identities",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Try Secrets with the values that export --age-recipient wrote; may be given again.",
)
@click.option("--all", "passes", is_flag=True, help="List also what is as it should be.")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Format on stdout."
)
@click.option(
    "--fail-on",
    type=click.Choice(["info", "review", "decide", "blocker", "never"]),
    default="blocker",
    show_default=True,
    help="Exit 1 when a finding is at least this severe; what nobody could look at counts as review.",
)
@hash_key_option
def command(
    target: TargetName,
    source: SourceName | None,
    select: Selection,
    workspace: Path,
    age_identities: tuple[Path, ...],
    passes: bool,
    output: str,
    fail_on: str,
    hash_key_file: Path | None,
) -> int:
    """Look whether the target would take the plan and run it: versions, add-ons, rights, references, room.

    Every object that apply would send is tried by a dry run. What nobody could look at is said, and never counts as
    a pass.

    With --eks it asks AWS, too, for what the plan names: addresses, certificates, subnets, roles, images.

    It changes nothing on the target: it reads, asks what the caller may do, and makes dry runs.

    With -o json, stdout is one document of the shape in reports/preflight.schema.json; progress goes to stderr.

    \b
    Exit codes:
      0  nothing at --fail-on or above
      1  findings at --fail-on or above
      2  the command line was not understood
      3  bad input: source and target are one cluster, or the plan is not the one that was reviewed
      4  the target or a cloud said no to everything
    """
    from migrate.flow.preflight import preflight
    from migrate.model.checks import Status
    from migrate.model.effects import Severity
    from migrate.render.checked import checked_document, exit_line, page

    opened, facts = target.open()
    looking = Looking(lambda text: echo(text, err=True), region=Region() if is_live() else None)
    try:
        found = preflight(
            opened,
            workspace,
            facts=facts,
            aws=target.aws(facts),
            source=source.open() if source else None,
            select=select,
            today=datetime.now(UTC).date(),
            age_identities=age_identities,
            hash_key_file=hash_key_file,
            watch=looking,
        )
    finally:
        looking.end()
    open_ones = [one for one in found.checks if one.status is not Status.PASS]
    least = 99 if fail_on == "never" else Severity(fail_on).rank
    bad = [one for one in open_ones if one.severity.rank >= least]
    code = LOOK if bad else DONE
    if output == "json":
        from migrate.render.document import dumps

        echo(dumps(checked_document(found.checks, found.target, found.plan.digest, code)).decode().rstrip("\n"))
        return code
    why = exit_line(bad, fail_on) if bad else ""
    shown = page(
        found.checks,
        found.target,
        passes=passes,
        exit_line=why,
        width=width(),
        color=color(),
        unicode=unicode(),
    )
    echo(shown.rstrip("\n"))
    return code
