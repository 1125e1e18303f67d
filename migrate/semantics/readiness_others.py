"""Readiness of the built-in kinds that run no pods."""

from __future__ import annotations

from migrate.model.objects import Body
from migrate.semantics.readiness_words import (
    SEEN,
    Failed,
    FirstPod,
    Readiness,
    Ready,
    Waiting,
    as_list,
    as_map,
    conditions,
    count,
    is_false,
    is_stale,
    is_true,
    one_line,
    spec,
    status,
    why,
)

_ADDRESS = "an address from the load balancer controller"
_PROVISIONER = ("volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner")
_NODE_CHOSEN = "volume.kubernetes.io/selected-node"


def claim(body: Body, first_pod: FirstPod) -> Readiness:
    phase, notes = status(body).get("phase"), as_map(as_map(body.get("metadata")).get("annotations"))
    if phase == "Bound":
        return Ready()
    if phase == "Lost":
        return Failed(f"its volume {spec(body).get('volumeName', '')} is gone")
    if first_pod is FirstPod.AWAITED and _NODE_CHOSEN not in notes:
        return Ready(settling="its first pod; its volume is made then")
    if spec(body).get("volumeName"):
        return Waiting(f"volume {spec(body)['volumeName']} to be bound")
    maker = next((notes[key] for key in _PROVISIONER if key in notes), "")
    if maker:
        return Waiting(f"a volume from {maker}")
    name = spec(body).get("storageClassName")
    return Waiting(f"a volume of class {name}" if name else "a volume that fits; it names no class")


def first_pod(claim_body: Body, storage_class: Body | None, pods: list[Body]) -> FirstPod:
    """Judge a claim by its class and the pods of its namespace. Gated and finished pods use nothing yet, or no more."""
    if storage_class is None or storage_class.get("volumeBindingMode") != "WaitForFirstConsumer":
        return FirstPod.NOT_AWAITED
    name = str(as_map(claim_body.get("metadata")).get("name"))
    used = any(name in _claims(pod) for pod in pods if _is_alive(pod))
    return FirstPod.THERE if used else FirstPod.AWAITED


def _is_alive(pod: Body) -> bool:
    return not spec(pod).get("schedulingGates") and status(pod).get("phase") not in ("Succeeded", "Failed")


def _claims(pod: Body) -> set[str]:
    pod_name = as_map(pod.get("metadata")).get("name")
    volumes = [as_map(one) for one in as_list(spec(pod).get("volumes"))]
    named = {str(as_map(one.get("persistentVolumeClaim")).get("claimName")) for one in volumes}
    return named | {f"{pod_name}-{one.get('name')}" for one in volumes if "ephemeral" in one}


def volume(body: Body) -> Readiness:
    phase = status(body).get("phase")
    if phase in ("Available", "Bound"):
        return Ready()
    if phase in ("Released", "Failed"):
        return Failed(f"the volume is {phase}: {one_line(str(status(body).get('message') or 'no claim gets it'))}")
    return Waiting("the volume controller to see it")


def service(body: Body) -> Readiness:
    """Addresses take minutes and nothing inside the cluster needs them: they settle and stop nothing."""
    if spec(body).get("type") != "LoadBalancer" or _has_address(body):
        return Ready()
    return Ready(settling=_ADDRESS)


def ingress(body: Body) -> Readiness:
    return Ready() if _has_address(body) else Ready(settling=_ADDRESS)


def _has_address(body: Body) -> bool:
    found = as_list(as_map(status(body).get("loadBalancer")).get("ingress"))
    return any(as_map(one).get("hostname") or as_map(one).get("ip") for one in found)


def autoscaler(body: Body) -> Readiness:
    found = conditions(status(body))
    if is_stale(body) or not found:
        return Waiting(SEEN)
    if is_false(found.get("AbleToScale")):
        return Waiting(f"its target ({why(found['AbleToScale'])})")
    active = found.get("ScalingActive")
    if active is not None and is_false(active):
        if active.get("reason") == "ScalingDisabled":
            return Ready(inert="its target has 0 replicas, so it does not scale")
        # New pods have no figures for a while, and nothing depends on an autoscaler.
        return Ready(settling=f"the figures that it scales by ({why(active)})")
    return Ready()


def budget(body: Body) -> Readiness:
    now = status(body)
    allowed = conditions(now).get("DisruptionAllowed")
    if is_stale(body) or "observedGeneration" not in now:
        return Waiting(SEEN)
    if allowed is not None and allowed.get("reason") == "SyncFailed":
        return Waiting(f"its pods to be counted ({why(allowed)})")
    healthy, wanted = count(now, "currentHealthy"), count(now, "desiredHealthy")
    # It counts pods that are ready; whoever waits for those waits for their workload.
    return (
        Ready(settling=f"healthy pods: {healthy} of {wanted}; none may be evicted yet") if healthy < wanted else Ready()
    )


def definition(body: Body) -> Readiness:
    found = conditions(status(body))
    names = found.get("NamesAccepted")
    if names is not None and is_false(names):
        return Failed(f"its names are taken ({why(names)})")
    if is_true(names) and is_true(found.get("Established")):
        return Ready()
    return Waiting("the API server to serve its kind")


def api_service(body: Body) -> Readiness:
    available = conditions(status(body)).get("Available")
    if available is None:
        return Waiting("the API server to ask its backend")
    return Ready() if is_true(available) else Waiting(f"its backend ({why(available)})")


def namespace(body: Body) -> Readiness:
    return Ready() if status(body).get("phase") == "Active" else Waiting("the API server to make it active")


def snapshot(body: Body) -> Readiness:
    """VolumeSnapshot and VolumeSnapshotContent."""
    now = status(body)
    if now.get("readyToUse") is True:
        return Ready()
    said = as_map(now.get("error")).get("message")
    return Waiting(f"the snapshot controller{f' ({one_line(str(said))})' if said else ''}")
