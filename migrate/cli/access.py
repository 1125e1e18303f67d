"""`gke2eks access`."""

from __future__ import annotations

import click

from migrate.cli.screen import echo


@click.group("access")
def command() -> None:
    """Print the rights that gke2eks needs in a cluster."""


@command.command("source")
@click.option("--context", metavar="NAME", help="Context of the kubeconfig; without it the current one.")
@click.option("--kubeconfig", metavar="FILE", help="Instead of $KUBECONFIG or ~/.kube/config.")
@click.option("--without", multiple=True, metavar="KIND", help="Leave a kind out; may be given again.")
def source(context: str | None, kubeconfig: str | None, without: tuple[str, ...]) -> int:
    """Print the ClusterRole that an export needs: `list` on what it reads, by name, and nothing else."""
    from migrate.cluster.kube import from_kubeconfig
    from migrate.flow.asking import ROLE, role

    cluster = from_kubeconfig(context, kubeconfig)
    printed = role(cluster.kinds(), without)
    echo(
        f"# Asked of {cluster.name}. Apply it as an admin, then bind it:\n"
        f"#   kubectl create clusterrolebinding {ROLE} --clusterrole={ROLE} --user=NAME\n"
        f"{printed.rstrip()}"
    )
    return 0
