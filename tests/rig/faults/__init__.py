"""A proxy between a client and an API server that misbehaves on purpose: by a script, from a seed, and on record.

    with ControlPlane() as plane, Proxy(plane.url, upstream_ca=plane.ca) as proxy:
        proxy.faults = Faults(seed=7, rules=[
            Rule(Status(429, retry_after=1), method="PATCH", chance=0.2),
            Rule(Gone(), nth=1),
            Rule(Reset("body", after=100), path="/configmaps", times=2),
        ])
        client = Client(proxy.url, proxy.ca, plane.token("admin"))
        …
    assert [e.fault for e in proxy.log if e.fault] == ["gone"]; assert not proxy.errors

Here live machines of the tests: standard library only, and nothing of `migrate`.
"""

from rig.faults.actions import (
    Action,
    Drip,
    Garbage,
    Gone,
    Latency,
    Refuse,
    Reset,
    Stall,
    Status,
    Truncate,
    Unauthorized,
    WatchEnd,
    WrongType,
)
from rig.faults.proxy import Proxy
from rig.faults.script import CONTINUE, WATCH, Entry, Faults, Rule

__all__ = [
    "CONTINUE",
    "WATCH",
    "Action",
    "Drip",
    "Entry",
    "Faults",
    "Garbage",
    "Gone",
    "Latency",
    "Proxy",
    "Refuse",
    "Reset",
    "Rule",
    "Stall",
    "Status",
    "Truncate",
    "Unauthorized",
    "WatchEnd",
    "WrongType",
]
