"""The table of pods and levels on which preflight and a real API server must agree."""

from __future__ import annotations

from typing import Any

from rig.http import Json

# The levels of the table: two labels each.
LEVELS = {
    "privileged": ("privileged", "latest"),
    "baseline": ("baseline", "latest"),
    "restricted": ("restricted", "latest"),
    "baseline-1-18": ("baseline", "v1.18"),
    "baseline-1-26": ("baseline", "v1.26"),
    "baseline-1-30": ("baseline", "v1.30"),
    "baseline-1-33": ("baseline", "v1.33"),
    "restricted-1-18": ("restricted", "v1.18"),
    "restricted-1-21": ("restricted", "v1.21"),
    "restricted-1-22": ("restricted", "v1.22"),
    "restricted-1-24": ("restricted", "v1.24"),
    "restricted-1-34": ("restricted", "v1.34"),
    "restricted-future": ("restricted", "v1.99"),
}
GOOD: Json = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
OLD = "container.seccomp.security.alpha.kubernetes.io/main"
ANNOTATED = "container.apparmor.security.beta.kubernetes.io/main"


def a_pod(context: Any = None, container: Any = None, annotations: Any = None, **spec: Any) -> Json:
    """A pod that `restricted` takes, but for what is said: of its container's context, its container, its spec."""
    main = {"name": "main", "image": "registry.invalid/a:1", "securityContext": GOOD | (context or {})}
    main["securityContext"] = {key: value for key, value in main["securityContext"].items() if value is not None}
    metadata = {"name": "p", "annotations": annotations or {}}
    body = {"containers": [main | (container or {})]} | spec
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body}


def volume(**source: Any) -> Json:
    return a_pod(volumes=[{"name": "v"} | source])


def probe(where: str, **handler: Any) -> Json:
    return a_pod(container={where: handler})


PORT = {"port": 80}
SIDE = {"name": "init", "image": "registry.invalid/a:1"}
BARE = {"containers": [{"name": "main", "image": "registry.invalid/a:1"}]}
PODS: dict[str, Json] = {
    "good": a_pod(),
    "bare": a_pod() | {"spec": BARE},
    "host network": a_pod(hostNetwork=True),
    "host network with a port": a_pod(hostNetwork=True, container={"ports": [{"containerPort": 80}]}),
    "host pid and ipc": a_pod(hostPID=True, hostIPC=True),
    "privileged": a_pod({"privileged": True, "allowPrivilegeEscalation": None}),
    "adds SYS_ADMIN": a_pod(
        {"capabilities": {"add": ["SYS_ADMIN"], "drop": ["ALL"]}, "allowPrivilegeEscalation": None}
    ),
    "adds NET_RAW": a_pod({"capabilities": {"add": ["NET_RAW"], "drop": ["ALL"]}}),
    "adds CHOWN": a_pod({"capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}}),
    "adds NET_BIND_SERVICE": a_pod({"capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}}),
    "drops little": a_pod({"capabilities": {"drop": ["NET_RAW"]}}),
    "drops all in small letters": a_pod({"capabilities": {"drop": ["all"]}}),
    "no capabilities said": a_pod({"capabilities": None}),
    "hostPath": volume(hostPath={"path": "/var/log"}),
    "nfs": volume(nfs={"server": "10.0.0.1", "path": "/"}),
    "an EBS volume": volume(awsElasticBlockStore={"volumeID": "vol-1"}),
    "emptyDir": volume(emptyDir={}),
    "no source": volume(),
    "csi": volume(csi={"driver": "secrets-store.csi.k8s.io"}),
    "ephemeral": volume(
        ephemeral={
            "volumeClaimTemplate": {
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
            }
        }
    ),
    "projected": volume(projected={"sources": [{"downwardAPI": {"items": []}}]}),
    "an image": a_pod(volumes=[{"name": "v", "image": {"reference": "registry.invalid/m:1"}}]),
    "host port": a_pod(container={"ports": [{"containerPort": 80, "hostPort": 8080}]}),
    "host port 0": a_pod(container={"ports": [{"containerPort": 80, "hostPort": 0}]}),
    "apparmor unconfined": a_pod({"appArmorProfile": {"type": "Unconfined"}}),
    "apparmor of the host": a_pod({"appArmorProfile": {"type": "Localhost", "localhostProfile": "x"}}),
    "apparmor unconfined by annotation": a_pod(annotations={ANNOTATED: "unconfined"}),
    "apparmor by annotation": a_pod(annotations={ANNOTATED: "runtime/default"}),
    "apparmor of the pod": a_pod(securityContext={"appArmorProfile": {"type": "Unconfined"}}),
    "selinux type": a_pod({"seLinuxOptions": {"type": "spc_t"}}),
    "selinux container type": a_pod({"seLinuxOptions": {"type": "container_t", "level": "s0"}}),
    "selinux engine type": a_pod({"seLinuxOptions": {"type": "container_engine_t"}}),
    "selinux user": a_pod(securityContext={"seLinuxOptions": {"user": "system_u"}}),
    "selinux role": a_pod({"seLinuxOptions": {"role": "object_r"}}),
    "proc unmasked": a_pod({"procMount": "Unmasked"}, hostUsers=False),
    "proc default": a_pod({"procMount": "Default"}),
    "seccomp unconfined": a_pod({"seccompProfile": {"type": "Unconfined"}}),
    "seccomp of the pod unconfined": a_pod(securityContext={"seccompProfile": {"type": "Unconfined"}}),
    "seccomp of the pod alone": a_pod(
        {"seccompProfile": None}, securityContext={"seccompProfile": {"type": "RuntimeDefault"}}
    ),
    "seccomp of nobody": a_pod({"seccompProfile": None}),
    "seccomp of the host": a_pod({"seccompProfile": {"type": "Localhost", "localhostProfile": "a.json"}}),
    "seccomp by old annotation": a_pod(annotations={"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}),
    "seccomp by old annotation of a container": a_pod({"seccompProfile": None}, annotations={OLD: "localhost/x"}),
    "seccomp unconfined by old annotation of a container": a_pod(
        {"seccompProfile": None}, annotations={OLD: "unconfined"}
    ),
    "unsafe sysctl": a_pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
    "safe sysctl": a_pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]}),
    "sysctl safe since 1.27": a_pod(
        securityContext={"sysctls": [{"name": "net.ipv4.ip_local_reserved_ports", "value": "1"}]}
    ),
    "sysctl safe since 1.29": a_pod(
        securityContext={"sysctls": [{"name": "net.ipv4.tcp_keepalive_time", "value": "1"}]}
    ),
    "sysctl safe since 1.32": a_pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_rmem", "value": "1"}]}),
    "windows host process": a_pod()
    | {
        "spec": {
            "containers": [{"name": "main", "image": "registry.invalid/a:1"}],
            "hostNetwork": True,
            "os": {"name": "windows"},
            "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "x"}},
        }
    },
    "windows": a_pod()
    | {
        "spec": BARE | {"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": True}},
    },
    "escalation unsaid": a_pod({"allowPrivilegeEscalation": None}),
    "escalation": a_pod({"allowPrivilegeEscalation": True}),
    "root": a_pod({"runAsUser": 0, "runAsNonRoot": False}),
    "user 0": a_pod({"runAsUser": 0}),
    "user 1000": a_pod({"runAsUser": 1000}),
    "user 0 of the pod": a_pod(securityContext={"runAsUser": 0}),
    "non-root by the pod": a_pod({"runAsNonRoot": None}, securityContext={"runAsNonRoot": True}),
    "non-root by nobody": a_pod({"runAsNonRoot": None}),
    "root by the pod": a_pod(securityContext={"runAsNonRoot": False}),
    "root in a user namespace": a_pod({"runAsUser": 0, "runAsNonRoot": None}, hostUsers=False),
    "liveness host": probe("livenessProbe", httpGet=PORT | {"host": "10.0.0.1"}),
    "liveness": probe("livenessProbe", httpGet=PORT),
    "readiness tcp host": probe("readinessProbe", tcpSocket=PORT | {"host": "10.0.0.1"}),
    "startup host": probe("startupProbe", httpGet=PORT | {"host": "10.0.0.1"}),
    "hook host": probe("lifecycle", preStop={"httpGet": PORT | {"host": "10.0.0.1"}}),
    "an init container without anything": a_pod(initContainers=[SIDE]),
    "an init container that is privileged": a_pod(initContainers=[SIDE | {"securityContext": {"privileged": True}}]),
    "a sidecar with a host port": a_pod(
        initContainers=[
            SIDE
            | {
                "securityContext": GOOD,
                "restartPolicy": "Always",
                "ports": [{"containerPort": 80, "hostPort": 81}],
            }
        ]
    ),
    "all wrong": a_pod(
        {"privileged": True, "allowPrivilegeEscalation": None, "runAsUser": 0, "capabilities": {"add": ["SYS_TIME"]}},
        hostNetwork=True,
        hostPID=True,
        volumes=[{"name": "v", "hostPath": {"path": "/"}}],
    ),
}
