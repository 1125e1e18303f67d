"""Secrets are compared by keyed hash: what is said of each sort of difference, and that no value is ever in it."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as File
from typing import Any

import pytest
from test_secret_file import CANARY, in_clear

from migrate.differ.secrets import Expect, Found, compare_secret, expected, hashed, key_id, seen, seen_data
from migrate.model.comparison import Class, Delta
from migrate.model.effects import Cause
from migrate.model.objects import MISSING
from migrate.model.path import P
from migrate.model.plan import Change, Fate, Standing, Step, Transformed
from migrate.model.ref import Ref
from migrate.reading.redact import Redactor

KEY, OTHER = b"k" * 32, b"o" * 32
REF = Ref("", "Secret", "shop", "db")


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def body(data: Mapping[str, Any], sort: str = "Opaque") -> dict[str, Any]:
    meta = {"name": "db", "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Secret", "type": sort, "metadata": meta, "data": dict(data)}


def step(planned: Mapping[str, Any], changes: tuple[Change, ...] = (), **more: Any) -> Step:
    return Step(REF, "v1", Fate.MIGRATE, Cause.NONE, Standing.READY, "", None, dict(planned), changes, (), **more)


def compared(was: Mapping[str, bytes], now: Mapping[str, bytes]) -> list[Delta]:
    """Redact the source as export does, and hash the target as diff does."""
    read = Redactor((), KEY).redact(body({key: b64(value) for key, value in was.items()}))
    one = step(read.body)
    there = seen_data({key: b64(value) for key, value in now.items()}, KEY)
    return list(compare_secret(one, expected(one, read.keys, KEY), there))


def test_the_same_is_no_delta() -> None:
    values = {"a": b"one", "empty": b"", "blob": bytes(range(256))}
    assert compared(values, values) == []


@pytest.mark.parametrize(
    ("source", "target", "means"),
    [
        (b"v", b"w", ""),
        (b"v", b"v\n", "it ends in a newline"),
        (b"v\n", b"v", "the newline at its end is missing"),
        (b"v", b"v\r\n", "it ends in a newline"),
        (b"v", b" v\t", "there is white space around it"),
        (b"value", b64(b"value").encode(), "it is in base64 once more"),
        (b"value", b64(b"value").encode() + b"\n", "it is in base64 once more"),
        (b"value", b64(b"value\n").encode(), "it is in base64 once more, with a newline at its end"),
        (b64(b"value").encode(), b"value", "it is decoded once too often: the value is base64 itself"),
        (
            b64(b"value").encode() + b"\n",
            b"value",
            "it is decoded once too often: the value is base64 with a newline",
        ),
        (b"a\nb", b"a\r\nb", "its line ends are those of Windows"),
        (b"a\r\nb", b"a\nb", "its line ends are those of Unix"),
        (b"", b"\n", "it ends in a newline"),
        (b"v", b"v\n\n", "there is white space around it"),
        (b"v\n\n", b"v", ""),
    ],
)
def test_another_value_says_what_it_may_be(source: bytes, target: bytes, means: str) -> None:
    (delta,) = compared({"a": source}, {"a": target})
    units = "1 byte" if len(source) == 1 else f"{len(source)} bytes"
    said = f"another value: {units} on GKE, {len(target)} here"
    assert delta.kind is Class.UNEXPECTED and delta.path == P("data", "a") and delta.fix
    assert delta.because == (f"{said}: {means}" if means else said)
    assert delta.source == delta.planned == f"(secret, {units})" and str(len(target)) in delta.target


def test_one_byte_of_the_same_length() -> None:
    (delta,) = compared({"a": b"0123456789", "b": b"same"}, {"a": b"0123456780", "b": b"same"})
    assert delta.because == "another value: 10 bytes on GKE, 10 here"


def test_missing_and_extra_keys() -> None:
    gone, extra = compared({"a": b"v", "b": b"w"}, {"b": b"w", "c": b"x"})
    assert (gone.path, gone.planned, gone.target) == (P("data", "a"), "(secret, 1 byte)", MISSING)
    assert (extra.path, extra.planned, extra.target) == (P("data", "c"), MISSING, "(secret, 1 byte)")
    assert gone.kind is extra.kind is Class.UNEXPECTED
    assert "the target does not" in gone.because and "the plan does not" in extra.because


def test_another_key_is_not_comparable_and_never_different() -> None:
    here = seen(b"v", KEY)
    for want in (Expect(1, seen(b"v", OTHER).hmac, key_id(OTHER)), Expect(9, "00", key_id(OTHER))):
        (delta,) = compare_secret(step(body({})), {"a": want}, {"a": here})
        assert delta.kind is Class.FAILED and delta.because.startswith("not comparable") and delta.fix
        assert key_id(KEY) in delta.because and key_id(OTHER) in delta.because


def test_a_value_that_nobody_has_could_not_be_compared() -> None:
    there = {"a": seen(b"v", KEY)}
    (delta,) = compare_secret(step(body({})), {"a": Expect(why="nobody may read Secrets in shop")}, there)
    assert delta.kind is Class.FAILED and delta.because == "could not compare: nobody may read Secrets in shop"
    assert delta.planned == "(secret)"
    (delta,) = compare_secret(step(body({})), {"a": Expect(1, there["a"].hmac, key_id(KEY))}, {"a": Found(1)})
    assert delta.kind is Class.FAILED and "only its size" in delta.because


def test_a_key_that_was_not_hashed_on_the_source() -> None:
    one = step(body({"a": "(secret, 3 bytes, key a)"}))
    assert expected(one, {}, KEY)["a"].why


def test_hashes_on_both_sides_say_only_another_value() -> None:
    was, now = (Redactor((), KEY).redact(body({"a": b64(value), "b": b64(b"b")})) for value in (b"v", b"v\n"))
    one = step(was.body)
    (delta,) = compare_secret(one, expected(one, was.keys, KEY), hashed(now.keys))
    assert delta.because == "another value: 1 byte on GKE, 2 here"


def test_a_target_that_was_redacted_before_has_sizes_only() -> None:
    assert seen_data({"a": "(secret, 7 bytes, key a)"}, KEY) == {"a": Found(7)}


DROPPED = Transformed("IMG020", P("data", ".dockerconfigjson"), "drop_registry", "gcr.io", "gcr.io is left")


def test_a_transformed_value_is_its_own_expectation() -> None:
    name = ".dockerconfigjson"
    before, after = b'{"auths":{"gcr.io":{},"quay.io":{}}}', b'{"auths":{"quay.io":{}}}'
    read = Redactor((), KEY).redact(body({name: b64(before)}))
    one = step(read.body, transforms=(DROPPED,))
    want = expected(one, read.keys, KEY, {name: b64(after)})
    (delta,) = compare_secret(one, want, {name: seen(after, KEY)})
    assert (delta.kind, delta.rule, delta.because) == (Class.EXPECTED, "IMG020", "gcr.io is left")
    assert (delta.source, delta.planned) == (f"(secret, {len(before)} bytes)", f"(secret, {len(after)} bytes)")
    (delta,) = compare_secret(one, want, {name: seen(before, KEY)})
    assert delta.kind is Class.UNEXPECTED and f"{len(after)} bytes planned" in delta.because
    # Nobody has the value: the source's hash is not what must be there.
    (delta,) = compare_secret(one, expected(one, read.keys, KEY), {name: seen(before, KEY)})
    assert delta.kind is Class.FAILED and "IMG020" in delta.because and "drop_registry gcr.io" in delta.because


def overridden(field: str, value: str) -> Step:
    change = Change("override", P(field, "a"), "(secret, 3 bytes, key a)", value, "rotated (gke2eks.yaml:4)")
    planned = {key: part for key, part in body({}).items() if key != "data"}
    return step({**planned, field: {"a": value}}, (change,))


def test_a_value_that_the_plan_sets_is_its_own_expectation() -> None:
    old = Redactor((), KEY).redact(body({"a": b64(b"old")})).keys
    for one in (overridden("data", b64(b"new!")), overridden("stringData", "new!")):
        want = expected(one, old, KEY)
        (delta,) = compare_secret(one, want, {"a": seen(b"new!", KEY)})
        assert (delta.kind, delta.rule, delta.because) == (Class.EXPECTED, "override", "rotated (gke2eks.yaml:4)")
        (delta,) = compare_secret(one, want, {"a": seen(b"new!\n", KEY)})
        assert delta.because == "another value: 4 bytes planned, 5 here: it ends in a newline"
        (delta,) = compare_secret(one, want, {"a": seen(b"old", KEY)})
        assert delta.kind is Class.UNEXPECTED


def test_a_key_of_another_name() -> None:
    change = Change("override", P("data", "b"), MISSING, "(secret, 3 bytes, key a)", "named anew")
    one = step(body({"b": "(secret, 3 bytes, key a)"}), (change,))
    old = Redactor((), KEY).redact(body({"a": b64(b"old")})).keys
    (delta,) = compare_secret(one, expected(one, old, KEY), {"b": seen(b"old", KEY)})
    assert delta.kind is Class.EXPECTED and delta.source is MISSING


def test_the_whole_data_set_by_hand_leaves_what_it_leaves() -> None:
    was = {"a": "(secret, 3 bytes, key a)", "b": "(secret, 3 bytes, key b)"}
    now = {**was, "b": b64(b"new")}
    one = step(body(now), (Change("override", P("data"), was, now, "by hand"),))
    old = Redactor((), KEY).redact(body({"a": b64(b"old"), "b": b64(b"old")})).keys
    there = {"a": seen(b"old", KEY), "b": seen(b"new", KEY)}
    (delta,) = compare_secret(one, expected(one, old, KEY), there)
    assert delta.path == P("data", "b") and delta.kind is Class.EXPECTED and delta.source == "(secret, 3 bytes)"


def test_tokens_are_the_targets_own() -> None:
    token = "kubernetes.io/service-account-token"
    one = step(body({"token": "(secret, 9 bytes, key token)"}, token))
    deltas = list(compare_secret(one, expected(one, {}, KEY), {"token": seen(b"t", KEY), "more": seen(b"m", KEY)}))
    assert [(str(delta.path), delta.kind) for delta in deltas] == [
        ("data.more", Class.UNEXPECTED),
        ("data.token", Class.RUNTIME),
    ]


def test_null_is_no_value() -> None:
    assert seen_data({"a": None}, KEY) == {"a": seen(b"", KEY)} and seen_data(None, KEY) == {}


def test_no_value_in_any_output(tmp_path: File) -> None:
    """The canary is source value, target value and override; nothing said, shown or raised holds it in any form."""
    raw = CANARY.encode()
    texts: list[str] = []
    for target in (raw + b"\n", b64(raw).encode(), raw[::-1], b" " + raw, b"x"):
        for source in (raw, raw + b"\n", b64(raw).encode()):
            texts += [repr(delta) for delta in compared({"a": source, "b": raw}, {"a": target, "c": raw})]
    one = overridden("stringData", CANARY)
    want = expected(one, {}, KEY)
    for there in ({"a": seen(raw, KEY)}, {"a": seen(raw, OTHER)}, {"a": seen(b"x", KEY)}, {}):
        deltas = list(compare_secret(one, want, there))
        assert deltas
        texts += [repr((delta, delta.source, delta.planned, delta.target)) for delta in deltas]
        texts.append(repr((want, there)))
    with pytest.raises(KeyError) as broken:
        expected(replace(one, body=body({"a": "(secret, 1 bytes, key a)"})), {"a": {"bytes": CANARY}}, KEY)
    texts += ["".join(traceback.format_exception(broken.value))]
    (tmp_path / "said").write_text("\n".join(texts))
    assert in_clear(tmp_path) == [] and len(texts) > 40
    # Hashes are no words for people either.
    assert seen(raw, KEY).hmac not in (tmp_path / "said").read_text()
