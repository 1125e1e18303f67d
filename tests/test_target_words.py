"""What a server's no becomes: conflicts and their paths, reasons and their fields, and never a Secret's value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.cluster import conflicts
from migrate.cluster.outcome import Applied, Cause, Fault, Reason
from migrate.cluster.rejections import NOT_SHOWN, rejected, remarks
from migrate.model.objects import MISSING
from migrate.model.path import Item, P, Path, parse

CANARY = "c4n4ry"
PRE = 'secrets "s" is forbidden: '
TYPED = "failed to create typed patch object (/d; apps/v1, Kind=Deployment): "

# As a real API server 1.36 said them: (code, message, reason, by)
SAID = [
    (403, 'configmaps "m" is forbidden: User "nobody" cannot patch resource "configmaps" in API', "forbidden", ""),
    (403, PRE + "exceeded quota: q, requested: count/secrets=1, used: count/secrets=0", "quota", "q"),
    (403, PRE + "failed quota: q: must specify limits.cpu for: x", "quota", "q"),
    (403, 'pods "p" is forbidden: violates PodSecurity "restricted:latest": …', "pod_security", "restricted:latest"),
    (403, 'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 2', "admission", ""),
    (
        403,
        'clusterroles.rbac.authorization.k8s.io "z" is forbidden: user "nobody" (groups=["" "system:authenticated"]) '
        "is attempting to grant RBAC permissions not currently held:\n{…}",
        "escalation",
        "",
    ),
    (403, PRE + "unable to create new content in namespace e because it is being terminated", "namespace_ending", ""),
    (403, 'admission webhook "gate.foo.dev" denied the request: no', "webhook", "gate.foo.dev"),
    (500, 'Internal error occurred: failed calling webhook "down.foo.dev": x', "webhook_down", "down.foo.dev"),
    (400, 'admission webhook "w.foo.dev" does not support dry run', "webhook_no_dry_run", "w.foo.dev"),
    (422, PRE + "ValidatingAdmissionPolicy 'pol' with binding 'polb' denied request: no means no", "policy", "pol"),
    (413, "Request entity too large: limit is 3145728", "too_large", ""),
    (500, "etcdserver: request is too large", "too_large", ""),
    (500, TYPED + ".spec.replicas: expected numeric (int or float), got string", "invalid", ""),
    (400, "metadata.managedFields must be nil", "invalid", ""),
    (501, "the practice cluster does not do this: x", "other", ""),
    (500, "Internal error occurred: etcdserver: request timed out", "other", ""),
]  # fmt: skip


def status(message: str, **more: Any) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, **more}


@pytest.mark.parametrize(("code", "message", "reason", "by"), SAID)
def test_reasons(code: int, message: str, reason: str, by: str) -> None:
    found = rejected(code, status(message))
    assert (found.reason.value, found.by) == (reason, by)
    assert found.message == " ".join(message.split())


def test_fields_of_a_typed_no() -> None:
    lines = 'errors:\n  .spec.template.spec.containers[name="x"].imagge: field not declared in schema\n'
    lines += "  .spec.foo: field not"
    assert rejected(500, status(TYPED + lines)).faults == (
        Fault('spec.template.spec.containers[name="x"].imagge', "field not declared in schema"),
        Fault("spec.foo", "field not"),
    )
    one = rejected(500, status(TYPED + ".spec.replicas: expected numeric (int or float), got string"))
    assert one.faults == (Fault("spec.replicas", "expected numeric (int or float), got string"),)


def test_fields_of_a_strict_create() -> None:
    said = 'X in version "v1" cannot be handled as a X: strict decoding error: '
    said += 'unknown field "spec.a[0].b", duplicate field "c"'
    assert rejected(400, status(said, reason="BadRequest")).faults == (
        Fault("spec.a[0].b", "unknown field"),
        Fault("c", "duplicate field"),
    )


def test_fields_of_an_invalid_object_are_said_once() -> None:
    row = {"reason": "FieldValueInvalid", "message": "Invalid value", "field": "metadata.uid"}
    found = rejected(422, status("x is invalid", reason="Invalid", details={"causes": [row, row]}))
    assert found.faults == (Fault("metadata.uid", "Invalid value"),)


@pytest.mark.parametrize("body", [None, [], "page", {"kind": "Page", "message": CANARY}, {"message": CANARY}])
def test_what_is_no_status_is_not_quoted(body: Any) -> None:
    found = rejected(400, body)
    assert found.message == "the server answered 400"


@pytest.mark.parametrize(("code", "message", "reason", "by"), SAID)
@given(where=st.integers(0, 3))
def test_no_value_of_a_secret_is_shown(code: int, message: str, reason: str, by: str, where: int) -> None:
    """Quoted at the end or in a cause, and under a text that would be harmless had it come first."""
    quoted = [
        f'Invalid value: "{CANARY}"',
        f'got "{CANARY}": User "a" cannot get resource "b"',
        CANARY,
        f"{CANARY}: x",
    ][where]
    rows = [{"reason": "FieldValueInvalid", "field": f".x: {quoted}", "message": quoted}]
    names_only = reason in ("forbidden", "quota", "namespace_ending", "too_large")
    said = status(message if names_only else f"{message}\n  .data.k: {quoted}", details={"causes": rows})
    found = rejected(code if code != 422 else 500, said, secret=True)
    assert CANARY not in repr(found)
    leading = rejected(422, status(f'Secret "s" is invalid: data: {quoted}', reason="Invalid"), secret=True)
    assert CANARY not in repr(leading) and leading.message == NOT_SHOWN


def test_the_field_of_an_invalid_secret_is_shown() -> None:
    row = {"field": "data[.dockerconfigjson]", "message": f'Invalid value: "{CANARY}"'}
    found = rejected(422, status(CANARY, reason="Invalid", details={"causes": [row]}), secret=True)
    assert found.faults == (Fault("data[.dockerconfigjson]", NOT_SHOWN),)


def test_remarks() -> None:
    said = [r'299 - "would violate PodSecurity \"restricted:latest\": x", 299 - "b"', '299 - "b"', "110 - stale"]
    assert remarks(said) == ('would violate PodSecurity "restricted:latest": x', "b")
    assert remarks([f'299 - "{CANARY}"'], secret=True) == (NOT_SHOWN,)


def test_values_are_not_in_reprs() -> None:
    assert CANARY not in repr(Applied(True, {"data": CANARY}))
    assert CANARY not in repr(Cause(P("data"), "m", "c", theirs=CANARY, ours=CANARY))


@pytest.mark.parametrize(
    ("message", "manager", "version", "sub"),
    [
        ('conflict with "kubectl-client-side-apply" using v1', "kubectl-client-side-apply", "v1", ""),
        ('conflict with "one"', "one", "", ""),
        (r'conflict with "kubectl \"q\""', 'kubectl "q"', "", ""),
        ('conflict with "scaler" with subresource "scale" using apps/v1', "scaler", "apps/v1", "scale"),
        ('conflict with "old" using apps/v1 at 2020-01-01T00:00:00Z', "old", "apps/v1", ""),
        ("something new", "something new", "", ""),
    ],
)
def test_who_is_in_the_way(message: str, manager: str, version: str, sub: str) -> None:
    [found] = conflicts.read([{"message": message, "field": ".spec.replicas"}], {"spec": {"replicas": 1}})
    assert (found.manager, found.version, found.subresource) == (manager, version, sub)
    assert found.path == P("spec", "replicas")


NAMED = Item((("name", "a"),))
SENT = {
    "metadata": {"annotations": {"a": "1", "a.b": "1", "a.b/c.d": "1", "x[y]": "1"}},
    "spec": {"list": [{"name": "b"}, {"name": "a", "v": 1}], "ports": [{"port": 80}], "one": [1, 2], "a": {"b": 1}},
}


@pytest.mark.parametrize(
    ("field", "path"),
    [
        (".metadata.annotations.a", P("metadata", "annotations", "a")),
        (".metadata.annotations.a.b", P("metadata", "annotations", "a.b")),
        (".metadata.annotations.a.b/c.d", P("metadata", "annotations", "a.b/c.d")),
        (".metadata.annotations.x[y]", P("metadata", "annotations", "x[y]")),
        (".spec.a.b", P("spec", "a", "b")),
        ('.spec.list[name="a"].v', P("spec", "list", NAMED, "v")),
        ('.spec.ports[port=80,protocol="TCP"]', P("spec", "ports", Item((("port", 80), ("protocol", "TCP"))))),
        ('.spec.gone[name="a"].x', P("spec", "gone", NAMED, "x")),
        (".spec.one", P("spec", "one")),
    ],
)
def test_where(field: str, path: Path) -> None:
    found = conflicts.located(field, SENT)
    assert found == path
    assert parse(str(found)) == found


@given(
    st.text(max_size=30), st.recursive(st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_any_field_is_read(field: str, sent: Any) -> None:
    assert isinstance(conflicts.located(field, {"a": sent}), Path)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_a_field_that_was_sent_is_found(keys: list[str]) -> None:
    sent: Any = 1
    for key in reversed(keys):
        sent = {key: sent}
    assert conflicts.located("".join(f".{key}" for key in keys), sent) == Path(keys)


def test_values_of_both_sides() -> None:
    rows = [{"message": 'conflict with "x"', "field": '.spec.list[name="a"].v'}, {"message": "y", "field": ".data.k"}]
    sent, live = SENT | {"data": {"k": "ours"}}, {"spec": {"list": [{"name": "a", "v": 2}]}, "data": {"k": "theirs!"}}
    found = conflicts.read(rows, sent)
    values = [(one.theirs, one.ours) for one in conflicts.with_values(found, sent, live, secret=False)]
    assert values == [("theirs!", "ours"), (2, 1)]
    sizes = [(one.theirs, one.ours) for one in conflicts.with_values(found, sent, live, secret=True)]
    assert sizes == [("(secret, 7 characters)", "(secret, 4 characters)"), ("(secret)", "(secret)")]
    gone = conflicts.with_values(found, sent, None, secret=False)
    assert all(one.theirs is MISSING for one in gone)


def test_only_owners_make_a_conflict() -> None:
    assert conflicts.causes({"details": {"causes": [{"reason": "FieldValueInvalid"}]}}) == []
    for odd in (None, [], {}, {"details": None}, {"details": {"causes": None}}):
        assert conflicts.causes(odd) == []
    assert {one.value for one in Reason} >= {"webhook", "quota"}
