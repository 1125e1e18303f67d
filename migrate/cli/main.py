"""The group of commands, loaded only when used, and the one place where errors become words and exit codes."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from migrate import __version__
from migrate.errors import BUG, INTERRUPTED, USAGE, Error

_COMMANDS = {
    "access": "Print the rights that gke2eks needs in a cluster.",
    "apply": "Put the plan onto the target; it asks first, and can be stopped and repeated.",
    "diff": "Prove that the target is what was planned, and nothing else; both sides are only read.",
    "explain": "Say why each field of one object changes.",
    "export": "Read a live cluster into the workspace; the cluster is only read.",
    "plan": "Turn the objects of a GKE cluster into manifests for EKS, with a reason for each change.",
    "preflight": "Look whether the target would take the plan and run it; nothing is written.",
    "practice": "Run a small cluster in memory on 127.0.0.1, to try things on, until Ctrl-C.",
    "release": "Start on the target what apply brought there held.",
    "rollback": "Take back what apply and release did: delete what they made, restore what they changed.",
    "rules": "List the rules, or show the page of one.",
}


class _Lazy(click.Group):
    """Imports a command when it is called, so that --help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"migrate.cli.{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "GKE2EKS"})
@click.version_option(__version__, prog_name="gke2eks")
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Move a cluster from GKE to EKS: plan offline, explain every change."""
    ctx.obj = {"debug": debug}


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit."""
    words = sys.argv[1:] if args is None else args
    _open_all()
    try:
        code = cli.main(words, prog_name="gke2eks", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        if _wants_json(words):
            context = getattr(error, "ctx", None)
            hint = f"see {context.command_path if context else 'gke2eks'} --help."
            click.echo(
                json.dumps({"error": error.format_message(), "details": [], "next": hint, "exit": USAGE}, indent=2)
            )
        else:
            error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of a pipe has seen enough; point stdout elsewhere so that the interpreter's flush stays quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Error as error:
        _say(error, words)
        sys.exit(error.code)
    except Exception as error:
        if "--debug" in words:
            raise
        click.echo(
            f"error: a bug in gke2eks: {type(error).__name__}\nnext:  run again with --debug and report what "
            "it prints, without secrets.",
            err=True,
        )
        sys.exit(BUG)


def _open_all() -> None:
    """A stream that the caller closed leads nowhere. Else the next file or socket would get its number, and be printed
    into."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _say(error: Error, words: list[str]) -> None:
    if _wants_json(words):
        said: dict[str, Any] = {
            "error": error.what,
            "details": list(error.details),
            "next": error.next,
            "exit": error.code,
        }
        with contextlib.suppress(OSError):  # where stdout takes nothing, stderr may
            click.echo(json.dumps(said, indent=2))
            return
    from migrate.render.pages import error_text

    click.echo(error_text(error).rstrip("\n"), err=True)


def _wants_json(words: list[str]) -> bool:
    pairs = zip(words, [*words[1:], ""], strict=True)
    return any(w in ("-ojson", "--output=json") or (w in ("-o", "--output") and after == "json") for w, after in pairs)
