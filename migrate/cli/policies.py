"""The options that say what to do with what is in the way: --on-conflict and --recreate-data."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from migrate.cli.options import Command

_ON_CONFLICT = (
    "What to do where others own fields that the plan would change: fail (the default), adopt, overwrite{last}; with "
    "=REF for these objects only (Kind/namespace/name, globs). adopt:MANAGER names whose fields are taken over. May be "
    "given again: the last that fits wins."
)


def policy_options(command: Command) -> Command:
    """Add the options; the command gets `policies`."""

    @_on_conflict(", keep-target or recreate")
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


def release_policy_options(command: Command) -> Command:
    """Add --on-conflict without recreate, as a release deletes nothing; the command gets `policies`."""

    @_on_conflict(" or keep-target")
    @wraps(command)
    def gathered(on_conflict: tuple[str, ...], **more: Any) -> int:
        from migrate.semantics.policy import Policy, parse_policies

        policies = parse_policies(on_conflict)
        if any(one.policy is Policy.RECREATE for one in policies.choices):
            raise click.UsageError(
                "release deletes nothing, so it has no recreate: give --on-conflict recreate to apply, which makes "
                "anew what is held while nothing of it runs, then release."
            )
        return command(policies=policies, **more)

    return gathered


def _on_conflict(last: str) -> Callable[[Command], Command]:
    return click.option(
        "--on-conflict",
        "on_conflict",
        multiple=True,
        metavar="POLICY[=REF]",
        callback=_each,
        allow_from_autoenv=False,
        help=_ON_CONFLICT.format(last=last),
    )


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
