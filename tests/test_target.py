"""The writing client on a bad network: what is sent again, what is never called failed, what is never sent twice."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.servers import Json, config_map
from contract.target_help import Pauses, open_target
from rig.faults import Faults, Garbage, Latency, Proxy, Reset, Rule, Status, Truncate, Unauthorized, WrongType

from migrate.cluster.connection import with_token
from migrate.cluster.outcome import Applied, Deleted, Reason, Rejected, Unknown
from migrate.cluster.pace import Pace
from migrate.cluster.target import KubeTarget, from_kubeconfig
from migrate.cluster.writing import encoded
from migrate.errors import NotLoggedIn, Unreachable
from migrate.model.ref import Ref
from migrate.practice import Cluster, Server

MAP = Ref("", "ConfigMap", "default", "m")
WEBHOOK_DOWN = b"""{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"InternalError","code":500,"message":
"Internal error occurred: failed calling webhook \\"gate.foo.dev\\": failed to call webhook: connection refused"}"""
TYPED = b"""{"kind":"Status","apiVersion":"v1","status":"Failure","code":500,"message":"failed to create typed patch
 object (default/m; /v1, Kind=ConfigMap): .data.a: expected string, got number"}"""
BUSY = b"""{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409,"message":"Operation
 cannot be fulfilled on resourcequotas \\"q\\": the object has been modified; please apply your changes"}"""
WEBHOOK_DOWN, TYPED, BUSY = (text.replace(b"\n", b"") for text in (WEBHOOK_DOWN, TYPED, BUSY))


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    served = Server(Cluster()).start()
    with Proxy(served.url) as proxy:
        yield proxy
    served.stop()
    assert proxy.errors == []


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def target(proxy: Proxy, pauses: Pauses) -> KubeTarget:
    """It knows the kinds already."""
    target = open_target(proxy.url, timeout=2, pause=pauses, pace=Pace(clock=pauses.clock, pause=pauses))
    assert target.get(MAP) is None
    return target


def body(name: str = "m") -> Json:
    return config_map(name, {"a": "1"}, namespace="default")


def sent(proxy: Proxy, method: str) -> int:
    return sum(entry.method == method for entry in proxy.log)


AFTERWARDS = (
    Reset("answer"),
    Reset("head"),
    Reset("body", after=5),
    Truncate(),
    Truncate(0),
    Truncate(0, honest=True),
    Truncate(honest=True),
    Garbage(),
    WrongType(body=b"<html>log in</html>"),
    Status(504, executed=True),
    Status(503, executed=True),
)


@pytest.mark.parametrize("fault", AFTERWARDS, ids=str)
def test_an_apply_whose_answer_was_lost_is_sent_again(proxy: Proxy, target: KubeTarget, fault: object) -> None:
    proxy.faults = Faults(rules=[Rule(fault, method="PATCH", nth=1)])
    found = target.apply(body())
    assert isinstance(found, Applied) and found.repeated and not found.created
    assert sent(proxy, "PATCH") == 2
    assert target.get(MAP) == found.body


@pytest.mark.parametrize("fault", AFTERWARDS, ids=str)
def test_an_apply_that_nobody_answers_is_unknown(proxy: Proxy, target: KubeTarget, fault: object) -> None:
    proxy.faults = Faults(rules=[Rule(fault, method="PATCH")])
    assert isinstance(target.apply(body()), Unknown)
    assert target.get(MAP) is not None


@pytest.mark.parametrize("fault", [*AFTERWARDS, Reset("request"), Status(500)], ids=str)
def test_a_create_is_never_sent_twice(proxy: Proxy, target: KubeTarget, fault: object) -> None:
    proxy.faults = Faults(rules=[Rule(fault, method="POST", nth=1)])
    assert isinstance(target.create(body()), Unknown)
    assert sent(proxy, "POST") == 1


@pytest.mark.parametrize("fault", [Status(429), Unauthorized()], ids=str)
def test_a_create_that_was_turned_away_is(proxy: Proxy, fault: object, pauses: Pauses) -> None:
    tokens = itertools.count()  # a new one each time, so that to log in anew helps
    door = with_token("t", proxy.url, None, lambda: str(next(tokens)), login="")
    target = KubeTarget(door, pause=pauses, pace=Pace(clock=pauses.clock, pause=pauses))
    assert target.kinds()
    proxy.faults = Faults(rules=[Rule(fault, method="POST", nth=1)])
    found = target.create(body())
    assert isinstance(found, Applied) and found.created and not found.repeated
    assert sent(proxy, "POST") == 2


def test_silence_is_unknown(proxy: Proxy, pauses: Pauses) -> None:
    target = open_target(proxy.url, timeout=0.2, pause=pauses)
    assert target.get(MAP) is None
    proxy.faults = Faults(rules=[Rule(Latency(5, at="answer"), method="PATCH")])
    found = target.apply(body())
    assert found == Unknown(f"{proxy.url}: no answer within 0.2 s")
    assert sent(proxy, "PATCH") == 2


def test_a_lost_deletion_that_is_done_is_done(proxy: Proxy, target: KubeTarget) -> None:
    made = target.apply(body())
    assert isinstance(made, Applied)
    meta = made.body["metadata"]
    proxy.faults = Faults(rules=[Rule(Reset("answer"), method="DELETE", nth=1)])
    assert target.delete(MAP, meta["resourceVersion"], meta["uid"]) == Deleted(gone=True)
    assert sent(proxy, "DELETE") == 2


def test_a_lost_deletion_of_what_finalizers_hold_is_unknown(proxy: Proxy, target: KubeTarget) -> None:
    """The second try meets another resourceVersion, which may be of our own making."""
    made = target.apply(config_map("m", namespace="default", finalizers=["gke2eks.dev/test"]))
    assert isinstance(made, Applied)
    meta = made.body["metadata"]
    proxy.faults = Faults(rules=[Rule(Reset("answer"), method="DELETE", nth=1)])
    assert isinstance(target.delete(MAP, meta["resourceVersion"], meta["uid"]), Unknown)


def test_a_lost_apply_of_one_version_is_unknown(proxy: Proxy, target: KubeTarget) -> None:
    made = target.apply(body())
    assert isinstance(made, Applied)
    version = made.body["metadata"]["resourceVersion"]
    proxy.faults = Faults(rules=[Rule(Reset("answer"), method="PATCH", nth=1)])
    changed = config_map("m", {"a": "2"}, namespace="default", resourceVersion=version)
    assert isinstance(target.apply(changed), Unknown)


def test_a_dry_run_without_an_answer_leaves_no_doubt(proxy: Proxy, target: KubeTarget) -> None:
    proxy.faults = Faults(rules=[Rule(Reset("answer"), method="PATCH")])
    with pytest.raises(Unreachable):
        target.dry_run(body())
    assert target.get(MAP) is None


def test_nobody_is_there(pauses: Pauses) -> None:
    """Nothing was sent, so nothing is in doubt; no other object will fare better."""
    served = Server(Cluster()).start()
    target = open_target(served.url, pause=pauses)
    assert target.get(MAP) is None
    served.stop()
    target.connection.pool.clear()
    for write in (target.apply, target.create, target.dry_run):
        with pytest.raises(Unreachable):
            write(body())


def test_what_the_server_asks_for_is_waited(proxy: Proxy, target: KubeTarget, pauses: Pauses) -> None:
    proxy.faults = Faults(rules=[Rule(Status(429, retry_after=7), method="PATCH", nth=range(1, 3))])
    found = target.apply(body())
    assert isinstance(found, Applied) and found.created and not found.repeated
    assert pauses.slept == [7, 7]
    assert sent(proxy, "PATCH") == 3


def test_what_one_is_told_holds_for_all(proxy: Proxy, pauses: Pauses) -> None:
    pace = Pace(clock=pauses.clock, pause=pauses)
    first, second = (open_target(proxy.url, pace=pace, pause=lambda _: None) for _ in range(2))
    assert first.get(MAP) is None and second.get(MAP) is None
    proxy.faults = Faults(rules=[Rule(Status(429, retry_after=7), method="PATCH", nth=1)])
    assert isinstance(first.apply(body()), Applied)
    assert isinstance(second.apply(body()), Applied)
    assert pauses.slept == [7]


def test_an_impatient_server_is_not_hammered(proxy: Proxy, target: KubeTarget, pauses: Pauses) -> None:
    proxy.faults = Faults(rules=[Rule(Status(429, retry_after=0), method="PATCH", nth=1)])
    assert isinstance(target.apply(body()), Applied)
    assert pauses.slept and min(pauses.slept) > 0.1


def test_a_context_of_a_kubeconfig(proxy: Proxy, tmp_path: Path) -> None:
    cluster = {"name": "c", "cluster": {"server": proxy.url}}
    context = {"name": "eks", "context": {"cluster": "c", "user": "u"}}
    config = {"clusters": [cluster], "contexts": [context], "users": [{"name": "u", "user": {"token": "t"}}]}
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config"} | config))
    target = from_kubeconfig("eks", str(path))
    assert target.name == "eks"
    assert isinstance(target.apply(body()), Applied)


def test_too_much_for_the_server_at_last(proxy: Proxy, target: KubeTarget) -> None:
    proxy.faults = Faults(rules=[Rule(Status(429, retry_after=1), method="PATCH")])
    found = target.apply(body())
    assert isinstance(found, Rejected) and found.reason is Reason.THROTTLED
    assert target.get(MAP) is None


@pytest.mark.parametrize(
    ("text", "code", "reason", "times"),
    [(TYPED, 500, Reason.INVALID, 1), (WEBHOOK_DOWN, 500, Reason.WEBHOOK_DOWN, 4), (BUSY, 409, Reason.CHANGED, 4)],
)
def test_how_often_a_no_is_asked_again(
    proxy: Proxy, target: KubeTarget, text: bytes, code: int, reason: Reason, times: int
) -> None:
    json.loads(text)
    proxy.faults = Faults(rules=[Rule(Status(code, body=text), method="PATCH")])
    found = target.apply(body())
    assert isinstance(found, Rejected) and found.reason is reason
    assert sent(proxy, "PATCH") == times
    if reason is Reason.WEBHOOK_DOWN:
        assert found.by == "gate.foo.dev"


def test_a_busy_quota_passes(proxy: Proxy, target: KubeTarget) -> None:
    proxy.faults = Faults(rules=[Rule(Status(409, body=BUSY), method="PATCH", nth=1)])
    found = target.apply(body())
    assert isinstance(found, Applied) and found.created


def test_credentials_that_stay_refused(proxy: Proxy, target: KubeTarget) -> None:
    proxy.faults = Faults(rules=[Rule(Unauthorized(), method="PATCH")])
    with pytest.raises(NotLoggedIn):
        target.apply(body())
    assert sent(proxy, "PATCH") == 1  # the token is still the same


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_among_faults(proxy: Proxy, target: KubeTarget, seed: int) -> None:
    each = [Rule(fault, method="PATCH", chance=0.05) for fault in (*AFTERWARDS, Reset("request"), Status(429))]
    proxy.faults = Faults(seed=seed, rules=each)
    found = {f"m{n}": target.apply(body(f"m{n}")) for n in range(60)}
    assert {type(one) for one in found.values()} <= {Applied, Unknown}
    assert sum(isinstance(one, Applied) for one in found.values()) > 50
    proxy.faults = Faults()
    for name, one in found.items():
        live = target.get(Ref("", "ConfigMap", "default", name))
        assert isinstance(one, Unknown) or live == one.body


def test_what_is_sent() -> None:
    assert encoded({"a": "\x7f\x85\x9f\xa0\u2028\ufeff\uffff😀é"}) == (
        rb'{"a":"\u007f\u0085\u009f' + "\xa0".encode() + rb"\u2028\ufeff\uffff" + '😀é"}'.encode()
    )
    with pytest.raises(TypeError):
        encoded({"a": object()})
