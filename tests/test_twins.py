"""The guard of release: nothing runs beside its twin on the source."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from twins_help import OFF, WEB, Json, live, obj, owned, step

from migrate.model.objects import Body
from migrate.semantics.running import BOTH, HELD
from migrate.semantics.twins import StillRuns, Twin, keepers, made_by, still_runs
from migrate.semantics.twins_release import has_twin, notes, refused

SCALED = ("apps/v1 Deployment", "apps/v1 StatefulSet", "apps/v1 ReplicaSet", "v1 ReplicationController")
SUSPEND = '--type=merge -p \'{"spec":{"suspend":true}}\''
NOWHERE = '--type=merge -p \'{"spec":{"template":{"spec":{"nodeSelector":{"gke2eks/stopped":"true"}}}}}\''


def lines(found: StillRuns | None) -> list[str]:
    return [shlex.join(one) for one in found.commands] if found else []


@pytest.mark.parametrize("kind", SCALED)
def test_what_is_scaled(kind: str) -> None:
    word = kind.split()[1].lower()
    found = still_runs(live(f"{kind} a", "spec: {replicas: 3}\nstatus: {replicas: 3}"))
    assert found and found.why == "wants 3 replicas" and lines(found) == [f"-n shop scale {word}/a --replicas=0"]
    assert still_runs(live(f"{kind} a", "spec: {}"))  # absent is 1
    unseen = still_runs(live(f"{kind} a", "spec: {replicas: 0}\nstatus: {observedGeneration: 1}"))
    assert unseen and "has not seen" in unseen.why and not unseen.commands
    left = still_runs(live(f"{kind} a", OFF.replace("2}", "2, replicas: 2}")))
    assert left == StillRuns("is scaled to 0, and 2 pods still end")
    assert still_runs(live(f"{kind} a", OFF.replace("2}", "2, terminatingReplicas: 1}"))) == StillRuns(
        "is scaled to 0, and 1 pod still ends"
    )
    assert still_runs(live(f"{kind} a", OFF)) is None


@pytest.mark.parametrize(
    ("what", "text", "why", "command"),
    [
        ("batch/v1 CronJob", "spec: {suspend: false}", "is not suspended", f"patch cronjob/a {SUSPEND}"),
        ("batch/v1 CronJob", "spec: {}", "is not suspended", f"patch cronjob/a {SUSPEND}"),
        ("batch/v1 CronJob", "spec: {suspend: true}", "", ""),
        ("batch/v1 CronJob", "spec: {suspend: true}\nstatus: {active: [{name: a-1}]}", "its Job a-1 still runs", ""),
        (
            "batch/v1 Job",
            "spec: {}\nstatus: {active: 1}",
            "is not finished: 1 pod of it runs",
            f"patch job/a {SUSPEND}",
        ),
        ("batch/v1 Job", "spec: {}", "is not finished", f"patch job/a {SUSPEND}"),
        ("batch/v1 Job", "spec: {suspend: true}\nstatus: {active: 2}", "is suspended, and 2 pods still end", ""),
        ("batch/v1 Job", "spec: {suspend: true}", "", ""),
        ("batch/v1 Job", "status: {conditions: [{type: Complete, status: 'True'}]}", "", ""),
        ("batch/v1 Job", "status: {conditions: [{type: Failed, status: 'True'}]}", "", ""),
        ("batch/v1 Job", "status: {conditions: [{type: Failed, status: 'False'}]}", "is not finished", "patch job/a"),
        ("apps/v1 DaemonSet", "status: {observedGeneration: 1}", "has not seen", ""),
        (
            "apps/v1 DaemonSet",
            "status: {observedGeneration: 2, desiredNumberScheduled: 2}",
            "wants 2 pods",
            f"patch daemonset/a {NOWHERE}",
        ),
        ("apps/v1 DaemonSet", "status: {observedGeneration: 2, numberMisscheduled: 1}", "1 pod still ends", ""),
        ("apps/v1 DaemonSet", "status: {observedGeneration: 2, desiredNumberScheduled: 0}", "", ""),
        ("v1 Pod", "status: {phase: Running}", "is Running", "delete pod/a"),
        ("v1 Pod", "{}", "is Pending", "delete pod/a"),
        ("v1 Pod", "status: {phase: Succeeded}", "", ""),
        ("v1 Pod", "status: {phase: Failed}", "", ""),
        ("v1 Pod", "spec: {schedulingGates: [{name: x}]}", "", ""),
        ("keda.sh/v1alpha1 ScaledJob", "{}", "KEDA starts Jobs", "annotate scaledjob.keda.sh/a"),
        ("argoproj.io/v1alpha1 Rollout", "{}", "does not know what stops this kind", ""),
    ],
)
def test_every_other_kind(what: str, text: str, why: str, command: str) -> None:
    found = still_runs(live(f"{what} a", text))
    assert (why in found.why) if found and why else (found is None and not why), found
    assert [line.startswith(f"-n shop {command}") for line in lines(found)] == ([True] if command else [])


def test_gone_paused_and_deleted() -> None:
    assert still_runs(None) is None
    assert still_runs(live("v1 Pod a", "status: {phase: Running}", deletionTimestamp="now")) == StillRuns(
        "is being deleted and has not ended yet"
    )
    paused = live("keda.sh/v1alpha1 ScaledJob a", annotations={"autoscaling.keda.sh/paused": "true"})
    assert still_runs(paused) is None
    works = live("batch/v1 Job a-x", **owned(obj("keda.sh/v1alpha1 ScaledJob a")))
    assert still_runs(paused, jobs=[works]) == StillRuns("is stopped, and its Job a-x still runs")


def scaled_object(**annotations: str) -> Body:
    notes = {f"autoscaling.keda.sh/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return live("keda.sh/v1alpha1 ScaledObject so", "spec: {scaleTargetRef: {name: a}}", annotations=notes)


@pytest.mark.parametrize(
    ("scaler", "wakes"),
    [
        (scaled_object(), True),
        (scaled_object(paused="false"), True),
        (scaled_object(paused="true"), False),
        (scaled_object(paused_replicas="0"), False),
        (scaled_object(paused_replicas="2", paused="true"), True),
    ],
)
def test_keda_wakes_what_it_was_not_told_to_leave(scaler: Body, wakes: bool) -> None:
    stop = "-n shop annotate scaledobject.keda.sh/so autoscaling.keda.sh/paused-replicas=0 --overwrite"
    for text, state in ((OFF, "is at 0 replicas"), ("spec: {replicas: 2}", "wants 2 replicas")):
        found = still_runs(live("apps/v1 Deployment a", text), scalers=[scaler])
        if wakes:
            assert found and found.why.startswith(f"{state}, and ScaledObject/so") and lines(found) == [stop]
        else:
            assert lines(found) == ([] if text == OFF else ["-n shop scale deployment/a --replicas=0"])
    assert still_runs(live("apps/v1 Deployment other", OFF), scalers=[scaler]) is None


def test_an_hpa_takes_0_for_off_unless_its_minimum_is_0() -> None:
    def hpa(smallest: str) -> Body:
        target = "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}"
        return live("autoscaling/v2 HorizontalPodAutoscaler h", f"spec: {{{smallest}{target}}}")

    for smallest in ("", "minReplicas: 3, "):
        assert still_runs(live("apps/v1 Deployment a", OFF), scalers=[hpa(smallest)]) is None
    found = still_runs(live("apps/v1 Deployment a", OFF), scalers=[hpa("minReplicas: 0, ")])
    patch = '--type=merge -p \'{"spec":{"minReplicas":1}}\''
    assert lines(found) == [f"-n shop patch horizontalpodautoscaler/h {patch}"]


def pod(name: str, owner: str, text: str = "status: {phase: Running}") -> Body:
    return live(f"v1 Pod {name}", text, **owned(obj(owner)))


def test_pods_that_still_end_are_found_through_what_made_them() -> None:
    pods = [
        pod("web-1-a", "apps/v1 ReplicaSet web-1"),
        pod("web-1-b", "apps/v1 ReplicaSet web-1", "status: {phase: Failed}"),
        pod("web-ui-1-a", "apps/v1 ReplicaSet web-ui-1"),
        pod("web-0", "apps/v1 StatefulSet web"),
        pod("web-29923455-a", "batch/v1 Job web-29923455"),
        pod("web-import-a", "batch/v1 Job web-import"),
        live("v1 Pod web", "status: {phase: Running}"),
    ]
    found = {
        kind: [one["metadata"]["name"] for one in made_by(obj(f"{kind} web").ref, pods)]
        for kind in ("apps/v1 Deployment", "apps/v1 StatefulSet", "batch/v1 CronJob", "apps/v1 DaemonSet")
    }
    assert list(found.values()) == [["web-1-a", "web-1-b"], ["web-0"], ["web-29923455-a"], []]
    own = made_by(obj("apps/v1 Deployment web").ref, pods)
    assert still_runs(live("apps/v1 Deployment web", OFF), pods=own) == StillRuns(
        "is stopped, and 1 pod still ends: web-1-a"
    )
    assert still_runs(None, pods=own) == StillRuns("is gone, and 1 pod still ends: web-1-a")
    runs = still_runs(live("apps/v1 Deployment web", "spec: {replicas: 1}"), pods=own)
    assert runs and runs.commands  # to stop it comes first


@pytest.mark.parametrize(
    ("meta", "who"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "a"}}, "Argo CD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "a"}}, "Flux"),
        ({"annotations": {"configmanagement.gke.io/managed": "enabled"}}, "Config Sync"),
        ({"annotations": {"configmanagement.gke.io/managed": "disabled"}}, ""),
        (owned(obj("x.io/v1 Thing t")), "Thing/t"),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, ""),  # Helm acts when somebody calls it
    ],
)
def test_who_may_start_it_again_is_named(meta: Json, who: str) -> None:
    found = keepers(live("apps/v1 Deployment a", **meta))
    assert [note.startswith(who) for note in found] == ([True] if who else [])
    assert keepers(None) == ()


OPEN = {WEB.ref: ("shop/data",)}
KUBECTL = ("kubectl", "--context", "gke acme")


def test_a_refusal_says_data_first_and_to_stop_the_twin_before_it_is_copied() -> None:
    runs = Twin(still_runs(live("apps/v1 Deployment web", "spec: {replicas: 3}")), notes=("Argo CD may start it",))
    found = refused([step(WEB, HELD)], OPEN, {WEB.ref: runs}, kubectl=KUBECTL)[WEB.ref]
    assert found.why == (
        "nobody said what becomes of the data of claim shop/data; here it would start without it; "
        "and on the source it wants 3 replicas"
    )
    fix = found.fix.splitlines()
    assert 'volumes: {"shop/data": copied}' in fix[2] and "plan again" in fix[2]
    assert fix[:2] == [
        "Argo CD may start it.",
        "kubectl --context 'gke acme' -n shop scale deployment/web --replicas=0",
    ]
    only = refused([step(WEB, HELD)], {}, {WEB.ref: runs}, kubectl=KUBECTL)[WEB.ref]
    assert only.why == "on the source it wants 3 replicas"
    assert refused([step(WEB, HELD)], {}, {WEB.ref: Twin()}) == {}


def test_nobody_looked_is_no_leave() -> None:
    held = step(WEB, HELD)
    assert "no source was named" in refused([held], {}, None)[WEB.ref].why
    assert "may not" in refused([held], {}, {WEB.ref: Twin(unseen="you may not list it")})[WEB.ref].why
    assert WEB.ref in refused([held], {}, {})
    assert refused([held], {}, None, stopped=True) == {}
    assert "nobody looked" in notes(None, stopped=True)[0]
    # The word of a person that the source is gone says nothing about its data.
    assert WEB.ref in refused([held], OPEN, None, stopped=True)


def test_what_only_hold_holds_has_no_twin_to_stop() -> None:
    assert not has_twin(step(WEB, BOTH)) and not has_twin(step(WEB)) and has_twin(step(WEB, HELD))
    assert has_twin(step(obj("keda.sh/v1alpha1 ScaledJob a")))
    assert not has_twin(replace(step(WEB, HELD), body=None))
    assert refused([step(WEB, BOTH)], {}, None) == {}
