"""The laws of docs/architecture.md on objects that nobody would write: odd names, missing maps, planted Google keys."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrate.cleaner import clean
from migrate.flow.plan import tables as load_tables
from migrate.manifest.places import strings
from migrate.manifest.settle import replay
from migrate.model.decided import Decided
from migrate.model.objects import Object, Snapshot
from migrate.model.plan import Fate, Plan
from migrate.model.ref import Ref, group_of
from migrate.planner import Tables, plan

FLAVOURS = ("standard", "auto")
# An oracle of its own, as in test_laws.py: everything that the strategies plant, and nothing from mappings/.
GOOGLE = re.compile(
    r"gke\.io(/|$)|cloud\.google\.com/|gcr\.io/|\.pkg\.dev/|gserviceaccount\.com|metadata\.google\.internal|^gs://"
    r"|kubernetes\.io/gce-pd$",
)
GENERATED = settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# hypothesis prints a strategy whole when it filters; this one is a megabyte of text.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

NAMES = st.one_of(
    st.sampled_from(["a", "web-0", "gp3", "standard", "standard-rwo", "premium-rwo", "own", "x.y.z", "0", "true", "é"]),
    st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,8}[a-z0-9])?", fullmatch=True).filter(lambda name: ".." not in name),
)
SPACES = st.sampled_from(["default", "shop", "kube-system", "a-b", "0"])
KINDS = (
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("v1", "PersistentVolumeClaim"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "Deployment"),
    ("v1", "ConfigMap"),
    ("acme.example/v1", "Widget"),
    ("acme.example/v1beta1", "Service"),
)
INNOCENT_KEYS = ("app", "example.com/team", "a.b/c", 'odd "key"', "note", "prometheus.io/scrape", "gke", "x[0]", "")
GOOGLE_KEYS = (
    "iam.gke.io/gcp-service-account",
    "cloud.google.com/neg",
    "cloud.google.com/neg-status",
    "cloud.google.com/backend-config",
    "cloud.google.com/load-balancer-type",
    "networking.gke.io/load-balancer-type",
    "networking.gke.io/internal-load-balancer-allow-global-access",
    "controller.autoneg.dev/neg",
)
CLEANED_KEYS = ("kubectl.kubernetes.io/last-applied-configuration", "pv.kubernetes.io/bind-completed")
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
PLANTED_KEYS = st.integers(0, 99).map(lambda n: f"x.gke.io/planted-{n}")
GOOGLE_VALUES = ("api@acme.iam.gserviceaccount.com", "gs://bucket/x", "gcr.io/acme/api:1", "eu-docker.pkg.dev/a/b/c:1")
INNOCENT_VALUES = ("", "true", "x", "0", "über", "a\nb", '{"exposed_ports": {}}')
GOOGLE_PROVISIONERS = ("pd.csi.storage.gke.io", "kubernetes.io/gce-pd", "filestore.csi.storage.gke.io")
OTHER_PROVISIONERS = ("ebs.csi.aws.com", "example.com/nfs", "")
# What a schema forbids and a file may say all the same.
MALFORMED = st.sampled_from([None, 0, 1.5, True, "text", [], ["a", None], {}, {"a": None}])


@cache
def _tables() -> Tables:
    return load_tables()


def _optional(fields: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict(fields))


def _objects(*, google: bool, malformed: bool) -> st.SearchStrategy[dict[str, Any]]:
    """One object's body. Without `google` there is nothing for a rule to do; without `malformed` it is well-formed."""

    def nasty(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(good, good, good, good, MALFORMED) if malformed else good

    keys = st.sampled_from(INNOCENT_KEYS)
    values = st.sampled_from(INNOCENT_VALUES)
    if google:
        keys = st.one_of(keys, st.sampled_from((*GOOGLE_KEYS, *CLEANED_KEYS, DEFAULT_CLASS)), PLANTED_KEYS)
        values = st.one_of(values, st.sampled_from(GOOGLE_VALUES))
    notes = nasty(st.dictionaries(keys, nasty(values), max_size=4))
    provisioners = st.sampled_from(GOOGLE_PROVISIONERS + OTHER_PROVISIONERS if google else OTHER_PROVISIONERS)
    # A class that is absent or of GKE's own gives a rule something to do only beside the class of that meaning.
    classes = nasty(st.one_of(st.just(""), NAMES)) if google else st.one_of(st.just(""), NAMES)
    claim = nasty(_optional({"storageClassName": classes, "accessModes": st.just(["ReadWriteOnce"])}))
    container = nasty(
        _optional({"name": st.sampled_from(["c", "d"]), "image": nasty(values), "env": nasty(st.just([]))})
    )
    template = nasty(
        _optional(
            {
                "metadata": nasty(_optional({"annotations": notes, "labels": notes})),
                "spec": nasty(_optional({"containers": nasty(st.lists(container, max_size=2)), "nodeSelector": notes})),
            }
        )
    )
    claims = nasty(
        st.lists(nasty(_optional({"metadata": nasty(_optional({"name": values})), "spec": claim})), max_size=2)
    )
    parameters = nasty(
        st.dictionaries(
            st.sampled_from(["type", "fstype", "replication-type", "encrypted", "iops", "labels", "x.y/z"]),
            nasty(
                st.sampled_from(["pd-ssd", "pd-balanced", "pd-standard", "none", "regional-pd", "ext4", "true", "gp3"])
            ),
            max_size=3,
        )
    )
    port = nasty(_optional({"port": st.sampled_from([80, 443, "80"]), "protocol": values, "name": values}))
    types = st.sampled_from(["LoadBalancer", "ClusterIP", "ExternalName"])
    service = _optional({"type": types, "ports": nasty(st.lists(port, max_size=2)), "selector": notes})
    workload = {"template": template, "replicas": nasty(st.just(1))}
    tops: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "Service": {"spec": nasty(service)},
        "ServiceAccount": {"secrets": nasty(st.just([{"name": "a"}])), "automountServiceAccountToken": st.booleans()},
        "PersistentVolumeClaim": {"spec": claim},
        "StorageClass": {
            "provisioner": nasty(provisioners),
            "parameters": parameters,
            "reclaimPolicy": values,
        },
        "StatefulSet": {"spec": nasty(_optional({**workload, "volumeClaimTemplates": claims}))},
        "Deployment": {"spec": nasty(_optional(workload))},
        "ConfigMap": {"data": notes},
        "Widget": {"spec": nasty(notes), "status": notes} if google else {"spec": nasty(notes)},
    }

    def build(version: str, kind: str) -> st.SearchStrategy[dict[str, Any]]:
        # Keys that a rule knows on this kind come often, or most examples would only reach the sweep.
        known = {"Service": GOOGLE_KEYS[1:3], "ServiceAccount": GOOGLE_KEYS[:1], "StorageClass": (DEFAULT_CLASS,)}
        own = notes
        if google and kind in known:
            own = st.one_of(
                st.dictionaries(st.sampled_from(known[kind]), st.sampled_from(("true", *GOOGLE_VALUES)), min_size=1),
                notes,
            )
        always = {"provisioner": st.sampled_from(GOOGLE_PROVISIONERS)} if google and kind == "StorageClass" else {}
        scoped = {} if kind == "StorageClass" else {"namespace": SPACES}
        metadata = st.fixed_dictionaries(
            {"name": NAMES, **scoped},
            optional={"annotations": own, "labels": notes, "finalizers": nasty(st.just([]))},
        )
        fixed = {"apiVersion": st.just(version), "kind": st.just(kind), "metadata": metadata}
        found = st.fixed_dictionaries(fixed, optional=tops[kind])
        if not always:
            return found
        rest = {key: value for key, value in tops[kind].items() if key not in always}
        return st.one_of(st.fixed_dictionaries({**fixed, **always}, optional=rest), found)

    return st.one_of([build(version, kind) for version, kind in KINDS])


def _ref(body: Mapping[str, Any]) -> Ref:
    metadata = body["metadata"]
    return Ref(group_of(body["apiVersion"]), body["kind"], metadata.get("namespace", ""), metadata["name"])


def _snapshot(bodies: Iterable[Mapping[str, Any]]) -> Snapshot:
    objects = tuple(sorted((Object(_ref(body), body) for body in bodies), key=lambda obj: obj.ref))
    return Snapshot(objects, documents=len(objects))


@cache
def _lists(google: bool, malformed: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(_objects(google=google, malformed=malformed), min_size=1, max_size=6, unique_by=_ref)


@st.composite
def _snapshots(draw: st.DrawFn, google: bool, malformed: bool = True) -> Snapshot:
    """A cluster of one to six objects."""
    return _snapshot(draw(_lists(google, malformed)))


ANY = _snapshots(google=True)
INNOCENT = st.one_of(_snapshots(google=False), _snapshots(google=False, malformed=False))


def _plan(snapshot: Snapshot, flavour: str) -> Plan:
    return plan(snapshot, _tables(), Decided(flavour=flavour))


def _dump(snapshot: Snapshot) -> bytes:
    return orjson.dumps([obj.body for obj in snapshot.objects])


def _law(snapshots: st.SearchStrategy[Snapshot]) -> Callable[[Callable[[str, Snapshot], None]], Callable[..., None]]:
    """Hold a law to generated snapshots, each in both flavours: making them costs more than planning them."""

    def wrap(law: Callable[[str, Snapshot], None]) -> Callable[..., None]:
        def test(snapshot: Snapshot) -> None:
            for flavour in FLAVOURS:
                law(flavour, snapshot)

        test.__name__, test.__qualname__ = law.__name__, law.__qualname__
        found: Callable[..., None] = GENERATED(given(snapshot=snapshots)(test))
        return found

    return wrap


@_law(ANY)
def test_law_1_every_object_has_exactly_one_fate(flavour: str, snapshot: Snapshot) -> None:
    made = _plan(snapshot, flavour)
    read = Counter(step.ref for step in made.steps if step.fate is not Fate.CREATE)
    assert read == Counter(obj.ref for obj in snapshot.objects)
    c = made.counts
    assert c["objects"] == c["migrate"] + c["fold"] + c["skip"] + c["manual"] == len(snapshot.objects)
    assert c["created"] == len(made.steps) - len(snapshot.objects)
    standings = ("ready", "look", "wait", "by_hand", "blocked", "folded", "left_behind")
    assert sum(c[name] for name in standings) == c["yours"]
    assert all((step.body is not None) == (step.fate in (Fate.MIGRATE, Fate.CREATE)) for step in made.steps)
    going = Counter(step.ref for step in made.steps if step.body is not None)
    assert Counter(ref for wave in made.waves for ref in wave) == going
    assert max(going.values(), default=1) == 1


@_law(ANY)
def test_law_2_what_is_google_in_a_planned_body_is_named(flavour: str, snapshot: Snapshot) -> None:
    made = _plan(snapshot, flavour)
    named = {(f.ref, str(f.path)) for f in made.findings}
    silent = [
        f"{step.ref} {path}: {said}"
        for step in made.steps
        for path, said, is_key in strings(step.body or {})
        if GOOGLE.search(f"{said}/" if is_key else said) and (step.ref, str(path)) not in named
    ]
    assert silent == []


@_law(ANY)
def test_law_3_the_changes_are_the_difference(flavour: str, snapshot: Snapshot) -> None:
    by_ref = {obj.ref: obj for obj in snapshot.objects}
    for step in _plan(snapshot, flavour).steps:
        assert all(change.rule and change.because for change in step.changes)
        if step.fate is Fate.MIGRATE:
            source = clean(by_ref[step.ref], _tables().cleaning)[0]
            assert orjson.dumps(replay(source, step.changes)) == orjson.dumps(step.body)


@_law(INNOCENT)
def test_law_4_what_is_not_google_stays_as_it_is(flavour: str, snapshot: Snapshot) -> None:
    by_ref = {obj.ref: obj for obj in snapshot.objects}
    for step in _plan(snapshot, flavour).steps:
        assert step.fate in (Fate.MIGRATE, Fate.SKIP)
        assert (step.changes, step.cleaned) == ((), ())
        if step.fate is Fate.MIGRATE:
            assert orjson.dumps(step.body) == orjson.dumps(by_ref[step.ref].body)


@_law(ANY)
def test_law_5_planning_changes_no_input_and_repeats(flavour: str, snapshot: Snapshot) -> None:
    before = _dump(snapshot)
    made = _plan(snapshot, flavour)
    assert _dump(snapshot) == before
    assert _plan(snapshot, flavour) == made


@_law(ANY)
def test_law_5_the_order_of_rules_and_objects_decides_nothing(flavour: str, snapshot: Snapshot) -> None:
    made, t, decided = _plan(snapshot, flavour), _tables(), Decided(flavour=flavour)
    shuffled = random.Random(7).sample(t.rules, len(t.rules))
    for rules in (t.rules[::-1], tuple(shuffled)):
        again = plan(snapshot, replace(t, rules=rules), decided)
        assert (again.digest, again.findings, again.counts) == (made.digest, made.findings, made.counts)
        assert [step.changes for step in again.steps] == [step.changes for step in made.steps]
    bodies = [obj.body for obj in snapshot.objects]
    assert _plan(_snapshot(random.Random(7).sample(bodies, len(bodies))), flavour) == made
    # The reader sorts; the planner must not depend on it.
    assert _plan(replace(snapshot, objects=snapshot.objects[::-1]), flavour).digest == made.digest


@_law(ANY)
def test_law_5_planning_the_plan_again_changes_nothing(flavour: str, snapshot: Snapshot) -> None:
    first = _plan(snapshot, flavour)
    bodies = tuple(Object(step.ref, step.body) for step in first.steps if step.body is not None)
    again = _plan(Snapshot(bodies, documents=len(bodies)), flavour)
    assert [(str(s.ref), [str(c.path) for c in s.changes]) for s in again.steps if s.changes] == []
    assert again.counts["created"] == 0 and again.counts["cleaned"] == 0
    assert [(s.ref, s.body) for s in again.steps if s.body is not None] == [(o.ref, o.body) for o in bodies]


@_law(ANY)
def test_law_9_a_finding_tells_what_next(flavour: str, snapshot: Snapshot) -> None:
    made = _plan(snapshot, flavour)
    refs = {step.ref for step in made.steps}
    for finding in made.findings:
        assert finding.rule and finding.message.endswith(".") and finding.fix.endswith(".")
        assert finding.ref is None or finding.ref in refs


@pytest.mark.parametrize("provisioner", [[], {}], ids=str)
def test_a_provisioner_that_is_no_text_is_planned(provisioner: Any) -> None:
    metadata = {"name": "a"}
    body = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata, "provisioner": provisioner}
    assert _plan(_snapshot([body]), "standard").counts["migrate"] == 1
