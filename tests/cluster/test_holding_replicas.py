"""Replicas of what an autoscaler owns, on a real API server: never lost when they change hands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from holding_help import (
    applied,
    eventually,
    hpa,
    pods,
    read,
    released,
    running,
    send,
    there,
    with_a_node,
    workload,
)
from rig import flags
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client, Json

from migrate.manifest.places import drop, get, put
from migrate.model.objects import MISSING
from migrate.model.path import P
from migrate.semantics.holding import KEY, REPLICAS, State, state
from migrate.semantics.holding_release import KEEPER, OURS, Request, arrive, release
from migrate.semantics.holding_scaling import Scaler, replicas_owner


@pytest.fixture(scope="module")
def client(assets: Assets) -> Iterator[Client]:
    """One control plane with one Node: how many pods a DaemonSet has is part of what is tried."""
    with ControlPlane(assets).start(with_kwok=True) as plane:
        yield with_a_node(plane)


def test_an_hpa_leaves_what_is_held_alone_and_says_so(client: Client) -> None:
    planned = workload("Deployment", "off", replicas=2)
    client.apply(hpa(planned, 3))
    applied(client, planned)

    def disabled() -> bool:
        conditions = there(client, hpa(planned, 3)).get("status", {}).get("conditions") or []
        return any(one["reason"] == "ScalingDisabled" for one in conditions)

    eventually(disabled)
    assert there(client, planned)["spec"]["replicas"] == 0 and pods(client, "off") == []
    scaler = replicas_owner(planned, [hpa(planned, 3)])
    released(client, planned, scaler)
    eventually(lambda: running(client, "off", 3))


def test_min_replicas_0_is_refused_unless_the_cluster_was_told_to_take_it(client: Client) -> None:
    with pytest.raises(ApiError, match="must be greater than or equal to 1"):
        client.apply(hpa(workload("Deployment", "zero"), 0), dry_run=True)


def test_an_hpa_from_zero_wakes_nothing_that_it_has_not_put_to_sleep_itself(
    assets: Assets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why release gives such a target one replica to start with. Before 1.36 the HPA would have woken it."""
    gate = ["--feature-gates=HPAScaleToZero=true"]
    server, manager = flags.apiserver, flags.controller_manager
    monkeypatch.setattr(flags, "apiserver", lambda *a: server(*a) + gate)
    monkeypatch.setattr(flags, "controller_manager", lambda *a: manager(*a) + gate)
    with ControlPlane(assets).start(with_kwok=True) as plane:
        client = with_a_node(plane)
        planned = workload("Deployment", "zero", replicas=2)
        applied(client, planned)
        client.apply(hpa(planned, 0))

        def reasons() -> set[str]:
            found = there(client, hpa(planned, 0)).get("status", {}).get("conditions") or []
            return {one["reason"] for one in found if one["type"] == "ScalingActive"}

        assert eventually(reasons) == {"ScalingDisabled"}
        released(client, put(planned, REPLICAS, 0), replicas_owner(planned, [hpa(planned, 0)]))
        eventually(lambda: reasons() == {"FailedGetExternalMetric"})  # now it looks for work


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
@pytest.mark.parametrize("held", [True, False], ids=["held", "at once"])
@pytest.mark.parametrize("killed_after", [0, 1, 2, 3])
def test_replicas_never_fall_wherever_the_hand_over_is_killed(
    client: Client, kind: str, held: bool, killed_after: int
) -> None:
    name = f"{kind.lower()}-{'held' if held else 'once'}-{killed_after}"
    planned = workload(kind, name, replicas=2)
    scaler = replicas_owner(planned, [hpa(planned, 3)])
    if held:
        applied(client, planned)

    def asked() -> tuple[Request, ...]:
        live = read(client, planned)
        return release(live, planned, scaler=scaler) if held else arrive(live, planned, held=None, scaler=scaler)

    seen = []
    for request in asked()[:killed_after]:
        seen.append(client.apply(dict(request.body), manager=request.manager)["spec"]["replicas"])
    for request in asked():
        seen.append(client.apply(dict(request.body), manager=request.manager)["spec"]["replicas"])
    assert set(seen) == {3}
    assert owners(there(client, planned)) == {KEEPER}
    assert state(there(client, planned)) is (State.RELEASED if held else State.ARRIVED)

    # As the HPA does it:
    client.patch(planned, {"spec": {"replicas": 7}}, sub="scale")
    before = written(client, planned)
    applied(client, planned, held=held, scaler=scaler)
    if held:
        released(client, planned, scaler)
    assert there(client, planned)["spec"]["replicas"] == 7 and written(client, planned) == before


def owners(found: Json) -> set[str]:
    path = P("fieldsV1", "f:spec", "f:replicas")
    return {one["manager"] for one in found["metadata"]["managedFields"] if get(one, path) is not MISSING}


def written(client: Client, planned: Json) -> Any:
    """What a write of ours would change, times of managers included; controllers write nothing but status here."""
    found = there(client, planned)
    managers = [one for one in found["metadata"]["managedFields"] if one.get("subresource") != "status"]
    return found["metadata"]["generation"], found["metadata"].get("annotations", {}).get(KEY), managers


def test_without_a_second_manager_replicas_fall_to_1(client: Client) -> None:
    """Why there is a hand-over at all."""
    planned = workload("Deployment", "falls", replicas=4)
    applied(client, planned, held=False)
    assert client.apply(drop(planned, REPLICAS), manager=OURS)["spec"]["replicas"] == 1


def test_an_autoscaler_that_is_faster_is_a_conflict_and_then_done(client: Client) -> None:
    planned = workload("Deployment", "faster", replicas=3)
    scaler = replicas_owner(planned, [hpa(planned, 3)])
    applied(client, planned)
    first, second, _ = release(there(client, planned), planned, scaler=scaler)
    send(client, (first,))
    client.patch(planned, {"spec": {"replicas": 5}}, sub="scale")
    with pytest.raises(ApiError, match="conflict with"):
        send(client, (second,))
    released(client, planned, scaler)
    assert there(client, planned)["spec"]["replicas"] == 5


def test_the_second_manager_alone_makes_nothing(client: Client) -> None:
    """Somebody deletes the object between our requests: nothing half comes back."""
    for kind in ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"):
        planned = workload(kind, "gone", replicas=2)
        keeper = release(None, planned, scaler=Scaler("HorizontalPodAutoscaler", "default", "h", 1, False))[1]
        with pytest.raises(ApiError) as refused:
            send(client, (keeper,))
        assert refused.value.status == 422 and read(client, planned) is None


def test_whoever_scaled_a_held_object_is_not_overruled(client: Client) -> None:
    planned = workload("Deployment", "scaled", replicas=3)
    applied(client, planned)
    client.patch(planned, {"spec": {"replicas": 2}})
    for send_again in (applied, released):
        with pytest.raises(ApiError, match=r"conflict with.*\.spec\.replicas"):
            send_again(client, planned)
    assert there(client, planned)["spec"]["replicas"] == 2
