"""YAML text: a bare scalar means what it means to kubectl."""

from __future__ import annotations

from typing import Any

import pytest
from texts import TABLE

from migrate.manifest.text import load_all

HEAD = "apiVersion: x.io/v1\nkind: Foo\nmetadata: {name: a}\n"
# The C parser hands '! 5' over exactly as '5'; nobody writes it, and kubectl's '5' as text is out of reach.
KNOWN_DIFFERENT = {"! 5"}


def spec(text: str) -> Any:
    """The spec that we read behind HEAD, or None where we refuse."""
    documents = list(load_all(HEAD + text))
    return documents[0].body.get("spec") if len(documents) == 1 and documents[0].error is None else None


@pytest.mark.parametrize("row", TABLE["rows"], ids=lambda row: repr(row["written"]))
def test_bare_scalar_as_kubectl(row: dict[str, Any]) -> None:
    """Value and key of each spelling, against what the real kubectl answered when the table was recorded."""
    written = row["written"]
    if written in KNOWN_DIFFERENT:
        pytest.xfail("the C parser cannot tell it apart")
    as_value, as_key = spec(f"spec:\n  k: {written}\n"), spec(f"spec:\n  {written}: v\n")
    value = [as_value["k"]] if isinstance(as_value, dict) and list(as_value) == ["k"] else []
    key = [next(iter(as_key))] if isinstance(as_key, dict) and list(as_key.values()) == ["v"] else []
    assert value == row["value"]
    assert [isinstance(v, (bool, str)) for v in value] == [isinstance(v, (bool, str)) for v in row["value"]]
    assert key == row["key"]
