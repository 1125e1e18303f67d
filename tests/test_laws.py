"""The laws of docs/architecture.md on the bundled example and, where it is there, on a whole cluster; both flavours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import orjson
import pytest

from migrate.cleaner import clean
from migrate.flow.plan import tables
from migrate.manifest.places import strings
from migrate.manifest.settle import replay
from migrate.model.decided import Decided
from migrate.model.effects import Severity
from migrate.model.objects import Object, Snapshot
from migrate.model.plan import Fate, Plan, Standing
from migrate.planner import plan
from migrate.reading import read

FLAVOURS = ("standard", "auto")
SOURCES = ("example", "cluster", "manifests")
# An oracle of its own: what only Google can mean. Deliberately not taken from mappings/.
GOOGLE = re.compile(
    r"gke\.io/|cloud\.google\.com/|gcr\.io/|\.pkg\.dev/|gserviceaccount\.com|metadata\.google\.internal|^gs://"
    r"|pd\.csi\.storage\.gke\.io",
)


def _place(which: str, request: pytest.FixtureRequest) -> Path:
    if which == "example":
        return Path(request.getfixturevalue("repo")) / "examples" / "gke-cluster.json"
    shared = Path(request.getfixturevalue("shared")) / "corpus"
    return shared / ("gke-cluster.json.gz" if which == "cluster" else "manifests")


@cache
def _snapshot(place: Path) -> Snapshot:
    return read([str(place)], stdin=lambda: b"", needles=(), hash_key=b"test").snapshot


@cache
def _plan(place: Path, flavour: str) -> Plan:
    return plan(_snapshot(place), tables(), Decided(flavour=flavour))


@pytest.fixture(params=SOURCES)
def place(request: pytest.FixtureRequest) -> Path:
    return _place(request.param, request)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_law_1_nothing_is_lost(place: Path, flavour: str) -> None:
    made, snapshot = _plan(place, flavour), _snapshot(place)
    read_refs = Counter(step.ref for step in made.steps if step.fate is not Fate.CREATE)
    assert read_refs == Counter(obj.ref for obj in snapshot.objects)
    c = made.counts
    assert c["objects"] == c["migrate"] + c["fold"] + c["skip"] + c["manual"] == len(snapshot.objects)
    standings = ("ready", "look", "wait", "by_hand", "blocked", "folded", "left_behind")
    assert sum(c[name] for name in standings) == c["yours"]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_law_2_nothing_foreign_stays_silent(place: Path, flavour: str) -> None:
    made = _plan(place, flavour)
    named = {(f.ref, str(f.path)) for f in made.findings}
    silent = []
    for step in made.steps:
        for path, said, is_key in strings(step.body or {}):
            if GOOGLE.search(f"{said}/" if is_key else said) and (step.ref, str(path)) not in named:
                silent.append(f"{step.ref} {path}: {said[:80]}")
    assert silent == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_law_3_the_changes_are_the_difference(place: Path, flavour: str) -> None:
    made, t = _plan(place, flavour), tables()
    by_ref = {obj.ref: obj for obj in _snapshot(place).objects}
    for step in made.steps:
        assert all(change.rule and change.because for change in step.changes)
        if step.fate is Fate.MIGRATE:
            source = {k: v for k, v in clean(by_ref[step.ref], t.cleaning)[0].items() if k != "gke2eksFacts"}
            assert orjson.dumps(replay(source, step.changes)) == orjson.dumps(step.body)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_law_5_planning_changes_no_input_and_repeats(place: Path, flavour: str) -> None:
    snapshot = _snapshot(place)
    before = orjson.dumps([obj.body for obj in snapshot.objects])
    again = plan(snapshot, tables(), Decided(flavour=flavour))
    assert again == _plan(place, flavour)
    assert orjson.dumps([obj.body for obj in snapshot.objects]) == before


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_law_9_a_finding_tells_what_next(place: Path, flavour: str) -> None:
    for finding in _plan(place, flavour).findings:
        assert finding.rule and finding.message.endswith(".") and finding.fix.endswith(".")


def test_law_5_same_bytes_under_any_hash_seed(repo: Path, tmp_path: Path) -> None:
    printed = []
    key = tmp_path / "key"
    key.write_bytes(b"0" * 32)
    for seed in ("1", "2"):
        out = tmp_path / seed
        command = [sys.executable, "-m", "migrate.cli", "plan", "--from", str(repo / "examples/gke-cluster.json")]
        command += ["-w", str(out), "-o", "json", "--fail-on", "never", "--hash-key-file", str(key)]
        done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed}, check=False)
        assert done.returncode == 0, done.stderr.decode()
        printed.append((done.stdout, {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}))
    assert printed[0] == printed[1]


def test_a_whole_cluster_is_accounted_for(shared: Path) -> None:
    made = _plan(shared / "corpus" / "gke-cluster.json.gz", "standard")
    assert made.counts["objects"] == 2639 and not made.left_out
    assert made.counts["wait"] > 0 and any(step.standing is Standing.NEW for step in made.steps)


def test_innocent_google_words_yield_nothing_above_info() -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "namespace": "shop"},
        "data": {
            "index.html": "<link href='https://fonts.googleapis.com/css?family=Inter'>",
            "text": "we love gce, and gcr is a name",
            "login": "https://accounts.google.com/o/oauth2/v2/auth",
            "analytics": "https://www.google-analytics.com/g/collect",
        },
    }
    data = orjson.dumps(body)
    snapshot = read(["-"], stdin=lambda: data, needles=(), hash_key=b"k").snapshot
    made = plan(snapshot, tables(), Decided())
    assert [f for f in made.findings if f.severity is not Severity.INFO] == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_neutral_and_innocent_objects_stay_as_they_are(repo: Path, flavour: str) -> None:
    made = _plan(repo / "tests" / "data" / "innocent.yaml", flavour)
    assert made.counts["yours"] == 18 and made.counts["ready"] == 18 and not made.left_out
    assert [f"{f.rule} {f.ref} {f.path}: {f.message}" for f in made.findings if f.severity is not Severity.INFO] == []
    assert [f"{step.ref} {change.path}" for step in made.steps for change in step.changes] == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_law_5_planning_the_plan_again_changes_nothing(place: Path, flavour: str) -> None:
    first = _plan(place, flavour)
    bodies = [Object(step.ref, step.body) for step in first.steps if step.body is not None]
    again = plan(Snapshot(tuple(bodies), documents=len(bodies)), tables(), Decided(flavour=flavour))
    assert [(str(s.ref), [str(c.path) for c in s.changes]) for s in again.steps if s.changes] == []
    assert again.counts["created"] == 0 and again.counts["cleaned"] == 0
