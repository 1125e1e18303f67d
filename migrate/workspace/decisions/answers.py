"""The answers in the file, checked against what may be answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from migrate.workspace.decisions.hints import near, unknown, value_spot
from migrate.workspace.decisions.said import Answer, AnswerSpec, Scalar
from migrate.workspace.marks import Source, dotted


def collect(
    source: Source,
    at: tuple[str, ...],
    value: Any,
    known: Mapping[str, AnswerSpec],
    into: dict[tuple[str, ...], Answer],
) -> None:
    """Gather the answers at and below a key, each checked; raises BadDecisions."""
    spec = known.get(".".join(at))
    if spec is not None and spec.kind == "scalar":
        into[at] = _checked(source, at, value, spec)
        return
    if value is None:
        return
    if not isinstance(value, dict):
        hint = spec.what if spec and spec.what else "expected keys with values"
        raise source.error(value_spot(source, at), f"{dotted(at)!r} must hold keys", hint, "correct the value.")
    below = ".".join(at) + "."
    names = sorted({group[len(below) :].partition(".")[0] for group in known if group.startswith(below)})
    for key, inner in value.items():
        if key in names:
            collect(source, (*at, key), inner, known, into)
        elif spec is not None:
            into[(*at, key)] = _checked(source, (*at, key), inner, spec)
        else:
            raise unknown(source, (*at, key), names)


def _checked(source: Source, at: tuple[str, ...], value: Any, spec: AnswerSpec) -> Answer:
    spot = value_spot(source, at)
    what = spec.what or "expected one value"
    if value is None:
        raise source.error(source.keys[at], f"{dotted(at)!r} has no answer", what, "write the answer, or drop the key.")
    if not isinstance(value, Scalar):
        raise source.error(spot, f"{dotted(at)!r} must be one value", what, "correct the value.")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if spec.choices is not None and text not in spec.choices:
        hint = near(text, spec.choices) or "one of: " + ", ".join(spec.choices)
        raise source.error(spot, f"{spec.group!r} cannot be {text!r}", hint, "correct the value.")
    if spec.pattern is not None and not re.fullmatch(spec.pattern, text):
        raise source.error(spot, f"{spec.group!r} cannot be {text!r}", what, "correct the value.")
    return Answer(value, source.where(at))
