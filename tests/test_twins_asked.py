"""The guard of release asks the source: by few lists, and never takes silence for a stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from twins_help import OFF, WEB, live, obj, owned

from migrate.errors import BadInput, Forbidden, Refused, Unreachable
from migrate.flow.twins import ask
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.semantics.twins import StillRuns, Twin
from migrate.semantics.twins_release import notes


class AClub:
    """A source of a few lists; a text instead of a list is why it may not be read."""

    name = "club"

    def __init__(self, *objects: Body, no: Mapping[str, Refused] | None = None, silent: bool = False) -> None:
        system = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "u1"}}
        self.objects, self.no, self.silent = [*objects, system], no or {}, silent
        self.asked: list[tuple[str, str]] = []

    def version(self) -> Mapping[str, Any]:
        raise AssertionError("nobody needs it")

    def kinds(self) -> tuple[Kind, ...]:
        names = {("", "Pod"), ("", "Namespace"), ("apps", "Deployment"), ("batch", "CronJob"), ("batch", "Job")}
        names |= {("autoscaling", "HorizontalPodAutoscaler")}
        found = [Kind(g, "v1", f"{k.lower()}s", k, k != "Namespace", ("list",)) for g, k in sorted(names)]
        return (*found, *([Kind("keda.sh", "v1alpha1", "", "", False)] if self.silent else ()))

    def pages(self, kind: Kind, limit: int = 500, namespace: str = "") -> Iterator[Mapping[str, Any]]:
        self.asked.append((kind.kind, namespace))
        if kind.kind in self.no:
            raise self.no[kind.kind]
        found = [one for one in self.objects if one["kind"] == kind.kind]
        yield {"metadata": {}, "items": [o for o in found if namespace in ("", o["metadata"].get("namespace"))]}

    def changes(self, kind: Kind, since: str, namespace: str = "") -> Sequence[Mapping[str, Any]]:
        raise AssertionError("nobody needs it")


CRON = obj("batch/v1 CronJob nightly")


def test_the_source_is_asked_once_for_each_kind_of_a_namespace() -> None:
    club = AClub(live("apps/v1 Deployment web", "spec: {replicas: 2}"), live("batch/v1 CronJob other"))
    other = replace(WEB.ref, name="gone")
    found = ask(club, [WEB.ref, other, CRON.ref], uid="u1")
    assert found[WEB.ref].runs == StillRuns(
        "wants 2 replicas", (("-n", "shop", "scale", "deployment/web", "--replicas=0"),)
    )
    assert found[other] == Twin() == found[CRON.ref]
    assert sorted(club.asked) == [
        ("CronJob", "shop"),
        ("Deployment", "shop"),
        ("HorizontalPodAutoscaler", "shop"),
        ("Job", "shop"),
        ("Namespace", ""),
        ("Pod", "shop"),
    ]
    assert ask(club, []) == {}


def test_a_suspended_cron_job_with_a_job_that_a_person_made_still_runs() -> None:
    work = live("batch/v1 Job by-hand", **owned(CRON))
    club = AClub(live("batch/v1 CronJob nightly", "spec: {suspend: true}"), work)
    assert ask(club, [CRON.ref], uid="u1")[CRON.ref].runs == StillRuns("is stopped, and its Job by-hand still runs")


def test_what_may_not_be_listed_is_not_known() -> None:
    no = Forbidden("you may not list these", "ask")
    found = ask(
        AClub(live("batch/v1 CronJob nightly"), no={"Deployment": no, "Pod": no}), [WEB.ref, CRON.ref], uid="u1"
    )
    assert found[WEB.ref].unseen == "you may not list these"
    assert found[CRON.ref].runs and "its pods have ended" in found[CRON.ref].doubts[0]
    silent = ask(AClub(live("apps/v1 Deployment web", OFF), silent=True), [WEB.ref], uid="u1")[WEB.ref]
    assert silent.runs is None and "ScaledObject" in silent.doubts[0]
    assert [line for line in notes({WEB.ref: silent, CRON.ref: silent})] == [
        f"{WEB.ref} and 1 more on the source: {silent.doubts[0]}."
    ]
    with pytest.raises(Unreachable):
        ask(AClub(no={"Pod": Unreachable("gone", "try again")}), [WEB.ref], uid="u1")


def test_another_cluster_is_refused_because_there_everything_looks_stopped() -> None:
    with pytest.raises(BadInput, match="not the cluster that was exported"):
        ask(AClub(), [WEB.ref], uid="u2")
    assert "same one" in ask(AClub(), [WEB.ref])[WEB.ref].doubts[0]
    no = {"Namespace": Forbidden("you may not list Namespaces", "ask")}
    assert "was exported" in ask(AClub(no=no), [WEB.ref], uid="u1")[WEB.ref].doubts[0]
