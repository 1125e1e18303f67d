"""What still runs on the source of what release would start on the target, and the commands that stop it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.manifest.places import get
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref, group_of
from migrate.semantics.holding import SCALED, kind_of
from migrate.semantics.holding_scaling import number, target_of
from migrate.semantics.readiness_words import as_list, as_map, conditions, count, is_true, is_unseen, spec, status

Args = tuple[str, ...]
"""Arguments of kubectl, without the context: ('-n', 'shop', 'scale', 'deployment/api', '--replicas=0')."""

# Annotations of KEDA (keda.sh, "Pause autoscaling"): with the first it scales to that number and stays there, whatever
# the second says; with the second alone it leaves the number as it is.
_PAUSED_AT, _PAUSED = "autoscaling.keda.sh/paused-replicas", "autoscaling.keda.sh/paused"
_HPA = ("autoscaling", "HorizontalPodAutoscaler")
_NO_NODE = "gke2eks/stopped"  # a label that no node has
_UNSEEN = "was stopped, and its controller has not seen that yet"
# The minute of its run, which a CronJob writes at the end of the names of its Jobs.
_MINUTE = re.compile(r"\d{7,10}\Z")


@dataclass(frozen=True, slots=True)
class StillRuns:
    """`why` follows the name of the object: 'wants 3 replicas'. Without commands only waiting helps."""

    why: str
    commands: tuple[Args, ...] = ()


@dataclass(frozen=True, slots=True)
class Twin:
    """What the source showed of one object: `runs` is None when nothing of it runs there.

    `unseen` says why nobody could look; then nothing is known. `notes` are clauses about who may start it again,
    `doubts` about what could not be seen beside it.
    """

    runs: StillRuns | None = None
    unseen: str = ""
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def still_runs(
    live: Body | None, *, pods: Sequence[Body] = (), jobs: Sequence[Body] = (), scalers: Iterable[Body] = ()
) -> StillRuns | None:
    """Judge an object as the source showed it just now; None when it is stopped, finished, or not there.

    `pods` and `jobs` are its own (`made_by`): statuses do not count pods that still end, nor Jobs that a person made of
    a CronJob. `scalers` are autoscalers of its namespace.
    """
    found = _judged(live, tuple(scalers)) if live is not None else None
    if found is not None and found.commands:
        return found
    what = "is gone" if live is None else "is stopped"
    works = [_name(job) for job in jobs if _is_alive(job)]
    if works:
        return StillRuns(f"{what}, and {_jobs(works)}")
    left = [_name(pod) for pod in pods if _is_alive(pod)]
    if left:
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        return StillRuns(f"{what}, and {_pods(len(left))} still {_end(len(left))}: {left[0]}{more}")
    return found


def _judged(live: Body, scalers: tuple[Body, ...]) -> StillRuns | None:
    kind = kind_of(live)
    if kind in SCALED:
        return _scaled(live, scalers)
    judge = _JUDGES.get(kind)
    # Nobody taught us what stops this kind: that is no reason to believe that it is stopped.
    return judge(live) if judge else StillRuns("is there, and gke2eks does not know what stops this kind")


def _scaled(live: Body, scalers: tuple[Body, ...]) -> StillRuns | None:
    wanted, left = count(spec(live), "replicas", 1), count(status(live), "replicas")
    waker = next((one for one in scalers if target_of(one) == _target(live) and _wakes(one)), None)
    if waker is not None:
        state = f"wants {_replicas(wanted)}" if wanted else "is at 0 replicas"
        command = (_turn_off(waker),) if kind_of(waker) != _HPA or not wanted else (_to_zero(live), _turn_off(waker))
        return StillRuns(f"{state}, and {_said(waker)} may start it again", command)
    if wanted:
        return StillRuns(f"wants {_replicas(wanted)}", (_to_zero(live),))
    if is_unseen(live):
        return StillRuns(_UNSEEN)
    # Absent from servers before 1.35, and then its pods tell.
    left = max(left, count(status(live), "terminatingReplicas"))
    return StillRuns(f"is scaled to 0, and {_pods(left)} still {_end(left)}") if left else None


def _wakes(scaler: Body) -> bool:
    """Tell whether an autoscaler starts what has 0 replicas. An HPA does not, unless its minimum is 0."""
    if kind_of(scaler) == _HPA:
        return number(get(scaler, P("spec", "minReplicas")), 1) == 0
    at = _note(scaler, _PAUSED_AT)
    return at.strip() != "0" if at else _note(scaler, _PAUSED) != "true"


def _turn_off(scaler: Body) -> Args:
    if kind_of(scaler) == _HPA:
        return _patch(scaler, {"spec": {"minReplicas": 1}})
    return (*_in(scaler), "annotate", _typed(scaler), f"{_PAUSED_AT}=0", "--overwrite")


def _to_zero(live: Body) -> Args:
    return (*_in(live), "scale", _typed(live), "--replicas=0")


def _cron_job(live: Body) -> StillRuns | None:
    if spec(live).get("suspend") is not True:
        return StillRuns("is not suspended", (_patch(live, {"spec": {"suspend": True}}),))
    names = [str(as_map(one).get("name")) for one in as_list(status(live).get("active"))]
    if not names:
        return None
    return StillRuns(f"is stopped, and {_jobs(names)}")


def _job(live: Body) -> StillRuns | None:
    now = status(live)
    found = conditions(now)
    left = count(now, "active") + count(now, "terminating")
    if is_true(found.get("Complete")) or is_true(found.get("Failed")):
        return None
    if spec(live).get("suspend") is not True:
        pods = f"{_pods(left)} of it {'runs' if left == 1 else 'run'}" if left else "it starts its pods"
        return StillRuns(f"is not finished: {pods}", (_patch(live, {"spec": {"suspend": True}}),))
    return StillRuns(f"is suspended, and {_pods(left)} still {_end(left)}") if left else None


def _daemon_set(live: Body) -> StillRuns | None:
    now = status(live)
    if is_unseen(live):
        return StillRuns(_UNSEEN)
    wanted = count(now, "desiredNumberScheduled")
    if wanted:
        nowhere = {"spec": {"template": {"spec": {"nodeSelector": {_NO_NODE: "true"}}}}}
        return StillRuns(f"wants {_pods(wanted)}", (_patch(live, nowhere),))
    left = max(count(now, "currentNumberScheduled"), count(now, "numberMisscheduled"))
    return StillRuns(f"wants no pods any more, and {_pods(left)} still {_end(left)}") if left else None


def _pod(live: Body) -> StillRuns | None:
    if as_map(live.get("metadata")).get("deletionTimestamp"):
        return StillRuns("is being deleted and has not ended yet") if _is_alive(live) else None
    if not _is_alive(live) or (spec(live).get("schedulingGates") and not spec(live).get("nodeName")):
        return None
    phase = status(live).get("phase") or "Pending"
    return StillRuns(f"is {phase}", ((*_in(live), "delete", _typed(live)),))


def _scaled_job(live: Body) -> StillRuns | None:
    if _note(live, _PAUSED) == "true":
        return None
    return StillRuns(
        "is not paused: KEDA starts Jobs for it",
        ((*_in(live), "annotate", _typed(live), f"{_PAUSED}=true", "--overwrite"),),
    )


_JUDGES: Mapping[tuple[str, str], Callable[[Body], StillRuns | None]] = {
    ("batch", "CronJob"): _cron_job,
    ("batch", "Job"): _job,
    ("apps", "DaemonSet"): _daemon_set,
    ("", "Pod"): _pod,
    ("keda.sh", "ScaledJob"): _scaled_job,
}


def made_by(ref: Ref, objects: Iterable[Body]) -> tuple[Body, ...]:
    """Those pods, or Jobs, of the namespace that a workload made, through the objects between them."""
    return tuple(one for one in objects if any(_made(ref, owner) for owner in _controllers(one)))


def _made(ref: Ref, owner: Body) -> bool:
    group, kind, name = group_of(str(owner.get("apiVersion", ""))), str(owner.get("kind")), str(owner.get("name"))
    if (group, kind, name) == (ref.group, ref.kind, ref.name):
        return True
    stem, _, tail = name.rpartition("-")
    between = (group, kind, stem)
    if ref.kind == "Deployment":
        return between == ("apps", "ReplicaSet", ref.name)
    return ref.kind == "CronJob" and between == ("batch", "Job", ref.name) and _MINUTE.match(tail) is not None


# Who writes an object anew from somewhere else, by what it leaves on it: (labels or annotations, key, value or None).
# argo-cd.readthedocs.io (Resource Tracking), fluxcd.io (Kustomization, HelmRelease), Config Sync's page on managed
# objects, the add-on manager of Kubernetes.
_KEEPERS: tuple[tuple[str, str, str | None, str], ...] = (
    ("annotations", "argocd.argoproj.io/tracking-id", None, "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", None, "Argo CD"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", None, "Flux (a Kustomization)"),
    ("labels", "helm.toolkit.fluxcd.io/name", None, "Flux (a HelmRelease)"),
    ("annotations", "configmanagement.gke.io/managed", "enabled", "Config Sync"),
    ("labels", "addonmanager.kubernetes.io/mode", "Reconcile", "the add-on manager"),
)


def keepers(live: Body | None) -> tuple[str, ...]:
    """Clauses about who may start an object again after a person stopped it."""
    if live is None:
        return ()
    meta = as_map(live.get("metadata"))
    found = [who for where, key, value, who in _KEEPERS if _has(meta, where, key, value)]
    found += [f"{owner.get('kind')}/{owner.get('name')}, which owns it," for owner in _controllers(live)]
    return tuple(f"{who} may write it anew and start it again: stop that first" for who in dict.fromkeys(found))


def unseen(why: str) -> Twin:
    """Nobody could look."""
    return Twin(unseen=why)


def _has(meta: Body, where: str, key: str, value: str | None) -> bool:
    found = as_map(meta.get(where))
    return key in found and (value is None or found[key] == value)


def _controllers(body: Body) -> Iterator[Body]:
    for owner in as_list(as_map(body.get("metadata")).get("ownerReferences")):
        if as_map(owner).get("controller") is True:
            yield as_map(owner)


def _is_alive(body: Body) -> bool:
    """Of a pod: it has not ended. Of a Job: it is not finished."""
    now = status(body)
    if body.get("kind") == "Job":
        return not any(is_true(conditions(now).get(word)) for word in ("Complete", "Failed"))
    return now.get("phase") not in ("Succeeded", "Failed")


def _target(live: Body) -> tuple[str, str, str, str]:
    return (*kind_of(live), _space(live) or "default", _name(live))


def _patch(live: Body, change: Mapping[str, Any]) -> Args:
    return (*_in(live), "patch", _typed(live), "--type=merge", "-p", json.dumps(change, separators=(",", ":")))


def _in(live: Body) -> Args:
    return ("-n", _space(live)) if _space(live) else ()


def _typed(live: Body) -> str:
    group, kind = kind_of(live)
    # The full name where another kind may have the short one; kubectl knows the built-in ones.
    return f"{kind.lower()}{f'.{group}' if '.' in group else ''}/{_name(live)}"


def _said(scaler: Body) -> str:
    kind = kind_of(scaler)
    tail = " with minReplicas 0" if kind == _HPA else ", which is not paused at 0,"
    return f"{kind[1]}/{_name(scaler)}{tail}"


def _note(body: Body, key: str) -> str:
    return str(as_map(as_map(body.get("metadata")).get("annotations")).get(key) or "")


def _space(body: Body) -> str:
    return str(as_map(body.get("metadata")).get("namespace") or "")


def _name(body: Body) -> str:
    return str(as_map(body.get("metadata")).get("name"))


def _jobs(names: list[str]) -> str:
    # No command for these: what is stopped half-way stays half done, so it had better end.
    return f"its Job {names[0]} still runs" if len(names) == 1 else f"{len(names)} of its Jobs still run"


def _replicas(wanted: int) -> str:
    return f"{wanted} replica{'' if wanted == 1 else 's'}"


def _pods(wanted: int) -> str:
    return f"{number(wanted, 0)} pod{'' if wanted == 1 else 's'}"


def _end(left: int) -> str:
    return "ends" if left == 1 else "end"
