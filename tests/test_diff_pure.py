"""The table of mutations in the pure differ: bodies are read once, then changed in memory and compared, seed by seed.

GKE2EKS_SEEDS=10000 is the long run. Who owns what after a change is noted as a server notes it on a write by a client.
"""

from __future__ import annotations

import copy
import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from diff_mutations import MUTATIONS, Live, Told, chosen, mutated, objects
from diff_scenes import bad, look, said
from rig.http import Client
from since_help import Team

from migrate.differ.same import _NOTHING as NOTHING
from migrate.differ.same import _form as whole_form
from migrate.differ.same import same
from migrate.differ.whole import Modulo, compare
from migrate.flow import diff as flow
from migrate.flow import sides
from migrate.flow.hashed import Hashed
from migrate.flow.secret_values import from_nowhere
from migrate.model.comparison import BAD, Comparison
from migrate.model.objects import MISSING
from migrate.model.path import Path
from migrate.model.ref import Ref, group_of
from migrate.model.side import Side
from migrate.practice import Cluster, Server, owners
from migrate.practice.kinds import Kinds
from migrate.reading import Redactor
from migrate.reading.redact import FACTS
from migrate.workspace import hashkey

SEEDS = int(os.environ.get("GKE2EKS_SEEDS", "250"))
SPACE = "mutated"
NOW = "2026-01-02T00:00:00Z"


@dataclass
class Read:
    """What one look at both sides read. `live` are the bodies of the namespace as the server has them, by short name.

    `redacts` and `key` make of a body what a look makes of it.
    """

    by: Modulo
    source: Side
    target: Side
    live: Live
    redacts: Redactor
    key: bytes
    kinds: Kinds

    def compared(self, after: Live, *, order: random.Random | None = None) -> Comparison:
        """Compare with the target as it is after these changes; `order` shuffles all that has none."""
        there, hashes = dict(self.target.objects), dict(self.target.hashes)
        for short, before in self.live.items():
            if short not in after:
                del there[_ref(before)]
        for short, body in after.items():
            if self.live.get(short) == body:
                continue
            seen = self.redacts.redact(self._written(self.live.get(short), body))
            there[_ref(body)] = {key: value for key, value in seen.body.items() if key != FACTS}
            hashes[_ref(body)] = seen.keys
        source, target = self.source, replace(self.target, objects=there, hashes=hashes)
        goes = self.by.goes
        if order is not None:
            source, target = _shuffled(source, order), _shuffled(target, order)
            goes = replace(goes, steps=_mixed(goes.steps, order))
        secrets = Hashed(source.hashes, target, from_nowhere(), self.key)
        return compare(replace(self.by, goes=goes, secrets=secrets), source, target)

    def _written(self, before: Any, after: Any) -> Any:
        """A body with owners as after a write by kubectl."""
        kind = self.kinds.named(after["apiVersion"], after["kind"])
        assert kind is not None
        who = owners.Owner("kubectl-edit", "Update", kind.api_version, "")
        held = owners.decode(before) if before else {}
        found = owners.updated(before, after, held, who, kind.shape, lambda path: path[:1] != ("f:status",), NOW)
        return {**after, "metadata": {**after["metadata"], "managedFields": owners.encode(found)}}


def _ref(body: Mapping[str, Any]) -> Ref:
    return Ref(
        group_of(body["apiVersion"]), body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]
    )


def _mixed(found: Mapping[Any, Any], dice: random.Random) -> dict[Any, Any]:
    return dict(dice.sample(list(found.items()), len(found)))


def _shuffled(side: Side, dice: random.Random) -> Side:
    return replace(side, objects=_mixed(side.objects, dice), hashes=_mixed(side.hashes, dice))


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Planned, applied and released by the flow onto a practice cluster; then both sides are read, once."""
    clusters = Cluster(), Cluster()
    servers = [Server(one).start() for one in clusters]
    try:
        team = Team(Client(servers[0].url), tmp_path_factory.mktemp("pure"), SPACE, old=Client(servers[1].url))
        team.deploy(*objects(SPACE))
        team.export()
        assert {one.action.value for one in team.apply().results} <= {"created", "held"}
        assert team.release().counts["failed"] == 0
        given: list[tuple[Modulo, Side, Side]] = []

        def noted(by: Modulo, source: Side, target: Side) -> Comparison:
            given.append((by, source, target))
            return compare(by, source, target)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(flow, "compare", noted)
            assert bad(look(team)) == []
        live = {f"{body['kind']}/{body['metadata']['name']}": team.on_target(body) for body in objects(SPACE)[1:]}
        assert None not in live.values()
        key = hashkey.hash_key(team.key, team.ws)
        (by, source, target) = given[0]
        yield Read(by, source, target, live, sides.redactor(key), key, Kinds())  # type: ignore[arg-type]
    finally:
        for server in servers:
            server.stop()


def found_by(one: Comparison) -> list[Told]:
    return sorted(said(delta) for delta in one.deltas if delta.kind in BAD)


def test_each_seed_gives_what_the_table_says(read: Read) -> None:
    names: Counter[str] = Counter()
    many: Counter[int] = Counter()
    wrong = {}
    for seed in range(SEEDS):
        mutations = chosen(random.Random(seed))
        after, told = mutated(read.live, mutations)
        got = found_by(read.compared(after))
        if got != told:
            wrong[seed] = ([one.name for one in mutations], told, got)
        names.update(one.name for one in mutations)
        many[len(mutations)] += 1
    assert dict(itertools.islice(wrong.items(), 5)) == {}
    assert set(names) == {one.name for one in MUTATIONS}
    assert set(many) == {0, 1, 2, 3, 4, 5}


def test_any_order_of_objects_gives_the_same_comparison(read: Read) -> None:
    after, _ = mutated(read.live, chosen(random.Random(4)))
    straight = read.compared(after)
    assert len(straight.deltas) > 5
    for seed in range(5):
        assert read.compared(after, order=random.Random(seed)) == straight


def test_nothing_that_was_read_is_changed(read: Read) -> None:
    before = copy.deepcopy((read.source.objects, read.target.objects, read.by.goes.bodies))
    for seed in range(10):
        after, _ = mutated(read.live, chosen(random.Random(seed)))
        kept = copy.deepcopy(after)
        read.compared(after)
        assert after == kept
    assert (read.source.objects, read.target.objects, read.by.goes.bodies) == before


def test_no_secret_value_is_in_a_comparison(read: Read) -> None:
    changes = [one for one in MUTATIONS if one.name in ("secret byte flipped", "secret newline")]
    text = repr(read.compared(mutated(read.live, changes)[0]))
    assert "Secret" in text and not any(word in text for word in ("first walue", "first value", "Zmlyc3Qg", "c2Vjb25k"))


_KEYS = ["spec", "metadata", "labels", "annotations", "selector", "matchLabels", "data", "resources", "limits", "cpu"]
_KEYS += ["emptyDir", "status", "readOnly", "image", "parameters", "hostPort", "opaque", "template", "containers", "a"]
_KINDS = [("", "ConfigMap"), ("", "Service"), ("apps", "Deployment"), ("acme.example", "Shop")]
_KINDS += [("networking.k8s.io", "NetworkPolicy"), ("resource.k8s.io", "ResourceClaim")]
_SELECTS = {"matchLabels": {"app": ""}}


def _any_value(dice: random.Random, depth: int) -> Any:
    if depth and dice.random() < 0.5:
        return {dice.choice(_KEYS): _any_value(dice, depth - 1) for _ in range(dice.randint(0, 2))}
    return dice.choice(
        [None, "", 0, False, {}, [], [None], "x", 1, {"matchLabels": None, "matchExpressions": []}, _SELECTS]
    )


def test_the_short_way_to_nothing_is_the_long_one() -> None:
    """What is beside MISSING is not brought into its form: that must change no answer."""
    dice = random.Random(1)
    answers: Counter[tuple[bool, bool]] = Counter()
    for _ in range(4000):
        kind, keys = dice.choice(_KINDS), tuple(dice.choice(_KEYS) for _ in range(dice.randint(1, 3)))
        if dice.random() < 0.2:  # a selector for which {} is as good as none
            kind, keys = ("networking.k8s.io", "NetworkPolicy"), ("spec", "podSelector")
        value = _any_value(dice, 3)
        found = same(kind, Path(keys), MISSING, value)
        assert found == same(kind, Path(keys), value, MISSING) == (whole_form(kind, keys, value) == NOTHING)
        answers[found, isinstance(value, dict) and bool(value)] += 1
    assert len(answers) == 4 and min(answers.values()) > 50, answers


def test_a_changed_document_says_where_inside(read: Read) -> None:
    after = copy.deepcopy(read.live)
    after["ConfigMap/settings"]["data"]["json"] = '{"y": [1, 3], "x": 1}'
    (one,) = [delta for delta in read.compared(after).deltas if delta.kind in BAD]
    assert one.because == "written by kubectl-edit; inside: y[1]: 2 planned, 3 on the target"
