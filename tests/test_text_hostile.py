"""YAML text: deep, exploding, broken or unrendered text is an error with a place, never a crash."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import BITS, failure, read

from migrate.manifest.text import MAX_NODES, load_all


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000 + "]" * 20_000,
        "[" * 20_000,
        '{"a":' * 20_000 + "1" + "}" * 20_000,
        "- " * 20_000 + "x",
        "? " * 20_000 + "x",
        "a: " + "{a: " * 20_000,
        "\n".join(" " * n + "a:" for n in range(3000)),
        "\n".join(" " * n + "- - - a:" for n in range(0, 3000, 8)),
        "[" * 300 + "]" * 300,
        "[" * 900 + "]" * 900,
    ],
    ids=range(10),
)
def test_deep_nesting_is_refused(text: str) -> None:
    """No crash, no RecursionError, and quickly."""
    began = time.monotonic()
    documents = list(load_all(f"{text}\n---\nb: 1\n"))
    assert documents[0].error is not None and documents[0].error.kind == "deep"
    assert documents[-1].body == {"b": 1} or text[0] == "["
    assert time.monotonic() - began < 5


def test_allowed_depth() -> None:
    """Two hundred levels are read."""
    assert read("[" * 200 + "]" * 200) is not None
    assert read("a: " + "[" * 199 + "]" * 199) is not None
    assert failure("a: " + "[" * 200 + "]" * 200)[0] == "deep"


def test_alias_bombs() -> None:
    """Aliases may not multiply beyond the limit, nor contain themselves."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    kind, _, message = failure("\n".join(lines))
    assert kind == "alias" and "million" in message
    for text in ("a: &x [*x]", "&x {a: *x}", "a: &x {<<: *x}", "a: *gone", "? &x [*x]\n: 1"):
        assert failure(text)[0] in ("alias", "yaml"), text
    assert len(read("a: &a [1, 2]\nb: [" + ", ".join(["*a"] * 1000) + "]")["b"]) == 1000
    assert MAX_NODES == 1_000_000


def test_tabs_and_control_characters() -> None:
    """The line, and words that help."""
    kind, line, message = failure("a:\n\tb: 1\n")
    assert (kind, line) == ("yaml", 2) and "tab" in message
    assert failure("a: 1\nb: x\x01y\n")[:2] == ("yaml", 2)
    assert failure("a: 1\nb: \ud800\n")[:2] == ("yaml", 2)
    assert failure("a: b: c\n")[0] == "yaml"
    assert failure("a: .inf\n")[0] == "yaml"


@pytest.mark.parametrize(
    "text",
    [
        "{{- if .Values.x }}\na: 1\n{{- end }}\n",
        "a: {{ .Values.x }}\n",
        "{{ include }}\n",
        "a:\n  {{- toYaml .Values.y | nindent 2 }}\n",
        "- {{ x }}: y\n",
    ],
)
def test_helm_templates_are_named(text: str) -> None:
    """An unrendered chart is called that."""
    found = list(load_all(text))
    assert found[0].error is not None and found[0].error.kind == "helm" and "helm template" in found[0].error.message


def test_template_marks_inside_values_are_text() -> None:
    """Alert rules and the like use the same marks."""
    assert read("a: 'x {{ $labels.x }}'\nb: x {{ y }}\n") == {"a": "x {{ $labels.x }}", "b": "x {{ y }}"}
    assert failure("a: '{{ x }}'\n\tb: 1\n")[0] == "yaml"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*BITS, "\n", "\n  ", "- ", ": ", "{", "}", "[", '"']), max_size=40).map("".join))
def test_no_text_raises(text: str) -> None:
    """Whatever the text, errors are values."""
    for document in load_all(text):
        assert document.body is not None or document.error is not None
        assert 1 <= document.line <= len(text.splitlines()) + 1
