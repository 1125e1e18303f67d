"""`gke2eks apply`."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.names import SourceName, TargetName
from migrate.cli.options import hash_key_option, selection_options, source_options, target_options, workspace_option
from migrate.cli.policies import policy_options
from migrate.cli.sending import carry_out, confirm, line, refuse_silence, running_options, tell

if TYPE_CHECKING:
    from migrate.model.selection import Selection
    from migrate.semantics.policy import Policies


@click.command("apply")
@target_options()
@source_options
@selection_options
@workspace_option
@click.option(
    "--hold", is_flag=True, allow_from_autoenv=False, help="Let every workload arrive held; release starts them."
)
@click.option(
    "--prune",
    is_flag=True,
    allow_from_autoenv=False,
    help="Delete what apply made and what is no longer in the plan; never what holds data.",
)
@policy_options
@running_options
@hash_key_option
def command(
    target: TargetName,
    source: SourceName | None,
    select: Selection,
    workspace: Path,
    hold: bool,
    prune: bool,
    policies: Policies,
    age_identities: tuple[Path, ...],
    age_recipients: tuple[str, ...],
    no_undo: bool,
    yes: bool,
    wait: str,
    ready_timeout: float,
    output: str,
    hash_key_file: Path | None,
) -> int:
    """Put the plan that was reviewed onto the target, in order, each object by server-side apply.

    It asks for the target's own name before the first write. It may be stopped or killed at any moment and run again:
    what is there already is not written twice. Ctrl-C ends it cleanly, a second Ctrl-C at once.

    Without --prune and --on-conflict recreate it deletes nothing, and without --on-conflict it takes no field from
    another manager. It never starts what the plan marks as held, and never writes to the source, which is read for the
    values of Secrets only. They are in no file and in no output.

    With -o json, stdout is one document of the shape in reports/apply.schema.json; all else goes to stderr.

    \b
    Exit codes:
      0    all that was selected is there
      1    objects failed, were skipped because of another one, or left out
      2    the command line was not understood, or nobody could be asked and --yes is missing
      3    bad input: another name was typed, or the plan is not the one that was reviewed
      4    the target or a cloud said no to everything
      5    it ended half-way; run it again
      130  Ctrl-C
    """
    from migrate.flow.apply import prepare
    from migrate.flow.run import Wait
    from migrate.workspace.secret_file import recipients

    refuse_silence(yes)
    opened, facts = target.open()
    prepared = prepare(
        opened,
        workspace,
        facts=facts,
        source=source.open() if source else None,
        select=select,
        today=datetime.now(UTC).date(),
        age_identities=age_identities,
        age_recipients=recipients(age_recipients) if age_recipients else None,
        no_undo=no_undo,
        hash_key_file=hash_key_file,
        hold=hold,
        prune=prune,
        policies=policies,
        kubectl=target.kubectl(facts.arn if facts else ""),
    )
    named = target.options, source.options if source else "", select.as_options()
    values = shlex.join(
        [word for file in age_identities for word in ("--age-identity", str(file))]
        + [word for one in age_recipients for word in ("--age-recipient", one)]
        + ["--no-undo"] * no_undo
    )
    key = shlex.join(["--hash-key-file", str(hash_key_file)]) if hash_key_file else ""
    asked = shlex.join([*["--hold"] * hold, *["--prune"] * prune, *policies.texts()])
    again = line("apply", workspace, *named, values, key, asked)
    then = line("release", workspace, *named, values, key)
    with prepared:
        confirm(prepared, target, yes=yes)
        report = carry_out(
            lambda watcher, stop: prepared.run(
                wait=Wait(wait), ready_timeout=ready_timeout, watcher=watcher, stop=stop
            ),
            again,
        )
    return tell(report, output, again=again, release=then, workspace=workspace)
