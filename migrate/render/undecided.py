"""The file of open answers: each with where it matters, what happens until then, and an example."""

from __future__ import annotations

import json
from typing import Any

from migrate.model.plan import Plan, Undecided
from migrate.render.words import by_namespace, plural, safe

_HEAD = (
    "---",
    "# What only you know. Correct the examples and move the answers into gke2eks.yaml;",
    "# nothing reads this file. It is written anew by every plan.",
)


def undecided_yaml(plan: Plan) -> str:
    """Write every open answer as comments and an example, so that each key appears once."""
    lines = list(_HEAD)
    if not plan.undecided:
        lines.append("# Nothing is open.")
        return "\n".join([*lines, "{}"]) + "\n"
    _write(_tree(plan.undecided), 0, lines)
    return "\n".join(lines) + "\n"


def example_lines(answers: tuple[Undecided, ...]) -> list[str]:
    """The example answers alone, as YAML."""
    lines: list[str] = []
    _write(_tree(answers), 0, lines, comments=False)
    return lines


def _tree(answers: tuple[Undecided, ...]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for answer in answers:
        node = root
        for key in answer.key[:-1]:
            found = node.setdefault(key, {})
            if not isinstance(found, dict):
                # A key and something below it are both open: the deeper one says more.
                found = node[key] = {}
            node = found
        if not isinstance(node.get(answer.key[-1]), dict):
            node[answer.key[-1]] = answer
    return root


def _write(tree: dict[str, Any], depth: int, lines: list[str], comments: bool = True) -> None:
    pad = "  " * depth
    asked: Undecided | None = None
    for key, node in tree.items():
        if isinstance(node, dict):
            lines.append(f"{pad}{_key(key)}:")
            _write(node, depth + 1, lines, comments)
            continue
        if comments:
            lines.extend(f"{pad}# {line}" for line in _comments(node, asked))
        asked = node
        # An example of a safe question would claim something about the user's data: it waits behind a comment sign.
        entry = _entry(pad, key, node.example)
        lines.extend(entry if node.blocks else [f"{pad}# {line.lstrip()}" for line in entry])


def _comments(answer: Undecided, before: Undecided | None) -> list[str]:
    """What is asked, where, and what happens until then, without what the answer `before` has said already."""
    again = before is not None and before.question == answer.question
    places = [
        f"{ns or 'cluster'}: {', '.join(r.short for r in refs)}" for ns, refs in by_namespace(answer.refs).items()
    ]
    shown, hidden = places[:3], places[3:]
    lines = [] if again else [safe(answer.question)]
    lines += [safe(f"where       {place}") for place in shown]
    if hidden:
        lines.append(f"            and {plural(len(hidden), 'more namespace')}")
    if not places and answer.where:
        lines.append(safe(f"where       {answer.where}"))
    if not (before and again and before.until == answer.until):
        lines.append(safe(f"until then  {answer.until}"))
    if not answer.blocks and not (before and again and not before.blocks):
        lines.append("holds       only release; the plan goes on. Take the next comment sign away to answer")
    return lines


def _entry(pad: str, key: str, example: str) -> list[str]:
    return [f"{pad}{_key(key)}: {quoted(example)}"]


def _key(key: str) -> str:
    return key if key.isidentifier() and key.isascii() and key.lower() not in _WORDS else quoted(key)


def quoted(value: str) -> str:
    """A YAML scalar that can only be read as this string."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else _escaped(ord(char)) for char in text)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
