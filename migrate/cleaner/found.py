"""What finding needs everywhere: places, odd values as empty ones, and the marks that a server leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.objects import Body, Object

_LIVE = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink")

Place = tuple[str | int, ...]
Found = Iterator[Place]


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def live(obj: Object) -> bool:
    """Tell whether a server gave this object out; a file that a person wrote has none of its marks."""
    return "status" in obj.body or any(obj.metadata.get(key) for key in _LIVE)


def null_time(template: Body, where: Place) -> Found:
    """The creation time that a server leaves as null in a template."""
    metadata = mapping(template.get("metadata"))
    if "creationTimestamp" in metadata and not metadata["creationTimestamp"]:
        yield (*where, "metadata", "creationTimestamp")


def account(pod: Body, where: Place) -> Found:
    """The deprecated copy of a pod's service account name."""
    if "serviceAccount" in pod and pod["serviceAccount"] == pod.get("serviceAccountName"):
        yield (*where, "serviceAccount")
