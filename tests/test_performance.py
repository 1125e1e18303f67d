"""Figures: sizes as Kubernetes writes them, limits of EBS, speed of disks; and the class that replaces GKE's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from migrate.catalog import rule_tables
from migrate.flow.plan import tables
from migrate.model.decided import Decided
from migrate.model.objects import Object, Snapshot
from migrate.planner import Neighbours, plan
from migrate.semantics import demand, performance, storageclass
from migrate.semantics.performance import Speed
from migrate.semantics.storageclass import Family

PD = "pd.csi.storage.gke.io"
GP3 = {"type": "gp3", "encrypted": "true"}


def _class(name: str, provisioner: Any = PD, parameters: Any = None, default: bool = False, **more: Any) -> Object:
    body = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": {storageclass.DEFAULT_KEY: "true"} if default else {}},
        "provisioner": provisioner,
        "parameters": {} if parameters is None else parameters,
        **more,
    }
    return Object(storageclass.class_ref(name), body)


def _known(*objects: Object, stays: tuple[Object, ...] = (), answers: Mapping[Any, Any] | None = None) -> Neighbours:
    decided = Decided(answers=dict(answers or {}))
    return Neighbours([*objects, *stays], {obj.ref: "GKE's" for obj in stays}, decided, rule_tables())


@pytest.mark.parametrize(
    ("text", "gib"),
    [
        ("10Gi", 10),
        ("1Ti", 1024),
        ("512Mi", 0.5),
        (2**30, 1),
        ("1073741824", 1),
        ("1e3Gi", None),
        ("1024e6", 0.953674),
        ("1.5Gi", 1.5),
        ("1.Gi", 1),
        (".5Gi", 0.5),
        (" 5Gi ", 5),
        ("100G", 93.1322574),
        ("1500m", 1.397e-09),
        ("", None),
        ("ten", None),
        (None, None),
        (True, None),
        ([], None),
        ("-1Gi", None),
        ("9" * 999, None),
    ],
)
def test_a_quantity_is_read_as_kubernetes_does(text: Any, gib: float | None) -> None:
    assert performance.quantity_gib(text) == (None if gib is None else pytest.approx(gib, rel=1e-4))


def test_a_throughput_is_rounded_up_to_whole_mib() -> None:
    assert [performance.mebibytes(t) for t in ("250Mi", "1Gi", "262144001", "x")] == [250, 1024, 251, None]


def test_sizes_of_ebs() -> None:
    assert performance.size_limits("st1") == (125, 16_384) and performance.size_limits("gp3") == (1, 65_536)
    assert performance.size_limits("io2") == (4, 65_536) and performance.size_limits("made-up") == (1, 65_536)


@pytest.mark.parametrize(
    ("kind", "wish", "comes"),
    [
        ("gp3", (None, None), (None, None)),
        ("gp3", (2_000, None), (3_000, None)),
        ("gp3", (90_000, None), (80_000, None)),
        ("gp3", (None, 750), (None, 750)),
        ("gp3", (None, 1_000), (4_000, 1_000)),
        ("gp3", (5_000, 3_000), (8_000, 2_000)),
        ("gp3", (None, 50), (None, 125)),
        ("io2", (400_000, None), (256_000, None)),
        ("io2", (100, 2_400), (9_600, None)),
        ("st1", (500, 250), (None, None)),
    ],
)
def test_a_wish_is_fitted_into_the_limits(kind: str, wish: Any, comes: Any) -> None:
    fit = performance.settings(kind, *wish)
    assert (fit.iops, fit.throughput) == comes
    kept = all(after in (None, before) for before, after in zip(wish, comes, strict=True)) and kind == "gp3"
    assert bool(fit.said) is not kept


def test_google_disks_grow_with_their_size() -> None:
    assert performance.google_speed("pd-ssd", 100, None, None) == Speed(9_000, 288)
    assert performance.google_speed("pd-balanced", 20_000, None, None) == Speed(80_000, 1_200)
    assert performance.google_speed("pd-standard", 1_000, None, None) == Speed(750, 120)
    assert performance.google_speed("pd-extreme", 1_000, None, None) is None


@pytest.mark.parametrize(
    ("kind", "gib", "lost"),
    [
        ("pd-ssd", 0, True),
        ("pd-ssd", 10, True),
        ("pd-balanced", 100, False),
        ("pd-balanced", 600, True),
        ("pd-standard", 500, False),
        ("dynamic", 9000, False),
        ("pd-extreme", 900, False),
    ],
)
def test_what_is_lost_is_said_when_it_is_more_than_a_little(kind: str, gib: int, lost: bool) -> None:
    found = demand.shortfall(_class("c", parameters={"type": kind}), gib, _known())
    assert (found is not None) is lost


def test_what_would_keep_the_speed_stays_within_gp3() -> None:
    assert performance.keeping(Speed(6_300, 244), 10) == Speed(5_000, 244)
    assert performance.keeping(Speed(100_000, 1_200), 4_000) == Speed(80_000, 1_200)
    assert performance.keeping(Speed(6_030, 240), 1) == Speed(3_000, 240)


@pytest.mark.parametrize(
    ("parameters", "ebs"),
    [
        ({"Type": "PD-SSD"}, "gp3"),
        ({"type": "hyperdisk-ml"}, ""),
        ({"type": "pd-extreme"}, "io2"),
        ([], "gp3"),
        ({"type": "hyperdisk-balanced", "provisioned-throughput-on-create": "2400Mi"}, "io2"),
        ({"type": "new"}, ""),
    ],
)
def test_the_ebs_type_of_a_class(parameters: Any, ebs: str) -> None:
    assert storageclass.volume_type(_class("c", parameters=parameters), _known()) == ebs


def test_families_go_by_provisioner() -> None:
    assert storageclass.family(_class("standard", "kubernetes.io/gce-pd")) is Family.DISK
    assert storageclass.family(_class("standard-rwo", "ebs.csi.aws.com")) is Family.OTHER
    assert storageclass.driver_family(["pd.csi.storage.gke.io"]) is Family.OTHER


def test_a_built_in_class_is_replaced_and_leads_if_it_led() -> None:
    own, files = _class("standard-rwo", default=True), _class("standard-rwx", "filestore.csi.storage.gke.io")
    made = storageclass.substitute(own, _known(stays=(own, files)))
    assert made is not None and made.ref.name == "gp3" and storageclass.is_default(made)
    assert made.body["parameters"] == GP3 and made.body["volumeBindingMode"] == "WaitForFirstConsumer"
    shared = storageclass.substitute(files, _known(stays=(own, files)))
    assert shared is not None and shared.ref.name == "efs" and not storageclass.is_default(shared)
    assert shared.body["parameters"]["fileSystemId"] == "UNDECIDED: storage.fileSystems.efs"


def test_a_class_that_goes_along_stays_the_default() -> None:
    own, mine = _class("standard-rwo", default=True), _class("mine", default=True)
    made = storageclass.substitute(own, _known(mine, stays=(own,)))
    assert made is not None and not storageclass.is_default(made)
    assert storageclass.substitute(mine, _known(mine, stays=(own,))) is None


def test_a_default_that_gke_sets_by_policy_counts() -> None:
    own = _class("standard-rwo")
    own = Object(own.ref, {**own.body, "metadata": {"annotations": {storageclass.DEFAULT_BY_POLICY: "true"}}})
    known = _known(stays=(own,))
    made = storageclass.substitute(own, known)
    assert storageclass.default_class(known) == own and made is not None and storageclass.is_default(made)


def test_a_name_that_is_taken_is_left_to_its_owner() -> None:
    own = _class("premium-rwo")
    same, other = _class("gp3", "ebs.csi.aws.com", GP3), _class("gp3", parameters={"type": "pd-ssd"})
    names = [storageclass.substitute(own, _known(taken, stays=(own,))) for taken in (same, other)]
    assert [made.ref.name if made else "" for made in names] == ["gp3", "gp3-ebs"]


ODD: tuple[Any, ...] = (
    None,
    7,
    "x",
    [],
    [7, None],
    {},
    {"a": None},
    {"type": 7},
    {7: 7},
    [{"matchLabelExpressions": 7}],
)
PLACES = ("parameters", "allowedTopologies", "mountOptions", "volumeBindingMode", "allowVolumeExpansion")


@pytest.mark.parametrize("flavour", ["standard", "auto"])
@pytest.mark.parametrize("provisioner", [PD, *(f"{n}.csi.storage.gke.io" for n in ("filestore", "lustre")), 7, None])
def test_odd_classes_are_planned_and_planned_again(provisioner: Any, flavour: str) -> None:
    odd = [
        _class(f"{place.lower()}-{at}", provisioner, **{place: value})
        for place in PLACES
        for at, value in enumerate(ODD)
    ]
    terms = [
        {"matchLabelExpressions": [7, {"key": 7}, {"key": "topology.gke.io/zone", "values": [7, "us-central1-a"]}]}
    ]
    odd.append(_class("terms", provisioner, {"labels": "a,b=c,=d,e={{.PVName}}"}, allowedTopologies=terms))
    made = plan(Snapshot(tuple(odd)), tables(), Decided(flavour=flavour))
    assert not [f for f in made.findings if f.rule == "PLN001"]
    bodies = tuple(Object(step.ref, step.body) for step in made.steps if step.body is not None)
    again = plan(Snapshot(bodies), tables(), Decided(flavour=flavour))
    assert [str(step.ref) for step in again.steps if step.changes] == []
