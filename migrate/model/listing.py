"""Which kinds a cluster has, and what came of asking for each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from migrate.model.ref import Ref

BY_REQUEST = "left out by --without"


class Outcome(StrEnum):
    """What came of one kind. `left_out` was never asked for: by request, or because it is nothing to migrate."""

    LISTED = "listed"
    FORBIDDEN = "forbidden"
    FAILED = "failed"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """One kind in the version that is read: Kind("apps", "v1", "deployments", "Deployment", True, ("get", "list")).

    With an empty `plural` it stands for all kinds of a group version whose server would not say what it has.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """'apps/v1', or 'v1' for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def path(self) -> str:
        """The URL path of the list over all namespaces: '/apis/apps/v1/deployments'."""
        return self.path_in("")

    def path_in(self, namespace: str) -> str:
        """The URL path of the list of one namespace: '/api/v1/namespaces/shop/pods'; '' stands for all of them."""
        root = f"/{'apis' if self.group else 'api'}/{self.api_version}" + (
            f"/namespaces/{namespace}" if namespace else ""
        )
        return root + (f"/{self.plural}" if self.plural else "")

    def __str__(self) -> str:
        return Ref(self.group, self.kind, "", "").short.rstrip("/") if self.plural else f"all of {self.api_version}"


@dataclass(frozen=True, slots=True, order=True)
class Listing:
    """What came of asking for one kind. `count` is 0 and `resource_version` '' unless it was listed.

    `changed` is what happened to its objects after they were listed and before the export was over: 'created shop/a',
    'changed shop/b', 'deleted shop/c'. `unseen` says why nobody could tell.
    """

    kind: Kind
    outcome: Outcome
    count: int = 0
    why: str = ""
    resource_version: str = ""
    changed: tuple[str, ...] = ()
    unseen: str = ""

    @property
    def missing(self) -> bool:
        """Tell whether objects may exist that nobody read, and nobody said so."""
        return self.outcome in (Outcome.FORBIDDEN, Outcome.FAILED)

    @property
    def by_request(self) -> bool:
        """Tell whether a person asked for this kind to be left out."""
        return self.outcome is Outcome.LEFT_OUT and self.why == BY_REQUEST
