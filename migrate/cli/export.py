"""`gke2eks export`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.screen import echo
from migrate.errors import DONE, LOOK

if TYPE_CHECKING:
    from migrate.flow.export import Progress
    from migrate.model.listing import Listing
    from migrate.model.objects import Snapshot


@click.command("export")
@click.option("--context", metavar="NAME", help="Context of the kubeconfig; without it the current one.")
@click.option("--gke", metavar="PROJECT/LOCATION/CLUSTER", help="Ask Google for the cluster; needs no kubeconfig.")
@click.option("--kubeconfig", metavar="FILE", help="Instead of $KUBECONFIG or ~/.kube/config.")
@click.option(
    "-w",
    "--workspace",
    default="./gke2eks-out",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of this migration.",
)
@click.option("--without", multiple=True, metavar="KIND", help="Leave a kind out, such as Secret; may be given again.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long the server may say nothing.",
)
@click.option("--hash-key-file", type=click.Path(path_type=Path, exists=True), help="Key for hashes of secret values.")
def command(
    context: str | None,
    gke: str | None,
    kubeconfig: str | None,
    workspace: Path,
    without: tuple[str, ...],
    timeout: float,
    hash_key_file: Path | None,
) -> int:
    """Read a live cluster into the workspace; `plan` goes on from there. The cluster is only read."""
    from migrate.cluster.kube import from_gke, from_kubeconfig
    from migrate.flow.export import export

    if gke and (context or kubeconfig):
        raise click.UsageError("--gke names the cluster already: leave --context and --kubeconfig out.")
    source, facts = (
        from_gke(gke, timeout=timeout) if gke else (from_kubeconfig(context, kubeconfig, timeout=timeout), None)
    )
    shown = _Shown(source.name)
    try:
        found = export(
            source,
            workspace,
            now=datetime.now(UTC).isoformat(timespec="seconds"),
            without=without,
            hash_key_file=hash_key_file,
            facts=facts,
            progress=shown,
        )
    finally:
        shown.end()
    echo("\n".join(_result(found, workspace)))
    return LOOK if found.left_out or any(one.missing for one in found.listings) else DONE


class _Shown:
    """Progress on stderr: one line that is written over on a terminal, a line now and then elsewhere."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._terminal = sys.stderr.isatty()
        self._next = 0.0 if self._terminal else 5.0
        self._open = False

    def __call__(self, at: Progress) -> None:
        if at.seconds < self._next:
            return
        self._next = at.seconds + (0.1 if self._terminal else 5.0)
        text = f"reading {self._name}: {at.kinds} of {at.of_kinds} kinds, {at.objects:,} objects{_left(at)}"
        if self._terminal:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)
            self._open = True
        else:
            echo(text, err=True)

    def end(self) -> None:
        if self._open:
            click.echo("\r\x1b[K", nl=False, err=True)


def _left(at: Progress) -> str:
    """A guess by the share of kinds; kinds differ much, so only after a while."""
    if at.seconds < 3 or not at.kinds or at.kinds == at.of_kinds:
        return ""
    return f", about {at.seconds * (at.of_kinds - at.kinds) / at.kinds:.0f} s left"


def _result(found: Snapshot, workspace: Path) -> list[str]:
    from migrate.model.listing import Outcome

    listed = [one for one in found.listings if one.outcome is Outcome.LISTED]
    version = found.facts.get("kubernetes") or "an unknown version"
    kinds = f"{len(listed)} kind{'s' if len(listed) != 1 else ''}"
    lines = [f"{found.name}: {len(found.objects):,} objects of {kinds} read, Kubernetes {version}."]
    lines += [f"  {one.outcome.value:<9}  {one.kind}: {one.why}" for one in found.listings if one.missing]
    lines += [f"  unfit      {one.source} {one.reason}. {one.fix}" for one in found.left_out]
    wished = [one for one in found.listings if one.by_request]
    if wished:
        lines.append(f"  left out, as asked: {_names(wished)}")
    rest = [one for one in found.listings if one.outcome is Outcome.LEFT_OUT and not one.by_request]
    for why in sorted({one.why for one in rest}):
        lines.append(f"  not asked for: {_names([one for one in rest if one.why == why])} ({why})")
    place = shlex.quote(str(workspace))
    if any(one.missing for one in found.listings):
        lines.append("The snapshot is incomplete: gke2eks access source prints the rights that are missing.")
    return [*lines, f"Next: gke2eks plan -w {place}"]


def _names(listings: Sequence[Listing]) -> str:
    return ", ".join(sorted(str(one.kind) for one in listings))
