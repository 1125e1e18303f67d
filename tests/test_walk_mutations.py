"""Mutations of objects, and the differences that each of them must give: alone, and up to five in one object.

GKE2EKS_SEEDS=10000 runs so many seeds; without it a few hundred are run.
"""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from migrate.differ.walk import Raw, differences, strict
from migrate.model.objects import MISSING
from migrate.model.path import Path, parse

Json = dict[str, Any]
Told = tuple[str, Any, Any]
SEEDS = int(os.environ.get("GKE2EKS_SEEDS", "300"))
KIND = ("apps", "Deployment")
POD, API = "spec.template.spec", "spec.template.spec.containers[name=api]"


def made(dice: random.Random) -> Json:
    """A Deployment in which every mutation finds its place, and no two of them the same."""

    def some(word: str, least: int = 2) -> list[str]:
        return [f"{word}{n}" for n in dice.sample(range(100), dice.randint(least, 6))]

    def container(name: str) -> Json:
        return {
            "name": name,
            "image": f"registry.example/{name}:{dice.randrange(9)}",
            "args": some("--flag"),
            "command": some("run", 3),
            "env": [{"name": name, "value": str(dice.random())} for name in some("VARIABLE_")],
            "ports": [{"containerPort": dice.randrange(1, 9000)}, {"containerPort": 9001, "protocol": "UDP"}],
            "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
            "volumeMounts": [{"mountPath": f"/{word}", "name": word} for word in some("mount")],
            "securityContext": {"runAsUser": dice.randrange(1, 9), "capabilities": {"drop": some("CAP_")}},
        }

    names = ["api", "gone", *some("sidecar")]
    dice.shuffle(names)
    pod = {
        "containers": [container(name) for name in names],
        "initContainers": [{"name": word, "image": "i"} for word in some("init")],
        "volumes": [{"name": word, "emptyDir": {}} for word in some("volume")],
        "tolerations": [{"key": word, "operator": "Exists", "effect": "NoSchedule"} for word in some("taint")],
        "hostAliases": [{"ip": f"10.0.0.{n}", "hostnames": ["a"]} for n in dice.sample(range(99), 3)],
        "nodeSelector": {"disk": "ssd"},
    }
    notes = dict.fromkeys(some("example.com/note"), "x")
    meta = {"name": "a", "labels": {"app": "a", "team": "t"}, "annotations": notes, "finalizers": some("acme.io/f")}
    body = {"metadata": {"labels": {"app": "a"}}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {"replicas": dice.randrange(2, 9), "minReadySeconds": 1, "paused": False, "template": body},
    }


def at(body: Any, path: str) -> Any:
    for segment in parse(path):
        if isinstance(segment, (str, int)):
            body = body[segment]
        else:
            body = next(item for item in body if all(item[key] == value for key, value in segment.keys))
    return body


Mutate = Callable[[Json, random.Random], list[Told]]


def changed(holder: str, key: str, value: Any) -> Mutate:
    def mutate(live: Json, dice: random.Random) -> list[Told]:
        inner = at(live, holder)
        before, inner[key] = inner[key], value
        return [(str(parse(holder) / key), before, value)]

    return mutate


def removed(holder: str, key: str) -> Mutate:
    return lambda live, dice: [(str(parse(holder) / key), at(live, holder).pop(key), MISSING)]


def added(holder: str, key: str, value: Any) -> Mutate:
    def mutate(live: Json, dice: random.Random) -> list[Told]:
        at(live, holder)[key] = value
        return [(str(parse(holder) / key), MISSING, value)]

    return mutate


def moved(items: list[Any], dice: random.Random) -> None:
    """Another order, surely: every item but itself."""
    cut = dice.randrange(1, len(items))
    items[:] = items[cut:] + items[:cut]


def reordered(path: str) -> Mutate:
    """Of a list whose order means nothing."""

    def mutate(live: Json, dice: random.Random) -> list[Told]:
        moved(at(live, path), dice)
        return []

    return mutate


def reordered_in_turn(path: str) -> Mutate:
    def mutate(live: Json, dice: random.Random) -> list[Told]:
        before = list(at(live, path))
        moved(at(live, path), dice)
        return [(path, before, at(live, path))]

    return mutate


def first_last(path: str) -> Mutate:
    """A plain list whose first item goes to its end: one taken there, one put in here, the others stay."""

    def mutate(live: Json, dice: random.Random) -> list[Told]:
        items = at(live, path)
        items.append(first := items.pop(0))
        return [(f"{path}[0]", first, MISSING), (f"{path}[{len(items) - 1}]", MISSING, first)]

    return mutate


def item_in(path: str, value: Any, named: str = "") -> Mutate:
    def mutate(live: Json, dice: random.Random) -> list[Told]:
        items = at(live, path)
        items.insert(place := dice.randint(0, len(items)), copy.deepcopy(value))
        return [(f"{path}{named or f'[{place}]'}", MISSING, value)]

    return mutate


def item_out(path: str, named: Callable[[Any], str] | None = None) -> Mutate:
    def mutate(live: Json, dice: random.Random) -> list[Told]:
        items = at(live, path)
        one = items.pop(place := dice.randrange(len(items)))
        return [(f"{path}{named(one) if named else f'[{place}]'}", one, MISSING)]

    return mutate


def container_out(live: Json, dice: random.Random) -> list[Told]:
    items = at(live, f"{POD}.containers")
    items.remove(one := at(live, f"{POD}.containers[name=gone]"))
    return [(f"{POD}.containers[name=gone]", one, MISSING)]


def alias_changed(live: Json, dice: random.Random) -> list[Told]:
    one = dice.choice(at(live, f"{POD}.hostAliases"))
    one["hostnames"] = ["b"]
    return [(f"{POD}.hostAliases[ip={one['ip']}].hostnames[0]", "a", "b")]


def port_tcp(live: Json, dice: random.Random) -> list[Told]:
    one = at(live, f"{API}.ports[0]")
    one["protocol"] = "TCP"
    return [(f"{API}.ports[containerPort={one['containerPort']}].protocol", MISSING, "TCP")]


def by(key: str) -> Callable[[Any], str]:
    return lambda item: f"[{key}={item[key]}]"


# (the place, the mutation): of each place at most one mutation is taken, so that they are disjoint.
MUTATIONS: dict[str, tuple[str, Mutate]] = {
    "a number changed": ("replicas", changed("spec", "replicas", 11)),
    "a number became true": ("replicas", changed("spec", "replicas", True)),
    "a field removed": ("ready", removed("spec", "minReadySeconds")),
    "false became nothing": ("paused", removed("spec", "paused")),
    "false became null": ("paused", changed("spec", "paused", None)),
    "a field added": ("history", added("spec", "revisionHistoryLimit", 3)),
    "a struct added": ("strategy", added("spec", "strategy", {"type": "Recreate"})),
    "an empty struct added": ("context", added(POD, "securityContext", {})),
    "an image changed": ("image", changed(API, "image", "other")),
    "a struct removed": ("requests", removed(API, "resources")),
    "a deep field changed": ("security", changed(f"{API}.securityContext", "runAsUser", 99)),
    "a value rewritten": ("requests", changed(f"{API}.resources.requests", "cpu", "0.5")),
    "a label changed": ("label", changed("metadata.labels", "team", "u")),
    "a label removed": ("label", removed("metadata.labels", "team")),
    "an annotation added": ("note", added("metadata.annotations", "a.b/c", "")),
    "a key of a selector": ("selector", changed(f"{POD}.nodeSelector", "disk", "hdd")),
    "containers reordered": ("order", reordered(f"{POD}.containers")),
    "volumes reordered": ("volumes", reordered(f"{POD}.volumes")),
    "a volume added": ("volumes", item_in(f"{POD}.volumes", {"name": "token"}, "[name=token]")),
    "a volume removed": ("volumes", item_out(f"{POD}.volumes", by("name"))),
    "init containers reordered": ("init", reordered_in_turn(f"{POD}.initContainers")),
    "an init container added": ("init", item_in(f"{POD}.initContainers", {"name": "mesh"}, "[name=mesh]")),
    "variables reordered": ("env", reordered_in_turn(f"{API}.env")),
    "a variable removed": ("env", item_out(f"{API}.env", by("name"))),
    "a variable added": ("env", item_in(f"{API}.env", {"name": "NEW"}, "[name=NEW]")),
    "a mount removed": ("mounts", item_out(f"{API}.volumeMounts", lambda item: f"[mountPath={item['mountPath']}]")),
    "mounts reordered": ("mounts", reordered(f"{API}.volumeMounts")),
    "ports reordered": ("ports", reordered(f"{API}.ports")),
    "a port without protocol": ("ports", item_in(f"{API}.ports", {"containerPort": 9002}, "[containerPort=9002]")),
    "a port became TCP": ("ports", port_tcp),
    "a container removed": ("gone", container_out),
    "a container added": ("mesh", item_in(f"{POD}.containers", {"name": "mesh"}, "[name=mesh]")),
    "an argument put in": ("args", item_in(f"{API}.args", "--new")),
    "an argument taken": ("args", item_out(f"{API}.args")),
    "a command in another order": ("command", first_last(f"{API}.command")),
    "a toleration put in": ("tolerations", item_in(f"{POD}.tolerations", {"key": "new"})),
    "a toleration taken": ("tolerations", item_out(f"{POD}.tolerations")),
    "a toleration changed": ("tolerations", changed(f"{POD}.tolerations[1]", "effect", "NoExecute")),
    "a capability put in": ("capabilities", item_in(f"{API}.securityContext.capabilities.drop", "ALL")),
    "an alias changed": ("aliases", alias_changed),
    "aliases reordered": ("aliases", reordered(f"{POD}.hostAliases")),
    "finalizers reordered": ("finalizers", reordered("metadata.finalizers")),
    "a finalizer added": ("finalizers", item_in("metadata.finalizers", "x.io/new", '[""=x.io/new]')),
    "a finalizer removed": ("finalizers", item_out("metadata.finalizers", lambda item: f'[""={item}]')),
    "status": ("status", added("", "status", {"replicas": 1})),
}


def mutated(seed: int, names: list[str]) -> tuple[Json, Json, list[Told]]:
    dice = random.Random(seed)
    planned = made(dice)
    live = copy.deepcopy(planned)
    return planned, live, [told for name in names for told in MUTATIONS[name][1](live, dice)]


def told(found: list[Raw]) -> list[str]:
    return sorted(f"{one.path}: {one.planned!r} -> {one.target!r}" for one in found)


def wanted(predicted: list[Told]) -> list[str]:
    return sorted(f"{path}: {planned!r} -> {target!r}" for path, planned, target in predicted)


def check(seed: int, names: list[str]) -> None:
    planned, live, predicted = mutated(seed, names)
    assert told(list(differences(KIND, planned, live))) == wanted(predicted), (seed, names)


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_mutation_alone(name: str) -> None:
    for seed in range(3):
        check(seed, [name])


def chosen(seed: int) -> list[str]:
    """Up to five mutations of different places, none at every sixth seed."""
    dice = random.Random(-seed - 1)
    by_place: dict[str, list[str]] = {}
    for name, (place, _) in MUTATIONS.items():
        by_place.setdefault(place, []).append(name)
    return [dice.choice(by_place[place]) for place in dice.sample(sorted(by_place), seed % 6)]


def test_disjoint_mutations_give_what_they_give_alone() -> None:
    counts = [0] * 6
    for seed in range(SEEDS):
        names = chosen(seed)
        counts[len(names)] += 1
        check(seed, names)
    assert min(counts) > 0


def test_a_rewritten_value_is_none_where_it_means_the_same() -> None:
    def same(path: Path, one: Any, other: Any) -> bool:
        return strict(path, one, other) or (path[-1] == "cpu" and {one, other} == {"500m", "0.5"})

    planned, live, predicted = mutated(1, ["a value rewritten"])
    assert predicted == [(f"{API}.resources.requests.cpu", "500m", "0.5")]
    assert list(differences(KIND, planned, live, same=same)) == []
