"""YAML text: documents, JSON, merges, keys and tags are read as kubectl reads them."""

from __future__ import annotations

import pytest
from texts import failure, read

from migrate.manifest.text import Document, load_all


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
