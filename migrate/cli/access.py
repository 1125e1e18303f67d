"""`gke2eks access`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.options import Cluster, cluster_options, selection_options, target_options, workspace_option
from migrate.cli.policies import more_rights_options
from migrate.cli.screen import echo

if TYPE_CHECKING:
    from migrate.cli.names import TargetName
    from migrate.model.selection import Selection
    from migrate.semantics.more_rights import More


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


@command.command("target", short_help="Print the roles that preflight, apply and release need.")
@workspace_option
@target_options(required=False)
@selection_options
@click.option(
    "--cluster-wide",
    is_flag=True,
    help="One ClusterRole instead of a Role in each namespace: for namespaces that apply itself shall make.",
)
@more_rights_options
def target(workspace: Path, target: TargetName | None, select: Selection, cluster_wide: bool, more: More) -> int:
    """Print the roles that preflight, apply and release need for the plan in the workspace, and nothing more.

    To delete, and to update what others own, is not among these rights: --prune, --on-conflict and --rollback add
    what apply --prune, apply --on-conflict and rollback need, each for the objects in question, by name.

    On top stands whether they make an admin, because of which objects, and how to do without. With --context or --eks
    the target is asked which kinds and namespaces it has; nothing is written to it. Save it, and an admin applies it.
    """
    from migrate.flow.access import access_target

    opened = target.open()[0] if target is not None else None
    eks = (target.eks or "") if target is not None else ""
    printed = access_target(
        workspace, today=date.today(), select=select, target=opened, eks=eks, everywhere=cluster_wide, more=more
    )
    echo(printed)
    return 0
