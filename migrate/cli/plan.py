"""`gke2eks plan`."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from migrate.cli.screen import color, echo, unicode, width
from migrate.errors import DONE, LOOK


@click.command("plan")
@click.option(
    "--from", "sources", multiple=True, metavar="FILE", help="File, directory or - for stdin; may be given again."
)
@click.option(
    "-w",
    "--workspace",
    default="./gke2eks-out",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of this migration.",
)
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
@click.option("--hash-key-file", type=click.Path(path_type=Path, exists=True), help="Key for hashes of secret values.")
@click.option("--accept-incomplete", is_flag=True, help="Plan although the export could not read every kind.")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="The day on which waivers are judged.")
def command(
    sources: tuple[str, ...],
    workspace: Path,
    flavour: str | None,
    output: str,
    fail_on: str,
    hash_key_file: Path | None,
    accept_incomplete: bool,
    today: datetime | None,
) -> int:
    """Turn the objects of a GKE cluster into manifests for EKS, with a reason for each change."""
    from migrate.flow.plan import make_plan
    from migrate.model.effects import Severity

    day: date = today.date() if today else datetime.now(UTC).date()
    made = make_plan(
        sources,
        workspace,
        stdin=sys.stdin.buffer.read,
        today=day,
        flavour=flavour,
        hash_key_file=hash_key_file,
        accept_incomplete=accept_incomplete,
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
                next_commands=_next(plan, workspace),
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


def _next(plan: object, workspace: Path) -> list[str]:
    from migrate.model.plan import Fate, Plan

    assert isinstance(plan, Plan)
    place = shlex.quote(str(workspace))
    commands = [f"gke2eks plan -w {place}"] if plan.undecided else []
    changed = next((s for s in plan.steps if s.changes and s.fate is Fate.MIGRATE), None)
    if changed:
        commands.append(f"gke2eks explain -w {place} '{changed.ref}'")
    return commands
