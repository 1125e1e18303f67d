"""YAML text: kubectl reads what we write, and we read what kubectl reads."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrate.manifest.text import MAX_NODES, Document, dump, load_all

HEAD = "apiVersion: x.io/v1\nkind: Foo\nmetadata: {name: a}\n"


def number(digits: str) -> int | float:
    """A whole number as kubectl means it: beyond 64 bits it is a float, printed with all its digits."""
    return int(digits) if -(2**63) <= int(digits) < 2**63 else float(digits)


RECORD = (Path(__file__).parent / "data" / "kubectl-scalars.json").read_text(encoding="utf-8")
TABLE = json.loads(RECORD, parse_int=number)
# The C parser hands '! 5' over exactly as '5'; nobody writes it, and kubectl's '5' as text is out of reach.
KNOWN_DIFFERENT = {"! 5"}


def read(text: str) -> Any:
    """The body of the only document, which must be without error."""
    (document,) = load_all(text)
    assert document.error is None, document.error
    return document.body


def failure(text: str) -> tuple[str, int, str]:
    """Kind, line and message of the only document's error."""
    (document,) = load_all(text)
    assert document.error is not None
    return document.error.kind, document.error.line, document.error.message


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


# --- awkward strings, written by us and read by kubectl and by us -------------------------------------------------

BITS = [
    *"aAyYnN01789eExXoObB_+-.:,#'\"\\/|>&*!%@`?=~<>[]{}()$^; \t\n\r\0\x01\x1b\x7f\x85\xa0é中",
    *"\u2028\u2029\ufeff😀\U0010ffff",
    "\ufffe",
    "\ue000",
    "\u0301",
    "---",
    "...",
    "- ",
    "? ",
    ": ",
    " #",
    "<<",
    "=",
    "{{",
    "}}",
    "!!",
    "0x",
    "0o",
    "0b",
    "1e3",
    ".inf",
    ".nan",
    "null",
    "true",
    "yes",
    "on",
    "2024-01-01",
    "12:30",
    "  ",
    "\n\n",
    "\n ",
    " \n",
    "\n\t",
    "|",
    "%YAML",
    "&a",
    "*a",
    "\r\n",
    "\n---\n",
    "\n...\n",
    "word",
    "10.0.0.1",
    "500m",
    "\\u0041",
    "\\x41",
]


def awkward() -> list[str]:
    """Some 6,500 strings: every spelling of the table, and seeded mixtures of the bits."""
    rng = random.Random(20251)
    found = dict.fromkeys([row["written"] for row in TABLE["rows"]] + BITS)
    found.update(dict.fromkeys(chr(code) for code in range(0x250)))
    found.update({"x" * n: None for n in (79, 80, 119, 121, 1023, 1025, 5000)})
    found.update({"é\t" * 700: None, "5" * 300: None, ("line " * 30 + "\n") * 50: None})
    while len(found) < 6500:
        found["".join(rng.choices(BITS, k=rng.choice((1, 2, 2, 3, 3, 4, 5, 7, 12))))] = None
    return list(found)


def objects() -> list[dict[str, Any]]:
    """The strings as keys, values and list items at several depths, many to an object."""
    strings = awkward()
    rng = random.Random(7)
    found = []
    for start in range(0, len(strings), 500):
        part = strings[start : start + 500]
        other = part[:]
        rng.shuffle(other)
        tree = {
            "m": dict(zip(part, other, strict=True)),
            "l": part,
            "n": [{k: v, "z": [v, [k]]} for k, v in zip(other, part, strict=True)],
            "d": {k: {v: [v, {k: v}]} for k, v in zip(part, other, strict=True)},
        }
        found.append({"apiVersion": "x.io/v1", "kind": "Foo", "metadata": {"name": "a"}, "spec": tree})
    return found


def kubectl(path: Path) -> Any:
    """What the real kubectl reads; needs no server."""
    command = ["kubectl", "label", "--local", "-f", str(path), "x=y", "-o", "json"]
    out = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert out.returncode == 0, out.stderr[:500]
    return json.loads(out.stdout)


def test_awkward_strings_come_back() -> None:
    """load_all(dump(x)) is x."""
    for body in objects():
        assert read(dump(body)) == body


def test_awkward_strings_for_kubectl(tmp_path: Path) -> None:
    """kubectl reads the same keys and values that we wrote."""
    if shutil.which("kubectl") is None:
        pytest.skip("needs the real kubectl on PATH")
    for number, body in enumerate(objects()):
        path = tmp_path / f"{number}.yaml"
        path.write_text(dump(body), encoding="utf-8", newline="")
        got = kubectl(path)["spec"]
        for name, value in body["spec"].items():
            assert got[name] == value, (number, name)


def test_numbers_for_kubectl(tmp_path: Path) -> None:
    """Numbers, truth values, null and empty collections come back too."""
    if shutil.which("kubectl") is None:
        pytest.skip("needs the real kubectl on PATH")
    rng = random.Random(3)
    values: list[Any] = [0, -1, 2**63 - 1, -(2**63), 0.1, 1.0, -0.0, 1e16, 1e22, 5e-324, 1.7e308, True, False, None]
    values += [{}, [], [[]], [{}], {"": {}}, [[[1], []], {"a": []}]]
    values += [rng.uniform(-1, 1) * 10 ** rng.randint(-20, 15) for _ in range(300)]
    path = tmp_path / "n.yaml"
    path.write_text(dump({"apiVersion": "x.io/v1", "kind": "Foo", "metadata": {"name": "a"}, "spec": values}))
    assert kubectl(path)["spec"] == values


TEXTS = st.text(max_size=12) | st.sampled_from(BITS) | st.lists(st.sampled_from(BITS), max_size=6).map("".join)
LEAVES = TEXTS | st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e15, 1e15)
TREES = st.recursive(LEAVES, lambda t: st.lists(t, max_size=4) | st.dictionaries(TEXTS, t, max_size=4), max_leaves=20)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(TEXTS, TREES, max_size=5))
def test_round_trip(body: dict[str, Any]) -> None:
    """Any JSON-like mapping survives dump and load_all, alone and between others."""
    text = dump(body)
    assert read(text) == body
    assert [document.body for document in load_all(f"{text}---\n{text}---\na: 1\n")] == [body, body, {"a": 1}]
    (document,) = load_all(json.dumps(body))
    assert document.body == body


# --- writing ------------------------------------------------------------------------------------------------------


def test_dump_looks_like_kubectl() -> None:
    """The order of keys, lists level with their key, blocks for text with lines."""
    body = {
        "status": {},
        "zeta": [],
        "data": {"b": "x\ny\n", "a": "x\n\ny", "c": "x\n\n", "d": " x\ny"},
        "spec": {"list": [{"name": "a", "args": ["--x=1", "y", ["n"]]}], "f": 1.5, "t": True, "n": None, "p": "25%"},
        "metadata": {"uid": "u", "annotations": {"a": "1"}, "labels": {}, "namespace": "n", "name": "m"},
        "kind": "K",
        "apiVersion": "v1",
    }
    lines = [
        "apiVersion: v1",
        "kind: K",
        "metadata:",
        "  name: m",
        '  namespace: "n"',
        "  labels: {}",
        "  annotations:",
        '    a: "1"',
        "  uid: u",
        "spec:",
        "  list:",
        "  - name: a",
        "    args:",
        "    - --x=1",
        '    - "y"',
        '    - - "n"',
        "  f: 1.5",
        "  t: true",
        '  "n": null',
        "  p: 25%",
        "data:",
        "  b: |",
        "    x",
        "    y",
        "  a: |-",
        "    x",
        "",
        "    y",
        "  c: |+",
        "    x",
        "",
        "  d: |2-",
        "     x",
        "    y",
        "status: {}",
        "zeta: []",
    ]
    assert dump(body).splitlines() == lines
    assert dump({}) == "{}\n"


def test_dump_writes_no_anchors() -> None:
    """The same object in two places is written twice."""
    shared = {"a": ["b"]}
    assert dump({"x": shared, "y": shared}) == 'x:\n  a:\n  - b\n"y":\n  a:\n  - b\n'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", "a\n\ud800", {"\udfff": 1}])
def test_dump_refuses_what_yaml_cannot_hold(value: Any) -> None:
    """A clear ValueError instead of a file that nobody can read."""
    with pytest.raises(ValueError, match=r"cannot|no YAML can"):
        dump({"a": value})


def test_dump_refuses_foreign_types_and_cycles() -> None:
    """Keys that are no text, values that are no JSON, and values that contain themselves."""
    for body in ({"a": {1: 2}}, {"a": {1, 2}}, {"a": b"x"}):
        with pytest.raises(TypeError):
            dump(body)
    ring: dict[str, Any] = {}
    ring["a"] = ring
    with pytest.raises(ValueError, match="contains itself"):
        dump(ring)


def test_dump_takes_look_alikes() -> None:
    """Tuples and subclasses are written as what they stand for."""

    class Text(str):
        """A kind of text."""

    class Box(dict[str, Any]):
        """A kind of mapping."""

    body = {"a": (1, "y"), "b": Text("no"), "c": Box(d=Text("x\ny")), "e": [Box(), (), (1,), Box(f=[Box(g=1)])]}
    assert read(dump(body)) == {"a": [1, "y"], "b": "no", "c": {"d": "x\ny"}, "e": [{}, [], [1], {"f": [{"g": 1}]}]}


# --- reading: documents -------------------------------------------------------------------------------------------


def test_a_broken_document_spares_the_others() -> None:
    """Each document is read on its own; lines count through the whole text."""
    found = list(load_all("a: 1\n---\nb: [\n---\n# note\n\nc: 3\n--- # d\nd: 4\n...\ne: 5\n---\n---\n# nothing\n"))
    assert [document.body for document in found] == [{"a": 1}, None, {"c": 3}, {"d": 4}, {"e": 5}]
    assert [document.line for document in found] == [1, 3, 7, 9, 11]
    assert found[1].error is not None and found[1].error.kind == "yaml" and 3 <= found[1].error.line <= 4


def test_separators_inside_values() -> None:
    """Only '---' in column 0 with nothing glued to it separates."""
    text = "a: |\n  x\n  ---\n  y\nb: 1\n--- {c: 2}\n---\td: no\n---- : x\n"
    first, second, *_ = load_all(text)
    assert first.body == {"a": "x\n---\ny\n", "b": 1} and second.body == {"c": 2}
    assert read("---x: 1\n") == {"---x": 1}


def test_line_ends_mark_and_directive() -> None:
    """CRLF, a byte order mark and '%YAML' are taken."""
    assert [d.body for d in load_all("\ufeffa: |\r\n  x\r\n  y\r\n---\r\nb: 2\r\n")] == [{"a": "x\ny\n"}, {"b": 2}]
    assert read("# note\n%YAML 1.1\n---\na: 1\n") == {"a": 1}
    assert [d.body for d in load_all("a: 1\n---\n\ufeffb: 2\n")] in ([{"a": 1}, {"b": 2}], [{"a": 1}, None])
    assert list(load_all("")) == list(load_all("\n# x\n---\n")) == list(load_all("null\n")) == []


def test_json() -> None:
    """JSON, and JSON after JSON as kubectl takes it; what is no JSON is read as YAML."""
    (document,) = load_all('\n {"a": [1, 1.5, null, ":8080", "\\":"], "b": 18446744073709551615}')
    assert document == Document({"a": [1, 1.5, None, ":8080", '":'], "b": 18446744073709551615.0}, 2)
    assert [d.body for d in load_all('{"a": 1}\n{"b": 2}\n---\nc: 3\n')] == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert [d.line for d in load_all('{"a": 1}\n{"b": 2}\n---\nc: 3\n')] == [1, 2, 4]
    assert read("{a: y, b: [0777]}") == {"a": True, "b": [511]}
    (twice,) = load_all('{"a": 1, "b": {"a": 1, "a": 2}}')
    assert twice.error is not None and twice.error.kind == "duplicate" and twice.body == {"a": 1, "b": {"a": 2}}
    *_, glued = load_all('{"a": 1} x')
    assert glued.body is None and glued.error is not None


# --- reading: meaning ---------------------------------------------------------------------------------------------


def test_octal_modes() -> None:
    """The file modes that people write."""
    assert read("a: 0644\nb: 0o644\nc: '0644'\nd: 0888\n") == {"a": 420, "b": 420, "c": "0644", "d": 888}


def test_merges_and_aliases() -> None:
    """As go-yaml v2 merges: in the order written, so a later '<<' wins; no two places share an object."""
    assert read("{b: 1, <<: {b: 2, c: 3}}") == {"b": 2, "c": 3}
    assert read("{<<: {b: 2, c: 3}, b: 1}") == {"b": 1, "c": 3}
    assert read("{<<: [{b: 2, c: 3}, {b: 4}], d: 1}") == {"b": 2, "c": 3, "d": 1}
    assert read("{'<<': {a: 1}}") == {"<<": {"a": 1}}
    body = read("a: &x {l: [1]}\nb: *x\nc: &x 2\nd: *x\n")
    assert body == {"a": {"l": [1]}, "b": {"l": [1]}, "c": 2, "d": 2}
    assert body["a"] is not body["b"] and body["a"]["l"] is not body["b"]["l"]
    assert failure("{<<: 3}")[0] == "yaml"


def test_keys_become_text() -> None:
    """Keys spelled as kubectl spells them; recorded from kubectl v1.32."""
    text = "{1: , true: , 1.5: , 1e3: , 0.1: , 123456789.5: , 1e30: , 1e6: , 1e-5: , 1e300: , -0.0: , 0x10: }"
    keys = ["1", "true", "1.5", "1000", "0.1", "1.2345679e+08", "1e+30", "1e+06", "1e-05", ".inf", "-0", "16"]
    assert list(read(text)) == keys
    assert failure("{~: a}")[0] == failure("{[a]: a}")[0] == failure("{18446744073709551615: a}")[0] == "yaml"


def test_duplicate_keys_are_reported() -> None:
    """kubectl silently takes the last one; so does the body, but the error says it."""
    (document,) = load_all("a: 1\nb:\n  c: 1\n  c: 2\n")
    assert document.body == {"a": 1, "b": {"c": 2}}
    assert document.error is not None
    assert (document.error.kind, document.error.line, document.error.column) == ("duplicate", 4, 3)
    assert failure("{1: a, '1': b}")[0] == "duplicate"


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system [ls]",
        "!!python/name:os.system ''",
        "!Ref x",
        "!!python/object:os.x {a: 1}",
        "!<tag:yaml.org,2002:python/none> ''",
    ],
)
def test_foreign_tags_are_refused(tag: str) -> None:
    """Nothing is constructed from a tag."""
    kind, line, message = failure(f"a: 1\nb: {tag}\n")
    assert kind == "tag" and line == 2 and "not allowed" in message


def test_plain_tags() -> None:
    """YAML's own tags mean what they say."""
    text = "a: !!str 5\nb: !!binary aGVsbG8=\nc: !!set {x, z}\nd: !!map {}\ne: !!seq []\nf: !!float 2\ng: !!bool 'no'\n"
    assert read(text) == {"a": "5", "b": "hello", "c": {"x": None, "z": None}, "d": {}, "e": [], "f": 2, "g": False}
    assert failure("a: !!int abc")[0] == failure("a: !!binary '***'")[0] == "tag"


# --- reading: hostile or broken text ------------------------------------------------------------------------------


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
