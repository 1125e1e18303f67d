"""Fields of which one knows what it means that they changed, whoever wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.differ.classes_tables import Place, controllers_finalizer, under_pods
from migrate.manifest.places import get
from migrate.model.objects import MISSING, Body
from migrate.model.path import P

_RESTARTED = "kubectl.kubernetes.io/restartedAt"  # kubectl rollout restart
_CONTAINERS = frozenset({"containers", "initContainers"})
_CONTAINER = frozenset({"args", "command", "env", "envFrom", "image", "volumeMounts"})
_POD = frozenset({"affinity", "nodeSelector", "tolerations", "volumes"})
_INJECT = "cert-manager.io/inject-"


def leaves(at: Place) -> bool:
    """Tell whether it says that the object was deleted: it is still there, and soon is not."""
    return at == ("metadata", "deletionTimestamp")


def harmless(wanted: Body, at: Place, planned: Any, target: Any) -> str:
    """Say why a difference changes nothing of what runs, whoever wrote it; '' where that is not known."""
    if "template" in at and at[-1:] == (_RESTARTED,) and isinstance(target, str):
        return "a restart writes its time there"
    return "cert-manager fills it in, as the object asks" if _injected(wanted, at, planned) else ""


def _injected(wanted: Body, at: Place, planned: Any) -> bool:
    """Whether it is the CA that a plan leaves out where cert-manager is asked to fill it in."""
    if at[-1:] != ("caBundle",) or planned is not MISSING:
        return False
    notes = get(wanted, P("metadata", "annotations"))
    return isinstance(notes, Mapping) and any(str(key).startswith(_INJECT) for key in notes)


def runs_otherwise(kind: str, at: Place) -> bool:
    """Tell whether what is added there makes the pods of a template run something else, or somewhere else.

    These are whole items: what is filled in inside of one, such as the mode of a volume's files, is the server's. No
    server adds them; of a bare Pod much is added on the way in (its token, tolerations, what EKS Pod Identity
    needs), and is not meant.
    """
    inside = under_pods(kind, at) if kind != "Pod" else None
    if not inside:
        return False
    if inside[0] in _CONTAINERS and len(inside) > 2:
        return inside[2] in _CONTAINER and len(inside) <= 4
    return inside[0] in _CONTAINERS | _POD and len(inside) <= 2


def only_controllers(planned: Any, target: Any) -> bool:
    """Tell whether all that differs between two lists of finalizers is what controllers set."""
    one, other = (_listed(value) for value in (planned, target))
    return set(one) <= set(other) and all(controllers_finalizer(name) for name in set(other) - set(one))


def _listed(value: Any) -> list[str]:
    if value is MISSING:
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
