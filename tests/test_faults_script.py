"""The script of the fault proxy: which request meets which rule, the same for the same seed, and all on record."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import urllib3
from rig.faults import CONTINUE, WATCH, Action, Faults, Latency, Proxy, Reset, Rule, Stall, Status, Truncate, WatchEnd
from rig.faults.canned import Canned, chunked, sized
from rig.faults.messages import Request

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
NO = Status(503)


def request(line: str) -> Request:
    return Request.parse(f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def play(lines: Sequence[str], *rules: Rule, seed: int = 0) -> list[str]:
    """The fault of each request, without a proxy: "" where it passes."""
    script = Faults(seed=seed, rules=rules)
    for line in lines:
        script.decide(request(line))
    return [entry.fault for entry in script.log]


def hits(count: int, *rules: Rule, seed: int = 0) -> list[int]:
    return [i for i, fault in enumerate(play(["GET /"] * count, *rules, seed=seed), start=1) if fault]


@pytest.mark.parametrize(
    ("rule", "line", "meant"),
    [
        (Rule(NO), "GET /", True),
        (Rule(NO, method="PATCH"), "PATCH /", True),
        (Rule(NO, method="PAT"), "PATCH /", False),
        (Rule(NO, method="POST|PUT"), "PUT /", True),
        (Rule(NO, path="/nodes$"), "GET /api/v1/nodes", True),
        (Rule(NO, path="/nodes$"), "GET /api/v1/nodes/a", False),
        (Rule(NO, path=CONTINUE), "GET /x?limit=1&continue=abc", True),
        (Rule(NO, path=CONTINUE), "GET /x?limit=1", False),
        (Rule(NO, path=WATCH), "GET /x?watch=1", True),
        (Rule(NO, path=WATCH), "GET /x?a=b&watch=true&c=d", True),
        (Rule(NO, path=WATCH), "GET /x?watch=false", False),
        (Rule(WatchEnd(), path="/x"), "GET /x", False),
        (Rule(WatchEnd(), path="/x"), "GET /x?watch=true", True),
    ],
)
def test_matching(rule: Rule, line: str, meant: bool) -> None:
    assert rule.matches(request(line)) is meant


def test_counting() -> None:
    assert hits(6, Rule(NO, nth=2)) == [2]
    assert hits(6, Rule(NO, nth=range(2, 5))) == [2, 3, 4]
    assert hits(6, Rule(NO, nth={1, 6})) == [1, 6]
    assert hits(6, Rule(NO, times=2)) == [1, 2]
    assert hits(6, Rule(NO, nth=range(3, 9), times=1)) == [3]
    lines = ["GET /a", "GET /b", "GET /a", "GET /b"]
    assert play(lines, Rule(NO, path="/b", nth=2)) == ["", "", "", "status code=503"]  # counts what it matches


def test_the_first_rule_decides_and_the_others_count() -> None:
    rules = (Rule(Latency(1), nth=1), Rule(NO, nth=2), Rule(Reset()))
    assert play(["GET /"] * 3, *rules) == ["latency seconds=1", "status code=503", "reset"]


def test_chance_is_seeded() -> None:
    one, again, other = (hits(1000, Rule(NO, chance=0.2), seed=s) for s in (7, 7, 8))
    assert one == again != other
    assert 150 < len(one) < 250
    assert one[:5] == [3, 5, 26, 37, 39]  # the same on every machine and Python
    assert hits(50, Rule(NO, chance=0.0)) == []
    assert hits(50, Rule(NO, chance=1.0)) == list(range(1, 51))


def test_rules_draw_apart() -> None:
    """A rule's luck depends on its place and on the requests that it matches, not on what other rules do."""
    rare = Rule(NO, path="/a", chance=0.3)
    alone = play(["GET /a", "GET /b"] * 50, rare, seed=5)
    joined = play(["GET /a", "GET /b"] * 50, rare, Rule(Reset(), path="/b", chance=0.5), seed=5)
    assert ["" if fault == "reset" else fault for fault in joined] == alone
    assert "reset" in joined and str(NO) in alone


@pytest.mark.parametrize("chance", [-0.1, 1.1])
def test_a_chance_is_a_probability(chance: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        Rule(NO, chance=chance)


def test_same_seed_same_requests_same_faults_for_a_real_client() -> None:
    rules = [
        Rule(Status(429, retry_after=0), chance=0.2),
        Rule(Reset("body", after=0.5), chance=0.2),
        Rule(Truncate(honest=True), path="/b", chance=0.5, times=5),
    ]

    def run(seed: int) -> tuple[list[tuple[str, str, str]], list[str]]:
        with Canned({"/a": sized(b"a" * 99), "/b": chunked(b"b" * 99)}) as server, Proxy(server.url) as proxy:
            proxy.faults = Faults(seed=seed, rules=rules)
            pool, seen = urllib3.PoolManager(retries=False), []
            for n in range(60):
                try:
                    answer = pool.request("GET", f"{proxy.url}/{'ab'[n % 2]}")
                    seen.append(f"{answer.status} {len(answer.data)}")
                except urllib3.exceptions.ProtocolError:
                    seen.append("broken")
            assert proxy.errors == []
            return [entry.key for entry in proxy.log], seen

    first, again, other = run(7), run(7), run(8)
    assert first == again
    assert first[0] != other[0]
    log, seen = first
    assert {fault for _, _, fault in log} == {"", *(str(rule.action) for rule in rules)}
    expected = {
        "": "200 99",
        str(rules[0].action): "429 43",
        str(rules[1].action): "broken",
        str(rules[2].action): "200 49",
    }
    assert seen == [expected[fault] for _, _, fault in log]


def test_the_log_says_what_where_and_when() -> None:
    with Canned({"/a": sized(b"a")}) as server, Proxy(server.url) as proxy:
        proxy.faults = Faults(rules=[Rule(NO, path="/none"), Rule(Latency(0.2), nth=2)])
        pool = urllib3.PoolManager(retries=False)
        for _ in range(3):
            pool.request("GET", proxy.url + "/a?x=1", headers={"Authorization": "Bearer canary"})
        numbers = [(e.number, e.method, e.path, e.fault, e.rule) for e in proxy.log]
        assert numbers == [
            (1, "GET", "/a?x=1", "", None),
            (2, "GET", "/a?x=1", "latency seconds=0.2", 1),
            (3, "GET", "/a?x=1", "", None),
        ]
        first, second, third = (e.at for e in proxy.log)
        assert 0 <= first <= second <= third - 0.2
        assert "canary" not in repr(proxy.log)
        assert proxy.faults.faults == [proxy.log[1]]


@pytest.mark.parametrize(
    "action", [Reset("body", after=5), Truncate(5), Truncate(5, honest=True), Stall(5), WatchEnd(5)]
)
def test_a_fault_that_cannot_happen_is_a_complaint(action: Action) -> None:
    with Canned({"/a": sized(b"abc\n\n")}) as server:
        with Proxy(server.url, Faults(rules=[Rule(action)])) as proxy:
            answer = urllib3.PoolManager(retries=False).request("GET", proxy.url + "/a?watch=1")
            assert answer.data == b"abc\n\n"
        assert proxy.errors == [f"{action}: never happened, the body of /a?watch=1 ended before"]


def test_only_the_standard_library_is_needed() -> None:
    """For plain HTTP, or with a certificate given: a proxy for a check by hand needs nothing installed."""
    code = "import rig.faults, sys; print(*{m.split('.')[0] for m in sys.modules} - sys.stdlib_module_names)"
    here = Path(__file__).parent
    out = subprocess.run([sys.executable, "-S", "-c", code], cwd=here, capture_output=True, text=True, check=True)
    assert set(out.stdout.split()) == {"__main__", "rig"}
