"""Types of what is given to options, stricter than click's own."""

from __future__ import annotations

import math
from typing import Any

import click


class Folder(click.Path):
    """A folder that must have a name: an unset variable in -w "$OUT" would be the folder that one stands in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value) == "":
            self.fail("it is empty: name a folder, or leave the option out.", param, ctx)
        return super().convert(value, param, ctx)


class Seconds(click.FloatRange):
    """A time that ends: nan is in every range, and no clock ever comes to it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return found
