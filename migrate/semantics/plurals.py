"""What the resource of a kind is called in URLs and in roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from migrate.manifest.kinds import is_cluster_scoped
from migrate.manifest.places import get
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref

_ODD = {"Endpoints": "endpoints", "IngressClassParams": "ingressclassparams", "NodeMetrics": "nodes"}
_ODD |= {"PodMetrics": "pods"}


class Plurals:
    """Looked up where that can be: in what a server says, then in definitions; else built as English does."""

    def __init__(self, served: Iterable[Kind] = (), bodies: Mapping[Ref, Body] | None = None) -> None:
        self._known: dict[tuple[str, str], str] = {}
        for ref, body in (bodies or {}).items():
            if ref.kind == "CustomResourceDefinition":
                key = str(get(body, P("spec", "group"))), str(get(body, P("spec", "names", "kind")))
                self._known[key] = str(get(body, P("spec", "names", "plural")))
        self._known |= {(kind.group, kind.kind): kind.plural for kind in served if kind.plural}

    def of(self, group: str, kind: str) -> str:
        """'networkpolicies' of NetworkPolicy."""
        return self._known.get((group, kind)) or _ODD.get(kind) or _english(kind.lower())

    def sure(self, group: str, kind: str) -> bool:
        """Tell whether it is known, and not only built: of kinds that nobody here defines it may be another word."""
        return (group, kind) in self._known or is_cluster_scoped(group, kind) is not None


def _english(word: str) -> str:
    if word.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") and word[-2:-1] not in "aeiou" else f"{word}s"
