"""Looks after what was sent until it is ready, has failed, or took too long. May be asked by many threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from migrate.cluster.port import Target
from migrate.errors import Refused
from migrate.flow.trouble import only_here
from migrate.flow.view import listed
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.ran import Settling
from migrate.model.ref import Ref
from migrate.semantics.readiness import Failed, FirstPod, Ready, first_pod, readiness, reasons
from migrate.semantics.readiness_words import as_map, spec

_ONE_BY_ONE = 3  # objects of a kind that are asked for by name; more are listed
_FRESH = 2.0  # seconds in which pods and events are not read again for the next failure
_CLAIM = ("", "PersistentVolumeClaim")


@dataclass(frozen=True, slots=True)
class Came:
    """An object that nobody has to wait for any more. `note` is worth a line; `why` is '' or says why it failed."""

    ref: Ref
    note: str = ""
    why: str = ""
    pods: str = ""


@dataclass(slots=True)
class _Awaited:
    since: float
    reason: str = ""
    settles: bool = False  # ready as far as others are concerned


@dataclass(slots=True)
class Waits:
    """What is looked after, by ref. `deadline` seconds after it was accepted an object has failed."""

    target: Target
    deadline: float
    clock: Callable[[], float] = time.monotonic
    _kinds: Mapping[tuple[str, str], Kind] = field(default_factory=dict)
    _awaited: dict[Ref, _Awaited] = field(default_factory=dict)
    _seen: dict[tuple[tuple[str, str], str], tuple[float, Mapping[Ref, Body]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, ref: Ref, body: Body) -> Came | None:
        """Look after an object from now on; what came at once is given back."""
        with self._lock:
            self._awaited[ref] = _Awaited(self.clock())
            came = self._judge(ref, body, None if (ref.group, ref.kind) == _CLAIM else FirstPod.NOT_AWAITED)
        return self._explained(came, body)

    def open(self) -> tuple[Settling, ...]:
        """What is not ready, or settles still; the longest first."""
        now = self.clock()
        with self._lock:
            found = [Settling(ref, one.reason, now - one.since) for ref, one in self._awaited.items() if one.reason]
        return tuple(sorted(found, key=lambda one: (-one.seconds, one.ref)))

    def refs(self, *, settling: bool = True) -> frozenset[Ref]:
        """What is looked after; without `settling` only what others may not rely on yet."""
        with self._lock:
            return frozenset(ref for ref, one in self._awaited.items() if settling or not one.settles)

    def look(self) -> list[Came]:
        """Read all of them once, and say what came or failed. Raises what concerns everything."""
        found: list[Came] = []
        by_kind: dict[tuple[str, str], list[Ref]] = {}
        for ref in sorted(self.refs()):
            by_kind.setdefault((ref.group, ref.kind), []).append(ref)
        for kind, refs in sorted(by_kind.items()):
            bodies, unread = self._read(kind, refs)
            use = self._use(kind, bodies)
            for ref in refs:
                with self._lock:
                    why = unread.get(ref)
                    came = self._late(ref, why) if why else self._judge(ref, bodies.get(ref), use(ref))
                explained = self._explained(came, bodies.get(ref))
                found += [explained] if explained else []
        return found

    def _explained(self, came: Came | None, body: Body | None) -> Came | None:
        """Add what pods and events say of a failure; that is read, so nobody may be kept waiting meanwhile."""
        return replace(came, pods=self._why(came.ref, body)) if came and came.why and body is not None else came

    def _judge(self, ref: Ref, body: Body | None, use: FirstPod | None) -> Came | None:
        mine = self._awaited[ref]
        if body is None:
            return self._gone(ref, Came(ref, why="it is not there any more; somebody deleted it"))
        if use is None:  # a claim: its class and pods were not looked at yet
            mine.reason = "a volume"
            return None
        said = readiness(body, claim_waits=use)
        if isinstance(said, Failed):
            return self._gone(ref, Came(ref, why=said.reason))
        if isinstance(said, Ready):
            mine.reason = said.settling
            if said.settling:
                first, mine.settles = not mine.settles, True
                return Came(ref, note=said.note) if first else None
            return self._gone(ref, Came(ref, note=said.note))
        return self._late(ref, said.reason)

    def _late(self, ref: Ref, reason: str) -> Came | None:
        """It is not ready, or nobody could look; too late if its time is up."""
        mine = self._awaited[ref]
        mine.reason, mine.settles = reason, False
        took = self.clock() - mine.since
        if took > self.deadline:
            why = f"after {_long(took)} it still waits for {reason}"
            return self._gone(ref, Came(ref, why=why))
        return None

    def _gone(self, ref: Ref, came: Came) -> Came:
        del self._awaited[ref]
        return came

    def _read(self, kind: tuple[str, str], refs: list[Ref]) -> tuple[Mapping[Ref, Body], Mapping[Ref, str]]:
        """What is there, and of what cannot be read just now why: that one kind is no reason to end a run."""
        served, spaces = self._kind(kind), {ref.namespace for ref in refs}
        if len(refs) > _ONE_BY_ONE and served is not None:
            try:
                return listed(self.target, served, spaces.pop() if len(spaces) == 1 else ""), {}
            except Refused as no:  # no right to list, or one that cannot be converted: each for itself
                if not only_here(self.target, no):
                    raise
        found: dict[Ref, Body] = {}
        unread: dict[Ref, str] = {}
        for ref in refs:
            try:
                body = self.target.get(ref)
            except Refused as no:
                if not only_here(self.target, no):
                    raise
                unread[ref] = f"a look at it: {no.what}"
                continue
            found |= {ref: body} if body is not None else {}
        return found, unread

    def _use(self, kind: tuple[str, str], claims: Mapping[Ref, Body]) -> Callable[[Ref], FirstPod | None]:
        """How claims are used by pods, as far as that can be read; of other kinds nobody asks."""
        if kind != _CLAIM or not claims:
            return lambda _: FirstPod.NOT_AWAITED
        classes = self._all(("storage.k8s.io", "StorageClass"))
        pods: dict[str, list[Body]] = {}
        for ref, body in self._all(("", "Pod"), {ref.namespace for ref in claims}).items():
            pods.setdefault(ref.namespace, []).append(body)

        def use(ref: Ref) -> FirstPod | None:
            claim = claims.get(ref)
            if claim is None:
                return FirstPod.NOT_AWAITED
            name = str(spec(claim).get("storageClassName") or "")
            return first_pod(
                claim, classes.get(Ref("storage.k8s.io", "StorageClass", "", name)), pods.get(ref.namespace, [])
            )

        return use

    def _all(self, kind: tuple[str, str], spaces: Iterable[str] = ()) -> Mapping[Ref, Body]:
        """What helps to judge; without the right to read it there is less to say."""
        served, wanted = self._kind(kind), tuple(spaces)
        try:
            return listed(self.target, served, wanted[0] if len(wanted) == 1 else "") if served else {}
        except Refused as no:
            if not only_here(self.target, no):
                raise
            return {}

    def _lately(self, kind: tuple[str, str], space: str) -> Mapping[Ref, Body]:
        """The same a moment later again: where hundreds are too late at once, nobody reads all for each."""
        at, found = self._seen.get((kind, space), (float("-inf"), {}))
        if self.clock() - at >= _FRESH:
            found = self._all(kind, {space})
            self._seen[kind, space] = (self.clock(), found)
        return found

    def _kind(self, kind: tuple[str, str]) -> Kind | None:
        if kind not in self._kinds:
            self._kinds = {(one.group, one.kind): one for one in self.target.kinds() if one.plural}
        return self._kinds.get(kind)

    def _why(self, ref: Ref, body: Body) -> str:
        """What the pods of an object and the events around it say, in one text of several lines."""
        if not ref.namespace:
            return ""
        pods = self._lately(("", "Pod"), ref.namespace)
        mine = [pod for pod in pods.values() if _is_below(pod, ref, body)]
        # By kind, too: a Service often has the name of its Deployment.
        these = {(ref.kind, ref.name), *(("Pod", str(as_map(pod.get("metadata")).get("name"))) for pod in mine)}
        events = self._lately(("", "Event"), ref.namespace).values()
        about = [one for one in events if _about(one) in these]
        return "\n".join(reasons(mine, about))


def _about(event: Body) -> tuple[str, str]:
    involved = as_map(event.get("involvedObject"))
    return str(involved.get("kind")), str(involved.get("name"))


def _is_below(pod: Body, ref: Ref, owner: Body) -> bool:
    """Tell whether a pod is of this workload: by its selector, or by owner for what has none."""
    labels = as_map(as_map(pod.get("metadata")).get("labels"))
    selector = as_map(spec(owner).get("selector"))
    wanted = as_map(selector.get("matchLabels")) or (selector if ref.kind == "ReplicationController" else {})
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def _long(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
