"""Derive mappings/list-keys.yaml from a real API server: python tests/contract/list_keys.py (needs the cluster tools).

What is read: discovery (which kinds, plurals, scopes, status subresources) and /openapi/v3 (list types, map keys, maps
that are one value). The practice cluster serves these kinds and merges lists by these keys.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Get = Callable[[str], Json]
WHOLE = "whole"  # the type of a map that is one value
_PREFIXES = ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apiextensions-apiserver.pkg.apis.")
_PREFIXES += ("io.k8s.kube-aggregator.pkg.apis.",)
HEAD = """\
# What the practice cluster (gke2eks practice) serves and how its server-side apply merges lists. Written by
# tests/contract/list_keys.py from discovery and /openapi/v3 of a real API server; do not edit by hand.
# version: that server's. kinds: apiVersion, kind, then plural, short (names), namespaced (unless false), status (has a
# status subresource), of (its type). unserved: versions that a real server has besides these; they answer 501.
# types: fields that are not plain. A plain list is one value, a plain map a struct. by: the fields that tell items of a
# list apart, default: what such a field is when an item leaves it out. set: a list of scalars. free: a map with keys of
# the user's own. of: the type of the field, of a list's items or of a map's values; whole: a map that is one value.
"""


def table(get: Get) -> Json:
    """Ask the server (`get` gives the JSON of a path) and give the whole table."""
    kinds, unserved = _kinds(get)
    schemas: Json = {}
    for api_version in kinds:
        path = f"api/{api_version}" if "/" not in api_version else f"apis/{api_version}"
        schemas |= get(f"/openapi/v3/{path}")["components"]["schemas"]
    types = {name: _fields(schema, schemas) for name, schema in schemas.items()}
    telling = _telling(types)
    for api_version, rows in kinds.items():
        group, _, version = api_version.rpartition("/")
        for kind, row in rows.items():
            row["of"] = _root(schemas, group, version, kind)
    roots = {row["of"] for rows in kinds.values() for row in rows.values()}
    used = _reachable(roots, types, telling)
    out = {
        _short(name): {
            field: {key: _short(value) if key == "of" else value for key, value in row.items()}
            for field, row in sorted(_kept(types[name], telling).items())
        }
        for name in sorted(used - {WHOLE})
    }
    for rows in kinds.values():
        for row in rows.values():
            row["of"] = _short(row["of"])
    return {
        "version": get("/version")["gitVersion"],
        "kinds": kinds,
        "unserved": sorted(unserved),
        "types": {name: fields for name, fields in out.items() if fields},
    }


def _kinds(get: Get) -> tuple[Json, set[str]]:
    """Each kind that is stored, in the version that its group prefers among those that have it."""
    served: list[str] = ["v1"]
    for group in get("/apis")["groups"]:
        preferred = group["preferredVersion"]["groupVersion"]
        others = [one["groupVersion"] for one in group["versions"] if one["groupVersion"] != preferred]
        served += [preferred, *others]
    kinds: Json = {}
    seen: set[tuple[str, str]] = set()
    for api_version in served:
        path = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
        found = get(path)["resources"]
        with_status = {row["name"].removesuffix("/status") for row in found if row["name"].endswith("/status")}
        for row in sorted(found, key=lambda row: row["kind"]):
            group = api_version.rpartition("/")[0]
            stored = {"create", "patch", "watch"} <= set(row["verbs"]) and "/" not in row["name"]
            # Events are in two groups, but only once in the store.
            if not stored or (group, row["kind"]) in seen or api_version == "events.k8s.io/v1":
                continue
            seen.add((group, row["kind"]))
            one: Json = {"plural": row["name"]}
            one |= {"short": row["shortNames"]} if row.get("shortNames") else {}
            one |= {} if row["namespaced"] else {"namespaced": False}
            one |= {"status": True} if row["name"] in with_status else {}
            kinds.setdefault(api_version, {})[row["kind"]] = one
    return kinds, {api_version for api_version in served if api_version not in kinds}


def _root(schemas: Json, group: str, version: str, kind: str) -> str:
    for name, schema in schemas.items():
        for said in schema.get("x-kubernetes-group-version-kind", ()):
            if (said["group"], said["version"], said["kind"]) == (group, version, kind):
                return str(name)
    raise SystemExit(f"no schema for {group}/{version} {kind}")


def _ref(schema: Json) -> str:
    found = schema.get("$ref") or next((one["$ref"] for one in schema.get("allOf", ()) if "$ref" in one), "")
    return str(found).rpartition("/")[2]


def _fields(schema: Json, schemas: Json) -> Json:
    """Every field of a type that holds another type or is not plain; references by their full names."""
    rows = {name: _row(inner, schemas) for name, inner in (schema.get("properties") or {}).items()}
    return {name: row for name, row in rows.items() if row is not None}


def _row(field: Json, schemas: Json) -> Json | None:
    if field.get("x-kubernetes-map-type") == "atomic":
        return {"of": WHOLE}
    if field.get("type") == "array":
        kind = field.get("x-kubernetes-list-type")
        if kind == "map":
            properties = schemas.get(_ref(field["items"]), {}).get("properties", {})
            keys = list(field["x-kubernetes-list-map-keys"])
            # The empty values that Go gives to required fields are no help: no server takes such an item.
            default = {key: found for key in keys if (found := properties.get(key, {}).get("default"))}
            return {"by": keys} | ({"default": default} if default else {}) | _of(field["items"], schemas)
        return {"set": True} if kind == "set" else None
    if "additionalProperties" in field:
        inner = field["additionalProperties"]
        return {"free": True} | (_of(inner, schemas) if isinstance(inner, dict) else {})
    return _of(field, schemas) or None


def _of(schema: Json, schemas: Json) -> Json:
    name = _ref(schema)
    if schemas.get(name, {}).get("x-kubernetes-map-type") == "atomic":
        return {"of": WHOLE}
    return {"of": name} if name else {}


def _telling(types: Json) -> set[str]:
    """Types that hold something that is not plain, themselves or further down."""
    found = {WHOLE}
    while True:
        more = {
            name
            for name, fields in types.items()
            if name not in found and any(set(row) - {"of"} or row.get("of") in found for row in fields.values())
        }
        if not more:
            return found
        found |= more


def _kept(fields: Json, telling: set[str]) -> Json:
    out = {}
    for name, row in fields.items():
        row = {key: value for key, value in row.items() if key != "of" or value in telling}
        if row:
            out[name] = row
    return out


def _reachable(roots: set[str], types: Json, telling: set[str]) -> set[str]:
    found, ahead = {WHOLE}, set(roots)
    while ahead:
        name = ahead.pop()
        found.add(name)
        ahead |= {row["of"] for row in _kept(types[name], telling).values() if "of" in row} - found
    return found


def _short(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def text(found: Json) -> str:
    """Write the table, one row a line."""
    lines = [HEAD.rstrip("\n"), f"version: {found['version']}", "kinds:"]
    for api_version, rows in found["kinds"].items():
        lines.append(f"  {api_version}:")
        lines += [f"    {kind}: {_flow(row)}" for kind, row in rows.items()]
    lines += [f"unserved: {_flow(found['unserved'])}", "types:"]
    for name, fields in found["types"].items():
        lines.append(f"  {name}:")
        lines += [f"    {_word(field)}: {_flow(row)}" for field, row in fields.items()]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_word(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    return str(value).lower() if isinstance(value, bool) else _word(str(value))


def _word(text: str) -> str:
    if text in ("yes", "no", "on", "off", "y", "n"):  # YAML's other booleans; "no" is short for nodes
        return f'"{text}"'
    return text if text.replace(".", "").replace("/", "").replace("-", "").isalnum() else f'"{text}"'


def main() -> None:
    here = Path(__file__).resolve()
    sys.path.insert(0, str(here.parents[1]))
    from rig.controlplane import ControlPlane

    with ControlPlane().start(with_controllers=False) as plane:
        found = table(lambda path: plane.client().raw("GET", path))
    target = here.parents[2] / "mappings" / "list-keys.yaml"
    target.write_text(text(found), encoding="utf-8")
    print(f"{target}: {found['version']}, {sum(map(len, found['kinds'].values()))} kinds, {len(found['types'])} types")


if __name__ == "__main__":
    main()
