"""Quantities are read exactly, and printed so that a person sees the difference."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.semantics.quantities import amounts, largest, listed, minus, plus, quantity, shown, times, units


@pytest.mark.parametrize(
    ("said", "is_"),
    [
        ("0", 0),
        (4, 4),
        (0.5, Fraction(1, 2)),
        ("250m", Fraction(1, 4)),
        ("1.5Gi", 3 * 2**29),
        ("2e3", 2000),
        ("2E3", 2000),
        ("2E", 2 * 10**18),  # exa, not an exponent
        ("1e-3", Fraction(1, 1000)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("+1k", 1000),
        ("-2Ki", -2048),
        ("100n", Fraction(1, 10**7)),
        ("0.1n", Fraction(1, 10**9)),  # rounded up, away from nothing
        ("-0.1n", Fraction(-1, 10**9)),
        ("16065888Ki", 16065888 * 1024),
    ],
)
def test_a_quantity_is_read_as_servers_do(said: Any, is_: Any) -> None:
    assert quantity(said) == is_


@pytest.mark.parametrize(
    "said",
    [True, None, "", "m", "1 Gi", "1gi", "1KI", "1e", "0x10", "١", "1" * 65, "1e9999", {}, "1Gi\n", "NaN", "inf"],
)
def test_what_is_no_quantity_is_none(said: Any) -> None:
    assert quantity(said) is None


@pytest.mark.parametrize(
    ("name", "said", "text"),
    [
        ("cpu", "2500m", "2.5"),
        ("requests.cpu", "300m", "300m"),
        ("cpu", "0", "0"),
        ("memory", "12Gi", "12Gi"),
        ("limits.memory", "16065888Ki", "15.322Gi"),
        ("requests.storage", "500", "500"),
        ("gold.storageclass.storage.k8s.io/requests.storage", "5Gi", "5Gi"),
        ("hugepages-2Mi", "4Mi", "4Mi"),
        ("nvidia.com/gpu", "2", "2"),
        ("memory", "-1Gi", "-1Gi"),
    ],
)
def test_a_quantity_is_printed_in_its_unit(name: str, said: str, text: str) -> None:
    found = quantity(said)
    assert found is not None and shown(name, found) == text


def test_sums_keep_to_their_resource() -> None:
    one, other = amounts({"cpu": "1", "memory": "1Gi", "odd": "x"}), amounts({"cpu": "500m", "pods": 1})
    assert one == {"cpu": 1, "memory": 2**30}
    assert plus(one, other) == {"cpu": Fraction(3, 2), "memory": 2**30, "pods": 1}
    assert largest(one, other) == {"cpu": 1, "memory": 2**30, "pods": 1}
    assert minus(one, other) == {"cpu": Fraction(1, 2), "memory": 2**30}
    assert times(other, 3) == {"cpu": Fraction(3, 2), "pods": 3}
    assert listed(one) == "cpu 1, memory 1Gi"
    assert units(amounts({"cpu": "0.0001", "memory": "1.5"})) == {"cpu": 1, "memory": 2}  # the scheduler rounds up
    assert amounts(None) == amounts(["cpu"]) == {}


@given(st.integers(-(10**15), 10**15), st.sampled_from(["", "m", "k", "Ki", "Gi", "e2"]))
def test_a_whole_number_with_a_suffix_is_that_many(number: int, suffix: str) -> None:
    one = quantity(f"1{suffix}")
    assert one is not None and quantity(f"{number}{suffix}") == number * one
