"""Which target and which source a person named, and the doors to them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from migrate.errors import Error

if TYPE_CHECKING:
    from migrate.cluster.eks_facts import EksFacts
    from migrate.cluster.port import Source, Target
    from migrate.model.aws import Aws


@dataclass(frozen=True, slots=True)
class TargetName:
    """The cluster to write to: a context, or an EKS cluster by region/cluster. Never the current context."""

    context: str | None
    eks: str | None
    kubeconfig: str | None = None
    profile: str | None = None
    timeout: float = 60

    @property
    def shown(self) -> str:
        """What a person types to say that this cluster is meant: the context's name, or region/cluster."""
        return self.eks or self.context or ""

    @property
    def options(self) -> str:
        """The options that name it, quoted for a shell."""
        words = ("--context", self.context), ("--kubeconfig", self.kubeconfig), ("--eks", self.eks)
        named = [part for option, text in (*words, ("--profile", self.profile)) if text for part in (option, text)]
        return shlex.join(named)

    def kubectl(self, arn: str) -> tuple[str, ...]:
        """How a person asks it for something; its context by name, as aws eks update-kubeconfig calls it."""
        file = ("--kubeconfig", self.kubeconfig) if self.kubeconfig else ()
        return "kubectl", *file, "--context", self.context or arn or self.shown

    def open(self) -> tuple[Target, EksFacts | None]:
        """Open it, with what AWS says of it if AWS was asked. Nothing is sent to it yet. Raises BadInput, Refused."""
        from migrate.cluster.target import KubeTarget, from_kubeconfig

        if self.eks is None:
            return from_kubeconfig(self.context or "", self.kubeconfig, timeout=self.timeout), None
        from migrate.cluster.eks import connect

        found = connect(self.eks, self.profile)
        return KubeTarget(found.connection(), timeout=self.timeout), found.facts

    def look(self) -> Source:
        """Open it as a client that has no means to write. Nothing is sent yet. Raises BadInput, Refused."""
        from migrate.cluster.kube import KubeSource, from_kubeconfig

        if self.eks is None:
            return from_kubeconfig(self.context, self.kubeconfig, timeout=self.timeout)
        from migrate.cluster.eks import connect

        return KubeSource(connect(self.eks, self.profile).connection(), timeout=self.timeout)

    def aws(self, facts: EksFacts | None) -> Aws | None:
        """The account behind it, None when AWS was not named. Nothing is asked yet."""
        if facts is None:
            return None
        from migrate.cluster.aws import Account

        return Account(facts, self.profile)


@dataclass(frozen=True, slots=True)
class SourceName:
    """The cluster that the plan came from; it is only read."""

    context: str | None
    gke: str | None
    kubeconfig: str | None = None
    timeout: float = 60

    @property
    def options(self) -> str:
        """The options that name it, quoted for a shell."""
        words = ("--source-context", self.context), ("--source-gke", self.gke), ("--source-kubeconfig", self.kubeconfig)
        return shlex.join([part for option, text in words if text for part in (option, text)])

    @property
    def kubectl(self) -> tuple[str, ...]:
        """How a person asks it for something; its context by name, since a command that stops things gets copied."""
        if self.gke is not None:  # as gcloud container clusters get-credentials names it
            return "kubectl", "--context", "_".join(("gke", *self.gke.split("/")))
        file = ("--kubeconfig", self.kubeconfig) if self.kubeconfig else ()
        return "kubectl", *file, "--context", self.context or ""

    def open(self) -> Source:
        """Open it. Nothing is sent yet. Raises BadInput, Refused."""
        from migrate.cluster.kube import from_gke, from_kubeconfig

        if self.gke is not None:
            return from_gke(self.gke, timeout=self.timeout)[0]
        try:
            return from_kubeconfig(self.context, self.kubeconfig, timeout=self.timeout)
        except Error as bad:  # here the options are called otherwise
            what, then = (re.sub(r"--(?=context|kubeconfig|gke)", "--source-", text) for text in (bad.what, bad.next))
            raise type(bad)(what, then, bad.details) from None
