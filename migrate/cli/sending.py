"""What apply and release share: the question before the first write, Ctrl-C, progress, and the page at the end."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from migrate.cli.given import Seconds
from migrate.cli.names import TargetName
from migrate.cli.options import Command
from migrate.cli.progress import Lines, Live, is_live, size
from migrate.cli.screen import color, echo, unicode, width
from migrate.errors import BadInput

if TYPE_CHECKING:
    from migrate.model.ran import Report, Watcher
    from migrate.render.before import Prepared

Came = TypeVar("Came")


def running_options(command: Command) -> Command:
    """Add the options of a command that writes: --age-identity, --age-recipient, --no-undo, --yes, --wait,
    --ready-timeout, --output."""
    declared = [
        click.option(
            "--age-identity",
            "age_identities",
            multiple=True,
            metavar="FILE",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Take Secret values from what export --age-recipient wrote; may be given again.",
        ),
        click.option(
            "--age-recipient",
            "age_recipients",
            multiple=True,
            metavar="KEY|FILE",
            help="Keep what a Secret was before it is overwritten, encrypted to this; may be given again.",
        ),
        click.option(
            "--no-undo",
            is_flag=True,
            allow_from_autoenv=False,
            help="Overwrite Secrets that are there without keeping what they were.",
        ),
        click.option("--yes", is_flag=True, allow_from_autoenv=False, help="Do not ask for the target's name."),
        click.option(
            "--wait",
            type=click.Choice(["none", "waves", "all"]),
            default="all",
            show_default=True,
            help="none: send and go; waves: wait where others depend on it; all: also for the last to be ready.",
        ),
        click.option(
            "--ready-timeout",
            type=Seconds(min=1),
            default=600,
            show_default=True,
            metavar="SECONDS",
            help="How long one object may take to be ready.",
        ),
        click.option(
            "-o",
            "--output",
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="Format on stdout.",
        ),
    ]
    for option in reversed(declared):
        command = option(command)
    return command


def refuse_silence(yes: bool) -> None:
    """Where nobody can be asked, --yes must be there; told before anything is opened."""
    if not yes and not _can_ask():
        raise click.UsageError(
            "nobody can be asked for the target's name here, as there is no terminal: add --yes when this target is "
            "meant. Nothing was written."
        )


def confirm(prepared: Prepared, target: TargetName, *, yes: bool) -> None:
    """Show who is who, and ask for the target's own name. Raises BadInput when another one is typed."""
    from migrate.render.before import frame

    echo(frame(prepared, width=_width(), color=_color()).rstrip("\n"), err=True)
    deletes = prepared.prunes and prepared.since is not None and prepared.since.prunable
    if not yes and (prepared.objects or deletes):
        ask(target)


def ask(target: TargetName) -> None:
    """Ask for the target's own name. Raises BadInput when another one is typed."""
    from migrate.render.before import question

    click.echo(question(target.shown), nl=False, err=True)
    sys.stderr.flush()
    try:
        typed = sys.stdin.readline()
    except KeyboardInterrupt:
        echo("\nNothing was written.", err=True)
        raise
    if not typed.endswith("\n"):
        echo("", err=True)  # Ctrl-D leaves the cursor in the line of the question
    if typed.strip() != target.shown.strip():
        what = f"{typed.strip()!r} was typed" if typed.strip() else "nothing was typed"
        raise BadInput(f"{what}, and the target is {target.shown}", "type the target's own name. Nothing was written.")


def carry_out(work: Callable[[Watcher, threading.Event], Came], again: str) -> Came:
    """Let it run, with progress on stderr. The first Ctrl-C asks it to end, the second ends it."""
    watcher = Live(color=_color()) if is_live() else Lines(lambda line: echo(line, err=True))
    stop = threading.Event()
    try:
        with stopped_by_signals(stop):
            return work(watcher, stop)
    except KeyboardInterrupt:
        watcher.end()
        echo(f"Stopped at once. What was in flight is read again by: {again}", err=True)
        raise
    finally:
        watcher.end()


def tell(report: Report, output: str, *, again: str, release: str, workspace: Path) -> int:
    """Print what it came to, and give the exit code."""
    if output == "json":
        from migrate.render.document import dumps
        from migrate.render.ran_document import ran_document

        echo(dumps(ran_document(report)).decode().rstrip("\n"))
        return report.exit
    from migrate.render.ran import Words, summary
    from migrate.workspace.journal_lines import NAME

    words = Words(again, release, str(workspace / NAME))
    echo(summary(report, words, width=width(), color=color(), unicode=unicode()).rstrip("\n"))
    return report.exit


def line(command: str, workspace: Path, *parts: str) -> str:
    """A command as a person would type it; `parts` are quoted already, empty ones fall out."""
    return " ".join(part for part in ("gke2eks", command, "-w", shlex.quote(str(workspace)), *parts) if part)


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM: the first sets `stop`, the next raises KeyboardInterrupt."""

    def asked(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _color() -> bool:
    return is_live() and not os.environ.get("NO_COLOR")


def _width() -> int:
    return min(size()[0], 100) if sys.stderr.isatty() else 100
