"""Options that several commands share, each declared once: the workspace, the cluster to read, what is selected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from migrate.cluster.port import Source

Command = Callable[..., int]

workspace_option = click.option(
    "-w",
    "--workspace",
    default="./gke2eks-out",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of this migration.",
)
hash_key_option = click.option(
    "--hash-key-file", type=click.Path(path_type=Path, exists=True), help="Key for hashes of secret values."
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which cluster a person means. `given` are the options that were typed, spelled as in --help."""

    context: str | None
    gke: str | None
    kubeconfig: str | None
    without: tuple[str, ...]
    timeout: float
    given: tuple[str, ...]

    @property
    def named(self) -> bool:
        """Tell whether a cluster was named, instead of meaning the current context."""
        return self.context is not None or self.gke is not None

    def open(self) -> tuple[Source, Mapping[str, Any] | None]:
        """Open the source, with the facts if Google was asked. Raises BadInput, Refused."""
        from migrate.cluster.kube import from_gke, from_kubeconfig

        if self.gke is not None:
            return from_gke(self.gke, timeout=self.timeout)
        return from_kubeconfig(self.context, self.kubeconfig, timeout=self.timeout), None


def cluster_options(*, context_help: str, env: bool = True) -> Callable[[Command], Command]:
    """Add the options that name a cluster; the command gets `cluster`. Without `env` they must be typed."""
    declared = [
        click.option("--context", metavar="NAME", help=context_help, allow_from_autoenv=env),
        click.option(
            "--gke",
            metavar="PROJECT/LOCATION/CLUSTER",
            help="Ask Google for the cluster; needs no kubeconfig.",
            allow_from_autoenv=env,
        ),
        click.option(
            "--kubeconfig", metavar="FILE", help="Instead of $KUBECONFIG or ~/.kube/config.", allow_from_autoenv=env
        ),
        click.option(
            "--without",
            multiple=True,
            metavar="KIND",
            help="Do not read this kind, such as Secret; may be given again.",
            allow_from_autoenv=env,
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0.1),
            default=60,
            show_default=True,
            metavar="SECONDS",
            help="How long the server may say nothing.",
            allow_from_autoenv=env,
        ),
    ]

    def add(command: Command) -> Command:
        @wraps(command)
        def gathered(
            context: str | None,
            gke: str | None,
            kubeconfig: str | None,
            without: tuple[str, ...],
            timeout: float,
            **more: Any,
        ) -> int:
            # An unset variable in --context "$PROD" must not become the current context.
            for option, text in (("--context", context), ("--gke", gke), ("--kubeconfig", kubeconfig)):
                if text is not None and not text.strip():
                    raise click.UsageError(f"{option} is empty: name one, or leave {option} out.")
            if gke is not None and (context is not None or kubeconfig is not None):
                raise click.UsageError("--gke names the cluster already: leave --context and --kubeconfig out.")
            given = _typed("context", "gke", "kubeconfig", "without", "timeout")
            return command(cluster=Cluster(context, gke, kubeconfig, without, timeout, given), **more)

        return _declare(gathered, declared)

    return add


def selection_options(command: Command) -> Command:
    """Add the options that select objects; the command gets `select`."""
    declared = [
        click.option(
            "-n",
            "--namespace",
            "namespaces",
            multiple=True,
            metavar="GLOB",
            callback=_each,
            help="Only this namespace, or those that a glob such as 'team-*' names; may be given again.",
        ),
        click.option(
            "-l",
            "--selector",
            "labels",
            multiple=True,
            metavar="LABELS",
            callback=_each,
            help="Only objects with these labels, as in kubectl: 'app=api,tier in (a, b)'.",
        ),
        click.option(
            "--kind",
            "kinds",
            multiple=True,
            metavar="KIND",
            callback=_each,
            help="Only this kind: Deployment, deployments, Certificate.cert-manager.io; may be given again.",
        ),
        click.option(
            "--only",
            multiple=True,
            metavar="REF",
            callback=_each,
            help="Only this object: Kind/namespace/name, or Kind/name; globs; may be given again.",
        ),
        click.option(
            "--exclude",
            multiple=True,
            metavar="REF",
            callback=_each,
            help="Not this object, whatever else selects it; may be given again.",
        ),
    ]

    @wraps(command)
    def gathered(
        namespaces: tuple[str, ...],
        labels: tuple[str, ...],
        kinds: tuple[str, ...],
        only: tuple[str, ...],
        exclude: tuple[str, ...],
        **more: Any,
    ) -> int:
        from migrate.model.selection import parse_selection

        select = parse_selection(namespaces=namespaces, labels=labels, kinds=kinds, only=only, exclude=exclude)
        return command(select=select, **more)

    return _declare(gathered, declared)


def _each(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Read each text by itself, so that a mistake is told with the name of its option."""
    from migrate.model.selection import BadSelection, parse_selection

    for text in texts:
        try:
            parse_selection(**{str(option.name): (text,)})
        except BadSelection as bad:
            more = "; give the option again for each, without commas" if "," in text and option.name != "labels" else ""
            raise click.BadParameter(f"{bad}{more}.", ctx, option) from None
    return texts


def _declare(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):  # decorators go on from below, --help reads from above
        command = option(command)
    return command


def _typed(*names: str) -> tuple[str, ...]:
    """Those of these options that a person gave, on the command line or by a variable."""
    ctx = click.get_current_context()
    unsaid = (None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
    return tuple(f"--{name}" for name in names if ctx.get_parameter_source(name) not in unsaid)
