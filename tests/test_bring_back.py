"""What of a deleted object is sent again, what only a server gives, and what is lost: pure."""

from __future__ import annotations

from typing import Any

import pytest
from rollback_help import obj

from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.semantics.bring_back import as_new, lost, made_by, missing, moved, standing_in, without_taken
from migrate.semantics.rollback import Around, Earlier, Fate, judge

MINE = "gke2eks-rollback"
OF_SERVER = {"uid": "u0", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z", "generation": 3}
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "boss", "uid": "b1"}


def seen(kind: str, version: str = "v1", /, meta: Any = None, **more: Any) -> dict[str, Any]:
    return obj(kind, "web", "shop", version, metadata={**OF_SERVER, **(meta or {})}, **more)


def service(ip: str = "10.0.0.5", port: int = 30080) -> dict[str, Any]:
    ports = [{"port": 80, "protocol": "TCP", "nodePort": port}]
    return seen("Service", spec={"clusterIP": ip, "clusterIPs": [ip], "ports": ports})


def of(body: Body) -> Ref:
    return Ref(str(body["apiVersion"]).rpartition("/")[0], str(body["kind"]), "shop", "web")


def test_what_a_server_wrote_is_not_sent_and_owners_only_when_they_are_there() -> None:
    before = seen(
        "ConfigMap", meta={"ownerReferences": [OWNER], "managedFields": [{}], "labels": {"a": "b"}}, status={}
    )
    assert as_new(before) == obj("ConfigMap", "web", "shop", metadata={"labels": {"a": "b"}})
    assert as_new(before, [OWNER])["metadata"]["ownerReferences"] == [OWNER]


def test_an_address_that_is_taken_is_left_out_and_nothing_else() -> None:
    sent = as_new(service())
    assert sent["spec"]["clusterIP"] == "10.0.0.5"
    less = without_taken(sent, ["spec.clusterIPs"])
    assert less is not None and set(less["spec"]) == {"ports"} and less["spec"]["ports"][0]["nodePort"] == 30080
    less = without_taken(less, ["spec.ports[0].nodePort"])
    assert less is not None and less["spec"]["ports"] == [{"port": 80, "protocol": "TCP"}]
    for fields in ([], ["spec.type"], ["spec.ports[0].port"], ["spec.ports[1].nodePort"]):
        assert without_taken(less, fields) is None
    assert without_taken(seen("ConfigMap"), ["spec.clusterIPs"]) is None
    headless = as_new(service("None"))
    assert without_taken(headless, ["spec.clusterIPs"]) is None


def test_the_new_address_belongs_to_what_was_before() -> None:
    live = service("10.0.0.9", 30081) | {"metadata": {"name": "web", "namespace": "shop", "uid": "u9"}}
    stands = standing_in(service(), live)
    assert stands["spec"] == live["spec"] and stands["metadata"]["uid"] == "u9"
    port = "its node port 30080 is somebody else's by now: it has 30081"
    assert moved(service(), live) == f"its address 10.0.0.5 is somebody else's by now: it has 10.0.0.9; {port}"
    assert moved(service(), service(port=30081)) == port
    assert moved(service(), service()) == ""


def job(uid: str, ended: bool) -> dict[str, Any]:
    labels = {"controller-uid": uid, "batch.kubernetes.io/controller-uid": uid, "app": "web"}
    spec = {"selector": {"matchLabels": {"controller-uid": uid}}, "template": {"metadata": {"labels": labels}}}
    status = {"conditions": [{"type": "Complete", "status": "True"}]} if ended else {"active": 1}
    return seen("Job", "batch/v1", meta={"labels": labels}, spec=spec, status=status)


def test_a_job_gets_a_selector_of_its_own_and_runs_once() -> None:
    sent = as_new(job("u0", ended=True))
    assert sent["spec"] == {"template": {"metadata": {"labels": {"app": "web"}}}, "suspend": True}
    assert sent["metadata"]["labels"] == {"app": "web"}
    assert "suspend" not in as_new(job("u0", ended=False))["spec"]
    live = job("u9", ended=False)
    assert standing_in(job("u0", ended=False), live)["spec"] == live["spec"]
    assert "suspended" in missing(of(sent), job("u0", ended=True)) and not missing(of(sent), job("u0", ended=False))
    by_hand = job("u0", ended=False)
    by_hand["spec"]["manualSelector"] = True
    assert "selector" in as_new(by_hand)["spec"]


@pytest.mark.parametrize(
    ("kind", "gone"), [("PersistentVolumeClaim", True), ("PersistentVolume", True), ("Secret", False), ("Pod", False)]
)
def test_data_does_not_come_back(kind: str, gone: bool) -> None:
    body = seen(kind)
    ref, earlier = of(body), Earlier(body, "u0", deleted=True)
    (there,) = judge({}, {ref: earlier}, {}, Around())
    assert (there.fate is Fate.KEEP) is gone and bool(lost(ref, body)) is gone
    assert there.fate is Fate.BRING_BACK or "nothing brings that back" in there.why
    anew = seen(kind, meta={"uid": "u1"})
    word = [("", kind)]
    (made,) = judge({ref: {"u1"}}, {ref: earlier}, {ref: anew}, Around(), word)
    assert made.fate is (Fate.DELETE if gone else Fate.BRING_BACK)
    assert ("was lost when that was deleted" in made.why) is gone
    ended = seen("Pod", status={"phase": "Succeeded"})
    assert "would run again" in lost(of(ended), ended)


def test_what_is_in_a_room_is_gone_and_said() -> None:
    for body in (seen("Namespace"), seen("Database", "example.com/v1")):
        assert "went when it was deleted" in missing(of(body), body)
    keeps = {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}
    assert missing(Ref("apps", "StatefulSet", "shop", "web"), seen("StatefulSet", "apps/v1", spec=keeps))
    assert missing(Ref("apps", "Deployment", "shop", "web"), seen("Deployment", "apps/v1")) == ""
    assert missing(Ref("", "ServiceAccount", "shop", "web"), seen("ServiceAccount")) == ""


def test_whose_it_is_shows_by_its_first_owner() -> None:
    def live(*managers: str) -> dict[str, Any]:
        return seen("ConfigMap", meta={"managedFields": [{"manager": one, "fieldsV1": {}} for one in managers]})

    assert made_by(live(MINE), MINE) and made_by(live(MINE, "webhook"), MINE) and not made_by(live("kubectl"), MINE)
    assert (
        not made_by(live(), MINE) and made_by(live(), MINE, bare=True) and not made_by(live("kubectl"), MINE, bare=True)
    )


def test_what_is_there_again_is_not_brought_back_twice() -> None:
    body = seen("ConfigMap", data={"a": "1"})
    ref, now = of(body), seen("ConfigMap", meta={"uid": "u9"}, data={"a": "1"})
    known = Earlier(body, "u0", deleted=True, like=frozenset({"u9"}))
    assert judge({}, {ref: known}, {ref: now}, Around()) == ()
    half = Earlier({**body, "data": {"a": "2"}}, "u0", deleted=True, like=frozenset({"u9"}), half=True)
    assert [one.fate for one in judge({}, {ref: half}, {ref: now}, Around())] == [Fate.BRING_BACK]
    (other,) = judge({}, {ref: Earlier(body, "u0", deleted=True)}, {ref: now}, Around())
    assert other.fate is Fate.KEEP and "somebody made it meanwhile" in other.why
