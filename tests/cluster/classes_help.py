"""Writes mappings/server-defaults.yaml: what a real API server fills in that nobody sent.

PYTHONPATH=tests:tests/cluster .venv/bin/python tests/cluster/classes_help.py > mappings/server-defaults.yaml
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rig.controlplane import ControlPlane
from rig.http import Client, Json

from migrate.differ.classes_tables import flat, runtime_place, under_pods
from migrate.manifest.places import item_segment
from migrate.model.effects import Cause
from migrate.model.objects import MISSING
from migrate.model.path import Item, Segment
from migrate.model.path import Path as FieldPath
from migrate.model.plan import Change, Fate, Standing, Step
from migrate.model.ref import Ref

OBJECTS: list[Json] = yaml.safe_load(Path(__file__).with_name("classes_objects.yaml").read_text())
NS = "t"
SMALL = {"containers": [{"name": "main", "image": "example.com/a:1"}, {"name": "latest", "image": "example.com/a"}]}


def thing(version: str, kind: str, name: str, space: str = NS, **rest: Any) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": space}, **rest}


def workload(name: str, **spec: Any) -> Json:
    """A Deployment with two containers."""
    template = {"metadata": {"labels": {"app": name}}, "spec": SMALL}
    return thing(
        "apps/v1", "Deployment", name, spec={"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    )


HEAD = """\
# What an API server (1.36) fills in where a manifest says nothing. tests/cluster/classes_help.py writes this file: it
# applies a minimal and a full object of each kind to a real one and compares. `[]` is any item of a list, `any` a value
# that the server chooses (an address, a port, a name). `pods`: below the spec of a pod, in any kind.
"""
# Values that depend on the object or on the server: they are no constant.
ANY = (
    "clusterIP",
    "clusterIPs",
    "nodePort",
    "healthCheckNodePort",
    "requests",
    "targetPort",
    "selector",
    "defaultRequest",
    "singular",
    "listKind",
    "ipFamilies",
    "ipFamilyPolicy",
    "policyTypes",
    "labels",
    "serviceAccount",
    "hostIP",
    "podIP",
)


def send(client: Client) -> Iterator[tuple[Json, Json]]:
    """Apply each object as gke2eks, and give it with what the server made of it at once."""
    for one in OBJECTS:
        yield one, client.apply(one, manager="gke2eks")


def table(pairs: list[tuple[Json, Json]]) -> dict[str, dict[str, list[Any] | str]]:
    """{kind or 'pods': {path: values}}, from (sent, there)."""
    found: dict[str, dict[str, Any]] = {"pods": {}}
    for sent, there in pairs:
        group = sent["apiVersion"].rpartition("/")[0]
        name = f"{sent['kind']}.{group}" if group else sent["kind"]
        for path, value in _added(sent, there, ()):
            if runtime_place(name, path) or path[0] == "status" or value is None:
                continue
            # Requests follow limits in Pods only, not in templates.
            inside = None if "requests" in path else under_pods(name, path)
            if inside is None and _own(name, path):
                continue
            rows, key = (
                found["pods" if inside else name] if inside else found.setdefault(name, {}),
                _text(inside or path),
            )
            if name == "Pod" and {"volumes", "volumeMounts"} & set(path):  # the token of its account
                continue
            if (at := _chosen(path)) is not None:
                rows[_text((inside or path)[: at - len(path) or None])] = "any"
            elif rows.get(key) != "any" and value not in rows.setdefault(key, []):
                rows[key].append(value)
    return {name: dict(sorted(rows.items())) for name, rows in sorted(found.items()) if rows}


def _chosen(path: tuple[str, ...]) -> int | None:
    """How far the path of a chosen value goes: all that is below is chosen, too; labels one by one."""
    at = next((at for at, word in enumerate(path) if word in ANY), None)
    return None if at is None else len(path) if path[at] == "labels" else at + 1


def _own(name: str, path: tuple[str, ...]) -> bool:
    return path[:2] == ("metadata", "finalizers") or path[-1] == "app" or (name == "Secret" and path[0] == "data")


def _added(sent: Any, there: Any, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(sent, dict) and isinstance(there, dict):
        for key in there:
            if key not in sent:
                yield from flat(there[key], (*at, key))
            else:
                yield from _added(sent[key], there[key], (*at, key))
    elif isinstance(sent, list) and isinstance(there, list) and len(sent) == len(there):
        for one, other in zip(sent, there, strict=True):
            yield from _added(one, other, (*at, "[]"))


def _text(path: tuple[str, ...]) -> str:
    return ".".join(path).replace(".[]", "[]")


def written(found: dict[str, dict[str, Any]]) -> str:
    lines = [HEAD]
    for name, rows in found.items():
        lines.append(f"{name}:\n")
        lines += [f"  {json.dumps(key)}: {json.dumps(values)}\n" for key, values in rows.items()]
    return "".join(lines)


TOP = FieldPath()


@dataclass(frozen=True)
class Raw:
    path: FieldPath
    planned: Any
    target: Any


def raws(planned: Any, target: Any, at: FieldPath = TOP, name: str = "") -> Iterator[Raw]:
    """The differences of two bodies; lists by their merge keys where all items have them."""
    if isinstance(planned, dict) and isinstance(target, dict):
        for key in dict.fromkeys((*planned, *target)):
            yield from raws(planned.get(key, MISSING), target.get(key, MISSING), at / key, key)
    elif isinstance(planned, list) and isinstance(target, list):
        one, other = ({_segment(name, rows, n): row for n, row in enumerate(rows)} for rows in (planned, target))
        for segment in dict.fromkeys((*one, *other)):
            yield from raws(one.get(segment, MISSING), other.get(segment, MISSING), at / segment)
    elif planned != target:
        yield Raw(at, planned, target)


def _segment(name: str, rows: list[Any], n: int) -> Segment:
    item = rows[n]
    for key in ("port", "containerPort") if name == "ports" and isinstance(item, dict) else ():
        if key in item:
            return Item(((key, item[key]),))
    return item_segment(name, rows, n)


def step(body: Json, *changes: Change) -> Step:
    """A planned object as it is migrated."""
    words = {key: body["metadata"].get(key, "") for key in ("namespace", "name")}
    ref = Ref(body["apiVersion"].rpartition("/")[0], body["kind"], words["namespace"], words["name"])
    return Step(ref, "v1", Fate.MIGRATE, Cause.NONE, Standing.READY, "", None, body, changes, ())


if __name__ == "__main__":
    with ControlPlane().start() as plane:
        print(written(table(list(send(plane.client())))), end="")
