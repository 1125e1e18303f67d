"""Dependencies on Google Cloud: a labelled corpus, and how much of it the rules find or make up."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_coverage import BEGIN, END, _table, judged, planned, seen, wanted

from migrate.catalog import Needle, Row, needles, rule_tables
from migrate.errors import BadMapping
from migrate.flow.plan import tables
from migrate.model.decided import Decided
from migrate.model.objects import Object
from migrate.model.plan import Finding, Plan
from migrate.model.ref import Ref
from migrate.planner import Neighbours, plan
from migrate.reading import read
from migrate.rules import all_rules
from migrate.rules.sweep import Sweep
from migrate.semantics.dependencies import TABLE, table

HERE = Path(__file__).parent
ROWS = rule_tables()[TABLE]
RULES = {row.fields["rule"] for row in ROWS}
FILES = ("first", "second", "held-out")
# Earlier words first: "what" of one row may begin that of another.
SAID = sorted(((row.fields["what"], row.fields["service"]) for row in ROWS), key=lambda pair: -len(pair[0]))
Spot = tuple[str, str, int, str]


@dataclass
class Figures:
    """What was labelled and found, and where the two differ."""

    right: int = 0
    missed: list[str] = field(default_factory=list)
    made_up: list[str] = field(default_factory=list)
    innocent: int = 0
    loud: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + len(self.missed))

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + len(self.made_up))

    def line(self, name: str) -> str:
        return (
            f"dependencies, {name}: {self.right + len(self.missed)} places, recall {self.recall:.3f}, precision "
            f"{self.precision:.3f}; {self.innocent} innocent places, {len(self.loud)} of them named"
        )


@cache
def corpus(name: str) -> list[dict[str, Any]]:
    return list(yaml.load((HERE / f"data/dependencies/{name}.yaml").read_text("utf-8"), yaml.CSafeLoader) or ())


def made(objects: list[Any], flavour: str = "standard") -> Plan:
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
    snapshot = read(["-"], stdin=lambda: body, needles=(), hash_key=b"k").snapshot
    return plan(snapshot, tables(), Decided(flavour=flavour))


def spots(finding: Finding) -> Iterator[Spot]:
    """(Kind/name, path, line, service) of a finding, read from its words as a person would."""
    assert finding.ref is not None
    head = re.match(r"(?:Lines? (?P<lines>[0-9, and]+) of .*? names?|This names) (?P<rest>.*)", finding.message, re.S)
    assert head, finding.message
    service = next(service for what, service in SAID if head["rest"].startswith(f"{what}: "))
    for line in re.findall(r"[0-9]+", head["lines"] or "1"):
        yield finding.ref.short, str(finding.path), int(line), service


def measure(names: tuple[str, ...]) -> Figures:
    total = Figures()
    for entry in (entry for name in names for entry in corpus(name)):
        found = {spot for f in made(entry["objects"]).findings if f.rule in RULES for spot in spots(f)}
        wanted_here = [(n["in"], n["at"], n.get("line", 1), n["service"]) for n in entry.get("needs", ())]
        for obj, at, line, service in wanted_here:
            hits = {spot for spot in found if spot[0] == obj and spot[1].endswith(at) and spot[2:] == (line, service)}
            if hits:
                total.right += 1
                found -= hits
            else:
                total.missed.append(f"{entry['why']}: {obj} {at}:{line} {service}")
        total.made_up += [f"{entry['why']}: {spot}" for spot in sorted(found)]
        for text in entry.get("innocent", ()):
            obj, _, at = text.partition(" ")
            path, colon, line = at.rpartition(":")
            path, number = (path, int(line)) if colon and line.isdigit() else (at, 1)
            total.innocent += 1
            total.loud += [text for s in found if s[0] == obj and s[1].endswith(path) and s[2] == number]
    return total


@pytest.mark.parametrize("names", [FILES, ("held-out",)], ids=["whole", "held-out"])
def test_recall_and_precision(names: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    figures = measure(names)
    said = figures.line("whole corpus" if names == FILES else "held-out part")
    with capsys.disabled():
        print(f"\n{said}")
    detail = "\n".join([said, "missed:", *figures.missed, "made up:", *figures.made_up])
    assert figures.recall >= 0.95 and figures.precision >= 0.9, detail
    assert figures.loud == [], detail


def test_the_corpus_is_large_and_its_labels_lead_somewhere() -> None:
    entries = [entry for name in FILES for entry in corpus(name)]
    needs = [need for entry in entries for need in entry.get("needs", ())]
    assert len(needs) >= 100 and sum(len(entry.get("innocent", ())) for entry in entries) >= 80
    services = {row.fields["service"] for row in ROWS}
    assert {need["service"] for need in needs} == services


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fields["service"])
def test_a_row_is_whole(row: Any) -> None:
    fields = row.fields
    assert set(fields["patterns"]) <= {"image", "name", "key", "pair", "command", "text"}
    assert fields["docs"].startswith("https://") and fields["fix"].endswith(".") and not fields["say"].endswith(".")
    assert fields["severity"] in ("info", "review") and table([row]).services[0].name == fields["service"]


ENTRIES = yaml.load((HERE / "coverage/dependencies.yaml").read_text("utf-8"), yaml.CSafeLoader)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_the_identifier_has_its_verdict(entry: dict[str, Any], tmp_path: Path) -> None:
    for flavour in entry.get("flavours", ["standard", "auto"]):
        done = planned(entry["objects"], {}, flavour, tmp_path)
        got = seen(done, judged(done, entry["objects"][0]), entry["rule"])
        for name, values in wanted(entry).items():
            assert values <= got[name], f"{name}: {sorted(values - got[name])} not among {sorted(got[name])}"


CLOUD_SQL = corpus("first")[0]


def test_the_parts_of_one_dependency_name_each_other() -> None:
    said = {str(f.path): f.message for f in made(CLOUD_SQL["objects"]).findings if f.rule == "DEP001"}
    assert len(said) == 5 and all("one of 5 places" in message for message in said.values())
    assert "Deployment/shop/orders containers[name=sql-proxy].image" in said["data.SPRING_DATASOURCE_URL"]
    host = next(message for path, message in said.items() if "DB_HOST" in path)
    assert "ConfigMap/shop/orders-config data.SPRING_DATASOURCE_URL" in host and "where its proxy listens" in host


def test_a_local_host_without_a_proxy_is_nobodys() -> None:
    alone = [body for body in CLOUD_SQL["objects"] if body["kind"] == "ConfigMap"]
    assert [f for f in made(alone).findings if f.rule in RULES] == []


def test_a_key_that_is_a_number_stops_no_sweep() -> None:
    sweep = Sweep([Needle("gke.io", re.compile("gke[.]io"), "a name of GKE")])
    assert [str(flag.path) for flag in sweep.findings({7: "x.gke.io/a", "b": {1.5: ""}})]


def test_a_word_that_may_be_anything_is_swept_under_its_key_only() -> None:
    sweep = Sweep(needles())
    ingress = {"annotations": {"kubernetes.io/ingress.class": "gce"}, "ingressClassName": "gce-internal"}
    assert len(list(sweep.findings(ingress))) == 2
    assert list(sweep.findings({"labels": {"gce": "no", "cloud": "gce"}, "args": ["gce"]})) == []


def test_logins_are_not_repeated() -> None:
    said = {
        "a": "redis://:hunter2@10.0.0.3:6379",
        "b": "gs://b/x?X-Goog-Signature=hunter2",
        "c": "pg://u:hunter2@10.1.1.1",
    }
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}, "data": said}
    found = [f for f in made([body]).findings if f.rule in RULES]
    assert len(found) == 3 and not [f for f in found if "hunter2" in f.message + f.fix]


ODD: tuple[Any, ...] = (
    None,
    7,
    "gs://x",
    [],
    [7, None, ["gs://x"]],
    {},
    {"a": None},
    {7: "gs://x"},
    [{"name": 7, "value": 7}],
)


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_odd_objects_are_passed_by(odd: Any) -> None:
    meta = {"name": "a", "namespace": "b"}
    pod = {"containers": [{"name": "x", "image": odd, "env": odd, "args": odd, "command": odd}, odd], "dnsConfig": odd}
    bodies = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**meta, "annotations": odd}, "data": odd},
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod},
        {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": odd},
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": odd},
        {"apiVersion": "acme.example/v1", "kind": "Widget", "metadata": meta, "spec": odd},
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": {"metrics": odd}},
        {
            "apiVersion": "keda.sh/v1",
            "kind": "ScaledObject",
            "metadata": meta,
            "spec": {"triggers": odd, "podIdentity": odd},
        },
        {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "a"}, "spec": odd},
        {"apiVersion": "cloudsql.cloud.google.com/v1", "kind": "AuthProxyWorkload", "metadata": meta, "spec": odd},
    ]
    objects = tuple(Object(Ref(body["apiVersion"].rpartition("/")[0], body["kind"], "b", "a"), body) for body in bodies)
    known = Neighbours(objects, {}, Decided(), rule_tables())
    for rule in all_rules():
        for obj in objects if rule.id.startswith("DEP") else ():
            list(rule.effects(obj, known))


def test_a_pattern_that_is_none_is_refused_with_its_line() -> None:
    row = Row({**ROWS[0].fields, "patterns": {"text": ["("]}}, "mine/dependencies.yaml:3")
    with pytest.raises(BadMapping, match=r"mine/dependencies.yaml:3: a pattern cannot be used"):
        table([row])


def test_the_page_shows_the_table_and_the_figures(repo: Path) -> None:
    page = repo / "docs/dependencies.md"
    text = page.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    figures = "\n".join([FIGURES, "```", measure(FILES).line("whole"), measure(("held-out",)).line("held-out"), "```"])
    start, _, more = head.partition(FIGURES)
    head = f"{start}{figures}{more.partition('```')[2].partition('```')[2]}"
    now = f"{head}{BEGIN}\n{_table('dependencies')}\n{END}{rest.partition(END)[2]}"
    if os.environ.get("GKE2EKS_WRITE_DOCS"):
        page.write_text(now, "utf-8")
    assert text == now or os.environ.get("GKE2EKS_WRITE_DOCS"), "run GKE2EKS_WRITE_DOCS=1 make test"


FIGURES = "<!-- figures from tests/test_dependencies.py -->"
