"""Zero downtime, shown: a team deploys many times a day, and on the target somebody serves at every moment.

A watch keeps every event of the Service's EndpointSlices and of the pods (rolling_help). Pods start, become Ready and
end as a kubelet has it (rolling_stages.yaml); targets and gates are played (balancer_help). Nothing is really served.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
from apply_kinds import hpa
from apply_real import Replicas
from balancer_help import LABEL, PREFIX
from holding_help import eventually
from rig.assets import Assets
from rig.http import MERGE, Json
from rolling_help import Event, Served, all_serve, condition, ends, gates, least, uids
from team_help import Team, said, teams, within, workload

AWS = "service.beta.kubernetes.io/aws-load-balancer-"


@pytest.fixture(scope="module")
def team(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with teams(assets, tmp_path_factory.mktemp("team")) as found:
        yield found


def opened(served: Served) -> list[int]:
    """How many pods, at each moment, stay and have every gate True: what the load balancer may send to."""
    moments = ([pod for pod in one.pods.values() if not ends(pod) and gates(pod)] for one in served.moments())
    return [sum(all(condition(pod, gate) == "True" for gate in gates(pod)) for pod in pods) for pods in moments]


def assert_left_in_order(served: Served) -> None:
    """Pods that go are told to end, then leave the endpoints, and are gone after that."""
    assert served.gone_while_listed() == [], served.story()
    assert served.gone_untold() == [], served.story()


def test_a_deploy_leaves_no_gap(team: Team) -> None:
    space = "shop"
    team.begin(space, *workload(space))
    old = team.live(space, 3)

    # What the plan wrote is what the target has.
    assert team.new.get("v1", "Namespace", space)["metadata"]["labels"][LABEL] == "enabled"
    service = team.new.get("v1", "Service", "web", space)
    assert service["spec"]["loadBalancerClass"] == "service.k8s.aws/nlb"
    notes = service["metadata"]["annotations"]
    assert notes[f"{AWS}nlb-target-type"] == "ip"
    assert notes[f"{AWS}listener-attributes.TCP-443"] == "tcp.idle_timeout.seconds=600"
    pod = team.deployment(space)["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 60
    assert pod["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 15}}}
    assert team.deployment(space)["spec"]["minReadySeconds"] == 1
    for one in old:
        (gate,) = gates(one)
        assert gate.startswith(PREFIX) and condition(one, gate) == "True"

    team.deploy(space, "web:2")
    since = time.monotonic()
    with Served(team.new, space, "web") as served:
        done = team.again(space)
        assert done.exit == 0, done.out
        new = all_serve(team.new, space, "web", 3, "web:2")
    assert uids(old).isdisjoint(uids(new))
    assert least(team.deployment(space)) == 3
    assert served.fewest() >= 3, served.story()
    # No old pod went before the gate of a new one was true.
    assert min(opened(served)) >= 3, served.story()
    assert team.balancer.fewest(f"{space}/web", since) >= 3
    assert sorted(served.gone()) == sorted(one["metadata"]["name"] for one in old)
    assert_left_in_order(served)
    print(f"\n{served.figures()}; open gates at least {min(opened(served))}")


def test_what_changes_no_pod_replaces_none(team: Team) -> None:
    space = "calm"
    team.begin(space, *workload(space))
    team.live(space, 3)
    # Somebody restarts it on the target; that is no field of ours.
    note = {"kubectl.kubernetes.io/restartedAt": "2026-11-23T12:00:00Z"}
    team.new.patch(team.deployment(space), {"spec": {"template": {"metadata": {"annotations": note}}}})
    eventually(lambda: all(note.items() <= _notes(one).items() for one in team.new.list("v1", "Pod", space)), 180)
    pods = all_serve(team.new, space, "web", 3)

    with Served(team.new, space, "web") as served:
        same = team.again(space)
        assert same.exit == 0 and said(same)["written"] == 0, same.out
        settings = within(space, "v1", "ConfigMap", "web-settings", data={"level": "debug"})
        team.old.patch(settings, {"data": settings["data"]})
        other = team.again(space)
        assert other.exit == 0 and said(other)["written"] == 1, other.out
    assert uids(all_serve(team.new, space, "web", 3)) == uids(pods)
    assert (served.made(), served.gone()) == ([], [])
    assert set(served.counts()) == {3}


def test_a_bad_image_stops_and_the_way_back_works(team: Team) -> None:
    space = "bad"
    team.begin(space, *workload(space))
    old = team.live(space, 3)
    with Served(team.new, space, "web") as served:
        team.deploy(space, "web:broken")
        done = team.again(space, "--ready-timeout", "15")
        assert done.exit == 1, done.out
        (failed,) = (one for one in said(done)["results"] if one["action"] == "failed")
        assert failed["ref"]["kind"] == "Deployment" and "ImagePullBackOff" in str(failed), failed
        assert uids(old) < uids(team.new.list("v1", "Pod", space))

        team.deploy(space, "web:1")
        back = team.again(space)
        assert back.exit == 0, back.out
        assert uids(all_serve(team.new, space, "web", 3, "web:1")) == uids(old)
    assert set(served.counts()) == {3}, served.story()
    # All that went is what never served.
    assert set(served.gone()) == set(served.made()) and served.made()
    print(f"\n{served.figures()}")


def test_a_deploy_that_is_taken_back_leaves_no_gap(team: Team) -> None:
    """`gke2eks rollback` gives back the template of before; that is one more rollout."""
    space = "back"
    team.begin(space, *workload(space))
    team.live(space, 3)
    team.deploy(space, "web:2")
    assert team.again(space).exit == 0
    all_serve(team.new, space, "web", 3, "web:2")
    with Served(team.new, space, "web") as served:
        done = team.rollback(space)
        assert done.exit == 0, done.out
        all_serve(team.new, space, "web", 3, "web:1")
    assert served.fewest() >= 3 and min(opened(served)) >= 3, served.story()
    assert_left_in_order(served)
    print(f"\n{served.figures()}; open gates at least {min(opened(served))}")


def test_killed_while_it_rolls_and_the_next_deploy_is_there_already(team: Team) -> None:
    space = "killed"
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    team.begin(space, *workload(space, strategy=strategy))
    team.live(space, 3)
    with Served(team.new, space, "web") as served:
        team.deploy(space, "web:2")
        team.plan(space)
        child = team.begun(space)
        try:
            eventually(lambda: _of_image(team, space, "web:2"))
        finally:
            child.kill()
        assert child.wait(60) == -signal.SIGKILL
        assert len(_of_image(team, space, "web:2")) < 3, "it was over before the kill"
        team.deploy(space, "web:3")
        done = team.again(space)
        assert done.exit == 0, done.out
        all_serve(team.new, space, "web", 3, "web:3")
    assert least(team.deployment(space)) == 2
    # One less is what the strategy allows, and the watch sees it.
    assert served.fewest() == 2, served.story()
    assert min(opened(served)) >= 2, served.story()
    assert_left_in_order(served)
    print(f"\n{served.figures()}; open gates at least {min(opened(served))}")


def _notes(pod: Json) -> Json:
    return pod["metadata"].get("annotations") or {}


def _of_image(team: Team, space: str, image: str) -> list[str]:
    pods = team.new.list("v1", "Pod", space)
    return [one["metadata"]["name"] for one in pods if one["spec"]["containers"][0]["image"].endswith(image)]


def test_with_an_autoscaler_nothing_is_taken_away(team: Team) -> None:
    space = "scaled"
    team.begin(space, *workload(space, balanced=False), hpa(space, "web"))
    held = team.go("apply", space, "--hold")
    assert held.exit == 0, held.out
    seen = Replicas(team.new)
    with Served(team.new, space, "web") as served:
        released = team.go("release", space)
        assert released.exit == 0, released.out
        first = all_serve(team.new, space, "web", 3)
    # The hand-over of replicas from us to the autoscaler takes no pod away.
    assert served.gone() == [] and served.counts() == sorted(served.counts()), served.story()
    eventually(lambda: seen.seen.get((space, "web"), [])[-1:] == [3])
    assert seen.seen[space, "web"] in ([3], [0, 3])

    # As the HPA's controller writes it; nobody serves a metric here, and it keeps what lies in its bounds.
    path = team.new.path("apps/v1", "Deployment", space, "web", "scale")
    team.new.raw("PATCH", path, {"fieldManager": "kube-controller-manager"}, {"spec": {"replicas": 5}}, MERGE)
    five = all_serve(team.new, space, "web", 5)
    assert uids(first) < uids(five)

    with Served(team.new, space, "web") as served:
        same = team.again(space)
        assert same.exit == 0 and said(same)["written"] == 0, same.out
    assert served.made() == [] and uids(all_serve(team.new, space, "web", 5)) == uids(five)

    team.deploy(space, "web:2")
    with Served(team.new, space, "web") as served:
        done = team.again(space)
        assert done.exit == 0, done.out
        all_serve(team.new, space, "web", 5, "web:2")
    assert least(team.deployment(space)) == 4
    assert served.fewest() >= 4, served.story()
    assert_left_in_order(served)
    print(f"\n{served.figures()}")
    eventually(lambda: seen.seen[space, "web"][-1:] == [5])
    seen.stop()
    assert seen.seen[space, "web"] in ([3, 5], [0, 3, 5]) and not seen.errors


def test_without_the_gate_and_with_recreate_the_gap_is_seen(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other way round: this watch and these targets can show a gap."""
    space = "gap"
    blunt = workload(space, "blunt", strategy={"type": "Recreate"})
    team.begin(space, *workload(space, minReadySeconds=0), *blunt, labels={LABEL: "disabled"})
    old = team.live(space, 3)
    all_serve(team.new, space, "blunt", 3)
    assert not any(gates(one) for one in old)
    eventually(lambda: team.balancer.now(f"{space}/web") == 3)
    # A machine that rolls slowly must not give a new target the time to become healthy before the next one goes.
    monkeypatch.setattr(team.balancer, "seconds", 60)
    team.deploy(space, "web:2")
    team.deploy(space, "web:2", "blunt")
    since = time.monotonic()
    with Served(team.new, space, "web") as served, Served(team.new, space, "blunt") as recreated:
        done = team.again(space)
        assert done.exit == 0, done.out
        all_serve(team.new, space, "web", 3, "web:2")
        all_serve(team.new, space, "blunt", 3, "web:2")
    # Kubernetes sees no gap: three endpoints at every moment. The load balancer has fewer targets that are healthy.
    assert served.fewest() >= 3, served.story()
    healthy = team.balancer.fewest(f"{space}/web", since)
    assert healthy < 3
    assert recreated.fewest() == 0
    print(f"\n{served.figures()}; healthy targets down to {healthy}\n{recreated.figures()}")


def test_the_watch_calls_a_gap_a_gap() -> None:
    """Events by hand: a pod that is gone while the slice still lists it, and one that was told and left before."""
    service = {"labels": {"kubernetes.io/service-name": "web"}}

    def slice_(version: int, *names: str) -> Event:
        points = [{"targetRef": {"name": name}, "conditions": {}} for name in names]
        meta = {"name": "web-1", "resourceVersion": str(version), **service}
        return Event(version, "MODIFIED", {"kind": "EndpointSlice", "metadata": meta, "endpoints": points})

    def gone(version: int, name: str) -> Event:
        return Event(version, "DELETED", {"kind": "Pod", "metadata": {"name": name}})

    def told(version: int, name: str) -> Event:
        body = {"kind": "Pod", "metadata": {"name": name, "deletionTimestamp": "2026-11-23T12:00:00Z"}}
        return Event(version, "MODIFIED", body)

    begin = {"EndpointSlice": [slice_(1, "a", "b").body], "Pod": [{"metadata": {"name": name}} for name in "ab"]}
    events = [told(2, "a"), slice_(3, "b"), gone(4, "a"), gone(5, "b")]
    served = Served(None, "shop", "web", begin=begin, events=events)  # type: ignore[arg-type]
    assert (served.counts(), served.fewest()) == ([2, 2, 1, 1, 1], 1)
    assert (served.gone_while_listed(), served.gone_untold()) == (["b"], ["b"])
    # What came between the two lists is how it began: then `a` left in time, before anybody looked.
    late = Served(None, "shop", "web", begin=begin, events=events, _since=3)  # type: ignore[arg-type]
    assert (late.counts(), late.gone_while_listed()) == ([1, 1, 1], ["b"])
