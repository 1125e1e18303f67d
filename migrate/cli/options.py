"""Options that several commands share, each declared once: the workspace, the clusters, what is selected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from migrate.cli.given import Folder, Seconds
from migrate.cli.names import SourceName, TargetName

if TYPE_CHECKING:
    from migrate.cluster.port import Source

Command = Callable[..., int]

workspace_option = click.option(
    "-w",
    "--workspace",
    default="./gke2eks-out",
    show_default=True,
    type=Folder(path_type=Path),
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
            type=Seconds(min=0.1),
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
            _refuse_empty({"--context": context, "--gke": gke, "--kubeconfig": kubeconfig})
            if gke is not None and (context is not None or kubeconfig is not None):
                raise click.UsageError("--gke names the cluster already: leave --context and --kubeconfig out.")
            given = _typed("context", "gke", "kubeconfig", "without", "timeout")
            return command(cluster=Cluster(context, gke, kubeconfig, without, timeout, given), **more)

        return _declare(gathered, declared)

    return add


def target_options(*, required: bool = True) -> Callable[[Command], Command]:
    """Add the options that name the target; the command gets `target`: TargetName, or None where none is required.

    They must be typed: a variable that somebody set long ago is no way to say which cluster is written to.
    """
    declared = [
        click.option("--context", metavar="NAME", help="The target, as a context.", allow_from_autoenv=False),
        click.option(
            "--kubeconfig", metavar="FILE", help="Instead of $KUBECONFIG or ~/.kube/config.", allow_from_autoenv=False
        ),
        click.option(
            "--eks",
            metavar="REGION/CLUSTER",
            help="The target, as AWS knows it; needs no kubeconfig.",
            allow_from_autoenv=False,
        ),
        click.option("--profile", metavar="NAME", help="Profile of ~/.aws/config for --eks.", allow_from_autoenv=False),
        click.option(
            "--timeout",
            type=Seconds(min=0.1),
            default=60,
            show_default=True,
            metavar="SECONDS",
            help="How long a server may say nothing.",
        ),
    ]

    def add(command: Command) -> Command:
        @wraps(command)
        def gathered(
            context: str | None,
            kubeconfig: str | None,
            eks: str | None,
            profile: str | None,
            timeout: float,
            **more: Any,
        ) -> int:
            _refuse_empty({"--context": context, "--kubeconfig": kubeconfig, "--eks": eks, "--profile": profile})
            if eks is not None and context is not None:
                raise click.UsageError("--context and --eks both name a target: leave one of them out.")
            named = context is not None or eks is not None
            if not named and required:
                raise click.UsageError("no target is named: add --context NAME or --eks REGION/CLUSTER.")
            if kubeconfig is not None and context is None:
                raise click.UsageError("--kubeconfig is about --context: name that, or leave --kubeconfig out.")
            if profile is not None and eks is None:
                raise click.UsageError("--profile is about --eks: name that, or leave --profile out.")
            target = TargetName(context, eks, kubeconfig, profile, timeout) if named else None
            return command(target=target, **more)

        return _declare(gathered, declared)

    return add


def source_options(command: Command) -> Command:
    """Add the options that name the source; the command gets `source`: SourceName, or None. Needs target_options."""
    declared = [
        click.option(
            "--source-context",
            metavar="NAME",
            help="The source, as a context; it is only read.",
            allow_from_autoenv=False,
        ),
        click.option(
            "--source-gke",
            metavar="PROJECT/LOCATION/CLUSTER",
            help="The source, as Google knows it; it is only read.",
            allow_from_autoenv=False,
        ),
        click.option(
            "--source-kubeconfig",
            metavar="FILE",
            help="Kubeconfig of --source-context; without it that of the target.",
            allow_from_autoenv=False,
        ),
    ]

    @wraps(command)
    def gathered(source_context: str | None, source_gke: str | None, source_kubeconfig: str | None, **more: Any) -> int:
        texts = {"--source-context": source_context, "--source-gke": source_gke}
        _refuse_empty({**texts, "--source-kubeconfig": source_kubeconfig})
        if source_context is not None and source_gke is not None:
            raise click.UsageError("--source-context and --source-gke both name a source: leave one of them out.")
        if source_kubeconfig is not None and source_context is None:
            raise click.UsageError("--source-kubeconfig is about --source-context: name that, too, or leave it out.")
        params = click.get_current_context().params
        source = None
        if source_context is not None or source_gke is not None:
            file = (source_kubeconfig or params.get("kubeconfig")) if source_context is not None else None
            source = SourceName(source_context, source_gke, file, params.get("timeout") or 60)
        return command(source=source, **more)

    return _declare(gathered, declared)


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


def _refuse_empty(texts: Mapping[str, str | None]) -> None:
    """An unset variable in --context "$PROD" must not become the current context."""
    for option, text in texts.items():
        if text is not None and not text.strip():
            raise click.UsageError(f"{option} is empty: name one, or leave {option} out.")


def _declare(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):  # decorators go on from below, --help reads from above
        command = option(command)
    return command


def _typed(*names: str) -> tuple[str, ...]:
    """Those of these options that a person gave, on the command line or by a variable."""
    ctx = click.get_current_context()
    unsaid = (None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
    return tuple(f"--{name}" for name in names if ctx.get_parameter_source(name) not in unsaid)
