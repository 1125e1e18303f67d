"""Are two values at one place the same to Kubernetes? Both are brought into one form, and the forms compared.

So it is reflexive, symmetric and transitive whatever the tables say. What no table knows is equal in value and type.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from migrate.differ import same_scalars as scalars
from migrate.differ import same_texts as texts
from migrate.differ.same_absent import in_map, says_nothing
from migrate.differ.same_lists import bag, selector, unordered, variables
from migrate.differ.same_places import Keys, Kind, Sort, built_in, keys_of, sort_of
from migrate.model.objects import MISSING
from migrate.model.path import Path

_NOTHING = ("nothing",)


def same(kind: tuple[str, str], path: Path, one: Any, other: Any) -> bool:
    """Tell whether two values (or MISSING) at a place of an object of this kind, (group, kind), mean the same.

    Values may be whole maps and lists: each place in them is judged by its own. Nothing is raised or printed.
    """
    if type(one) is type(other) and not isinstance(one, (Mapping, list)) and one == other:
        return True
    keys = keys_of(path)
    if one is MISSING or other is MISSING:
        return silent(kind, keys, one if other is MISSING else other)
    return _form(kind, keys, one) == _form(kind, keys, other)


def silent(kind: Kind, keys: Keys, value: Any) -> bool:
    """Tell whether the form of a value is that of nothing; the first thing that says something ends the look.

    A server adds large values (managedFields, a status) to every object; their whole form is not needed to know that.
    """
    if says_nothing(kind, keys, value):
        return True
    if not isinstance(value, Mapping) or not says_nothing(kind, keys, {}) or sort_of(kind, keys) is Sort.RAW:
        return False
    if sort_of(kind, keys) is Sort.SELECTOR and (found := selector(value)) is not None:
        return not found
    return all(silent(kind, (*keys, key if isinstance(key, str) else "?"), inner) for key, inner in value.items())


def _form(kind: Kind, keys: Keys, value: Any) -> Hashable:
    if says_nothing(kind, keys, value):
        return _NOTHING
    sort = sort_of(kind, keys)
    if sort is Sort.RAW:
        return _strict(value)
    if value is None and in_map(kind, keys):
        value = "0" if sort is Sort.AMOUNTS else ""
    if isinstance(value, Mapping):
        return _of_map(kind, keys, sort, value)
    if isinstance(value, list):
        return _of_list(kind, keys, sort, value)
    if sort in (Sort.NOTE, Sort.DATA) and isinstance(value, str):
        found = (texts.note if sort is Sort.NOTE else texts.data)(keys[-1], value)
    else:
        found = _SCALARS[sort](value) if sort in _SCALARS else None
    if found is not None:
        return (sort, found)
    # A server keeps 1.0 of a custom kind as 1; its own kinds refuse it.
    if isinstance(value, float) and value.is_integer() and not built_in(kind, keys):
        return ("int", int(value))
    return _strict(value)


_SCALARS: Mapping[Sort, Callable[[Any], Hashable]] = {
    Sort.AMOUNTS: lambda value: scalars.amount(value, rounded=True),
    Sort.QUANTITY: lambda value: scalars.amount(value, rounded=False),
    Sort.DURATION: scalars.duration,
    Sort.TIME: lambda value: scalars.time(value, micro=False),
    Sort.MICROTIME: lambda value: scalars.time(value, micro=True),
    Sort.BYTES: scalars.content,
    Sort.IMAGE: scalars.image,
}


def _of_map(kind: Kind, keys: Keys, sort: Sort, value: Mapping[Any, Any]) -> Hashable:
    if sort is Sort.SELECTOR:
        found = selector(value)
        if found is not None:
            return _NOTHING if not found and says_nothing(kind, keys, {}) else ("selector", found)
    forms = {key: _form(kind, (*keys, key if isinstance(key, str) else "?"), inner) for key, inner in value.items()}
    said = frozenset((key, form) for key, form in forms.items() if form != _NOTHING)
    return _NOTHING if not said and says_nothing(kind, keys, {}) else ("map", said)


def _of_list(kind: Kind, keys: Keys, sort: Sort, value: list[Any]) -> Hashable:
    # An item has the place of its list; null or empty, it still is an item.
    forms = [_item(kind, keys, inner) for inner in value]
    found = variables(value, forms) if sort is Sort.ENV else None
    if found is None and unordered(kind, keys):
        found = bag(forms, value)
    return ("list", tuple(forms)) if found is None else found


def _item(kind: Kind, keys: Keys, value: Any) -> Hashable:
    found = _form(kind, keys, value)
    return ("item", _strict(value)) if found == _NOTHING else found


def _strict(value: Any) -> Hashable:
    """The form of what is equal only in value and type, all the way down."""
    if isinstance(value, Mapping):
        return ("map", frozenset((key, _strict(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return ("list", tuple(map(_strict, value)))
    if isinstance(value, float):
        return ("float", repr(value + 0.0))
    if value is MISSING or value is None or isinstance(value, (str, int)):
        return (type(value).__name__, value)
    return (type(value).__name__, repr(value))
