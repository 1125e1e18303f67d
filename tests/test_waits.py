"""What a run says of objects that are not ready yet: read one by one where there is no right to list, and events."""

from __future__ import annotations

from typing import Any

from contract.target_help import Pauses

from migrate.errors import Forbidden, Unreachable
from migrate.flow.waits import Waits
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.ref import Ref


def deployment(name: str) -> Ref:
    return Ref("apps", "Deployment", "shop", name)


class Unlisted:
    """A target of which the caller may read objects, not list them; some cannot be read at all."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken

    def kinds(self) -> tuple[Kind, ...]:
        return (Kind("apps", "v1", "deployments", "Deployment", True, ("get", "list")),)

    def version(self) -> Body:
        return {}

    def pages(self, kind: Kind, **_: Any) -> Any:
        raise Forbidden("deployments is forbidden", "ask for it.")

    def get(self, ref: Ref) -> Body | None:
        if ref.name in self.broken:
            no = Unreachable(f"{ref}: the server answered 500", "run it again.")
            no.answered = True
            raise no
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 1}}


def test_a_kind_that_cannot_be_read_ends_no_run_and_is_not_called_deleted() -> None:
    clock = Pauses()
    unlisted: Any = Unlisted("b")
    waits = Waits(unlisted, 60, clock.clock)
    new = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 1}}
    assert [waits.add(deployment(name), new) for name in "abcd"] == [None] * 4
    waits.look()
    unread = {one.ref: one.waits_for for one in waits.open()}
    assert unread[deployment("b")] == "a look at it: Deployment/shop/b: the server answered 500"
    clock.at = 61
    assert [one.why for one in waits.look() if one.ref.name == "b"] == [
        "after 1 min 01 s it still waits for a look at it: Deployment/shop/b: the server answered 500"
    ]


class Eventful(Unlisted):
    """A namespace in which a Service and a Deployment of one name have events."""

    def kinds(self) -> tuple[Kind, ...]:
        verbs = ("get", "list")
        core = [Kind("", "v1", f"{name.lower()}s", name, True, verbs) for name in ("Pod", "Event", "Service")]
        return (*super().kinds(), *core)

    def pages(self, kind: Kind, **_: Any) -> Any:
        def event(about: str, reason: str) -> Body:
            meta = {"name": reason.lower(), "namespace": "shop"}
            return {
                "metadata": meta,
                "type": "Warning",
                "reason": reason,
                "involvedObject": {"kind": about, "name": "a"},
            }

        events = [event("Service", "ClusterIPNotAllocated"), event("Deployment", "ReplicaSetCreateError")]
        yield {"items": events if kind.kind == "Event" else []}


def test_what_the_events_of_a_namesake_say_is_not_told() -> None:
    eventful: Any = Eventful()
    said = Waits(eventful, 60)._why(deployment("a"), {"kind": "Deployment"})
    assert said.strip() == "event ReplicaSetCreateError:"
