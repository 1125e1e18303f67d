"""release --on-conflict, scene by scene, on the server that the fixture `life` gives: practice, and a real one, too."""

from __future__ import annotations

from typing import Any

import pytest
from policy_scenes import chosen, one, page
from rig.http import Json
from rollback_help import Died, Dying, Life, actions, deployment, obj


def image(number: int) -> dict[str, Any]:
    return {"containers": [{"name": "web", "image": f"example.com/web:{number}"}]}


def held(life: Life, *more: Json) -> None:
    """A Deployment that arrived held, and somebody else's image in it since."""
    life.client.apply(obj("Namespace", life.space), manager="platform")
    life.plan(deployment(life.space, "web", 2), *more)
    assert actions(life.apply(hold=True))["Deployment/web"] == "held"
    theirs = deployment(life.space, "web", None, **image(9))
    del theirs["spec"]["selector"], theirs["spec"]["template"]["metadata"]
    life.client.apply(theirs, manager="ops", force=True)


def web(life: Life) -> tuple[int, str, set[str]]:
    """(replicas, image, who wrote the spec) of it now."""
    found = life.get("apps/v1", "Deployment", "web")
    assert found is not None
    spec = found["spec"]
    writers = {
        entry["manager"]
        for entry in found["metadata"]["managedFields"]
        if "f:spec" in entry["fieldsV1"] and entry["manager"] != "kube-controller-manager"
    }
    return spec["replicas"], spec["template"]["spec"]["containers"][0]["image"][-1], writers


@pytest.mark.parametrize(("policy", "tag"), [("overwrite", "1"), ("keep-target", "9"), ("adopt:ops", "1")])
def test_release_settles_what_was_changed_while_it_was_held(life: Life, policy: str, tag: str) -> None:
    held(life)
    report = life.release()
    assert actions(report) == {"Deployment/web": "left_out"} and report.written == 0
    assert one(report, "Deployment/web").conflicts[0].manager == "ops" and web(life)[0] == 0
    report = life.release(policies=chosen(policy))
    found = one(report, "Deployment/web")
    assert (found.action, found.policy) == ("configured", policy.partition(":")[0]) and report.exit == 0, found
    assert web(life)[:2] == (2, tag) and "gke2eks" in web(life)[2]
    assert "ops" not in web(life)[2] or policy != "adopt:ops"
    assert "containers[name=web].image" in page(report)
    assert life.release(policies=chosen(policy)).results == ()  # nothing is held any more


def test_keep_target_releases_nothing_that_would_stay_inert(life: Life) -> None:
    """Its 0 replicas are somebody else's, too: kept as they are, it would be called released, and stand still."""
    life.client.apply(obj("Namespace", life.space), manager="platform")
    life.plan(deployment(life.space, "web", 2))
    life.apply(hold=True)
    off = {**obj("Deployment", "web", life.space, "apps/v1"), "spec": {"replicas": 0}}
    life.client.apply(off, manager="ops")
    for policies in (chosen(), chosen("keep-target")):
        report = life.release(policies=policies)
        assert actions(report) == {"Deployment/web": "left_out"} and report.written == 0 and web(life)[0] == 0
    assert "keep it from starting" in one(report, "Deployment/web").because
    assert life.release(policies=chosen(f"overwrite=Deployment/{life.space}/web")).exit == 0
    assert web(life)[0] == 2


def test_what_an_autoscaler_owns_is_handed_over_whatever_the_policy(life: Life) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaling = {"minReplicas": 3, "maxReplicas": 9, "scaleTargetRef": target}
    held(life, obj("HorizontalPodAutoscaler", "web", life.space, "autoscaling/v2", spec=scaling))
    assert life.release(policies=chosen("keep-target")).exit == 0
    assert web(life)[:2] == (3, "9")
    found = life.get("apps/v1", "Deployment", "web")
    assert found is not None
    owners = [
        entry["manager"]
        for entry in found["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    ]
    assert "gke2eks" not in owners


def test_recreate_is_left_to_apply(life: Life) -> None:
    held(life)
    report = life.release(policies=chosen("recreate"))
    assert actions(report) == {"Deployment/web": "left_out"} and report.written == 0


@pytest.mark.parametrize("policy", ["overwrite", "adopt:ops"])
def test_a_release_that_is_killed_goes_on(life: Life, policy: str) -> None:
    again = chosen(policy)
    for late in (False, True):
        held(life)
        with pytest.raises(Died):
            life.release(policies=again, target=Dying(life.target, 1, late=late))
        assert life.release(policies=again).exit == 0 and web(life)[:2] == (2, "1")
        assert life.rollback(everything=True).counts["failed"] == 0
        if life.get("apps/v1", "Deployment", "web"):
            life.client.delete(deployment(life.space))
