"""Who owns a field, as managedFields say it: the entries are those of a real API server."""

import pytest

from migrate.differ.owners import owners
from migrate.model.comparison import Owner
from migrate.model.path import parse

OURS = {
    "manager": "gke2eks",
    "operation": "Apply",
    "time": "2026-11-24T02:00:00Z",
    "fieldsV1": {
        "f:metadata": {"f:finalizers": {'v:"a/b"': {}}},
        "f:spec": {
            "f:selector": {},
            "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:name": {}}},
            "f:emptyDir": {},
        },
    },
}
EDIT = {
    "manager": "kubectl-edit",
    "operation": "Update",
    "time": "2026-11-24T03:00:00Z",
    "fieldsV1": {
        "f:spec": {
            "f:ports": {'k:{"port":80,"protocol":"TCP"}': {"f:nodePort": {}, "f:name": {}}},
            "f:emptyDir": {"f:sizeLimit": {}},
        }
    },
}
SCALE = {
    "manager": "kubectl",
    "operation": "Update",
    "subresource": "scale",
    "fieldsV1": {"f:spec": {"f:replicas": {}}},
}
LIVE = {
    "metadata": {"finalizers": ["a/b", "c/d"], "managedFields": [OURS, SCALE, EDIT, {"manager": "odd"}]},
    "spec": {
        "selector": {"app": "a"},
        "replicas": 3,
        "ports": [{"port": 80, "protocol": "TCP", "name": "x", "nodePort": 3, "targetPort": 80}],
        "emptyDir": {"sizeLimit": "1Gi", "medium": ""},
    },
}


@pytest.mark.parametrize(
    ("path", "managers"),
    [
        ("spec.ports[port=80].nodePort", ["kubectl-edit"]),
        ("spec.ports[port=80].name", ["kubectl-edit", "gke2eks"]),  # newest first
        ("spec.ports[0].name", ["kubectl-edit", "gke2eks"]),
        ("spec.ports[port=80].targetPort", []),
        ("spec.ports[port=80]", ["kubectl-edit", "gke2eks"]),  # somebody owns something in it
        ("spec.selector.app", ["gke2eks"]),  # a map that is one value
        ("spec.emptyDir.sizeLimit", ["kubectl-edit"]),  # the nearer owner
        ("spec.emptyDir.medium", ["gke2eks"]),
        ("spec.replicas", ["kubectl"]),
        ("metadata.finalizers[0]", ["gke2eks"]),
        ("metadata.finalizers[1]", []),
        ('metadata.finalizers[""="a/b"]', ["gke2eks"]),  # an item of a set, as a walk names it
        ('metadata.finalizers[""="c/d"]', []),
        ("spec.nothing", []),
    ],
)
def test_owners(path: str, managers: list[str]) -> None:
    assert [one.manager for one in owners(LIVE).of(parse(path))] == managers


def test_operation_time_and_subresource_are_told() -> None:
    (writer,) = owners(LIVE).writers(parse("spec.replicas"))
    assert (writer.operation, writer.subresource, writer.time, writer.above) == ("Update", "scale", "", False)
    (writer,) = owners(LIVE).writers(parse("spec.selector.app"))
    assert writer.above and writer.owner == Owner("gke2eks", "2026-11-24T02:00:00Z")


@pytest.mark.parametrize("entries", [None, [], [{}], ["odd"], [{"manager": "x", "fieldsV1": "odd"}]])
def test_an_object_that_does_not_say(entries: object) -> None:
    found = owners({"metadata": {"managedFields": entries}, "spec": {"a": 1}})
    assert not found.known and found.of(parse("spec.a")) == ()


def test_words_that_are_no_json_own_nothing() -> None:
    entry = {"manager": "x", "fieldsV1": {"f:spec": {"f:a": {"k:{": {}, "x:": {}}}}}
    assert owners({"metadata": {"managedFields": [entry]}, "spec": {"a": [{"b": 1}]}}).of(parse("spec.a[0].b")) == ()
