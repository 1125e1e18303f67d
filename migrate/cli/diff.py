"""`gke2eks diff`."""

from __future__ import annotations

import re
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migrate.cli.names import SourceName, TargetName
from migrate.cli.options import hash_key_option, selection_options, source_options, target_options, workspace_option
from migrate.cli.reading import Reading
from migrate.cli.screen import color, echo, unicode, width
from migrate.errors import DONE, LOOK

if TYPE_CHECKING:
    from migrate.model.selection import Selection

_CLASSES = ("expected", "defaulted", "runtime", "held", "unexpected", "missing", "extra", "failed")
_UNITS = {"s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[float]):
    """A time with its unit: 30s, 10m, 1h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"([0-9]{1,6})([smh])", str(value))
        if not found or not int(found[1]):
            self.fail(f"{value!r} is no time: write 30s, 10m or 1h.", param, ctx)
        return float(int(found[1]) * _UNITS[found[2]])


@click.command("diff")
@target_options(required=False)
@click.option(
    "--target",
    "files",
    multiple=True,
    metavar="PATH",
    allow_from_autoenv=False,
    help="The target as somebody saved it: a file, a folder, - for stdin; may be given again.",
)
@source_options
@selection_options
@workspace_option
@click.option(
    "--age-identity",
    "age_identities",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Opens the values that export --age-recipient wrote, for Secrets that the plan changes.",
)
@click.option("--class", "classes", multiple=True, type=click.Choice(_CLASSES), help="Show only this class of deltas.")
@click.option("--show-expected", is_flag=True, help="Show also what is as it should be.")
@click.option(
    "--allow-extra",
    is_flag=True,
    allow_from_autoenv=False,  # what a proof leaves out must be seen where it is asked for
    help="Do not look for what nobody planned: the cluster is shared.",
)
@click.option("--watch", "seconds", type=Duration(), metavar="DURATION", help="Keep looking at what runs: 30s, 10m.")
@click.option("--gate", is_flag=True, help="For the cutover: exit 1 also for drift to plan anew, or for what runs ill.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "markdown", "junit"]),
    default="text",
    show_default=True,
    help="Format on stdout.",
)
@hash_key_option
def command(
    target: TargetName | None,
    files: tuple[str, ...],
    source: SourceName | None,
    select: Selection,
    workspace: Path,
    age_identities: tuple[Path, ...],
    classes: tuple[str, ...],
    show_expected: bool,
    allow_extra: bool,
    seconds: float | None,
    gate: bool,
    output: str,
    hash_key_file: Path | None,
) -> int:
    """Prove that the target is what was planned, and nothing else. Both clusters are only read.

    Each difference has one class. Expected: the plan says so. Defaulted: the server filled it in. Runtime: a
    controller wrote it. Held: only release starts it. Unexpected: nobody planned it. Objects can be missing or extra.

    The plan is compared with its snapshot, or with the live source (--source-context): then it is also said what
    changed there since the export, and whether to plan again.

    With -o json, stdout is one document of the shape in reports/diff.schema.json; progress goes to stderr.

    \b
    Exit codes:
      0  the target is what was planned
      1  something is unexpected, missing, extra, or could not be read; with --gate also what the gate says
      2  the command line was not understood
      3  bad input: the target is the source itself, or the plan is not the one that was reviewed
      4  a cluster or a cloud said no to everything
    """
    if not all(path.strip() for path in files):
        raise click.UsageError("--target is empty: name a file or a folder, or leave --target out.")
    if (target is None) is (not files):
        more = "leave one of them out." if files else "add --context NAME, --eks REGION/CLUSTER, or --target PATH."
        raise click.UsageError(f"{'a live target and files are named' if files else 'no target is named'}: {more}")
    if gate and source is None:
        raise click.UsageError("--gate asks what changed on the source since: add --source-context or --source-gke.")
    if seconds is not None and target is None:
        raise click.UsageError("--watch looks again and again: name a live target, files do not change.")
    from migrate.flow.diff import Given, diff
    from migrate.flow.watching import watch
    from migrate.model.comparison import Class
    from migrate.render import compared, compared_document, compared_junit, compared_markdown, gated
    from migrate.render.compared_words import only
    from migrate.render.markdown import LIMIT

    given = Given(
        target=target.look() if target else None,
        files=files,
        source=source.open() if source else None,
        age_identities=age_identities,
        hash_key_file=hash_key_file,
        select=select,
        allow_extra=allow_extra,
        again=_again(workspace, target, source, hash_key_file),
    )
    shown = Reading()
    try:
        found = diff(
            given, workspace, today=datetime.now(UTC).date(), now=_now(), stdin=sys.stdin.buffer.read, watch=shown
        )
        watched = None
        if seconds is not None:
            watched = watch(given, found, seconds=seconds, clock=_now, say=shown.say, tell=shown.tell)
    finally:
        shown.end()
    chosen = only(found.comparison, [Class(one) for one in classes])
    shut = gated.reasons(found.comparison, found.drift, watched) if gate else None
    code = DONE if found.comparison.proven and not shut else LOOK
    show = show_expected or bool(classes)
    below = found.drift, watched, shut
    if output == "json":
        from migrate.render.document import dumps

        document = compared_document.comparison_document(found.comparison, chosen)
        text = dumps(document | gated.document(*below) | {"exit": code}).decode()
    elif output == "junit":
        cases = gated.cases(found.comparison, found.drift, watched) if gate else ()
        beside = {"gke2eks.flaps": gated.flapping(watched), "gke2eks.gate": cases}
        text = compared_junit.junit(found.comparison, chosen, found.refs, beside)
    elif output == "markdown":
        end = gated.markdown(*below)
        text = compared_markdown.page(found.comparison, chosen, show_expected=show, limit=LIMIT - len(end)) + end
    else:
        end = gated.page(*below, width=width(), color=color(), unicode=unicode())
        text = compared.page(
            found.comparison,
            chosen,
            show_expected=show,
            below=end,
            shut=bool(shut),
            width=width(),
            color=color(),
            unicode=unicode(),
        )
    echo(text.rstrip("\n"))
    return code


def _again(
    workspace: Path, target: TargetName | None, source: SourceName | None, hash_key_file: Path | None
) -> tuple[str, ...]:
    """The apply that sends one object as this diff would have it, up to its --only."""
    named = shlex.split(target.options) if target else ["--context", "NAME"]
    named += shlex.split(source.options) if source else []
    named += ["--hash-key-file", str(hash_key_file)] if hash_key_file else []
    return "gke2eks", "apply", "-w", str(workspace), *named


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
