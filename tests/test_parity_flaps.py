"""Looks over time: what flaps; and neighbours of a large cluster, found fast and without a change of any body."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator

from parity_help import A, Json, body, deployment, pods, ref_of, side

from migrate.differ.flaps import Look, flaps
from migrate.differ.parity import around, parity
from migrate.model.comparison import Parity
from migrate.model.ref import Ref

WEB, API = Ref("apps", "Deployment", "shop", "web"), Ref("apps", "Deployment", "shop", "api")


def looks(*answers: bool | None, ref: Ref = WEB, check: str = "replicas") -> list[Look]:
    return [
        (f"2026-01-01T00:00:0{number}Z", [Parity(ref, check, None, None, ok, f"look {number}")])
        for number, ok in enumerate(answers)
    ]


def test_what_never_changes_is_not_told() -> None:
    assert flaps(looks(True, True, True)) == () == flaps(looks(False, False)) == flaps([])
    assert flaps(looks(True, None, True)) == ()  # a look that could not be made is no change


def test_what_changes_is_counted_and_dated() -> None:
    (one,) = flaps(looks(True, False, False, None, True, False, True, True))
    assert (one.ref, one.check, one.changes, one.ok, one.settled) == (WEB, "replicas", 4, True, False)
    assert (one.changed, one.message) == ("2026-01-01T00:00:06Z", "look 7")
    assert (one.failed, one.failure) == ("2026-01-01T00:00:05Z", "look 5")


def test_a_start_settles_and_an_end_does_not() -> None:
    (start,) = flaps(looks(None, False, True))
    (end,) = flaps(looks(True, False))
    assert start.settled and not end.settled and end.failed == end.changed == "2026-01-01T00:00:01Z"


def test_each_check_of_each_object_for_itself_the_worst_first() -> None:
    both = [
        (at, [*one, *two, *three])
        for (at, one), (_, two), (_, three) in zip(
            looks(True, False, True),
            looks(False, True, False, ref=API),
            looks(True, False, False, check="restarts"),
            strict=True,
        )
    ]
    assert [(one.ref, one.check, one.changes) for one in flaps(both)] == [
        (API, "replicas", 2),
        (WEB, "replicas", 2),
        (WEB, "restarts", 1),
    ]


def test_looks_are_taken_one_at_a_time() -> None:
    taken: list[int] = []

    def found(number: int) -> Iterator[Parity]:
        taken.append(number)
        yield Parity(WEB, "replicas", None, None, number % 2 == 0)

    def all_looks() -> Iterator[Look]:
        for number in range(3):
            assert taken == list(range(number))
            yield "", found(number)

    assert flaps(all_looks())[0].changes == 2


def _cluster(workloads: int) -> dict[Ref, Json]:
    """Workloads, each with a ReplicaSet, a pod, a Service and its slice, all in one namespace with one shared label."""
    found = {}
    for number in range(workloads):
        name = f"w{number}"
        main = deployment(1, 1, name=name)
        labels = {"app": name, "team": "a"}
        main["spec"]["template"]["metadata"]["labels"] = labels
        between, pod = pods(main, {"imageID": f"g.io/a@{A}"})
        for one in (between, pod):
            one["metadata"]["name"] += name
            one["metadata"]["uid"] += name
        pod["metadata"]["ownerReferences"][0]["uid"] = between["metadata"]["uid"]
        service = body("v1 Service", name, spec={"selector": {"team": "a", "app": name}}, status={"loadBalancer": {}})
        points = [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}]
        marks = {"kubernetes.io/service-name": name}
        piece = body("discovery.k8s.io/v1 EndpointSlice", name, labels=marks, endpoints=points)
        found |= {ref_of(one): one for one in (main, between, pod, service, piece)}
    return found


def test_ten_thousand_objects_in_half_a_second_and_none_is_changed() -> None:
    bodies = _cluster(2000)
    few = _cluster(3)
    before = copy.deepcopy(few)
    found = [one for ref in few for one in parity(ref, around(few).of(ref), around(few).of(ref), planned=few[ref])]
    assert few == before and all(one.ok for one in found)
    assert len(found) == 3 * (3 + 2 + 3 + 1)
    assert len(bodies) == 10_000
    planned = [ref for ref in bodies if ref.kind in ("Deployment", "Service")]  # controllers make the rest
    for _ in range(3):  # the best of three: a neighbour on this machine is no slowness of ours
        start = time.process_time()
        here = around(bodies)
        answers = sum(len(list(parity(ref, here.of(ref), here.of(ref), planned=bodies[ref]))) for ref in planned)
        spent = time.process_time() - start
        if spent < 0.5:
            break
    assert spent < 0.5
    assert answers == 2000 * (3 + 1)
    assert len(here.of(Ref("", "Service", "shop", "w7")).behind) == 1


def test_neighbours_of_a_claim_and_of_a_cron_job() -> None:
    cron = body("batch/v1 CronJob", spec={}, status={})
    job = body("batch/v1 Job", spec={}, status={}, owner=cron)
    pod = body("v1 Pod", spec={"volumes": [{"name": "d", "ephemeral": {}}]}, status={}, owner=job)
    claim = body("v1 PersistentVolumeClaim", "web-d", spec={"volumeName": "v"}, status={})
    volume = body("v1 PersistentVolume", "v", spec={}, status={})
    here = side(cron, job, pod, claim, volume)
    assert here.of(ref_of(cron)).jobs == (job,) and here.of(ref_of(cron)).pods == (pod,)
    assert here.of(ref_of(claim)).pods == (pod,) and here.of(ref_of(claim)).volume == volume
