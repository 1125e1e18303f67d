"""Whether a trust policy lets somebody take its role: as IAM reads it, and unsure where we do not read all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.objects import Body

_OPERATOR = re.compile(r"(?:forallvalues:|foranyvalue:)?(string(?:not)?(?:equals|equalsignorecase|like))(ifexists)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks: `principal` as (kind, name), and what is known of the request, its keys in lower case."""

    action: str
    principal: tuple[str, str]
    known: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trust:
    """`yes` None is unsure. `why` is '' for a plain yes, else a clause."""

    yes: bool | None
    why: str = ""


def trusts(policy: Body, asked: Asked) -> Trust:
    """Judge one request. A statement that denies it in a way that we cannot read makes it unsure."""
    closest, unsure = Trust(False, f"no statement of it allows {asked.action} to {asked.principal[1]}"), ""
    allowed = False
    for statement in _statements(policy):
        if not _of_action(statement, asked.action) or not _of_principal(statement, asked.principal):
            continue
        no, odd = _conditions(statement, asked.known)
        if str(statement.get("Effect")) == "Deny":
            if not no and not odd:
                return Trust(False, f"a statement of it denies {asked.action}")
            unsure = unsure or (f"a statement that denies it has the condition {odd}" if odd and not no else "")
        elif no:
            closest = Trust(False, no)
        elif odd:
            unsure = unsure or f"preflight does not read the condition {odd}"
        else:
            allowed = True
    if allowed and not unsure:
        return Trust(True)
    return Trust(None, unsure) if unsure else closest


def _statements(policy: Body) -> Iterator[Body]:
    found = policy.get("Statement")
    yield from (one for one in (found if isinstance(found, list) else [found]) if isinstance(one, Mapping))


def _of_action(statement: Body, action: str) -> bool:
    if "NotAction" in statement:
        return not any(_like(one.lower(), action.lower()) for one in _texts(statement["NotAction"]))
    return any(_like(one.lower(), action.lower()) for one in _texts(statement.get("Action")))


def _of_principal(statement: Body, asked: tuple[str, str]) -> bool:
    named = statement.get("Principal")
    if "NotPrincipal" in statement:
        others = statement["NotPrincipal"]
        return not isinstance(others, Mapping) or asked[1] not in _texts(others.get(asked[0]))
    if named == "*":
        return True
    return isinstance(named, Mapping) and bool({asked[1], "*"} & set(_texts(named.get(asked[0]))))


def _conditions(statement: Body, known: Mapping[str, str]) -> tuple[str, str]:
    """(what does not hold, what nobody can judge); both '' when all hold."""
    odd = ""
    conditions = statement.get("Condition")
    for operator, keys in conditions.items() if isinstance(conditions, Mapping) else ():
        match = _OPERATOR.fullmatch(str(operator).lower())
        for key, values in keys.items() if isinstance(keys, Mapping) else ():
            value = known.get(str(key).lower())
            if match is None or value is None:
                odd = odd or f"{operator} {key}"
            elif not _holds(match[1], _texts(values), value):
                return f"its condition {operator} {key} wants {', '.join(_texts(values))}, and this is {value}", ""
    return "", odd


def _holds(operator: str, wanted: list[str], value: str) -> bool:
    refuses, kind = "not" in operator, operator.removeprefix("string").removeprefix("not")
    if kind == "like":
        any_of = any(_like(one, value) for one in wanted)
    elif kind == "equals":
        any_of = value in wanted
    else:
        any_of = value.lower() in [one.lower() for one in wanted]
    return any_of is not refuses


def _like(pattern: str, value: str) -> bool:
    """IAM's own wildcards: `*` for any text, `?` for one character."""
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [] if value is None else [str(value)]
