"""A live cluster as a `Target`: all that a source does, and five ways to write."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from migrate.cluster import conflicts, reviews
from migrate.cluster.connection import Connection
from migrate.cluster.kube import KubeSource
from migrate.cluster.kubeconfig import connect
from migrate.cluster.outcome import Applied, Conflict, Deleted, Fault, Reason, Rejected, Tried, Unknown, Written
from migrate.cluster.pace import Pace
from migrate.cluster.port import Target
from migrate.cluster.rejections import rejected
from migrate.cluster.writing import APPLY, JSON, Answer, Request, Sender, encoded
from migrate.errors import Forbidden, Refused
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.ref import Ref, group_of

MANAGER = "gke2eks"
_STRICT = ("fieldValidation", "Strict")
_BELIEVED = 5.0  # seconds in which nobody asks again for a kind that is not served
_BETWEEN = 0.5


class KubeTarget(KubeSource):
    """Reads and writes one cluster. A no to one object is a value, a no to everything an exception.

    `timeout`: seconds without a byte. `pace` may be shared with other targets of the same cluster.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        timeout: float = 60,
        pace: Pace | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(connection, timeout=timeout, pause=pause)
        self.connection = connection
        self._sender = Sender(connection, pace or Pace(pause=pause), timeout=timeout, pause=pause)
        self._pause = pause
        self._known: dict[tuple[str, str], Kind] = {}
        self._missed: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def get(self, ref: Ref, api_version: str = "") -> Body | None:
        """Read one object, in the version that its group prefers unless told; None: not there, or no such kind.

        Raises Forbidden, Unreachable, Refused.
        """
        found = self._place(ref, api_version)
        if isinstance(found, Rejected):
            if found.reason is Reason.UNSERVED:
                return None
            raise Refused(f"{ref}: {found.message}", "correct the name.")
        answer = self._sender.send(Request("GET", found, certain=True, secret=_secret(ref)))
        assert isinstance(answer, Answer)  # nothing is unknown of a request that changes nothing
        if answer.status < 300:
            return dict(answer.body)
        no = rejected(answer.status, answer.body, secret=_secret(ref))
        if answer.status == 404:
            return None
        if answer.status == 403:
            raise Forbidden(f"{ref}: {no.message}", self.connection.rights)
        raise Refused(f"{ref}: {no.message}", "run it again.")

    def apply(self, body: Body, *, manager: str = MANAGER, force: bool = False) -> Written:
        """Server-side apply, strictly: an unknown field is a no. Sent again where no answer came."""
        return self._apply(body, manager, force, dry=False)

    def dry_run(self, body: Body, *, manager: str = MANAGER, force: bool = False) -> Tried:
        """What `apply` would come to, admission included; nothing is stored. Raises Unreachable for no answer."""
        found = self._apply(body, manager, force, dry=True)
        assert not isinstance(found, Unknown)
        return found

    def create(self, body: Body, *, manager: str = MANAGER) -> Written:
        """Make what must not be there yet. Not sent again once it may have arrived: that is Unknown."""
        ref = _ref(body)
        place = self._place(ref, str(body.get("apiVersion") or ""))
        if isinstance(place, Rejected):
            return place
        query = (("fieldManager", manager), _STRICT)
        path = place.rpartition("/")[0]
        answer = self._sender.send(Request("POST", path, query, encoded(body), JSON, False, secret=_secret(ref)))
        return answer if isinstance(answer, Unknown) else self._outcome(answer, body, ref)

    def replace(self, body: Body, *, manager: str) -> Written:
        """Put the whole object in place of this very one as it was read. Not sent again once it may have arrived."""
        ref, meta = _ref(body), body.get("metadata")
        if not isinstance(meta, Mapping) or not meta.get("uid") or not meta.get("resourceVersion"):
            raise ValueError(f"{ref} may only be replaced by the version and uid that were read")
        place = self._place(ref, str(body.get("apiVersion") or ""))
        if isinstance(place, Rejected):
            return place
        query = (("fieldManager", manager), _STRICT)
        answer = self._sender.send(Request("PUT", place, query, encoded(body), JSON, False, secret=_secret(ref)))
        return answer if isinstance(answer, Unknown) else self._outcome(answer, body, ref)

    def may(self, verb: str, group: str, resource: str, namespace: str = "", name: str = "") -> bool:
        """Tell whether the caller has a right; no namespace: in all of them, no name: on all of them."""
        return reviews.may(self._sender.send, verb, group, resource, namespace, name)

    def rules(self, namespace: str) -> tuple[list[Any], bool]:
        """What the caller may do in a namespace, as rules of RBAC, and whether that is all of it."""
        return reviews.rules(self._sender.send, namespace)

    def delete(self, ref: Ref, version: str, uid: str) -> Deleted | Rejected | Unknown:
        """Delete this very object as it was read, and in the background what hangs on it."""
        if not version or not uid:
            raise ValueError(f"{ref} may only be deleted by the version and uid that were read")
        place = self._place(ref, "")
        if isinstance(place, Rejected):
            return place
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",  # said always: Jobs would leave their Pods behind
            "preconditions": {"uid": uid, "resourceVersion": version},
        }
        answer = self._sender.send(Request("DELETE", place, (), encoded(options), JSON, secret=_secret(ref)))
        if isinstance(answer, Unknown):
            return answer
        if answer.status < 300:
            meta = answer.body.get("metadata")
            # A Namespace and what has finalizers come back with the time of deletion, and are there still.
            return Deleted(not (isinstance(meta, Mapping) and (meta.get("finalizers") or _ends(answer.body))))
        no = rejected(answer.status, answer.body, secret=_secret(ref))
        if answer.repeated and no.reason in (Reason.CHANGED, Reason.ABSENT):
            return Deleted(True) if no.reason is Reason.ABSENT else Unknown(_OURS)
        return no

    def _apply(self, body: Body, manager: str, force: bool, *, dry: bool) -> Written:
        ref = _ref(body)
        place = self._place(ref, str(body.get("apiVersion") or ""))
        if isinstance(place, Rejected):
            return place
        dry_run = (("dryRun", "All"),) if dry else ()
        query = (("fieldManager", manager), _STRICT, ("force", "true" if force else "false"), *dry_run)
        answer = self._sender.send(
            Request("PATCH", place, query, encoded(body), APPLY, certain=dry, secret=_secret(ref))
        )
        return answer if isinstance(answer, Unknown) else self._outcome(answer, body, ref)

    def _outcome(self, answer: Answer, sent: Body, ref: Ref) -> Tried:
        secret = _secret(ref)
        if answer.status < 300:
            return Applied(answer.status == 201, answer.body, answer.remarks, answer.repeated)
        if answer.status == 409 and (rows := conflicts.causes(answer.body)):
            live = self._live(ref, str(sent.get("apiVersion") or ""))
            found = conflicts.with_values(conflicts.read(rows, sent), sent, live, secret=secret)
            return Conflict(found, answer.remarks)
        return rejected(answer.status, answer.body, answer.remarks, secret=secret)

    def _live(self, ref: Ref, api_version: str) -> Body | None:
        try:
            return self.get(ref, api_version)
        except Refused:  # the conflict is what matters; without the right to read there are only no values
            return None

    def _place(self, ref: Ref, api_version: str) -> str | Rejected:
        """The path of an object. Names that mean another path to a server never leave the process."""
        for name in (ref.name, ref.namespace or "default"):
            if name in ("", ".", ".."):
                said = f"{name!r} is no name"
                return Rejected(Reason.INVALID, said, (Fault("metadata.name", said),))
        kind = self._kind(ref.group, ref.kind)
        if kind is None:
            said = f"{self.name} does not serve {ref.kind}" + (f" of {ref.group}" if ref.group else "")
            return Rejected(Reason.UNSERVED, said)
        if api_version:
            kind = replace(kind, version=api_version.rpartition("/")[2])
        namespace = quote(ref.namespace or "default", safe="") if kind.namespaced else ""
        return f"{kind.path_in(namespace)}/{quote(ref.name, safe='')}"

    def _kind(self, group: str, name: str) -> Kind | None:
        """Look a kind up; one that was not there a moment ago may be by now, for its definition was applied."""
        key = (group, name)
        with self._lock:
            missed = self._missed.get(key)
            if key not in self._known and (missed is None or time.monotonic() - missed > _BELIEVED):
                for wait in (0.0, _BETWEEN):
                    if wait:
                        self._pause(wait)
                    self._known = {(one.group, one.kind): one for one in reversed(self.kinds()) if one.plural}
                    if key in self._known:
                        break
                else:
                    self._missed[key] = time.monotonic()
            return self._known.get(key)


def from_kubeconfig(
    context: str, kubeconfig: str | None = None, *, timeout: float = 60, pace: Pace | None = None
) -> Target:
    """Open a context, which a target always names. Nothing is sent yet. Raises BadInput or NotLoggedIn."""
    return KubeTarget(connect(context, kubeconfig, target=True), timeout=timeout, pace=pace)


_OURS = "an answer was lost, and the object has changed since: by us or by somebody else"


def _ref(body: Body) -> Ref:
    meta: Any = body.get("metadata")
    meta = meta if isinstance(meta, Mapping) else {}
    group = group_of(str(body.get("apiVersion") or ""))
    return Ref(group, str(body.get("kind") or ""), str(meta.get("namespace") or ""), str(meta.get("name") or ""))


def _secret(ref: Ref) -> bool:
    return ref.kind == "Secret" and not ref.group


def _ends(body: Mapping[str, Any]) -> bool:
    """A Namespace goes only when what is in it has gone; its finalizers are in its spec."""
    spec = body.get("spec")
    return body.get("kind") == "Namespace" and isinstance(spec, Mapping) and bool(spec.get("finalizers"))
