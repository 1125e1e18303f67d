"""Runtime parity of traffic: endpoints that are ready behind a Service, and the address of a load balancer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.differ.parity_around import ENDPOINTS, SLICE, Around
from migrate.differ.parity_words import HELD, Check, Sides, Verdict, count_of, not_listed, was_seen
from migrate.model.objects import Body
from migrate.semantics.holding import State, state
from migrate.semantics.readiness_words import as_list, as_map, count, spec, status


def _has_endpoints(sides: Sides) -> bool:
    return spec(sides.plan or sides.there).get("type") != "ExternalName"


def _endpoints_shown(side: Around) -> str | None:
    found = _endpoints(side)
    return f"{sum(found.values())} of {len(found)} ready" if side.slices else None


def _endpoints_judged(sides: Sides) -> Verdict:
    target = sides.target
    found = _endpoints(target)
    ready = sum(found.values())
    if ready == len(found) > 0:
        return True, ""
    if target.behind and all(state(one) is State.HELD for one in target.behind):
        return True, f"{HELD}: what it leads to does not run yet"
    if found:
        return False, f"{ready} of {count_of(len(found), 'endpoint')} ready{_there(sides)}"
    if spec(sides.here).get("selector") and not target.slices:
        return None, "no controller has written its endpoints"
    if target.behind and all(_is_off(one) for one in target.behind):
        return None, f"nothing runs behind it: 0 replicas{_there(sides)}"
    before = _known(sides.source)
    if before is None:
        return None, "no endpoints; whether there were any on the source is not known"
    if not before:
        return True, f"no endpoints, and none {sides.on_source}"
    return False, f"no endpoints; {len(before)} {sides.on_source}"


def _there(sides: Sides) -> str:
    before = _known(sides.source)
    return "" if before is None else f"; {sum(before.values())} of {len(before)} ready {sides.on_source}"


def _known(source: Around) -> dict[str, bool] | None:
    """The endpoints of the source; None where they were not read."""
    if source.why or not was_seen(source) or not_listed(source, (SLICE, ENDPOINTS)):
        return None
    if source.body is not None and spec(source.body).get("selector") and not source.slices:
        return None
    return _endpoints(source)


def _is_off(workload: Body) -> bool:
    return count(spec(workload), "replicas", 1) == 0


def _endpoints(side: Around) -> dict[str, bool]:
    """{pod or address: ready}. A pod with two addresses, or in slices of two ports, is one endpoint."""
    found: dict[str, bool] = {}
    for body in side.slices:
        for name, ready in _of_endpoints(body) if "subsets" in body else _of_slice(body):
            found[name] = found.get(name, True) and ready
    return found


def _of_slice(body: Body) -> Iterator[tuple[str, bool]]:
    for one in map(as_map, as_list(body.get("endpoints"))):
        said = as_map(one.get("conditions"))
        if said.get("terminating") is True:
            continue  # it goes, and is not missed
        # `ready` is always true where not ready addresses are published; `serving` is what the pod says. Absent: yes.
        serves = said.get("serving", said.get("ready"))
        addresses = as_list(one.get("addresses"))
        yield _name(one, addresses[0] if addresses else ""), serves is not False


def _of_endpoints(body: Body) -> Iterator[tuple[str, bool]]:
    for subset in map(as_map, as_list(body.get("subsets"))):
        for key, ready in (("addresses", True), ("notReadyAddresses", False)):
            for one in map(as_map, as_list(subset.get(key))):
                yield _name(one, one.get("ip") or one.get("hostname")), ready


def _name(one: Mapping[str, object], address: object) -> str:
    target = as_map(one.get("targetRef"))
    return f"{target.get('kind')}/{target.get('name')}" if target.get("name") else str(address)


def _wants_address(sides: Sides) -> bool:
    body = sides.plan or sides.there
    return sides.ref.kind != "Service" or spec(body).get("type") == "LoadBalancer"


def _addresses(side: Around) -> list[str]:
    now = status(side.body) if side.body is not None else {}
    given = map(as_map, as_list(as_map(now.get("loadBalancer")).get("ingress")))
    of_gateway = map(as_map, as_list(now.get("addresses")))
    found = [one.get("hostname") or one.get("ip") for one in given] + [one.get("value") for one in of_gateway]
    return [str(one) for one in found if one]


def _address_shown(side: Around) -> str | None:
    return ", ".join(_addresses(side)) or None


def _address_judged(sides: Sides) -> Verdict:
    here, there = _addresses(sides.target), _addresses(sides.source)
    if here:
        both = sorted(set(here) & set(there))
        # No address moves between clouds: a status that was copied leads back to the source.
        return (False, f"{both[0]} is the address of the source") if both else (True, "")
    none = f", and none {sides.on_source}" if was_seen(sides.source) and not there else ""
    return False, f"no address from the load balancer controller yet{none}"


ENDPOINTS_READY = Check("endpoints", _endpoints_shown, _endpoints_judged, (SLICE, ENDPOINTS), _has_endpoints)
ADDRESS = Check("address", _address_shown, _address_judged, applies=_wants_address)
