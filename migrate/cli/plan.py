"""`gke2eks plan`."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.options import Cluster, cluster_options, hash_key_option, selection_options, workspace_option
from migrate.cli.screen import color, echo, unicode, width
from migrate.errors import DONE, LOOK

if TYPE_CHECKING:
    from migrate.model.plan import Plan
    from migrate.model.selection import Selection


@click.command("plan")
@click.option(
    "--from", "sources", multiple=True, metavar="FILE", help="File, directory or - for stdin; may be given again."
)
@cluster_options(context_help="Read this cluster first, as gke2eks export does, then plan.", env=False)
@selection_options
@workspace_option
@click.option("--flavour", type=click.Choice(["standard", "auto"]), help="EKS with add-ons, or EKS Auto Mode.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="Format on stdout.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["info", "review", "decide", "blocker", "never"]),
    default="blocker",
    show_default=True,
    help="Exit 1 when a finding is at least this severe.",
)
@hash_key_option
@click.option("--accept-incomplete", is_flag=True, help="Plan although the export could not read every kind.")
@click.option(
    "--today", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="The day on which waivers are judged."
)
def command(
    sources: tuple[str, ...],
    cluster: Cluster,
    select: Selection,
    workspace: Path,
    flavour: str | None,
    output: str,
    fail_on: str,
    hash_key_file: Path | None,
    accept_incomplete: bool,
    today: datetime | None,
) -> int:
    """Turn the objects of a GKE cluster into manifests for EKS, with a reason for each change.

    The objects come from files (--from), or from a cluster (--context or --gke: export and plan in one command), or
    from what the workspace holds since the last time. No cluster is asked unless it is named here.

    The options of selection lie over `select:` in gke2eks.yaml, and that lies over what the export was told: each
    that is given replaces the same one below it; exclusions add up. A plan without options forgets them.
    """
    from migrate.flow.plan import make_plan, read_decisions
    from migrate.model.effects import Severity

    _refuse_mixture(sources, cluster)
    day: date = today.date() if today else datetime.now(UTC).date()
    if cluster.named:
        from migrate.cli.export import read_cluster
        from migrate.render.exported import export_lines

        read_decisions(workspace, today=day, flavour=flavour)  # a mistake in there is told before the long reading
        echo("\n".join(export_lines(read_cluster(cluster, workspace, select, hash_key_file))), err=True)
    made = make_plan(
        sources,
        workspace,
        stdin=sys.stdin.buffer.read,
        today=day,
        flavour=flavour,
        hash_key_file=hash_key_file,
        accept_incomplete=accept_incomplete,
        select=select,
    )
    for note in made.notes:
        echo(f"note: {note}", err=True)
    plan = made.plan
    bad = [
        f for f in plan.findings if not f.waived and fail_on != "never" and f.severity.rank >= Severity(fail_on).rank
    ]
    look = bool(bad) or (fail_on != "never" and bool(plan.left_out))
    if output == "json":
        echo(made.document.decode().rstrip("\n"))
    elif output == "markdown":
        from migrate.render.markdown import report

        echo(report(plan).rstrip("\n"))
    else:
        from migrate.render.terminal import summary

        folder = str(workspace)
        echo(
            summary(
                plan,
                width=width(),
                color=color(),
                unicode=unicode(),
                files=[f"{folder}/{name}" for name in made.files],
                next_commands=_next(plan, workspace, select),
                exit_line=_why(len(bad), len(plan.left_out), fail_on) if look else "",
                workspace=folder,
            ).rstrip("\n")
        )
    return LOOK if look else DONE


def _why(bad: int, unread: int, fail_on: str) -> str:
    said = []
    if bad:
        said.append(f"{bad:,} finding{'s' if bad != 1 else ''} at {fail_on} or above")
    if unread:
        said.append(f"{unread:,} document{'s' if unread != 1 else ''} not read")
    return f"exit 1: {' and '.join(said)}; with --fail-on=never the exit is 0"


def _refuse_mixture(sources: tuple[str, ...], cluster: Cluster) -> None:
    """Files or a cluster; and what is said of a cluster needs one that is named."""
    if sources and cluster.given:
        raise click.UsageError(f"--from reads files, {cluster.given[0]} is about a cluster: leave one of them out.")
    if cluster.given and not cluster.named:
        raise click.UsageError(
            f"{cluster.given[0]} alone names no cluster to plan: add --context NAME or --gke PROJECT/LOCATION/CLUSTER. "
            "For the current context, run gke2eks export first, then plan without it."
        )


def _next(plan: Plan, workspace: Path, select: Selection) -> list[str]:
    from migrate.model.plan import Fate

    place = shlex.quote(str(workspace))
    commands = [f"gke2eks plan -w {place} {select.as_options()}".rstrip()] if plan.undecided else []
    changed = max((s for s in plan.steps if s.fate is Fate.MIGRATE), key=lambda s: len(s.changes), default=None)
    if changed and changed.changes:
        commands.append(f"gke2eks explain -w {place} '{changed.ref}'")
    return commands
