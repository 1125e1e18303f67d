"""What goes from a Service: what its cluster allocated, unless a person asked for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from migrate.cleaner.found import Found, items, live, mapping
from migrate.cleaner.tables import Cleaning
from migrate.model.objects import Object


def service(obj: Object, tables: Cleaning) -> Found:
    """Addresses, ports and families that a server chose; a headless Service keeps its 'None'."""
    spec = obj.spec
    served = live(obj) or "clusterIPs" in spec
    if not served or spec.get("type") == "ExternalName":
        return
    if spec.get("clusterIP") != "None":
        yield from (("spec", key) for key in ("clusterIP", "clusterIPs") if key in spec)
    elif "clusterIPs" in spec:
        yield "spec", "clusterIPs"
    asked = _asked(obj, tables)
    if "healthCheckNodePort" in spec and not asked("healthCheckNodePort", spec["healthCheckNodePort"]):
        yield "spec", "healthCheckNodePort"
    if spec.get("ipFamilyPolicy", "SingleStack") == "SingleStack":
        for key in ("ipFamilies", "ipFamilyPolicy"):
            if key in spec and not asked(key, spec[key]):
                yield "spec", key
    for at, port in enumerate(items(spec.get("ports"))):
        if "nodePort" in mapping(port) and not asked("nodePort", port["nodePort"], port):
            yield "spec", "ports", at, "nodePort"


def _asked(obj: Object, tables: Cleaning) -> Callable[..., bool]:
    """Build the test 'did a person set this field of the spec?', from last-applied and from managedFields."""
    applied = _last_applied(obj)
    owned = [
        mapping(mapping(entry.get("fieldsV1")).get("f:spec"))
        for entry in map(mapping, items(obj.metadata.get("managedFields")))
        if not entry.get("subresource") and entry.get("manager") not in tables.controllers
    ]

    def asked(key: str, value: Any, port: Mapping[str, Any] | None = None) -> bool:
        if port is None:
            return applied.get(key) == value or any(f"f:{key}" in fields for fields in owned)
        if any(mapping(item).get(key) == value for item in items(applied.get("ports"))):
            return True
        return any(_owns_port(fields, port, key) for fields in owned)

    return asked


def _owns_port(fields: Mapping[str, Any], port: Mapping[str, Any], key: str) -> bool:
    for name, inner in mapping(fields.get("f:ports")).items():
        if isinstance(name, str) and name.startswith("k:") and f"f:{key}" in mapping(inner):
            try:
                keys = mapping(json.loads(name[2:]))
            except ValueError:
                continue
            if keys and all(port.get(k, "TCP" if k == "protocol" else None) == v for k, v in keys.items()):
                return True
    return False


def _last_applied(obj: Object) -> Mapping[str, Any]:
    text = obj.annotations.get("kubectl.kubernetes.io/last-applied-configuration")
    if not isinstance(text, str):
        return {}
    try:
        return mapping(mapping(json.loads(text)).get("spec"))
    except (ValueError, RecursionError):
        return {}
