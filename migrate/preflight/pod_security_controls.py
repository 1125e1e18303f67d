"""The controls of the Pod Security Standards, as a table: what each forbids, at which level, from which version on.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ ; names, versions and what the server fills in
before it judges are tried on a real one (tests/cluster/test_preflight_admission.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from migrate.manifest.pods import CONTAINERS, PodTemplate
from migrate.model.objects import Body

PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
LEVELS = (PRIVILEGED, BASELINE, RESTRICTED)
_EVER = 10_000

_ADDABLE = (
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
)
_SELINUX = frozenset(("", "container_t", "container_init_t", "container_kvm_t"))
# Sysctls that are safe, and the minor version since which they count as such.
_SYSCTLS = {
    **dict.fromkeys(("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies"), 0),
    **dict.fromkeys(("net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"), 0),
    "net.ipv4.ip_local_reserved_ports": 27,
    **dict.fromkeys(("net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout"), 29),
    **dict.fromkeys(("net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"), 29),
    **dict.fromkeys(("net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"), 32),
}
_VOLUMES = "configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret"
_PROFILES = ("RuntimeDefault", "Localhost")
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_POD, _SECCOMP = "seccomp.security.alpha.kubernetes.io/pod", "container.seccomp.security.alpha.kubernetes.io/"


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as the server would judge it, by the controls of one minor version."""

    template: PodTemplate
    minor: int

    @property
    def spec(self) -> Body:
        return self.template.spec

    @property
    def containers(self) -> Iterator[tuple[str, Body]]:
        """(who, container) of every sort of container."""
        for name in CONTAINERS:
            for _, one in self.template.items(name):
                yield f"container {one.get('name')}", one

    @property
    def contexts(self) -> Iterator[tuple[str, Body]]:
        """(who, securityContext) of the pod and of its containers; empty where there is none."""
        yield "the pod", _map(self.spec.get("securityContext"))
        yield from self.inner

    @property
    def inner(self) -> Iterator[tuple[str, Body]]:
        """(who, securityContext) of the containers alone."""
        yield from ((who, _map(one.get("securityContext"))) for who, one in self.containers)

    @property
    def windows(self) -> bool:
        """Since 1.25, what only Linux knows is not asked of Windows."""
        return self.minor >= 25 and _map(self.spec.get("os")).get("name") == "windows"

    @property
    def own_users(self) -> bool:
        """Since 1.35, root of a user namespace of its own is no root."""
        return self.minor >= 35 and self.spec.get("hostUsers") is False


Judge = Callable[[Pod], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Control:
    """`name` is the server's word for it. `since` and `until` are minors; `judge` yields who offends.

    `instead` is the control of baseline that this one of restricted takes the place of.
    """

    name: str
    level: str
    judge: Judge
    fix: str
    since: int = 0
    until: int = _EVER
    instead: str = ""


def violations(template: PodTemplate, level: str, minor: int) -> tuple[tuple[Control, tuple[str, ...]], ...]:
    """The controls that a pod offends at this level of this version, and who of it does."""
    if level == PRIVILEGED:
        return ()
    pod = Pod(template, minor)
    asked = [one for one in CONTROLS if one.since <= minor < one.until and one.level in (BASELINE, level)]
    replaced = {one.instead for one in asked}
    found = ((one, tuple(dict.fromkeys(one.judge(pod)))) for one in asked if one.name not in replaced)
    return tuple((one, who) for one, who in found if who)


def _map(value: Any) -> Body:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _apparmor(pod: Pod) -> Iterator[str]:
    for who, context in pod.contexts:
        profile = context.get("appArmorProfile")
        if profile is not None and _map(profile).get("type") not in _PROFILES:
            yield who
    for key, value in pod.template.annotations.items():
        if key.startswith(_APPARMOR) and value not in ("", "runtime/default") and not _local(value):
            yield f"annotation {key}"


def _local(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("localhost/")


def _capabilities(pod: Pod) -> Iterator[str]:
    for who, context in pod.inner:
        added = set(map(str, _list(_map(context.get("capabilities")).get("add")))) - set(_ADDABLE.split())
        if added:
            yield f"{who} adds {', '.join(sorted(added))}"


def _all_capabilities(pod: Pod) -> Iterator[str]:
    for who, context in () if pod.windows else pod.inner:
        said = _map(context.get("capabilities"))
        added = set(map(str, _list(said.get("add")))) - {"NET_BIND_SERVICE"}
        if added:
            yield f"{who} adds {', '.join(sorted(added))}"
        if "ALL" not in _list(said.get("drop")):
            yield who


def _host_namespaces(pod: Pod) -> Iterator[str]:
    yield from (key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(key) is True)


def _host_paths(pod: Pod) -> Iterator[str]:
    yield from (f"volume {one.get('name')}" for _, one in pod.template.items("volumes") if one.get("hostPath"))


def _host_ports(pod: Pod) -> Iterator[str]:
    # On the host's network the server writes the port of the container as that of the host.
    fields = ("hostPort", "containerPort") if pod.spec.get("hostNetwork") is True else ("hostPort",)
    for who, container in pod.containers:
        for port in _list(container.get("ports")):
            number = next((_map(port)[field] for field in fields if _map(port).get(field)), None)
            if number:
                yield f"{who}, port {number}"


def _hosts(pod: Pod) -> Iterator[str]:
    for who, container in pod.containers:
        asked = {name: container.get(name) for name in ("livenessProbe", "readinessProbe", "startupProbe")}
        asked |= {name: _map(container.get("lifecycle")).get(name) for name in ("postStart", "preStop")}
        for name, handler in asked.items():
            for way in ("httpGet", "tcpSocket"):
                if _map(_map(handler).get(way)).get("host"):
                    yield f"{name} of {who}"


def _privileged(pod: Pod) -> Iterator[str]:
    yield from (who for who, context in pod.inner if context.get("privileged") is True)


def _proc(pod: Pod) -> Iterator[str]:
    yield from (who for who, context in pod.inner if context.get("procMount") not in (None, "Default"))


def _proc_unless_own(pod: Pod) -> Iterator[str]:
    yield from () if pod.own_users else _proc(pod)


def _selinux(pod: Pod) -> Iterator[str]:
    types = _SELINUX | {"container_engine_t"} if pod.minor >= 31 else _SELINUX
    for who, context in pod.contexts:
        said = _map(context.get("seLinuxOptions"))
        if (said.get("type") or "") not in types or said.get("user") or said.get("role"):
            yield who


def _seccomp_annotations(pod: Pod) -> Iterator[str]:
    names = {_SECCOMP_POD, *(f"{_SECCOMP}{one.get('name')}" for _, one in pod.containers)}
    for key, value in pod.template.annotations.items():
        if key in names and value not in ("runtime/default", "docker/default") and not _local(value):
            yield f"annotation {key}"


def _seccomp(pod: Pod) -> Iterator[str]:
    for who, context in pod.contexts:
        profile = context.get("seccompProfile")
        if profile is not None and _map(profile).get("type") not in _PROFILES:
            yield who


def _seccomp_set(pod: Pod) -> Iterator[str]:
    bad = () if pod.windows else tuple(_seccomp(pod))
    yield from bad
    whole = _map(pod.spec.get("securityContext")).get("seccompProfile") is not None and "the pod" not in bad
    if not whole and not pod.windows:
        yield from (who for who, context in pod.inner if context.get("seccompProfile") is None)


def _sysctls(pod: Pod) -> Iterator[str]:
    for one in _list(_map(pod.spec.get("securityContext")).get("sysctls")):
        name = str(_map(one).get("name"))
        if _SYSCTLS.get(name, _EVER) > pod.minor:
            yield name


def _host_process(pod: Pod) -> Iterator[str]:
    for who, context in pod.contexts:
        if _map(context.get("windowsOptions")).get("hostProcess") is True:
            yield who


def _escalation(pod: Pod) -> Iterator[str]:
    for who, context in () if pod.windows else pod.inner:
        if context.get("allowPrivilegeEscalation") is not False:
            yield who


def _volumes(pod: Pod) -> Iterator[str]:
    for _, one in pod.template.items("volumes"):
        sources = {key for key, value in one.items() if key != "name" and value is not None}
        # A volume that names no source is an empty directory.
        if sources and not sources & set(_VOLUMES.split()):
            yield f"volume {one.get('name')} ({', '.join(sorted(sources))})"


def _non_root(pod: Pod) -> Iterator[str]:
    if pod.own_users:
        return
    whole = _map(pod.spec.get("securityContext")).get("runAsNonRoot")
    if whole is False:
        yield "the pod"
    for who, context in pod.inner:
        said = context.get("runAsNonRoot")
        if said is False or (said is None and whole is not True):
            yield who


def _user(pod: Pod) -> Iterator[str]:
    for who, context in () if pod.own_users else pod.contexts:
        if context.get("runAsUser") == 0:
            yield who


_SET = "securityContext"
# In the order in which the server names them.
CONTROLS: tuple[Control, ...] = (
    Control("forbidden AppArmor profile", BASELINE, _apparmor, "an AppArmor profile of RuntimeDefault or Localhost"),
    Control("non-default capabilities", BASELINE, _capabilities, "no capabilities beyond the default ones"),
    Control("host namespaces", BASELINE, _host_namespaces, "no hostNetwork, hostPID or hostIPC"),
    Control("hostPath volumes", BASELINE, _host_paths, "another volume in place of hostPath"),
    Control("hostPort", BASELINE, _host_ports, "no hostPort"),
    Control("probe or lifecycle host", BASELINE, _hosts, "no host in probes and lifecycle hooks", since=34),
    Control("privileged", BASELINE, _privileged, f"{_SET}.privileged: false"),
    Control("procMount", BASELINE, _proc_unless_own, f"no {_SET}.procMount"),
    Control("seLinuxOptions", BASELINE, _selinux, "no SELinux user or role, and a type for containers"),
    Control("seccompProfile", BASELINE, _seccomp_annotations, "a seccomp profile of the runtime or the host", until=19),
    Control("seccompProfile", BASELINE, _seccomp, f"{_SET}.seccompProfile.type: RuntimeDefault", since=19),
    Control("forbidden sysctls", BASELINE, _sysctls, "only safe sysctls"),
    Control("hostProcess", BASELINE, _host_process, f"no {_SET}.windowsOptions.hostProcess"),
    Control("allowPrivilegeEscalation != false", RESTRICTED, _escalation, f"{_SET}.allowPrivilegeEscalation: false", 8),
    Control(
        "unrestricted capabilities",
        RESTRICTED,
        _all_capabilities,
        f"{_SET}.capabilities.drop: [ALL], and add nothing but NET_BIND_SERVICE",
        since=22,
        instead="non-default capabilities",
    ),
    Control("procMount (restricted)", RESTRICTED, _proc, f"no {_SET}.procMount", since=35, instead="procMount"),
    Control("restricted volume types", RESTRICTED, _volumes, "other volumes", instead="hostPath volumes"),
    Control("runAsNonRoot != true", RESTRICTED, _non_root, f"{_SET}.runAsNonRoot: true"),
    Control("runAsUser=0", RESTRICTED, _user, f"a {_SET}.runAsUser that is not 0", since=23),
    Control(
        "seccompProfile (restricted)",
        RESTRICTED,
        _seccomp_set,
        f"{_SET}.seccompProfile.type: RuntimeDefault",
        since=19,
        instead="seccompProfile",
    ),
)
