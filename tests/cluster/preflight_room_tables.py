"""Pods, nodes, limit ranges and quotas that preflight and the real control plane are asked about."""

from __future__ import annotations

from typing import Any

from preflight_room_help import asks, node, obj, workload
from rig.http import Json

ROOM = "{cpu: '4', memory: 8Gi, pods: '20', ephemeral-storage: 20Gi}"
NODES = [
    node("plain", ROOM, labels={"zone": "a", "size": "4", "topology.kubernetes.io/zone": "us-east-1a"}),
    node("gpu", "{cpu: '8', memory: 16Gi, pods: '20', nvidia.com/gpu: '2'}", labels={"zone": "b", "size": "8"}),
    node("arm", ROOM, labels={"kubernetes.io/arch": "arm64", "zone": "c", "topology.kubernetes.io/zone": "us-east-1c"}),
    node("off", "{cpu: '64', memory: 64Gi, pods: '20'}", unschedulable=True),
    node("none", "{cpu: '32', memory: 64Gi, pods: '0'}"),
    node("spare", "{cpu: '16', memory: 4Gi, pods: '20', ephemeral-storage: 100Gi}"),
]
TAINTS = {
    "gpu": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}],
    "spare": [{"key": "team", "value": "ml", "effect": "NoExecute"}, {"key": "soft", "effect": "PreferNoSchedule"}],
}
GPU = "tolerations: [{key: nvidia.com/gpu, operator: Exists}]"


def affinity(*expressions: str, field: str = "matchExpressions") -> str:
    terms = ", ".join(f"{{{field}: [{one}]}}" for one in expressions)
    return (
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        f"{{nodeSelectorTerms: [{terms}]}}}}}}"
    )


def beside(requests: str, *more: str) -> str:
    return f"{{{', '.join([asks(requests)[1:-1], *more])}}}"


INIT = "{name: i, image: 'x:1', resources: {requests: {cpu: '5'}}}"
SIDE = "{name: s, image: 'x:1', restartPolicy: Always, resources: {requests: {cpu: '2500m'}}}"
TOLERATES_TEAM = "tolerations: [{key: team, value: ml}]"
EVERYTHING = "tolerations: [{operator: Exists}]"
# (name, the pod's spec): what the scheduler does with each, it says itself.
PODS = {
    "nothing-asked": "{}",
    "fits-plain": beside("{cpu: '4', memory: 8Gi}"),
    "a-little-too-much-cpu": beside("{cpu: '4001m'}"),
    "a-little-too-much-memory": beside("{memory: 8589934593}"),
    "fraction-of-a-millicore": beside("{cpu: '3.9999'}"),
    "limit-is-request": "{" + asks("{}", "{cpu: '5'}")[1:-1] + "}",
    "sum-of-containers": "{containers: [{name: a, image: x, resources: {requests: {cpu: '3'}}},"
    " {name: b, image: x, resources: {requests: {cpu: '2'}}}]}",
    "init-container-is-larger": beside("{cpu: '1'}", f"initContainers: [{INIT}]"),
    "side-car-beside": beside("{cpu: '2'}", f"initContainers: [{SIDE}]"),
    "side-car-fits": beside("{cpu: '1500m'}", f"initContainers: [{SIDE}]"),
    "side-car-before-init": beside(
        "{cpu: '1'}", f"initContainers: [{SIDE}, {{name: j, image: x, resources: {{requests: {{cpu: '2'}}}}}}]"
    ),
    "init-before-side-car": beside(
        "{cpu: '1'}", f"initContainers: [{{name: j, image: x, resources: {{requests: {{cpu: '2'}}}}}}, {SIDE}]"
    ),
    "pod-level": beside("{cpu: '1'}", "resources: {requests: {cpu: '6'}}"),
    "pod-level-limit-only": "{resources: {limits: {cpu: '6'}}}",
    "pod-level-limit-and-containers": beside("{cpu: '1'}", "resources: {limits: {cpu: '6'}}"),
    "gpu": "{" + asks("{}", "{nvidia.com/gpu: '1'}")[1:-1] + f", {GPU}" + "}",
    "gpu-not-tolerated": "{" + asks("{}", "{nvidia.com/gpu: '1'}")[1:-1] + "}",
    "too-many-gpus": "{" + asks("{}", "{nvidia.com/gpu: '3'}")[1:-1] + f", {GPU}" + "}",
    "unknown-device": "{" + asks("{}", "{example.com/fpga: '1'}")[1:-1] + "}",
    "huge-pages": "{" + asks("{cpu: 1}", "{hugepages-2Mi: 4Mi, cpu: 1}")[1:-1] + "}",
    "ephemeral": beside("{ephemeral-storage: 30Gi}"),
    "ephemeral-tolerated": beside("{ephemeral-storage: 30Gi}", TOLERATES_TEAM),
    "selector": "{nodeSelector: {zone: a}}",
    "selector-no-such": "{nodeSelector: {zone: d}}",
    "selector-and-cpu": beside("{cpu: '5'}", "nodeSelector: {zone: a}"),
    "selector-tainted": "{nodeSelector: {zone: b}}",
    "selector-tolerated": "{nodeSelector: {zone: b}, " + GPU + "}",
    "toleration-of-another-value": "{nodeSelector: {zone: b}, tolerations: [{key: nvidia.com/gpu, value: other}]}",
    "toleration-of-another-effect": "{nodeSelector: {zone: b},"
    " tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoExecute}]}",
    "tolerates-everything": beside("{cpu: '20'}", EVERYTHING),
    "cordoned": beside("{cpu: '20'}"),
    "no-pods-there": beside("{cpu: '65'}", EVERYTHING),
    "affinity-in": "{" + affinity("{key: zone, operator: In, values: [a, d]}") + "}",
    "affinity-not-in": "{" + affinity("{key: zone, operator: NotIn, values: [a, c]}") + "}",
    "affinity-exists": "{" + affinity("{key: nothing, operator: Exists}") + "}",
    "affinity-absent": "{" + affinity("{key: nothing, operator: DoesNotExist}") + "}",
    "affinity-gt": "{" + affinity("{key: size, operator: Gt, values: ['3']}") + "}",
    "affinity-lt": "{" + affinity("{key: size, operator: Lt, values: ['4']}") + "}",
    "affinity-or": "{"
    + affinity("{key: zone, operator: In, values: [d]}", "{key: zone, operator: In, values: [c]}")
    + "}",
    "affinity-and": "{"
    + affinity("{key: zone, operator: In, values: [a]}, {key: size, operator: Gt, values: ['4']}")
    + "}",
    "affinity-field": "{" + affinity("{key: metadata.name, operator: In, values: [arm]}", field="matchFields") + "}",
    "affinity-field-no-such": "{"
    + affinity("{key: metadata.name, operator: In, values: [gone]}", field="matchFields")
    + "}",
    "affinity-and-selector": "{nodeSelector: {zone: c}, "
    + affinity("{key: kubernetes.io/arch, operator: In, values: [amd64]}")
    + "}",
    "arm": "{nodeSelector: {kubernetes.io/arch: arm64}}",
    "windows": "{nodeSelector: {kubernetes.io/os: windows}}",
    "runtime-class-overhead": beside("{cpu: '3'}", "runtimeClassName: heavy"),
    "runtime-class-selector": "{runtimeClassName: elsewhere}",
    "volume-in-zone": "{volumes: [{name: v, persistentVolumeClaim: {claimName: in-a}}]}",
    "volume-and-selector": "{nodeSelector: {zone: c}, volumes: [{name: v, persistentVolumeClaim: {claimName: in-a}}]}",
    "volume-in-no-zone": "{volumes: [{name: v, persistentVolumeClaim: {claimName: in-d}}]}",
    "class-in-zone": "{volumes: [{name: v, persistentVolumeClaim: {claimName: late-c}}]}",
    "class-in-no-zone": "{volumes: [{name: v, persistentVolumeClaim: {claimName: late-d}}]}",
}


def classes() -> list[Json]:
    heavy = obj("node.k8s.io/v1 RuntimeClass", "heavy", "{handler: h, overhead: {podFixed: {cpu: 1500m}}}")
    where = obj("node.k8s.io/v1 RuntimeClass", "elsewhere", "{handler: h, scheduling: {nodeSelector: {zone: d}}}")
    return [heavy, where]


def storage() -> list[Json]:
    found = []
    for zone in "ad":
        terms = [{"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]}]
        spec = {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": f"vol-{zone}"},
            "storageClassName": "",
            "claimRef": {"namespace": "shop", "name": f"in-{zone}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": terms}},
        }
        found.append(obj("v1 PersistentVolume", f"pv-{zone}", {"spec": spec}))
        found.append(claim(f"in-{zone}", storageClassName="", volumeName=f"pv-{zone}"))
    for zone in "cd":
        terms = [{"matchLabelExpressions": [{"key": "topology.kubernetes.io/zone", "values": [f"us-east-1{zone}"]}]}]
        late = {"provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer"}
        name = f"late-{zone}"
        found.append(obj("storage.k8s.io/v1 StorageClass", name, {**late, "allowedTopologies": terms}))
        found.append(claim(name, storageClassName=name))
    return found


def claim(name: str, size: str = "1Gi", **spec: Any) -> Json:
    rest = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return obj("v1 PersistentVolumeClaim", name, {"spec": rest | spec})


RANGES = {
    "defaults": "{type: Container, default: {cpu: 500m, memory: 1Gi}, defaultRequest: {cpu: 100m}}",
    "only-max": "{type: Container, max: {cpu: '1'}}",
    "only-min": "{type: Container, min: {cpu: 200m}}",
    "both": "{type: Container, min: {cpu: 100m, memory: 64Mi}, max: {cpu: '2', memory: 1Gi}}",
    "ratio": "{type: Container, maxLimitRequestRatio: {cpu: '2'}}",
    "pod": "{type: Pod, max: {cpu: '2', memory: 2Gi}}",
    "pod-min": "{type: Pod, min: {cpu: 500m}}",
    "pod-ratio": "{type: Pod, maxLimitRequestRatio: {memory: '1.5'}}",
    "storage": "{type: PersistentVolumeClaim, min: {storage: 2Gi}, max: {storage: 10Gi}}",
}
TWO = (
    "{containers: [{name: a, image: x, resources: {limits: {cpu: '1500m', memory: 1Gi}}},"
    " {name: b, image: x, resources: {limits: {cpu: '600m', memory: 512Mi}}}]}"
)
LIMITED = [
    (where, name, text)
    for name, text in {
        "nothing": "{}",
        "small": asks("{cpu: 100m, memory: 64Mi}"),
        "large-request": asks("{cpu: '3', memory: 1Gi}"),
        "large-limit": asks("{cpu: 100m, memory: 64Mi}", "{cpu: '3', memory: 4Gi}"),
        "equal": asks("{}", "{cpu: 400m, memory: 512Mi}"),
        "two": TWO,
        "init": f"{{initContainers: [{INIT}]}}",
        "ratio-of-2": asks("{cpu: 500m, memory: 512Mi}", "{cpu: '1', memory: 1Gi}"),
        "ratio-of-2.5": asks("{cpu: 400m, memory: 400Mi}", "{cpu: '1', memory: 1000Mi}"),
        "pod-level": "{resources: {requests: {cpu: 600m, memory: 64Mi}, limits: {cpu: '1', memory: 90Mi}}}",
    }.items()
    for where in RANGES
    if where != "storage"
]


HARD = {
    "requests": ("{requests.cpu: '1', requests.memory: 1Gi}", ""),
    "plain-cpu": ("{cpu: '1', pods: '1'}", ""),
    "limits": ("{limits.cpu: '1', limits.memory: 1Gi}", ""),
    "ephemeral": ("{requests.ephemeral-storage: 1Gi, limits.ephemeral-storage: 2Gi}", ""),
    "gpu": ("{requests.nvidia.com/gpu: '1'}", ""),
    "no-pods": ("{pods: '0'}", ""),
    "count": ("{count/pods: '0', count/configmaps: '1'}", ""),
    "best-effort": ("{pods: '0'}", "scopes: [BestEffort]"),
    "not-best-effort": ("{pods: '0'}", "scopes: [NotBestEffort]"),
    "terminating": ("{pods: '0'}", "scopes: [Terminating]"),
    "not-terminating": ("{requests.cpu: '1'}", "scopes: [NotTerminating]"),
    "priority": (
        "{pods: '0'}",
        "scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [high]}]}",
    ),
    "any-priority": ("{pods: '0'}", "scopes: [PriorityClass]"),
    "services": ("{services.loadbalancers: '0', services.nodeports: '2', services: '3'}", ""),
    "storage": ("{requests.storage: 5Gi, persistentvolumeclaims: '1'}", ""),
    "class": ("{gold.storageclass.storage.k8s.io/requests.storage: 1Gi}", ""),
    "objects": ("{configmaps: '1', secrets: '0', count/deployments.apps: '0'}", ""),
}
OBJECTS: list[Json] = [
    workload("Pod", "nothing"),
    workload("Pod", "fits", asks("{cpu: '1', memory: 1Gi, ephemeral-storage: 1Gi}", "{cpu: '1', memory: 1Gi}")),
    workload("Pod", "large", asks("{cpu: 1001m, memory: 1Gi}", "{cpu: '2', memory: 1Gi}")),
    workload("Pod", "limits-only", asks("{}", "{cpu: 500m, memory: 2Gi, ephemeral-storage: 2Gi}")),
    workload("Pod", "init", beside("{cpu: 500m, memory: 1Mi}", f"initContainers: [{INIT}]")),
    workload("Pod", "pod-level", "{resources: {requests: {cpu: '1', memory: 1Mi}, limits: {cpu: '1', memory: 1Gi}}}"),
    workload("Pod", "gpus", asks("{}", "{nvidia.com/gpu: '2'}")),
    workload("Pod", "ending", asks("{cpu: 10m, memory: 1Mi}", "{cpu: '1', memory: 1Gi}"), activeDeadlineSeconds=5),
    workload("Pod", "high", "{priorityClassName: high}"),
    workload("Pod", "low", "{priorityClassName: low}"),
    workload("Deployment", "one", replicas=0),
    obj("v1 Service", "inner", "{spec: {ports: [{port: 80}]}}"),
    obj("v1 Service", "ports", "{spec: {type: NodePort, ports: [{port: 1, name: a}, {port: 2, name: b}]}}"),
    obj(
        "v1 Service",
        "many",
        "{spec: {type: NodePort, ports: [{port: 1, name: a},{port: 2, name: b},{port: 3, name: c}]}}",
    ),
    obj("v1 Service", "lb", "{spec: {type: LoadBalancer, ports: [{port: 80}]}}"),
    claim("five", "5Gi", storageClassName="gold"),
    claim("six", "6Gi", storageClassName="silver"),
    obj("v1 ConfigMap", "more"),
    obj("v1 Secret", "s"),
]
