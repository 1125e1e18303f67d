"""The options that say what to do with what is in the way: --on-conflict and --recreate-data."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from migrate.cli.options import Command

if TYPE_CHECKING:
    from migrate.semantics.policy import Policies

DATA_KINDS = ("PersistentVolumeClaim", "PersistentVolume", "VolumeSnapshot", "VolumeSnapshotContent", "Secret")
_WHAT = (
    "What to do where others own fields that the plan would change: fail (the default), adopt, overwrite{last}; with "
    "=REF for these objects only (Kind/namespace/name, globs). adopt:MANAGER names whose fields are taken over. May be "
    "given again: the last that fits wins."
)


def policy_options(command: Command) -> Command:
    """Add the options; the command gets `policies`."""

    @_on_conflict(_WHAT.format(last=", keep-target or recreate"))
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
        from migrate.semantics.policy import parse_policies

        policies = parse_policies(on_conflict, recreate_data)
        _refuse_idle_data(policies)
        return command(policies=policies, **more)

    return gathered


def release_policy_options(command: Command) -> Command:
    """Add --on-conflict without recreate, as a release deletes nothing; the command gets `policies`."""

    @_on_conflict(_WHAT.format(last=" or keep-target"))
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


def more_rights_options(command: Command) -> Command:
    """Add the options that name what rights shall be enough for beside a plain run; the command gets `more`."""

    @click.option(
        "--prune", is_flag=True, allow_from_autoenv=False, help="Also what apply --prune needs, as of this plan."
    )
    @_on_conflict("Also what apply or release needs with this option, in the same words; may be given again.")
    @click.option(
        "--recreate-data",
        "recreate_data",
        multiple=True,
        metavar="REF",
        callback=_each,
        allow_from_autoenv=False,
        help="Also the right to delete this object with --on-conflict recreate; may be given again.",
    )
    @click.option(
        "--rollback",
        is_flag=True,
        allow_from_autoenv=False,
        help="Also what rollback needs for the runs that the journal knows.",
    )
    @click.option(
        "--delete-data",
        "data",
        multiple=True,
        type=click.Choice(DATA_KINDS),
        allow_from_autoenv=False,
        help="Also what rollback --delete-data needs; may be given again.",
    )
    @wraps(command)
    def gathered(
        prune: bool,
        on_conflict: tuple[str, ...],
        recreate_data: tuple[str, ...],
        rollback: bool,
        data: tuple[str, ...],
        **more: Any,
    ) -> int:
        from migrate.semantics.more_rights import More
        from migrate.semantics.policy import parse_policies
        from migrate.semantics.rollback import DATA

        policies = parse_policies(on_conflict, recreate_data)
        _refuse_idle_data(policies)
        if data and not rollback:
            raise click.UsageError("--delete-data is about --rollback: give that, too, or leave it out.")
        kinds = frozenset(kind for kind in DATA if kind[1] in data)
        return command(more=More(policies, prune=prune, rollback=rollback, data=kinds), **more)

    return gathered


def _refuse_idle_data(policies: Policies) -> None:
    from migrate.semantics.policy import Policy

    if policies.data and not any(one.policy is Policy.RECREATE for one in policies.choices):
        raise click.UsageError("--recreate-data is about --on-conflict recreate: give that, too, or leave it out.")


def _on_conflict(said: str) -> Callable[[Command], Command]:
    return click.option(
        "--on-conflict",
        "on_conflict",
        multiple=True,
        metavar="POLICY[=REF]",
        callback=_each,
        allow_from_autoenv=False,
        help=said,
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
