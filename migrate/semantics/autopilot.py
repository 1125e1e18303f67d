"""What Autopilot remembers of the resources that a workload asked for before it raised them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from migrate.manifest.places import item_segment
from migrate.manifest.pods import PodTemplate
from migrate.model.objects import Body
from migrate.model.path import Path

ADJUSTMENT = "autopilot.gke.io/resource-adjustment"
_GROUPS = ("initContainers", "containers")
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?\Z")
_STEPS = {"m": Decimal("0.001"), "": Decimal(1), "k": Decimal(1000)}
_STEPS |= {unit: Decimal(1000) ** n for n, unit in enumerate("MGTPE", start=2)}
_STEPS |= {unit: Decimal(1024) ** n for n, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}


@dataclass(frozen=True, slots=True)
class Raised:
    """One container whose resources are not what was asked for: where they stand, and each difference in words."""

    path: Path
    name: str
    differences: tuple[str, ...]


def raised(note: Any, pod: PodTemplate) -> Iterator[Raised] | None:
    """Compare the containers with the annotation's `input`. None when the annotation cannot be read."""
    try:
        said = json.loads(note) if isinstance(note, str) else None
    except (ValueError, RecursionError):
        return None
    asked = said.get("input") if isinstance(said, Mapping) else None
    return _raised(asked, pod) if isinstance(asked, Mapping) else None


def _raised(asked: Body, pod: PodTemplate) -> Iterator[Raised]:
    for group in _GROUPS:
        listed = asked.get(group)
        before = {
            one["name"]: one
            for one in (listed if isinstance(listed, list) else ())
            if isinstance(one, Mapping) and isinstance(one.get("name"), str)
        }
        everything = pod.spec.get(group)
        for at, container in pod.items(group):
            name = container.get("name")
            if not isinstance(name, str) or name not in before:
                continue
            found = tuple(_differences(before[name], _mapping(container.get("resources"))))
            if found:
                segment = item_segment(group, everything if isinstance(everything, list) else [], at)
                yield Raised(Path((*pod.path, "spec", group, segment, "resources")), name, found)


def _differences(asked: Body, now: Body) -> Iterator[str]:
    for part in ("requests", "limits"):
        old, new = _mapping(asked.get(part)), _mapping(now.get(part))
        pairs = [
            f"{key} {old.get(key, 'none')} → {new.get(key, 'none')}"
            for key in sorted({*map(str, old), *map(str, new)})
            if not _same(old.get(key), new.get(key))
        ]
        if pairs:
            yield f"{part} {', '.join(pairs)}"


def _same(one: Any, other: Any) -> bool:
    if str(one) == str(other):
        return True
    amounts = [_QUANTITY.match(str(value)) for value in (one, other)]
    numbers = [Decimal(found[1]) * _STEPS[found[2] or ""] for found in amounts if found]
    return len(numbers) == 2 and numbers[0] == numbers[1]


def _mapping(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}
