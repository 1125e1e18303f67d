"""What a plan needs beside Kubernetes, and whether a target shows it."""

from __future__ import annotations

import pytest
from preflight_target_help import Json, Target, a_going, only, ref_of, said, thing

from migrate.flow.plan import tables
from migrate.model.checks import Check, Status
from migrate.model.decided import Decided
from migrate.model.effects import Severity
from migrate.model.objects import Object, Snapshot
from migrate.planner import plan
from migrate.preflight.addons import checks, table
from migrate.semantics.going import going

SPACE = "shop"
CLASS = "storage.k8s.io/v1 StorageClass"
DRIVER = "storage.k8s.io/v1 CSIDriver"
AUTO = "eks.amazonaws.com/v1 NodeClass"
FAST = thing(CLASS, "fast", provisioner="ebs.csi.aws.com")
CLAIM = thing("v1 PersistentVolumeClaim", "data", SPACE, spec={"storageClassName": "fast"})
POLICY = thing("networking.k8s.io/v1 NetworkPolicy", "n", SPACE, spec={"podSelector": {}})


def service(name: str = "web", **spec: object) -> Json:
    return thing("v1 Service", name, SPACE, spec={"type": "LoadBalancer", **spec})


def program(name: str, kind: str = "Deployment", ready: int = 1, **more: object) -> Json:
    status = {"numberReady": ready, "desiredNumberScheduled": 1} if kind == "DaemonSet" else {"readyReplicas": ready}
    containers = [{"name": "a", "image": more.pop("image", "x"), "args": more.pop("args", [])}]
    spec = {"template": {"spec": {"containers": containers}}}
    return thing(f"apps/v1 {kind}", name, "kube-system", spec=spec, status=status, **more)


def api(group: str, available: str = "True") -> Json:
    status = {"conditions": [{"type": "Available", "status": available}]}
    return thing("apiregistration.k8s.io/v1 APIService", f"v1.{group}", spec={"group": group}, status=status)


def hpa(*types: str) -> Json:
    return thing(
        "autoscaling/v2 HorizontalPodAutoscaler", "h", SPACE, spec={"metrics": [{"type": one} for one in types]}
    )


def pod(**spec: object) -> Json:
    return thing("apps/v1 Deployment", "d", SPACE, spec={"template": {"spec": spec}})


GPU = pod(containers=[{"name": "a", "resources": {"limits": {"nvidia.com/gpu": 1}}}])


def look(*planned: Json, on: Target | None = None, **more: object) -> list[Check]:
    return list(checks(a_going(*planned, **more), on or Target()))  # type: ignore[arg-type]


def test_what_nobody_needs_is_not_looked_for() -> None:
    assert look(thing("v1 ConfigMap", "c", SPACE), service(type="ClusterIP")) == []


@pytest.mark.parametrize(
    ("planned", "there", "id", "command"),
    [
        (FAST, thing(DRIVER, "ebs.csi.aws.com"), "PRE011", "--addon-name aws-ebs-csi-driver"),
        (thing(CLASS, "e", provisioner="efs.csi.aws.com"), thing(DRIVER, "efs.csi.aws.com"), "PRE013", "aws-efs-csi"),
        (
            pod(volumes=[{"name": "v", "csi": {"driver": "s3.csi.aws.com"}}]),
            thing(DRIVER, "s3.csi.aws.com"),
            "PRE014",
            "s3",
        ),
        (
            thing("v1 PersistentVolume", "p", spec={"csi": {"driver": "fsx.csi.aws.com"}}),
            thing(DRIVER, "fsx.csi.aws.com"),
            "PRE015",
            "fsx",
        ),
        (pod(volumes=[{"name": "v", "csi": {"driver": "x.io"}}]), thing(DRIVER, "x.io"), "PRE024", "x.io"),
        (
            service(loadBalancerClass="service.k8s.aws/nlb"),
            program("aws-load-balancer-controller"),
            "PRE012",
            "helm install",
        ),
        (
            thing("networking.k8s.io/v1 Ingress", "i", SPACE, spec={"ingressClassName": "alb"}),
            program("lbc", labels={"app.kubernetes.io/name": "aws-load-balancer-controller"}),
            "PRE012",
            "clusterName=prod",
        ),
        (
            thing("snapshot.storage.k8s.io/v1 VolumeSnapshot", "s", SPACE),
            program("snapshot-controller"),
            "PRE016",
            "snapshot-controller",
        ),
        (hpa("Resource"), api("metrics.k8s.io"), "PRE017", "--addon-name metrics-server"),
        (hpa(), api("metrics.k8s.io"), "PRE017", "metrics-server"),
        (hpa("Pods"), api("custom.metrics.k8s.io"), "PRE018", "adapter"),
        (hpa("External"), api("external.metrics.k8s.io"), "PRE018", "keda"),
        (
            POLICY,
            program("aws-node", "DaemonSet", args=["--enable-network-policy=true"]),
            "PRE020",
            "enableNetworkPolicy",
        ),
        (POLICY, program("cilium", "DaemonSet"), "PRE020", "enableNetworkPolicy"),
        (
            thing("v1 ServiceAccount", "a", SPACE, notes={"eks.amazonaws.com/role-arn": "arn"}),
            thing("admissionregistration.k8s.io/v1 MutatingWebhookConfiguration", "pod-identity-webhook"),
            "PRE021",
            "pod-identity-webhook",
        ),
        (
            thing("karpenter.sh/v1 NodePool", "n"),
            program("k", image="public.ecr.aws/karpenter/karpenter:1.2@sha256:a"),
            "PRE022",
            "karpenter",
        ),
        (GPU, program("nvdp", "DaemonSet", image="nvcr.io/nvidia/k8s-device-plugin:v1"), "PRE023", "nvdp"),
        (GPU, thing("v1 Node", "n", status={"allocatable": {"nvidia.com/gpu": "1"}}), "PRE023", "nvdp"),
    ],
)
def test_there_and_missing(planned: Json, there: Json, id: str, command: str) -> None:
    missing = only(look(planned), id)
    assert (missing.status, missing.refs) == (Status.FINDING, (ref_of(planned),))
    assert command in missing.fix and missing.because
    assert only(look(planned, on=Target(there)), id).status is Status.PASS


def test_the_cluster_is_named_in_the_command() -> None:
    assert "--cluster-name prod --region us-east-2 --addon-name" in only(look(FAST), "PRE011").fix
    target = Target()
    target.name = "my-context"
    assert "--cluster-name <cluster> --addon-name" in only(look(FAST, on=target), "PRE011").fix


@pytest.mark.parametrize(
    ("planned", "blind", "id"),
    [
        (FAST, "CSIDriver", "PRE011"),
        (service(loadBalancerClass="service.k8s.aws/nlb"), "Deployment", "PRE012"),
        (hpa("Resource"), "APIService", "PRE017"),
        (POLICY, "DaemonSet", "PRE020"),
        (
            thing("v1 ServiceAccount", "a", SPACE, notes={"eks.amazonaws.com/role-arn": "arn"}),
            "MutatingWebhookConfiguration",
            "PRE021",
        ),
        (CLAIM, "StorageClass", "PRE011"),
        (thing("networking.k8s.io/v1 Ingress", "i", SPACE), "IngressClass", "PRE012"),
    ],
)
def test_what_cannot_be_listed_is_unknown(planned: Json, blind: str, id: str) -> None:
    found = only(look(planned, on=Target(blind=[blind])), id)
    assert found.status is Status.UNKNOWN and "may not list" in found.because and found.fix


def test_a_claim_needs_the_driver_of_its_class() -> None:
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    target = Target(thing(CLASS, "gp2", provisioner="kubernetes.io/aws-ebs", notes=default))
    assert ref_of(CLAIM) in only(look(FAST, CLAIM), "PRE011").refs
    plain = thing("v1 PersistentVolumeClaim", "data", SPACE, spec={})
    assert only(look(plain, on=target), "PRE011").status is Status.FINDING
    assert look(thing("v1 PersistentVolumeClaim", "data", SPACE, spec={"storageClassName": ""}), on=target) == []
    template = thing("apps/v1 StatefulSet", "db", SPACE, spec={"volumeClaimTemplates": [{"spec": {}}]})
    assert only(look(template, on=target), "PRE011").refs == (ref_of(template),)


def test_local_volumes_need_no_driver() -> None:
    assert look(thing(CLASS, "local", provisioner="kubernetes.io/no-provisioner")) == []


def test_what_comes_with_the_plan_is_no_finding() -> None:
    bodies = [FAST, thing(DRIVER, "ebs.csi.aws.com"), hpa("Resource"), api("metrics.k8s.io"), GPU]
    found = look(*bodies, program("nvidia-device-plugin", "DaemonSet"))
    assert {one.status for one in found} == {Status.PASS}
    assert all("comes with the plan" in one.message for one in found)


def test_there_and_not_ready() -> None:
    down = Target(program("aws-load-balancer-controller", ready=0), api("metrics.k8s.io", "False"))
    found = look(service(loadBalancerClass="service.k8s.aws/nlb"), hpa("Resource"), on=down)
    assert [one.status for one in found] == [Status.FINDING] * 2
    assert "kubectl -n kube-system describe deployment" in only(found, "PRE012").fix
    assert "describe apiservice" in only(found, "PRE017").fix


def test_half_a_network_policy() -> None:
    agent = program("aws-node", "DaemonSet", args=["--enable-network-policy=true"])
    switch = thing("v1 ConfigMap", "amazon-vpc-cni", "kube-system", data={"enable-network-policy-controller": "false"})
    assert only(look(POLICY, on=Target(agent, switch)), "PRE020").status is Status.FINDING
    off = program("aws-node", "DaemonSet", args=["--enable-network-policy=false"])
    assert only(look(POLICY, on=Target(off)), "PRE020").status is Status.FINDING


def test_auto_mode_has_much_of_it_built_in() -> None:
    bodies = [GPU, thing("karpenter.sh/v1 NodePool", "n"), service(loadBalancerClass="eks.amazonaws.com/nlb")]
    assert {one.status for one in look(*bodies, on=Target(kinds=AUTO), flavour="auto")} == {Status.PASS}
    lost = only(look(service(loadBalancerClass="eks.amazonaws.com/nlb"), flavour="auto"), "PRE012")
    assert lost.severity is Severity.BLOCKER and "--compute-config enabled=true" in lost.fix
    assert only(look(POLICY, on=Target(kinds=AUTO)), "PRE020").fix.startswith("kubectl")
    on = thing("v1 ConfigMap", "amazon-vpc-cni", "kube-system", data={"enable-network-policy-controller": "true"})
    assert only(look(POLICY, on=Target(on, kinds=AUTO)), "PRE020").status is Status.PASS


def test_pod_identity_is_told_by_the_finding_with_its_command() -> None:
    account = thing("v1 ServiceAccount", "a", SPACE)
    fixes = {ref_of(account): "Run aws eks create-pod-identity-association --cluster-name <cluster>"}
    assert said(look(account, fixes=fixes)) == [("PRE019", "finding")]
    agent = program("eks-pod-identity-agent", "DaemonSet")
    assert said(look(account, fixes=fixes, on=Target(agent))) == [("PRE019", "pass")]
    assert said(look(account, fixes=fixes, on=Target(kinds=AUTO))) == [("PRE019", "pass")]


def test_a_real_plan_with_pod_identity_tells() -> None:
    email = "api@acme.iam.gserviceaccount.com"
    account = thing("v1 ServiceAccount", "a", SPACE, notes={"iam.gke.io/gcp-service-account": email})
    answers = {("identity", "mode"): "pod-identity", ("identity", "roles", email): "arn:aws:iam::111122223333:role/api"}
    made = plan(Snapshot((Object(ref_of(account), account),)), tables(), Decided(answers=answers))
    assert said(checks(going(made), Target())) == [("PRE019", "finding")]


def test_every_row_is_whole() -> None:
    for name, row in table().items():
        assert {"check", "name", "harm", "severity", "install", "source"} <= set(row), name
        assert row["severity"] in ("blocker", "review") and str(row["check"]).startswith("PRE0"), name
