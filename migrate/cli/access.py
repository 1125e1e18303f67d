"""`gke2eks access`."""

from __future__ import annotations

import click

from migrate.cli.options import Cluster, cluster_options
from migrate.cli.screen import echo


@click.group("access")
def command() -> None:
    """Print the rights that gke2eks needs in a cluster."""


@command.command("source", short_help="Print the ClusterRole that an export needs.")
@cluster_options(context_help="Context of the kubeconfig; without it the current one.")
def source(cluster: Cluster) -> int:
    """Print the ClusterRole that an export needs: `list` on what it reads, by name, and nothing else."""
    from migrate.flow.asking import ROLE, role

    asked, _ = cluster.open()
    printed = role(asked.kinds(), cluster.without)
    echo(
        f"# Asked of {asked.name}. Apply it as an admin, then bind it:\n"
        f"#   kubectl create clusterrolebinding {ROLE} --clusterrole={ROLE} --user=NAME\n"
        f"{printed.rstrip()}"
    )
    return 0
