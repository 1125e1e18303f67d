"""`gke2eks rollback`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from migrate.cli.names import TargetName
from migrate.cli.options import hash_key_option, target_options, workspace_option
from migrate.cli.policies import DATA_KINDS
from migrate.cli.screen import color, echo, unicode, width
from migrate.cli.sending import ask, carry_out, line, refuse_silence


@click.command("rollback")
@target_options()
@workspace_option
@click.option("--run", metavar="ID", default="", help="Take back this run of the journal, and all after it.")
@click.option("--all", "everything", is_flag=True, allow_from_autoenv=False, help="Take back all runs.")
@click.option(
    "--delete-data",
    "data",
    multiple=True,
    type=click.Choice(DATA_KINDS),
    allow_from_autoenv=False,
    help="Delete what was made of this kind, too, with the data in it; may be given again.",
)
@click.option(
    "--age-identity",
    "age_identities",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Opens what apply --age-recipient kept of Secrets; may be given again.",
)
@click.option("--yes", is_flag=True, allow_from_autoenv=False, help="Do not ask for the target's name.")
@click.option(
    "--gone-timeout",
    type=click.FloatRange(min=1),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="How long what was deleted may take to be gone, for each wave.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format on stdout.",
)
@hash_key_option
def command(
    target: TargetName,
    workspace: Path,
    run: str,
    everything: bool,
    data: tuple[str, ...],
    age_identities: tuple[Path, ...],
    yes: bool,
    gone_timeout: float,
    output: str,
    hash_key_file: Path | None,
) -> int:
    """Take back what apply and release did: delete what they made, restore what they changed, bring back what they
    deleted, in reverse order.

    Without --run or --all that is the last run, with those that it went on from. What will be deleted, restored,
    brought back and kept is shown first, by kind; then it asks for the target's own name. It may be stopped, killed and
    run again.

    It deletes only the very objects that were made (by UID), restores only what nobody else wrote to since, and keeps
    what holds data, Secrets included, unless --delete-data names the kind. A Namespace goes last, and only when
    nothing of others is in it. The source is not touched.

    With -o json, stdout is one document of the shape in reports/rollback.schema.json; all else goes to stderr.

    \b
    Exit codes:
      0    all of it was taken back
      1    objects were kept, or failed
      2    the command line was not understood, or nobody could be asked and --yes is missing
      3    bad input: another name was typed, or nothing was applied from this workspace
      4    the target or a cloud said no to everything
      5    it ended half-way; run it again
      130  Ctrl-C
    """
    from migrate.flow.rollback import prepare
    from migrate.render.undone import document, frame, summary
    from migrate.semantics.rollback import DATA

    if run and everything:
        raise click.UsageError("--run and --all both say how far to go back: leave one of them out.")
    refuse_silence(yes)
    opened, facts = target.open()
    ready = prepare(
        opened,
        workspace,
        facts=facts,
        run=run,
        everything=everything,
        data=[kind for kind in DATA if kind[1] in data],
        age_identities=age_identities,
        hash_key_file=hash_key_file,
    )
    words = ["--run", run] if run else ["--all"] if everything else []
    words += [word for kind in data for word in ("--delete-data", kind)]
    words += [word for file in age_identities for word in ("--age-identity", str(file))]
    words += ["--hash-key-file", str(hash_key_file)] if hash_key_file else []
    again = line("rollback", workspace, target.options, shlex.join(words))
    with ready:
        echo(frame(ready, width=width()).rstrip("\n"), err=True)
        if not yes and ready.objects:
            ask(target)
        report = carry_out(lambda watcher, stop: ready.run(patience=gone_timeout, watcher=watcher, stop=stop), again)
    if output == "json":
        from migrate.render.document import dumps

        echo(dumps(document(report)).decode().rstrip("\n"))
    else:
        echo(summary(report, again, width=width(), color=color(), unicode=unicode()).rstrip("\n"))
    return report.exit
