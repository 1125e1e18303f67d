"""Room on nodes, NodePools, devices, architectures and volumes. The scheduler's own word: tests/cluster."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from preflight_room_help import FakeSeen, asks, going_of, node, obj, said, seen_of, workload

from migrate.model.checks import Status
from migrate.preflight.placement import tolerates
from migrate.preflight.pools import Allowed, allowed, pools, why_not
from migrate.preflight.requests import aggregate, defaulted, requested
from migrate.preflight.room import checks
from migrate.semantics.going import Going

ON_DEMAND = "{key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}"
CMR = "{key: eks.amazonaws.com/instance-category, operator: In, values: [c, m, r]}"
AMD = "{key: kubernetes.io/arch, operator: In, values: [amd64]}"
GPU = asks("{}", "{nvidia.com/gpu: '1'}")
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def pool(name: str = "general", requirements: str = f"{ON_DEMAND}, {CMR}, {AMD}", **more: Any) -> dict[str, Any]:
    made_of = {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default"}
    inside = {"nodeClassRef": made_of, "requirements": yaml.safe_load(f"[{requirements}]"), **more.pop("inside", {})}
    template = {"metadata": {"labels": more.pop("labels", {})}, "spec": inside}
    spec = {"template": template, **more.pop("spec", {})}
    return obj("karpenter.sh/v1 NodePool", name, {"spec": spec, **more})


def found(going: Going, seen: FakeSeen) -> list[tuple[str, str, str]]:
    return said(list(checks(going, seen)))


def test_the_same_reason_is_one_finding_and_what_fits_is_one_pass() -> None:
    large = [workload(name=name, pod=asks("{memory: 64Gi}")) for name in "ab"]
    going = going_of(*large, workload(name="fine"), held=("a",))
    every = list(checks(going, seen_of(node("n1"), node("n2"))))
    assert said(every) == [
        (
            "PRE090",
            "blocker",
            "No node takes the pods of 2 workloads (1 of them held: it shows at release): "
            "2 nodes: it asks for memory 64Gi and there is 16Gi.",
        )
    ]
    (one,) = (check for check in every if check.status is Status.FINDING)
    assert "a node group that may grow from 0" in one.because
    assert [(c.id, c.message) for c in every if c.status is Status.PASS] == [
        ("PRE090", "a node takes the pods of Deployment/shop/fine"),
        ("PRE091", "there is room for 1 pod to come"),
    ]


def test_a_cluster_autoscaler_may_have_a_group_that_fits() -> None:
    scaler = workload(name="cluster-autoscaler")
    ((id, weight, _),) = found(going_of(workload(pod=asks("{cpu: '9'}"))), seen_of(node(), scaler))
    assert (id, weight) == ("PRE090", "review")


def test_what_daemon_sets_take_is_not_there_for_others() -> None:
    pod = workload("Pod", pod=asks("{cpu: '4'}"))
    agent = workload("DaemonSet", "agent", asks("{cpu: 100m}"))
    assert found(going_of(pod), seen_of(node())) == []
    for going, seen in ((going_of(pod, agent), seen_of(node())), (going_of(pod), seen_of(node(), agent))):
        ((id, _, message),) = found(going, seen)
        assert id == "PRE090" and message.endswith("1 node: it asks for cpu 4 and there is 3.9.")


def test_all_together_may_need_more_nodes() -> None:
    busy = obj("v1 Pod", "busy", {"spec": {"nodeName": "n1", **yaml.safe_load(asks("{cpu: '3'}"))}})
    ended = {**busy, "metadata": {**busy["metadata"], "name": "ended"}, "status": {"phase": "Succeeded"}}
    machine = node("n1", labels={"node.kubernetes.io/instance-type": "m7i.xlarge"})
    seen = seen_of(machine, busy, ended)
    assert found(going_of(workload(pod=asks("{cpu: 500m}"), replicas=2)), seen) == []
    (one,) = (c for c in checks(going_of(workload(pod=asks("{cpu: 1500m}"), replicas=5)), seen) if c.fix)
    assert (one.id, one.severity.value) == ("PRE091", "review")
    assert one.message == "5 pods of 1 workloads find no room on the nodes that are there: cpu 7.5."
    assert one.fix == "add about 3 more nodes of m7i.xlarge."


def test_an_autoscaler_at_its_maximum_is_looked_at_too() -> None:
    target = "{apiVersion: apps/v1, kind: Deployment, name: api}"
    hpa = obj("autoscaling/v2 HorizontalPodAutoscaler", "api", f"spec: {{maxReplicas: 9, scaleTargetRef: {target}}}")
    ((id, _, message),) = found(going_of(workload(pod=asks("{cpu: '1'}")), hpa), seen_of(node()))
    assert id == "PRE091" and "5 pods" in message and "once autoscalers go to their maximum" in message


@pytest.mark.parametrize(
    "pod",
    [
        "{containers: [{name: a, ports: [{containerPort: 1, hostPort: 1}]}]}",
        "{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 1}]}]}",
        "{containers: [{name: a}], affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "[{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: api}}}]}}}",
    ],
)
def test_pods_that_never_share_a_node_need_one_each(pod: str) -> None:
    ((id, _, message),) = found(going_of(workload(pod=pod, replicas=3)), seen_of(node("a"), node("b")))
    assert id == "PRE091" and message.startswith("1 pod of 1 workloads")


def test_a_target_without_nodes_is_one_finding() -> None:
    ((id, _, message),) = found(going_of(workload(name="a"), workload(name="b")), seen_of())
    assert (id, message) == ("PRE090", "The target has no node, and nothing that makes one: 2 workloads would wait.")


def test_daemon_sets_without_a_node_or_without_room() -> None:
    nowhere = workload("DaemonSet", "gpu", "{nodeSelector: {gpu: 'yes'}}")
    ((id, weight, _),) = found(going_of(nowhere), seen_of(node()))
    assert (id, weight) == ("PRE093", "review")
    busy = obj("v1 Pod", "busy", {"spec": {"nodeName": "n1", **yaml.safe_load(asks("{cpu: '4'}"))}})
    agent = workload("DaemonSet", "agent", asks("{cpu: 100m}"))
    ((id, _, message),) = found(going_of(agent), seen_of(node("n1"), node("n2"), busy))
    assert (id, message) == ("PRE093", "1 nodes have no room left for the pod of DaemonSet/shop/agent: n1.")


def test_devices_that_nobody_has() -> None:
    ((id, _, message),) = found(going_of(workload(pod=GPU)), seen_of(node(), pool()))
    assert id == "PRE094"
    assert message == "No node of the target gives nvidia.com/gpu, which Deployment/shop/api asks for."
    assert found(going_of(workload(pod=GPU)), seen_of(node(), pool(requirements=ON_DEMAND))) == []
    with_gpu = node("g", "{cpu: '4', memory: 16Gi, pods: '9', nvidia.com/gpu: '1'}")
    assert found(going_of(workload(pod=GPU)), seen_of(node(), with_gpu)) == []


def test_devices_that_a_pool_does_not_speak_of() -> None:
    fpga = workload(pod=asks("{}", "{example.com/fpga: '1'}"))
    every = list(checks(going_of(fpga), seen_of(node(), pool())))
    assert ("PRE094", Status.UNKNOWN) in [(c.id, c.status) for c in every]
    assert "PRE090" not in [c.id for c in every]


def test_arm_nodes_and_images_of_which_nobody_knows() -> None:
    arm, amd = node("arm", labels={"kubernetes.io/arch": "arm64"}), node("amd")
    only, both = (found(going_of(workload()), seen_of(*nodes)) for nodes in ((arm,), (arm, amd)))
    assert [id for id, _, _ in only + both] == ["PRE095", "PRE095"]
    assert "can only run on arm64" in only[0][2] and "as well as on amd64" in both[0][2]
    said_so = workload(pod="{nodeSelector: {kubernetes.io/arch: amd64}}")
    assert found(going_of(said_so), seen_of(arm, amd)) == []


def volume(zone: str, claim: str = "data") -> dict[str, Any]:
    key = "topology.kubernetes.io/zone"
    terms = [{"matchExpressions": [{"key": key, "operator": "In", "values": [zone]}]}]
    spec = {
        "claimRef": {"namespace": "shop", "name": claim},
        "nodeAffinity": {"required": {"nodeSelectorTerms": terms}},
    }
    return obj("v1 PersistentVolume", f"pv-{zone}", {"spec": spec})


def test_a_volume_must_be_where_a_node_is() -> None:
    at = {"topology.kubernetes.io/zone": "us-east-1a"}
    pod = workload(pod="{volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]}")
    claim = obj("v1 PersistentVolumeClaim", "data", "spec: {storageClassName: ''}")
    assert found(going_of(pod, claim, volume("us-east-1a")), seen_of(node(labels=at))) == []
    for place in (
        node(labels=at),
        pool(requirements="{key: topology.kubernetes.io/zone, operator: In, values: [us-east-1a]}"),
    ):
        rows = found(going_of(pod, claim, volume("us-east-1b")), seen_of(place))
        assert [id for id, _, _ in rows] == ["PRE096", "PRE096"]
        assert "PersistentVolume/pv-us-east-1b is where the target has no node" in rows[1][2]
    assert found(going_of(pod, claim, volume("us-east-1b")), seen_of(node(labels=at), pool())) == []


@pytest.mark.parametrize(
    ("pod", "requirements", "why"),
    [
        ("{}", AMD, ""),
        ("{nodeSelector: {kubernetes.io/arch: arm64}}", AMD,
         "its nodes do not have kubernetes.io/arch in [arm64]"),
        ("{nodeSelector: {beta.kubernetes.io/arch: arm64}}", AMD,
         "its nodes do not have kubernetes.io/arch in [arm64]"),
        ("{nodeSelector: {kubernetes.io/arch: arm64}}", ON_DEMAND, ""),
        ("{nodeSelector: {team: a}}", AMD,
         "its nodes have no label team"),
        ("{nodeSelector: {kubernetes.io/hostname: a}}", AMD,
         "its nodes have no label kubernetes.io/hostname"),
        ("{nodeSelector: {eks.amazonaws.com/nodegroup: a}}", AMD,
         "its nodes have no label eks.amazonaws.com/nodegroup"),
        ("{nodeSelector: {eks.amazonaws.com/compute-type: auto}}", AMD, ""),
        ("{nodeSelector: {eks.amazonaws.com/instance-family: m7i}}", AMD, ""),
        ("{nodeSelector: {team: a}}", "{key: team, operator: Exists}", ""),
        ("{nodeSelector: {karpenter.sh/nodepool: other}}", AMD,
         "its nodes do not have karpenter.sh/nodepool in [other]"),
        ("{nodeSelector: {karpenter.sh/nodepool: p}}", AMD, ""),
        ("{nodeSelector: {gen: '5'}}", "{key: gen, operator: Gt, values: ['5']}", "its nodes do not have gen in [5]"),
        ("{nodeSelector: {gen: '6'}}", "{key: gen, operator: Gt, values: ['5']}", ""),
        ("{nodeSelector: {gen: '5'}}", "{key: gen, operator: Gte, values: ['5']}", ""),
        (asks("{cpu: '9'}"), "{key: eks.amazonaws.com/instance-cpu, operator: In, values: ['4', '8']}",
         "it asks for cpu 9 and no machine of the pool has more than 8"),
        (asks("{cpu: '8'}"), "{key: karpenter.k8s.aws/instance-cpu, operator: Lt, values: ['8']}",
         "it asks for cpu 8 and no machine of the pool has more than 7"),
        (asks("{memory: 5Gi}"), "{key: karpenter.k8s.aws/instance-memory, operator: Lte, values: ['4096']}",
         "it asks for memory 5Gi and no machine of the pool has more than 4Gi"),
        (GPU, CMR, "no machine of the pool has nvidia.com/gpu"),
        (GPU, "{key: karpenter.k8s.aws/instance-family, operator: In, values: [g6, m7i]}", ""),
        (GPU, "{key: node.kubernetes.io/instance-type, operator: In, values: [m7i.large]}",
         "no machine of the pool has nvidia.com/gpu"),
    ],
)  # fmt: skip
def test_a_pool_admits_what_karpenter_would(pod: str, requirements: str, why: str) -> None:
    body = pool("p", requirements)
    (one,) = pools(*[seen_of(body).bodies] * 2)
    assert why_not(defaulted(yaml.safe_load(pod)), one) == why


def test_taints_limits_and_states_of_pools() -> None:
    taint = {"taints": [{"key": "CriticalAddonsOnly", "effect": "NoSchedule"}]}
    full = {"limits": {"cpu": "10"}}
    rows = {
        "its nodes have the taint CriticalAddonsOnly:NoSchedule": pool(inside=taint),
        "the pool's limits leave cpu 1": pool(spec=full, status={"resources": {"cpu": "9"}}),
        "it is not Ready": pool(status={"conditions": [{"type": "Ready", "status": "False"}]}),
        "its number of nodes is fixed": pool(spec={"replicas": 3}),
    }
    for why, body in rows.items():
        ((id, _, message),) = found(going_of(workload(pod=asks("{cpu: '2'}"))), seen_of(body))
        assert id == "PRE092" and why in message
    together = going_of(workload(pod=asks("{cpu: '2'}"), replicas=6, strategy={"type": "Recreate"}))
    ((id, _, message),) = found(together, seen_of(pool(spec=full)))
    assert (id, message) == (
        "PRE097",
        "The limits of NodePool general leave cpu 10, and 6 pods that find no room on nodes ask for cpu 12.",
    )
    assert found(together, seen_of(pool(spec=full), pool("open", AMD))) == []
    assert found(together, seen_of(pool(spec=full), node("n", "{cpu: '4', memory: 9Gi, pods: '9'}"))) == []


def test_without_karpenter_a_pool_makes_no_nodes() -> None:
    """PRE022 says so of the pool; the pods that would run on its nodes wait, too."""
    ec2 = {"nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}}
    going = going_of(
        workload(pod=asks("{cpu: '2'}"), replicas=3, strategy={"type": "Recreate"}), pool("own", inside=ec2)
    )
    small = node("n", "{cpu: '2', memory: 9Gi, pods: '9'}")
    ((id, _, message),) = found(going, seen_of(small))
    assert (id, message.partition(" on the")[0]) == ("PRE091", "2 pods of 1 workloads find no room")
    ((id, weight, message),) = found(going, seen_of())
    assert (id, weight) == ("PRE092", "blocker") and "1 NodePool: Karpenter, which would make its nodes" in message
    for there in (workload(name="karpenter"), pool("own", inside=ec2, status=READY)):
        assert found(going, seen_of(small, there)) == []
    assert found(going, seen_of(small, silent=("Deployment",))) == []


def test_nobody_could_look_is_never_green() -> None:
    going = going_of(workload(pod=asks("{cpu: '9'}")))
    for kind, seen in {
        "Node": seen_of(silent=("Node",)),
        "NodePool": seen_of(node(), silent=("NodePool",)),
        "PersistentVolumeClaim": seen_of(node(), silent=("PersistentVolumeClaim",)),
    }.items():
        every = list(checks(going, seen))
        assert any(c.status is Status.UNKNOWN and c.because == f"the caller may not list {kind}" for c in every)
    small = list(checks(going_of(workload()), seen_of(node(), silent=("Pod",))))
    assert [(c.id, c.status) for c in small] == [("PRE090", Status.PASS), ("PRE091", Status.UNKNOWN)]
    assert found(going, seen_of(node(), silent=("NodePool",))) == []
    assert not list(checks(going_of(obj("v1 ConfigMap", "c")), seen_of()))


def test_effective_requests() -> None:
    text = """
    containers: [{name: a, resources: {requests: {cpu: 1}}}, {name: b, resources: {limits: {cpu: 2}}}]
    initContainers:
    - {name: i, resources: {requests: {cpu: 5}}}
    - {name: s, restartPolicy: Always, resources: {requests: {cpu: 1, memory: 1Gi}}}
    - {name: j, resources: {requests: {cpu: 4, memory: 3Gi}}}
    overhead: {cpu: 250m}
    """
    spec = defaulted(yaml.safe_load(text))
    assert aggregate(spec, "requests") == {"cpu": 5, "memory": 4 * 2**30}
    assert float(requested(spec)["cpu"]) == 5.25


def test_sets_of_values() -> None:
    assert allowed("NotIn", ["a"]).meets(allowed("In", ["b"])) and not allowed("NotIn", ["a"]).meets(
        allowed("In", ["a"])
    )
    assert allowed("Exists", []).meets(allowed("NotIn", ["a"]))
    assert not allowed("DoesNotExist", []).meets(allowed("Exists", []))
    assert not allowed("Gt", ["5"]).meets(allowed("Lt", ["6"])) and allowed("Gt", ["5"]).meets(allowed("Lt", ["7"]))
    assert allowed("odd", ["1"]) == allowed("Gt", ["x"]) == Allowed(False)
    assert not allowed("Gt", ["-1"]).has("abc")


def test_tolerations_that_servers_do_not_compare() -> None:
    taint = {"key": "sla", "value": "95", "effect": "NoSchedule"}
    assert not tolerates({"key": "sla", "operator": "Gt", "value": "90"}, taint)
    assert tolerates({"operator": "Exists"}, taint) and not tolerates({"operator": "Equal"}, taint)
