"""`gke2eks export`, and the reading that `plan --context` begins with."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.options import Cluster, cluster_options, hash_key_option, selection_options, workspace_option
from migrate.cli.reading import Reading
from migrate.cli.screen import echo
from migrate.errors import DONE, LOOK

if TYPE_CHECKING:
    from migrate.model.objects import Snapshot
    from migrate.model.selection import Selection


@click.command("export")
@cluster_options(context_help="Context of the kubeconfig; without it the current one.")
@selection_options
@workspace_option
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Format on stdout."
)
@hash_key_option
@click.option(
    "--age-recipient",
    "age_recipients",
    multiple=True,
    metavar="RECIPIENT",
    help="Keep the values of Secrets, too, encrypted for this recipient of age: age1…, a public SSH key, or a file of "
    "them; may be given again.",
)
def command(
    cluster: Cluster,
    select: Selection,
    workspace: Path,
    output: str,
    hash_key_file: Path | None,
    age_recipients: tuple[str, ...],
) -> int:
    """Read a live cluster into the workspace; `plan` goes on from there. The cluster is only read.

    Namespaces given with -n narrow what is asked of the server. The whole selection is kept with what was read, and
    plan keeps to it unless its own options or gke2eks.yaml say otherwise.

    With -o json, stdout is one document of the shape in reports/export.schema.json: what was read, and for each kind
    the outcome (listed, forbidden, failed or left_out), the count and why. Progress goes to stderr in any case.

    Without --age-recipient no value of a Secret is kept anywhere: apply reads them from the source. With it they are
    in snapshot-secrets.age, for an apply that cannot reach the source (apply --age-identity FILE).

    Exit code 1: a kind could not be read, or a document was no object.
    """
    from migrate.render.document import dumps
    from migrate.render.exported import export_document, export_lines

    found = read_cluster(cluster, workspace, select, hash_key_file, age_recipients)
    after = f"gke2eks plan -w {shlex.quote(str(workspace))}"
    if output == "json":
        echo(dumps(export_document(found, after)).decode().rstrip("\n"))
    else:
        kept = [f"Secret values: {workspace / 'snapshot-secrets.age'}, encrypted"] if age_recipients else []
        echo("\n".join([*export_lines(found), *kept, f"Next: {after}"]))
    return LOOK if found.left_out or any(one.missing for one in found.listings) else DONE


def read_cluster(
    cluster: Cluster,
    workspace: Path,
    select: Selection,
    hash_key_file: Path | None,
    age_recipients: tuple[str, ...] = (),
) -> Snapshot:
    """Export the cluster into the workspace, with progress on stderr. Raises BadInput, BadWorkspace, Refused."""
    from migrate.flow.export import export

    source, facts = cluster.open()
    shown = Reading()
    try:
        return export(
            source,
            workspace,
            now=datetime.now(UTC).isoformat(timespec="seconds"),
            without=cluster.without,
            hash_key_file=hash_key_file,
            facts=facts,
            select=select,
            age_recipients=age_recipients,
            progress=lambda at: shown(source.name, at),
        )
    finally:
        shown.end()
