"""What did not come out well at the end of a story, and whether plan or preflight had said so of that very object."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rig.http import Client, Json
from story_help import Story

from migrate.manifest.pods import pod_template
from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.semantics.holding import State, state
from migrate.semantics.twins import made_by

_VERSIONS = {"apps": "apps/v1", "batch": "batch/v1", "": "v1"}
KINDS = {"apps": ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"), "batch": ("Job", "CronJob")}
KINDS[""] = ("Pod", "ReplicationController")
BAD = ("failed", "skipped", "left_out")
# What a workload waits for, as the server says it: which checks are about that.
_FITS: tuple[tuple[str, str, str], ...] = (
    (r"serviceaccount .*not found", "no ServiceAccount", "PRE060 ServiceAccount/"),
    (r"persistentvolumeclaim .*not found", "no claim", "PRE060 PersistentVolumeClaim/"),
    (r"resourceclaimtemplate.*not found", "no ResourceClaimTemplate", "PRE060 ResourceClaimTemplate/"),
    (r"unbound immediate|storageclass .*not found|waiting for a volume", "no volume", "PRE01|PRE02|PRE06"),
    (r"exceeded quota", "quota", "PRE08"),
    (r"violates PodSecurity", "PodSecurity", "PRE07"),
    (r"node affinity/selector|untolerated taint", "no such node", "PRE092|PRE090|PRE094"),
    (r"Insufficient|Too many pods", "no room", "PRE09"),
    (r"volume node affinity|PersistentVolume's node affinity", "volume out of reach", "PRE096"),
    (r"topology spread|anti-affinity", "too few zones or nodes", "PRE09"),
)
# Only a kubelet looks for these, and no kubelet runs here: kwok says Ready all the same.
_KUBELET = re.compile(r"(PRE060|PRE061) (ConfigMap|Secret)/|PRE01[0-9] The Mountpoint")
TRUE, KUBELET, LATER, FALSE = "came true", "only a kubelet could tell", "its hour has not come", "false alarm"


@dataclass
class Judged:
    """`unready`: {workload: (reason, the finding that fits, or '')}.

    `unforeseen`: bad results that nothing had announced. `alarms`: {what became of a blocker: [object and blocker]}.
    """

    workloads: int = 0
    ready: int = 0
    unready: dict[str, tuple[str, str]] = field(default_factory=dict)
    unforeseen: list[str] = field(default_factory=list)
    alarms: dict[str, list[str]] = field(default_factory=dict)


def ref_of(said: Json) -> Ref:
    return Ref(said["group"], said["kind"], said["namespace"], said["name"])


class Foretold:
    """Findings by object: what nobody could look at is none."""

    def __init__(self, story: Story) -> None:
        self.checks: dict[Ref, list[str]] = {}
        self.plan: dict[Ref, list[str]] = {}
        for one in story.said["preflight"][-1]["checks"]:
            if one["status"] == "finding" and one["severity"] != "info":
                for ref in one["refs"]:
                    self.checks.setdefault(ref_of(ref), []).append(f"{one['id']} {one['message']}")
        for one in story.said["plan"]["findings"]:
            if one["ref"] and one["severity"] != "info":
                self.plan.setdefault(ref_of(one["ref"]), []).append(f"{one['rule']} {one['message']}")
        self.by_hand = {ref_of(one["ref"]) for one in story.said["plan"]["steps"] if one["fate"] == "manual"}

    def of(self, ref: Ref) -> list[str]:
        hand = [f"{ref} is moved by hand"] if ref in self.by_hand else []
        return [*self.checks.get(ref, ()), *self.plan.get(ref, ()), *hand]


def judge(story: Story) -> Judged:
    """Compare the target as it is with what was said before."""
    found, told, results = Judged(), Foretold(story), _results(story)
    live = Live(story.target.client())
    unready: set[Ref] = set()
    for step in story.said["plan"]["steps"]:
        ref = ref_of(step["ref"])
        if step["fate"] not in ("migrate", "manual") or ref.kind not in KINDS.get(ref.group, ()):
            continue
        found.workloads += 1
        why = live.why_not_ready(ref)
        if not why:
            found.ready += 1
            continue
        unready.add(ref)
        found.unready[str(ref)] = _explained(ref, why, live, told, results)
    found.unforeseen = list(_unforeseen(results, told, unready))
    found.alarms = _alarms(story, results, unready)
    return found


def _results(story: Story) -> dict[Ref, list[Json]]:
    """What apply and every release said of each object."""
    found: dict[Ref, list[Json]] = {}
    for command in ("apply", "release"):
        for said in story.said[command]:
            for one in said["results"]:
                found.setdefault(ref_of(one["ref"]), []).append(one)
    return found


def _explained(ref: Ref, why: str, live: Live, told: Foretold, results: Mapping[Ref, list[Json]]) -> tuple[str, str]:
    for pattern, short, ids in _FITS:
        if re.search(pattern, why, re.IGNORECASE):
            about = [one for near in (ref, *live.needs(ref)) for one in told.of(near)]
            fits = [one for one in about if re.match(ids, one)]
            if fits:
                return short, fits[0]
    if why in ("absent", "held"):
        root = next((one for one in results.get(ref, ()) if one["action"] in BAD), None)
        said = told.of(ref) if root else []
        said += [one for to in _waits_for(root) for one in told.of(to)] if root else []
        return why, said[0] if said else ""
    return why, ""


def _waits_for(result: Json) -> Iterator[Ref]:
    """The object that a result names: 'it waits for Gateway.gateway.networking.k8s.io/shop/web, which failed'."""
    for text in re.findall(r"wait(?:s)?(?: only)? for ([\w.]+/[^\s,:]+)", result["message"]):
        parts = text.split("/")
        kind, _, group = parts[0].partition(".")
        yield Ref(group, kind, parts[1] if len(parts) == 3 else "", parts[-1])


def _unforeseen(results: Mapping[Ref, list[Json]], told: Foretold, unready: set[Ref]) -> Iterator[str]:
    """Results that are bad, of objects of which nothing was said before, nor of what they wait for."""
    for ref, said in sorted(results.items()):
        bad = [one for one in said if one["action"] in BAD and "on the source it" not in one["message"]]
        if not bad or told.of(ref) or ref in unready:  # of workloads their readiness tells, at the end
            continue
        if ref.kind in KINDS.get(ref.group, ()):
            continue
        if not any(told.of(to) for to in _waits_for(bad[-1])):
            yield f"{ref}: {bad[-1]['action']}: {bad[-1]['message']}"


def _alarms(story: Story, results: Mapping[Ref, list[Json]], unready: set[Ref]) -> dict[str, list[str]]:
    """Each pair of a blocker and an object: it came true, only a kubelet could tell, or it was a false alarm."""
    found: dict[str, list[str]] = {name: [] for name in (TRUE, KUBELET, LATER, FALSE)}
    for one in story.said["preflight"][-1]["checks"]:
        if one["status"] != "finding" or one["severity"] != "blocker":
            continue
        for said in one["refs"]:
            ref, text = ref_of(said), f"{one['id']} {one['message']}"
            bad = [result for result in results.get(ref, ()) if result["action"] in BAD]
            bad = [result for result in bad if "on the source it" not in result["message"]]
            # A workload may have been slow in a command, and be Ready at the end.
            true = ref in unready if ref.kind in KINDS.get(ref.group, ()) else bool(bad)
            waits = LATER if ref.kind == "CronJob" else FALSE
            found[KUBELET if _KUBELET.match(text) else TRUE if true else waits].append(f"{ref}: {text}")
    return found


class Live:
    """The workloads of a cluster, their pods, and what events say of them."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.bodies: dict[Ref, Json] = {}
        for group, kinds in KINDS.items():
            for kind in kinds:
                for one in client.list(_VERSIONS[group], kind):
                    meta = one["metadata"]
                    body = {"apiVersion": _VERSIONS[group], "kind": kind, **one}
                    self.bodies[Ref(group, kind, meta["namespace"], meta["name"])] = body
        self.pods = [body for ref, body in self.bodies.items() if ref.kind == "Pod"]
        self.events: dict[tuple[str, str], list[str]] = {}
        for event in client.list("v1", "Event"):
            about = event["involvedObject"]
            if event.get("type") == "Warning":
                key = about.get("namespace", ""), about["name"]
                self.events.setdefault(key, []).append(event.get("message", ""))

    def why_not_ready(self, ref: Ref) -> str:
        """'' when it is ready; else what the server says of it and its pods."""
        body = self.bodies.get(ref)
        if body is None:
            return "absent"
        if state(body) is State.HELD:
            return "held"
        if _is_ready(ref, body):
            return ""
        mine = made_by(ref, self.pods) or ((body,) if ref.kind == "Pod" else ())
        said = [one.get("message", "") for pod in mine for one in pod["status"].get("conditions") or ()]
        for name in self._names(ref):
            said += self.events.get((ref.namespace, name), [])
        return " | ".join(dict.fromkeys(filter(None, said))) or "nothing is said"

    @staticmethod
    def is_ready(ref: Ref, body: Json) -> bool:
        """Tell whether it runs as it should."""
        return _is_ready(ref, body)

    def _names(self, ref: Ref) -> list[str]:
        sets = [one.name for one, body in self.bodies.items() if one.kind == "ReplicaSet" and made_by(ref, [body])]
        return [ref.name, *sets, *(str(pod["metadata"]["name"]) for pod in made_by(ref, self.pods))]

    def needs(self, ref: Ref) -> list[Ref]:
        """The claims and the account of its pods."""
        body = self.bodies.get(ref)
        pod = pod_template(Object(ref, body)) if body else None
        if pod is None:
            return []
        claims = [one.get("persistentVolumeClaim", {}).get("claimName") for _, one in pod.items("volumes")]
        return [Ref("", "PersistentVolumeClaim", ref.namespace, name) for name in claims if name]


def _is_ready(ref: Ref, body: Json) -> bool:
    spec, status = body["spec"], body.get("status") or {}
    if ref.kind == "CronJob":
        return True
    if ref.kind == "DaemonSet":
        return bool(status.get("numberReady", 0) == status.get("desiredNumberScheduled", 0))
    if ref.kind == "Job":
        return bool(spec.get("suspend") or status.get("succeeded") or status.get("ready"))
    if ref.kind == "Pod":
        conditions: list[Any] = status.get("conditions") or []
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
        return ready or status.get("phase") == "Succeeded"
    return bool(status.get("readyReplicas", 0) >= spec.get("replicas", 1))
