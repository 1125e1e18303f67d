"""Runtime parity of what runs pods: replicas, restarts, crash loops, and the digests of images."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from parity_help import HOLD, A, B, Json, ask, body, deployment, pods, said, side

from migrate.differ.parity import KINDS

UP = deployment()
OFF = deployment(0)
BARE = {k: v for k, v in UP.items() if k != "status"}
HELD = deployment(0, notes=HOLD)
NONE_SAID = UP | {"spec": {k: v for k, v in UP["spec"].items() if k != "replicas"}}
LOOP = {
    "restartCount": 7,
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "password=hunter2"}},
}
HPA = body(
    "autoscaling/v2 HorizontalPodAutoscaler",
    spec={"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": 2},
    status={},
)
# name: (source, target, planned, (source, target, ok, message))
REPLICAS: dict[str, tuple[list[Json] | None, list[Json] | None, Json | None, tuple[Any, ...]]] = {
    "ready": ([UP], [UP], UP, ("2 of 2 ready", "2 of 2 ready", True, "")),
    "not ready": ([UP], [deployment(2, 1)], UP, ("2 of 2 ready", "1 of 2 ready", False, "pods: 1 of 2 ready")),
    "no better there": (
        [deployment(2, 1)],
        [deployment(2, 1)],
        UP,
        ("1 of 2 ready", "1 of 2 ready", False, "waits for its pods: 1 of 2 ready; on the source 1 of 2 ready, too"),
    ),
    "by an override": ([UP], [deployment(1, 1)], deployment(1), ("2 of 2 ready", "1 of 1 ready", True, "")),
    "another number than planned": ([UP], [deployment(1, 1)], UP, ("2 of 2 ready", "1 of 1 ready", False, "says 2")),
    "without a plan": ([UP], [deployment(1, 1)], None, ("2 of 2 ready", "1 of 1 ready", False, "source there are 2")),
    "an autoscaler says": ([UP], [deployment(5, 5), HPA], UP, ("2 of 2 ready", "5 of 5 ready", True, "")),
    "held": ([UP], [HELD], UP, ("2 of 2 ready", "0 of 0 ready", True, "held until release")),
    "held, but scaled": (
        [UP],
        [deployment(2, 2, notes=HOLD)],
        UP,
        ("2 of 2 ready", "2 of 2 ready", False, "started it"),
    ),
    "nobody says how many": ([UP], [deployment(3, 3)], NONE_SAID, ("2 of 2 ready", "3 of 3 ready", True, "")),
    "off by somebody": ([UP], [OFF], UP, ("2 of 2 ready", "0 of 0 ready", False, "the plan says 2")),
    "off as planned": ([UP], [OFF], OFF, ("2 of 2 ready", "0 of 0 ready", True, "its replicas are 0")),
    "scaled to zero": ([UP], [OFF, HPA], UP, ("2 of 2 ready", "0 of 0 ready", None, "2 pods ran on the source")),
    "not there": ([UP], [], UP, ("2 of 2 ready", None, False, "it is not on the target")),
    "no source": (None, [UP], UP, (None, "2 of 2 ready", True, "")),
    "no target": ([UP], None, UP, ("2 of 2 ready", None, None, "nobody looked")),
    "files": ([UP], [BARE], UP, ("2 of 2 ready", None, None, "status")),
}


@pytest.mark.parametrize("name", REPLICAS)
def test_replicas(name: str) -> None:
    source, target, planned, wanted = REPLICAS[name]
    found = said(ask(UP, source, target, planned=planned)["replicas"])
    assert found[:3] == wanted[:3]
    assert wanted[3] in found[3] and bool(found[3]) == bool(wanted[3])


def test_an_autoscaler_that_nobody_may_list_may_have_scaled() -> None:
    unlisted = side(deployment(3, 3), unread={("autoscaling", "HorizontalPodAutoscaler"): "403 Forbidden"})
    found = ask(UP, [UP], unlisted, planned=UP)["replicas"]
    assert found.ok is None and "whether an autoscaler did so is not known" in found.message


def test_pods_of_what_is_held_may_still_end() -> None:
    ending = deployment(0, notes=HOLD)
    ending["status"]["replicas"] = 1
    found = ask(UP, [UP], [ending], planned=UP)["replicas"]
    assert (found.ok, found.message) == (None, "held until release, but 1 pod still to end")


def test_a_status_of_an_older_generation_is_no_answer() -> None:
    stale = copy.deepcopy(UP)
    stale["metadata"]["generation"] = 2
    assert ask(UP, [UP], [stale], planned=UP)["replicas"].ok is None


def test_what_is_made_at_release_only_is_not_missing_before() -> None:
    cron = body("batch/v1 CronJob", spec={}, status={})
    (one,) = ask(cron, [cron], [], planned=cron, held=True).values()
    assert (one.ok, one.message) == (True, "made at release only")
    (one,) = ask(cron, [cron], [], planned=cron).values()
    assert one.ok is False


def test_a_daemon_set_counts_the_nodes_of_its_own_side() -> None:
    def daemons(wanted: int, ready: int, **more: Any) -> Json:
        numbers = {"desiredNumberScheduled": wanted, "updatedNumberScheduled": wanted, "currentNumberScheduled": wanted}
        status = numbers | {"numberReady": ready, "numberAvailable": ready, "observedGeneration": 1}
        return body("apps/v1 DaemonSet", spec={}, status=status, **more)

    nine = daemons(9, 9)
    assert said(ask(nine, [nine], [daemons(3, 3)], planned=nine)["replicas"]) == (
        "9 of 9 ready",
        "3 of 3 ready",
        True,
        "",
    )
    assert ask(nine, [nine], [daemons(3, 2)], planned=nine)["replicas"].ok is False
    none = ask(nine, [nine], [daemons(0, 0)], planned=nine)["replicas"]
    assert none.ok is None and none.message == "no node is for it; 9 pods ran on the source"
    assert ask(nine, [daemons(0, 0)], [daemons(0, 0)], planned=nine)["replicas"].ok is True


def restarts(source: list[Json] | None, *here: Json, **more: Any) -> tuple[Any, Any, bool | None, str]:
    return said(ask(UP, source, [UP, *pods(UP, *here)], planned=UP, **more)["restarts"])


def test_restarts_are_compared_and_the_worst_is_named() -> None:
    three = [UP, *pods(UP, {"restartCount": 1}, {"restartCount": 2})]
    assert restarts(three, {}, {}) == (3, 0, True, "")
    worst = "the worst is web-1-1/main (2 restarts)"
    assert restarts(three, {"restartCount": 1}, {"restartCount": 2}) == (3, 3, True, worst)
    found = restarts([UP, *pods(UP, {})], {}, {"restartCount": 2})
    assert found == (0, 2, False, f"{worst}; 0 on the source")
    assert restarts(None, {}, {"restartCount": 2})[2] is None
    unlisted = side(UP, unread={("", "Pod"): "403 Forbidden"})
    assert said(ask(UP, [UP], unlisted, planned=UP)["restarts"]) == (None, None, None, "Pod: 403 Forbidden")
    # A snapshot without pods says nothing, though its Deployment counts two.
    assert restarts([UP], {"restartCount": 2})[:3] == (None, 2, None)
    assert ask(UP, three, [UP], planned=UP)["restarts"].ok is None


def test_crash_loops_are_named_and_never_excused() -> None:
    loops = [UP, *pods(UP, LOOP)]
    found = restarts(loops, {}, LOOP)
    assert found[2] is False
    assert found[3] == "crash loop: web-1-1/main (7 restarts, last OOMKilled, exit code 137); so it does on the source"
    assert "on the source" not in restarts([UP, *pods(UP, {})], LOOP)[3]
    assert "and 2 more" in restarts(None, *[LOOP] * 5)[3]
    assert "hunter2" not in str(found)


def test_pods_that_go_are_not_counted() -> None:
    going = [UP, *pods(UP, LOOP, {})]
    going[2]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert ask(UP, [UP], going, planned=UP)["restarts"].ok is True


def test_what_is_held_runs_nothing_yet() -> None:
    found = ask(UP, [UP, *pods(UP, {})], [HELD], planned=UP)
    assert {name: one.ok for name, one in found.items()} == {"replicas": True, "restarts": None, "image main": None}
    assert all("held until release" in one.message for one in found.values())


def image(there: str, here: str, planned: Json | None = None, **more: Any) -> tuple[Any, Any, bool | None, str]:
    source = [UP, *pods(UP, {"imageID": there})]
    target = [planned or UP, *pods(UP, {"imageID": here}, **more)]
    return said(ask(UP, source, target, planned=planned or deployment(image="e.aws/a:1"))["image main"])


def test_the_same_digest_is_the_same_bits_whatever_the_registry() -> None:
    assert image(f"g.io/a@{A}", f"docker-pullable://e.aws/copy/a@{A}") == (A, A, True, "")
    found = image(f"g.io/a@{A}", f"e.aws/a@{B}")
    assert found[2] is False
    assert found[3] == "other bits than on the source: sha256:bbbbbbbbbbbb, there sha256:aaaaaaaaaaaa"


def test_without_a_digest_nothing_is_compared() -> None:
    for there, here in (("", f"e.aws/a@{A}"), (f"g.io/a@{A}", ""), ("", "")):
        found = image(there, here)
        assert found[2] is None and found[3].startswith("could not compare: "), found
    assert image(f"g.io/a@{A}", f"docker://{A}")[2] is None  # the id of an image is no digest of one
    assert image(A, A)[2] is True


def test_an_image_that_the_plan_changes_is_not_held_against_the_source() -> None:
    assert image(f"g.io/a@{A}", f"e.aws/a@{B}", deployment(image="e.aws/a:2"))[2] is None
    pinned = deployment(image=f"e.aws/a:2@{B}")
    assert image(f"g.io/a@{A}", f"e.aws/a@{B}", pinned)[2:] == (True, "the image that the plan names")
    assert image(f"g.io/a@{A}", f"e.aws/a@{A}", pinned)[2] is None


def test_without_a_plan_another_tag_is_no_excuse() -> None:
    there, here = deployment(image="g.io/a:1"), deployment(image="e.aws/a:2")
    source = [there, *pods(there, {"imageID": f"g.io/a@{A}"})]
    target = [here, *pods(here, {"imageID": f"e.aws/a@{B}"})]
    assert ask(here, source, target)["image main"].ok is False
    assert ask(here, source, target, planned=here)["image main"].ok is None


def test_the_same_pin_is_the_same_bits_whatever_is_reported() -> None:
    there, here = deployment(image=f"g.io/a@{A}"), deployment(image=f"e.aws/a@{A}")
    source = [there, *pods(there, {"imageID": f"g.io/a@{A}"}, image=f"g.io/a@{A}")]
    target = [here, *pods(here, {"imageID": f"e.aws/a@{B}"}, image=f"e.aws/a@{A}")]
    assert ask(here, source, target, planned=here)["image main"].ok is True


def test_several_digests_and_containers_of_one_side() -> None:
    source = [UP, *pods(UP, {"imageID": f"g.io/a@{A}"}, {"imageID": f"g.io/a@{B}"})]
    assert ask(UP, source, [UP, *pods(UP, {"imageID": f"e/a@{B}"})], planned=UP)["image main"].ok is True
    target = [UP, *pods(UP, {"imageID": f"e/a@{A}"}, {"imageID": f"e/a@{B}"})]
    found = ask(UP, [UP, *pods(UP, {"imageID": f"g/a@{A}"})], target, planned=UP)["image main"]
    assert found.ok is False and found.target == f"{A}, {B}"
    injected = [UP, *pods(UP, {"imageID": f"e/a@{A}"}, {"name": "istio-proxy", "imageID": f"i/p@{B}"})]
    assert set(ask(UP, source, injected, planned=UP)) == {"replicas", "restarts", "image main"}


def test_no_image_of_a_side_that_was_not_seen() -> None:
    here = [UP, *pods(UP, {"imageID": f"e/a@{A}"})]
    for source in (None, side(why="no access"), [UP], side(UP, unread={("", "Pod"): "403"})):
        assert ask(UP, source, here, planned=UP)["image main"].ok is None


def test_the_time_of_the_look_is_said() -> None:
    found = ask(UP, side(deployment(2, 1), at="2026-01-01T00:00:00Z"), [deployment(2, 1)], planned=UP)["replicas"]
    assert "on the source at 2026-01-01T00:00:00Z 1 of 2 ready" in found.message


def test_a_bare_pod() -> None:
    (_, pod) = pods(UP, {})
    assert {name: one.ok for name, one in ask(pod, [pod], [pod], planned=pod).items()} == {
        "ready": True,
        "restarts": True,
        "image main": None,
    }
    (_, bad) = pods(UP, LOOP)
    bad["status"]["conditions"][0]["status"] = "False"
    found = ask(pod, [pod], [bad], planned=pod)
    assert found["ready"].ok is False and "CrashLoopBackOff" in found["ready"].message


def test_odd_bodies_are_no_error() -> None:
    for kind in sorted(KINDS):
        for odd in (None, [], "x", 3, {"conditions": [3, {}]}, {"replicas": "x", "loadBalancer": []}):
            one = body(f"{kind[0]}/v1 {kind[1]}" if kind[0] else f"v1 {kind[1]}", spec={})
            one |= {"spec": odd, "status": odd}
            list(ask(one, [one], [one], planned=one).values())
    assert ask(body("v1 ConfigMap"), [], []) == {}
