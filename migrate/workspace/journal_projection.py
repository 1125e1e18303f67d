"""What the target has of the fields that we sent: defaults and other people's fields do not matter."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from migrate.manifest.list_keys import PLAIN, Row, below, identity, of_body, of_item
from migrate.model.objects import MISSING, Body


def project(live: Body, sent: Body) -> dict[str, Any]:
    """Give the live object with only the fields that were sent. Neither is changed; values are left as written.

    Items of lists are matched by the keys of mappings/list-keys.yaml, in the order of the live list; where no key is
    known, by their place, if both lists are of one length, else the live list stays whole. A selector stays whole: one
    more key in it is another selector. `project(sent, sent)` is what to compare with when there is no journal: it
    lacks what a server drops, such as null and empty lists.
    """
    if sent.get("kind") == "Secret" and sent.get("apiVersion") == "v1":
        live, sent = _in_data(live), _in_data(sent)
    # Where nothing is known of the kind, its values are taken as they are.
    found = _map(live, sent, of_body(sent.get("apiVersion"), sent.get("kind")))
    return found if isinstance(found, dict) else {}


def _value(live: Any, sent: Any, row: Row, name: str) -> Any:
    """The part of `live` that `sent` speaks of; MISSING where there is nothing to say."""
    if live is MISSING or (row is not None and sent is None):
        return MISSING
    if row is not None and _nothing(sent, row) and _nothing(live, row):
        return MISSING
    if isinstance(sent, Mapping) and isinstance(live, Mapping):
        # No selector has defaults; other maps that are one value do (apiVersion of a fieldRef).
        if row is not None and row.get("of") == "whole" and name.lower().endswith("selector"):
            return _ours(_bare(live), sent, row)
        return _ours(_map(live, sent, row), sent, row)
    if isinstance(sent, list) and isinstance(live, list):
        return _ours(_list(live, sent, row), sent, row)
    return live


def _ours(found: Any, sent: Any, row: Row) -> Any:
    """What is left of `live`: where we sent nothing and nothing of ours is there, it is as if the field were absent."""
    return MISSING if row is not None and _nothing(sent, row) and _nothing(found, row) else found


def _map(live: Body, sent: Body, row: Row) -> dict[str, Any]:
    pairs = ((key, _value(live.get(key, MISSING), value, below(row, key), key)) for key, value in sent.items())
    return {key: value for key, value in pairs if value is not MISSING}


def _list(live: Sequence[Any], sent: Sequence[Any], row: Row) -> list[Any]:
    row = row or PLAIN if row is not None else None
    if row is not None and row.get("set"):
        return sorted((one for one in live if one in sent), key=str)
    item = of_item(row)
    if row is not None and "by" in row:
        keys, default = row["by"], row.get("default", {})
        wanted = {identity(one, keys, default): one for one in sent}
        if MISSING not in wanted and len(wanted) == len(sent):
            pairs = ((one, wanted.get(identity(one, keys, default), MISSING)) for one in live)
            return [_value(one, ours, item, "") for one, ours in pairs if ours is not MISSING]
    if len(live) != len(sent):
        return list(live)
    found = (_value(one, ours, item, "") for one, ours in zip(live, sent, strict=True))
    return [None if one is MISSING else one for one in found]


def _nothing(value: Any, row: Mapping[str, Any]) -> bool:
    """Tell whether a built-in kind cannot keep this. An empty struct is something: `emptyDir: {}`."""
    return value is None or value == [] or (value == {} and bool(row.get("free") or row.get("of") == "whole"))


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = ((key, _bare(one)) for key, one in value.items())
        return {key: one for key, one in kept if one is not None and one != [] and one != {}}
    return [_bare(one) for one in value] if isinstance(value, list) else value


def _in_data(body: Body) -> Body:
    """A Secret as servers keep it: stringData is in data, which it beats."""
    plain = body.get("stringData")
    if not isinstance(plain, Mapping):
        return body
    coded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
    rest = {key: value for key, value in body.items() if key not in ("stringData", "data")}
    return {**rest, "data": {**(body.get("data") or {}), **coded}}
