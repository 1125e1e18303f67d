"""Defaults of nodes, registries and add-ons that differ although no manifest says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from migrate.manifest.places import strings
from migrate.manifest.pods import CONTAINERS, PodTemplate, pod_template
from migrate.model.objects import Object
from migrate.semantics import imagerefs
from migrate.semantics.default import NEITHER, Default

_EKS = "https://docs.aws.amazon.com/eks/latest/userguide"
_RUNS = frozenset({("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("batch", "CronJob")})
_GOOGLE = re.compile(r"(^|\.)gcr\.io$|\.pkg\.dev$")
_METADATA = re.compile(r"metadata\.google|(?<![0-9.])169\.254\.169\.254(?![0-9.])|computeMetadata/v1")
_SPOT = ("cloud.google.com/gke-spot", "cloud.google.com/gke-preemptible")
_BREAK_GLASS = ("image-policy.k8s.io/break-glass", "alpha.image-policy.k8s.io/break-glass")


def _hosts(pod: PodTemplate) -> Iterator[str]:
    for name in CONTAINERS:
        for _, container in pod.items(name):
            image = container.get("image")
            found = imagerefs.parse(image) if isinstance(image, str) else None
            if found is not None:
                yield found.host


def _from_google(obj: Object) -> bool:
    pod = pod_template(obj)
    return bool(pod and not pod.spec.get("imagePullSecrets") and any(map(_GOOGLE.search, _hosts(pod))))


def _from_docker_hub(obj: Object) -> bool:
    pod = pod_template(obj)
    return pod is not None and "docker.io" in _hosts(pod)


def _asks_metadata(obj: Object) -> bool:
    pod = pod_template(obj)
    containers = [one for name in CONTAINERS for _, one in pod.items(name)] if pod else []
    said = ([one.get(part) for part in ("command", "args", "env")] for one in containers)
    return any(_METADATA.search(text) for parts in said for _, text, _ in strings({"said": parts}))


def _spot(obj: Object) -> bool:
    pod = pod_template(obj)
    return pod is not None and any(
        text in _SPOT
        for name in ("nodeSelector", "affinity", "tolerations")
        if pod.spec.get(name)
        for _, text, _ in strings({name: pod.spec[name]})
    )


def _breaks_glass(obj: Object) -> bool:
    pod = pod_template(obj)
    return pod is not None and any(
        key in notes for key in _BREAK_GLASS for notes in (pod.labels, pod.annotations, obj.labels, obj.annotations)
    )


def _by_autopilot(obj: Object) -> bool:
    pod = pod_template(obj)
    notes = (*obj.annotations, *pod.annotations) if pod else ()
    return any(isinstance(key, str) and key.startswith("autopilot.gke.io/") for key in notes)


def _is(*kinds: tuple[str, str]) -> Callable[[Object], bool]:
    return lambda obj: (obj.ref.group, obj.ref.kind) in kinds


EVERYWHERE: tuple[Default, ...] = (
    Default(
        "CLU020",
        "Who pulls images",
        "the node's service account, from Google's registries, without a pull secret",
        "the node's role, from ECR only",
        NEITHER,
        "Let the node role read ECR (AmazonEC2ContainerRegistryPullOnly); images that stay at Google need a pull "
        "secret.",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_EKS.html",
        _from_google,
        page=True,
    ),
    Default(
        "CLU021",
        "Images of Docker Hub",
        "taken from Google's cache where it has them",
        "pulled from Docker Hub, and counted against its rate limits",
        NEITHER,
        "Copy these images to ECR, use a pull-through cache, or give pods a login of Docker Hub.",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html",
        _from_docker_hub,
        page=True,
    ),
    Default(
        "CLU022",
        "The metadata server",
        "answers every pod",
        "answers pods of the host network only (IMDSv2, hop limit 1), and in another language",
        NEITHER,
        "Give pods a role by IRSA or Pod Identity, and what they ask about the node by the downward API.",
        f"{_EKS}/al2023.html",
        _asks_metadata,
        page=True,
    ),
    Default(
        "CLU023",
        "Who measures pods for a HorizontalPodAutoscaler",
        "metrics-server, which every cluster has",
        "nobody, until metrics-server is installed",
        NEITHER,
        "Install the metrics-server add-on; until then the number of replicas stays where it is.",
        f"{_EKS}/metrics-server.html",
        _is(("autoscaling", "HorizontalPodAutoscaler")),
        page=True,
    ),
    Default(
        "CLU024",
        "VerticalPodAutoscaler",
        "a switch of the cluster",
        "unknown until its definitions and controllers are installed",
        NEITHER,
        "Install it before you apply.",
        f"{_EKS}/vertical-pod-autoscaler.html",
        _is(("autoscaling.k8s.io", "VerticalPodAutoscaler")),
        page=True,
    ),
    Default(
        "CLU025",
        "What containers write to stdout and stderr",
        "goes to Cloud Logging, which reads severity and other fields out of JSON",
        "stays on the node until you install an agent, and no field of it is special",
        NEITHER,
        "Install Fluent Bit or another agent, and change alerts and filters that look at severity.",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-setup-logs-FluentBit.html",
        _is(*_RUNS),
        page=True,
        whole=True,
    ),
    Default(
        "CLU026",
        "What a container may do that says nothing about it",
        "on Autopilot: the seccomp profile RuntimeDefault, no NET_RAW",
        "what the container runtime gives: no seccomp profile, and NET_RAW",
        NEITHER,
        "Write seccompProfile and capabilities into securityContext, or enforce them in each namespace.",
        "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/autopilot-security",
        _by_autopilot,
        page=True,
    ),
    Default(
        "CLU027",
        "How long a Spot machine has",
        "30 seconds, and preemptible ones a day at most",
        "two minutes, if something drains the node then",
        NEITHER,
        "Managed node groups drain by themselves; Karpenter needs settings.interruptionQueue.",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html",
        _spot,
        page=True,
    ),
    Default(
        "CLU028",
        "How many pods a node holds",
        "up to 110 unless the pool says otherwise, whatever the machine",
        "as many as its network interfaces have addresses (29 on m5.large), 110 at most on most",
        NEITHER,
        "Count what each node runs for DaemonSets alone; prefix delegation gives small machines more places.",
        f"{_EKS}/choosing-instance-type.html",
        _is(("apps", "DaemonSet")),
        page=True,
    ),
    Default(
        "CLU029",
        "Who checks images before they run",
        "Binary Authorization, if it is on: its policy is no object of the cluster",
        "nobody",
        NEITHER,
        "Ask who owns the policy; Kyverno or Ratify verify signatures on EKS. The label that breaks the glass does "
        "nothing there.",
        f"{_EKS}/image-verification.html",
        _breaks_glass,
        page=True,
    ),
    Default(
        "CLU030",
        "Who replaces nodes",
        "Google, in the maintenance window, and a PodDisruptionBudget holds it up for an hour at most",
        "you, for managed node groups, and an update fails where a budget does not let go within 15 minutes; Auto Mode "
        "replaces each within 21 days",
        NEITHER,
        "Let every budget allow one disruption, and plan updates of node groups.",
        f"{_EKS}/managed-node-update-behavior.html",
        _is(("policy", "PodDisruptionBudget")),
        page=True,
    ),
)
