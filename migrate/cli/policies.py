"""The options that say what to do with what is in the way: --on-conflict and --recreate-data."""

from __future__ import annotations

from functools import wraps
from typing import Any

import click

from migrate.cli.options import Command


def policy_options(command: Command) -> Command:
    """Add the options; the command gets `policies`."""

    @click.option(
        "--on-conflict",
        "on_conflict",
        multiple=True,
        metavar="POLICY[=REF]",
        callback=_each,
        allow_from_autoenv=False,
        help="What to do where others own fields that the plan would change: fail (the default), adopt, overwrite, "
        "keep-target or recreate; with =REF for these objects only (Kind/namespace/name, globs). adopt:MANAGER names "
        "whose fields are taken over. May be given again: the last that fits wins.",
    )
    @click.option(
        "--recreate-data",
        "recreate_data",
        multiple=True,
        metavar="REF",
        callback=_each,
        allow_from_autoenv=False,
        help="Let recreate delete this object although it may hold data; no globs; may be given again.",
    )
    @wraps(command)
    def gathered(on_conflict: tuple[str, ...], recreate_data: tuple[str, ...], **more: Any) -> int:
        from migrate.semantics.policy import Policy, parse_policies

        policies = parse_policies(on_conflict, recreate_data)
        if recreate_data and not any(one.policy is Policy.RECREATE for one in policies.choices):
            raise click.UsageError("--recreate-data is about --on-conflict recreate: give that, too, or leave it out.")
        return command(policies=policies, **more)

    return gathered


def _each(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Read each text by itself, so that a mistake is told with the name of its option."""
    from migrate.semantics.policy import BadPolicy, parse_choice, parse_data

    read = parse_data if option.name == "recreate_data" else parse_choice
    for text in texts:
        try:
            read(text)
        except BadPolicy as bad:
            raise click.BadParameter(f"{bad}.", ctx, option) from None
    return texts
