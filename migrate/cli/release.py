"""`gke2eks release`."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.names import SourceName, TargetName
from migrate.cli.options import hash_key_option, selection_options, source_options, target_options, workspace_option
from migrate.cli.policies import release_policy_options
from migrate.cli.sending import carry_out, confirm, line, refuse_silence, running_options, tell

if TYPE_CHECKING:
    from migrate.model.selection import Selection
    from migrate.semantics.policy import Policies


@click.command("release")
@target_options()
@source_options
@selection_options
@workspace_option
@click.option(
    "--source-stopped",
    is_flag=True,
    allow_from_autoenv=False,
    help="Your word that the source runs none of it any more, where it cannot be asked; it is written down.",
)
@release_policy_options
@running_options
@hash_key_option
def command(
    target: TargetName,
    source: SourceName | None,
    select: Selection,
    workspace: Path,
    source_stopped: bool,
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
    """Start on the target what apply brought there held, by selection and in order.

    It asks for the target's own name before the first write, and may be stopped, killed and run again like apply.

    It never starts a workload whose volume has data on the source until gke2eks.yaml says what becomes of it, nor one
    whose twin still runs on the source: it prints the command that stops it there, and never runs that itself. It
    never deletes anything, takes no field from another manager unless --on-conflict says so, and never writes to the
    source.

    With -o json, stdout is one document of the shape in reports/apply.schema.json; all else goes to stderr.

    \b
    Exit codes:
      0    all that was selected runs
      1    objects were refused, failed, or were skipped because of another one
      2    the command line was not understood, or nobody could be asked and --yes is missing
      3    bad input: another name was typed, or the plan is not the one that was reviewed
      4    the target or a cloud said no to everything
      5    it ended half-way; run it again
      130  Ctrl-C
    """
    from migrate.flow.release import prepare
    from migrate.flow.run import Wait
    from migrate.workspace.secret_file import recipients

    refuse_silence(yes)
    opened, facts = target.open()
    prepared = prepare(
        opened,
        workspace,
        facts=facts,
        source=source.open() if source else None,
        source_stopped=source_stopped,
        kubectl=source.kubectl if source else ("kubectl",),
        select=select,
        today=datetime.now(UTC).date(),
        age_identities=age_identities,
        age_recipients=recipients(age_recipients) if age_recipients else None,
        no_undo=no_undo,
        hash_key_file=hash_key_file,
        policies=policies,
    )
    named = target.options, source.options if source else "", select.as_options()
    values = shlex.join(
        [word for file in age_identities for word in ("--age-identity", str(file))]
        + [word for one in age_recipients for word in ("--age-recipient", one)]
        + ["--no-undo"] * no_undo
    )
    key = shlex.join(["--hash-key-file", str(hash_key_file)]) if hash_key_file else ""
    asked = shlex.join([*["--source-stopped"] * source_stopped, *policies.texts()])
    again = line("release", workspace, *named, values, key, asked)
    with prepared:
        confirm(prepared, target, yes=yes)
        report = carry_out(
            lambda watcher, stop: prepared.run(
                wait=Wait(wait), ready_timeout=ready_timeout, watcher=watcher, stop=stop
            ),
            again,
        )
    return tell(report, output, again=again, release="", workspace=workspace)
