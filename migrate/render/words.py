"""Numbers, plurals, signs and safe text: the words that every format shares."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from migrate.model.objects import MISSING
from migrate.model.plan import Fate, Standing, Step
from migrate.model.ref import Ref

SIGNS: dict[Standing, str] = {
    Standing.BLOCKED: "x",
    Standing.WAIT: "?",
    Standing.BY_HAND: "@",
    Standing.LOOK: "!",
    Standing.READY: "=",
    Standing.FOLDED: ">",
    Standing.NEW: "+",
    Standing.LEFT_BEHIND: "-",
}

WORDS: dict[Standing, str] = {
    Standing.BLOCKED: "blocked",
    Standing.WAIT: "waits for an answer",
    Standing.BY_HAND: "by hand",
    Standing.LOOK: "ready, please look",
    Standing.READY: "ready",
    Standing.FOLDED: "folded",
    Standing.NEW: "new",
    Standing.LEFT_BEHIND: "left behind",
}

# Worst first, so that folding never hides what matters most.
ORDER: dict[Standing, int] = {standing: at for at, standing in enumerate(SIGNS)}

CLUSTER = "the cluster as a whole"
_AMBIGUOUS = re.compile(r"(?:null|true|false|not set|removed|[-+]?[0-9.][0-9._eE+-]*)\Z")


def number(n: int) -> str:
    """2648 as '2,648'."""
    return f"{n:,}"


def plural(n: int, one: str, many: str = "") -> str:
    """'1 object', '2 objects', '0 objects'."""
    return f"{number(n)} {one if n == 1 else many or one + 's'}"


def safe(text: str) -> str:
    """Show what a terminal would obey: escape becomes the four characters '\\x1b'. All else stays whole."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def plain(value: Any) -> Any:
    """A copy made of dict, list and scalars only, so that any JSON writer takes it."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    return str(value)


def shown(value: Any, missing: str = "not set") -> str:
    """A value as people read it; a string that could be mistaken for something else is quoted."""
    if value is MISSING:
        return missing
    if isinstance(value, str) and value and value.strip() == value and not _AMBIGUOUS.match(value):
        return safe(value)
    return safe(json.dumps(plain(value), ensure_ascii=False))


def both(before: Any, after: Any) -> tuple[str, str]:
    """The GKE and the EKS side of a change."""
    return shown(before), shown(after, "removed")


def namespace(ref: Ref | None) -> str:
    """The heading above a ref: its namespace, or 'cluster'."""
    return safe(ref.namespace) if ref and ref.namespace else "cluster"


def short(ref: Ref) -> str:
    """`Kind/name` below a namespace heading."""
    return safe(ref.short)


def by_namespace(refs: Iterable[Ref]) -> dict[str, list[Ref]]:
    """Group refs under their namespaces, in the order in which these first appear."""
    groups: dict[str, list[Ref]] = {}
    for ref in refs:
        groups.setdefault(ref.namespace, []).append(ref)
    return groups


def sorted_steps(steps: Iterable[Step]) -> list[Step]:
    """Worst standing first, then by ref."""
    return sorted(steps, key=lambda step: (ORDER[step.standing], step.ref))


def kept(step: Step) -> bool:
    """Tell whether the object is on the target's side of the plan."""
    return step.fate in (Fate.MIGRATE, Fate.CREATE, Fate.MANUAL)


def sentence(text: str) -> str:
    """One line, safe, with a full stop."""
    text = safe(text.strip())
    return text if not text or text[-1] in ".?!:…" else text + "."
