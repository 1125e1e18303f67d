"""What diff shows to people: the verdict first, every fault whole, and nothing from a cluster that acts."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from unicodedata import normalize

import pytest

from migrate.model.comparison import Class, Comparison, Delta, Owner, Parity
from migrate.model.objects import MISSING
from migrate.model.path import Item, P, Path
from migrate.model.ref import Ref
from migrate.render import compared, compared_markdown
from migrate.render.compared_values import sides, single
from migrate.render.ink import columns, strip

API = Ref("apps", "Deployment", "shop", "api")
FLAGS = Ref("", "ConfigMap", "shop", "flags")
WEB = Ref("", "Service", "shop", "web")
MEMORY = P("spec", "template", "spec", "containers", Item((("name", "api"),)), "resources", "limits", "memory")
WROTE = Owner("kubectl-edit", "2026-11-23T09:40:00Z")
NEXT = "gke2eks apply -w out/ --eks us-east-2/prod --only ConfigMap/shop/flags"

EDITED = Delta(Class.UNEXPECTED, API, MEMORY, "512Mi", "512Mi", "1Gi", WROTE)
IMAGE = Delta(Class.EXPECTED, API, P("spec", "image"), "gcr.io/a", "ecr/a", "ecr/a", rule="IMG001", because="it moved")
FILLED = Delta(Class.DEFAULTED, API, P("spec", "progressDeadlineSeconds"), target=600)
GONE = Delta(Class.MISSING, FLAGS, planned={"data": {"a": "b"}}, fix=NEXT)
UNREAD = Delta(Class.FAILED, Ref("", "Node", "", "n"), because="it may not be read", fix="grant it")
HELD = Delta(
    Class.HELD, WEB, P("spec", "type"), planned="LoadBalancer", target="ClusterIP", because="held until release"
)
LOOKS = (
    Parity(API, "ready", "3 of 3", "3 of 3", True),
    Parity(API, "restarts", 0, 4, False, "it crashes"),
    Parity(WEB, "endpoints", 3, 3, True),
    Parity(WEB, "address", MISSING, MISSING, None, "nobody may list endpoints"),
)


def extras(count: int) -> tuple[Delta, ...]:
    return tuple(
        Delta(Class.EXTRA, Ref("", "Pod", "shop", f"p-{n}"), because="nobody planned it") for n in range(count)
    )


ALL = Comparison(750, (UNREAD, GONE, *extras(6), EDITED, FILLED, IMAGE, HELD), LOOKS)


def test_the_page() -> None:
    assert compared.page(ALL) == (
        "Is the target what was planned?  No: 1 unexpected, 1 missing, 6 extra, 1 failed.\n"
        "  750 objects compared   expected 1 field   defaulted 1   runtime 0   held 1\n"
        "\n"
        "  cluster\n"
        "    x Node/n                  failed\n"
        "        why   it may not be read.\n"
        "        next  grant it.\n"
        "\n"
        "  shop\n"
        "    x ConfigMap/flags         missing\n"
        "        next  gke2eks apply -w out/ --eks us-east-2/prod --only ConfigMap/shop/flags\n"
        "    x Deployment/api          unexpected\n"
        "        spec.template.spec.containers[name=api].resources.limits.memory\n"
        "          planned  512Mi\n"
        "          target   1Gi\n"
        "          owner    kubectl-edit, 23 Nov 2026, 09:40 UTC\n"
        "    x Pod/p-0                 extra\n"
        "        why   nobody planned it.\n"
        "    x Pod/p-1                 extra\n"
        "        why   nobody planned it.\n"
        "    x Pod/p-2                 extra\n"
        "        why   nobody planned it.\n"
        "      and 3 more extra, nobody planned it; --show-expected lists all.\n"
        "\n"
        "Runtime\n"
        "  x shop: Deployment/api  restarts 4 (GKE 0)    it crashes.\n"
        "  ~ shop: Service/web  address could not look    nobody may list endpoints.\n"
        "  = shop: Service/web endpoints 3 (GKE 3)   Deployment/api ready 3 of 3 (GKE 3 of 3)\n"
        "exit 1: 1 unexpected, 1 missing, 6 extra, 1 failed\n"
    )


def test_what_is_as_it_should_be_is_shown_on_demand() -> None:
    text = compared.page(ALL, show_expected=True)
    assert "p-5" in text and "more extra" not in text
    at = text.index("Deployment/api")
    assert text[at:].splitlines()[0].endswith("unexpected, expected, defaulted")
    assert "source   gcr.io/a\n          planned  ecr/a\n          why      it moved." in text
    assert "  = Service/web             held\n" in text and "target   600\n" in text
    assert "600" not in compared.page(ALL) and "held until" not in compared.page(ALL)


def test_a_planned_value_that_is_not_what_arrived_is_shown_too() -> None:
    both = replace(IMAGE, target="ecr/a@sha256:0")
    text = compared.page(Comparison(1, (both,)), show_expected=True)
    assert "planned  ecr/a\n          target   ecr/a@sha256:0\n" in text


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Comparison(1, ()), "Yes."),
        (Comparison(0, ()), "Yes, but no object was compared."),
        (Comparison(9, extras(2)), "No: 2 extra."),
        (Comparison(9, extras(1), allow_extra=True), "Yes, but 1 extra is allowed."),
        (Comparison(9, (), LOOKS), "Yes, but 1 thing runs differently, 1 thing that runs could not be looked at."),
        (Comparison(9, (EDITED, *extras(1)), allow_extra=True), "No: 1 unexpected."),
    ],
)
def test_the_verdict(found: Comparison, words: str) -> None:
    head = " ".join(compared.page(found).partition("\n  1 ")[0].partition("\n  0 ")[0].partition("\n  9 ")[0].split())
    assert head == f"Is the target what was planned? {words}"
    assert f"**{words}**" in compared_markdown.page(found)
    assert ("exit 1" in compared.page(found)) is not found.proven
    assert ("--allow-extra" in compared.page(found)) is (words == "No: 2 extra.")


def test_one_two_none() -> None:
    assert "1 object compared   expected 0 fields" in compared.page(Comparison(1, ()))
    assert "2 objects compared   expected 1 field " in compared.page(Comparison(2, (IMAGE,)))


def test_only_whole_objects_that_are_extra_fold_and_only_in_a_large_comparison() -> None:
    faults = [Delta(Class.MISSING, Ref("", "ConfigMap", "shop", f"c-{n}")) for n in range(50)]
    faults += [Delta(Class.FAILED, Ref("", "Secret", "shop", f"c-{n}"), because="no") for n in range(50)]
    faults += [Delta(Class.UNEXPECTED, WEB, P("spec", f"f{n}"), 1, 1, 2) for n in range(50)]
    text = compared.page(Comparison(200, tuple(faults)))
    assert all(f"{kind}/c-{n} " in text for kind in ("ConfigMap", "Secret") for n in range(50))
    assert all(f"spec.f{n}\n" in text for n in range(50)) and "more" not in text
    assert "p-5" in compared.page(Comparison(39, extras(6))) and "p-5" not in compared.page(Comparison(40, extras(6)))
    looks = tuple(Parity(Ref("", "Pod", "a", str(n)), "ready", 1, n % 2, bool(n % 2)) for n in range(40))
    text = compared.page(Comparison(200, (), looks))
    assert text.count("ready 0 (GKE 1)") == 20 and "and 17 more run as on GKE" in text


def test_absent_null_and_empty_look_different() -> None:
    values: list[Any] = [MISSING, None, "", {}, [], "null", "not set", "removed", "{}", 1, "1", True, "true", 0, False]
    for at, one in enumerate(values):
        for other in values[at + 1 :]:
            found = sides(one, other)
            assert found.left != found.right, (one, other)
    assert sides(MISSING, "").left == "not set" and sides(MISSING, "").right == '""'
    text = compared.page(Comparison(1, (replace(EDITED, target=MISSING),)))
    assert "planned  512Mi\n          target   removed\n" in text
    text = compared.page(Comparison(1, (replace(EDITED, planned=MISSING),)))
    assert "planned  removed\n          target   1Gi\n" in text
    text = compared.page(Comparison(1, (replace(EDITED, planned=MISSING, source=MISSING),)))
    assert "planned  not set\n          target   1Gi\n" in text


def seen(*lines: str) -> list[str]:
    """What a person can tell apart."""
    return [normalize("NFKC", line.replace("\u200b", "")).rstrip() for line in lines]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a\u200bb", "ab"),
        ("e\u0301", "\u00e9"),
        ("a ", "a"),
        ("a", "a\n"),
        ("x\ny", "x\ny\n"),
        ("x\ny ", "x\ny"),
        ("x\r\ny", "x\ny"),
        ("x\ny\u200b\n", "x\ny\n"),
        ("x" * 5000 + "1", "x" * 5000 + "2"),
        ("x" * 5000, "x" * 4999),
        ("x" * 500, "x" * 5000),
        ({"a": "x" * 100}, {"a": "x" * 100 + "\u200b"}),
        (["a" * 50, "b" * 50], ["b" * 50, "a" * 50]),
        ({"a": 1}, [{"a": 1}]),
        ({"a": list(range(50))}, "text"),
    ],
)
def test_two_values_never_look_the_same(one: Any, other: Any) -> None:
    found = sides(one, other)
    left, right = ([line[1:] for line in found.lines if line[0] in signs] for signs in (" -", " +"))
    assert seen(found.left, *left) != seen(found.right, *right)
    assert max(map(len, (found.left, found.right, *found.lines))) < 450


def test_of_texts_and_structures_only_lines_that_differ_are_marked() -> None:
    lines = [f"line {n}" for n in range(40)]
    found = sides("\n".join(lines), "\n".join([*lines[:20], "other", *lines[21:]]))
    assert [line for line in found.lines if line[0] in "-+"] == ["-line 20", "+other"] and len(found.lines) == 9
    ports = [{"name": n, "port": 80, "protocol": "TCP", "targetPort": "http"} for n in ("a", "b")]
    turned = [dict(reversed(one.items())) for one in ports]
    turned[1]["port"] = 81
    found = sides(ports, turned)
    assert [line for line in found.lines if line[0] in "-+"] == ["-  port: 80", "+  port: 81"]
    assert sides("a\nb", "a\nb\n").lines[-1] == "-\\ no newline at the end"
    assert sides("a\nb\n", "a\nb").lines[-1] == "+\\ no newline at the end"
    assert sides(MISSING, "a\nb\n").lines == ("+a", "+b") and sides(MISSING, "a\nb\n").left == "not set"
    assert sides("a\nb", MISSING, right_gone="removed").right == "removed"
    assert single({"a": "x" * 90}).lines == (" a: " + "x" * 90,)
    assert sides("x" * 900 + "a", "x" * 900 + "b").left.endswith("xa (901 characters; -o json shows all)")


def test_a_large_text_is_no_trap() -> None:
    began = time.process_time()
    sides("same\n" * 20_000, "same\n" * 20_001)
    many = [str(n) for n in range(20_000)]
    few = sides("\n".join(many), "\n".join([*many[:9000], "new", *many[9001:]]))
    assert [line for line in few.lines if line[0] in "-+"] == ["-9000", "+new"]
    all_else = sides("\n".join(many), "\n".join(line.replace("1", "x") for line in many))
    assert len(all_else.lines) == 40_001 and all_else.lines[0] == "@@ -1,20000 +1,20000 @@"
    assert time.process_time() - began < 5  # seconds of this process; minutes line by line


HOSTILE = ["\x1b[2J", "a\nb\x07", "\x9b", "`<b>` @me #12 | [x](y)", "]]> & </failure>", "\ud800", "\ufffe", "```\n```"]


def hostile(bad: str) -> Comparison:
    ref = Ref(bad, bad, bad, bad)
    one = Delta(Class.HELD, ref, P(bad), bad, [bad * 40, bad], {bad: bad * 40}, Owner(bad, bad), bad, bad, bad)
    deltas = tuple(replace(one, kind=kind, path=path) for kind in Class for path in (one.path, Path()))
    text = Delta(Class.UNEXPECTED, ref, P(bad), bad, f"1\n{bad}\n2", f"1\n{bad}{bad}\n", Owner(bad))
    looks = tuple(Parity(ref, bad, bad, [bad], ok, bad) for ok in (True, False, None))
    return Comparison(1, (*deltas, text), looks)


@pytest.mark.parametrize("bad", HOSTILE)
def test_nothing_from_a_cluster_acts(bad: str) -> None:
    text = compared.page(hostile(bad), show_expected=True)
    page = compared_markdown.page(hostile(bad), show_expected=True)
    assert not set(text + page) & set("\x1b\x07\x9b\r\ud800")


def test_in_markdown_all_that_a_cluster_says_is_code() -> None:
    page = compared_markdown.page(hostile("<b>@me"), show_expected=True)
    block = False
    for line in page.splitlines():
        block = line.strip().startswith("```") != block
        if not block and not line.strip().startswith("```"):
            assert "@me" not in "".join(line.split("`")[::2]), line


def test_markdown() -> None:
    conf = Delta(Class.UNEXPECTED, FLAGS, P("data", "a.conf"), MISSING, "`a\n```\nb\n", "`a\n```\nc\n")
    page = compared_markdown.page(Comparison(2, (conf, EDITED), LOOKS))
    assert page.startswith("## Is the target what was planned?\n\n**No: 2 unexpected.**\n\n2 objects compared · ")
    assert '- `data["a.conf"]`\n  - planned `-`, target `+`:\n\n    ````diff\n    @@ -1,3 +1,3 @@\n     `a\n' in page
    assert "    -b\n    +c\n    ````\n" in page
    assert "**`x` `Deployment/api`** unexpected\n\n- `spec.template" in page
    assert "  - planned: `512Mi`\n  - target: `1Gi`\n  - owner: `kubectl-edit, 23 Nov 2026, 09:40 UTC`\n" in page
    assert "- `x` `shop: Deployment/api` `restarts 4 (GKE 0)`: it crashes.\n" in page


def test_markdown_stays_below_the_limit_and_says_what_went() -> None:
    text = "\n".join(map(str, range(500)))
    big = [Delta(Class.UNEXPECTED, FLAGS, P("data", f"k{n}"), text, text, text.replace("1", "x")) for n in range(20)]
    page = compared_markdown.page(Comparison(2, (IMAGE, *big)), show_expected=True)
    assert len(page) < 60_000 and "Left out for length: what is no fault and long values." in page
    assert all(f"`data.k{n}`" in page for n in range(20)) and "IMG001" not in page
    many = tuple(replace(GONE, ref=Ref("", "ConfigMap", "shop", f"c-{n}")) for n in range(3000))
    page = compared_markdown.page(Comparison(3000, many))
    assert len(page) < 60_000 and page.splitlines()[2] == "**No: 3,000 missing.**"
    assert page.endswith("everything below this point. All of it is in the output of `gke2eks diff -o json`.\n")


def test_colour_only_repeats_and_forty_columns() -> None:
    assert "\x1b[" in compared.page(ALL, color=True)
    assert strip(compared.page(ALL, color=True)) == compared.page(ALL)
    for line in compared.page(ALL, width=40).splitlines():
        # Commands and paths stay whole, to be copied.
        assert columns(line) <= 40 or "gke2eks apply" in line or len(line.split()) <= 2, line
    assert "…" not in compared.page(Comparison(1, (replace(EDITED, target="x" * 999),)), unicode=False)


def test_words_for_secrets_come_as_they_are() -> None:
    secret = Ref("", "Secret", "shop", "login")
    words = ("(secret, 32 bytes, key PASSWORD)", "(secret, 33 bytes, key PASSWORD, a newline at the end)")
    one = Delta(Class.UNEXPECTED, secret, P("data", "PASSWORD"), words[0], *words)
    assert f"planned  {words[0]}\n          target   {words[1]}\n" in compared.page(Comparison(1, (one,)))
    assert f"planned: `{words[0]}`\n  - target: `{words[1]}`\n" in compared_markdown.page(Comparison(1, (one,)))
