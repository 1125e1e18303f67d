"""What the terminal can do, and the one place that writes to it."""

from __future__ import annotations

import os
import shutil
import sys

import click

from migrate.errors import BadInput


def width() -> int:
    """Columns to fill: the terminal's, at most 100; 100 when piped."""
    return min(shutil.get_terminal_size((100, 24)).columns, 100) if sys.stdout.isatty() else 100


def color() -> bool:
    """Colour only on a terminal that has it and a person who wants it."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def unicode() -> bool:
    """Tell whether arrows can be printed."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def echo(text: str, *, err: bool = False) -> None:
    """Print text as it is; characters that the terminal cannot show are escaped, never a crash."""
    stream = sys.stderr if err else sys.stdout
    encoding = stream.encoding or "utf-8"
    try:
        click.echo(text.encode(encoding, "backslashreplace").decode(encoding), err=err)
    except BrokenPipeError:
        raise
    except OSError as bad:
        why = bad.strerror or str(bad)
        raise BadInput(f"what was found cannot be printed: {why}", "print it elsewhere, and run it again.") from None
