"""What stands below a comparison: what changed on the source, what flaps, and whether the gate of a cutover is open."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from test_render_compared import ALL, HOSTILE, LOOKS

from migrate import bundled
from migrate.model.comparison import Class, Comparison, Delta
from migrate.model.drift import Drift, How, Moved, Touched
from migrate.model.flap import Flap, Watched
from migrate.model.objects import MISSING
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.render import compared, compared_markdown, gated
from migrate.render.compared_document import comparison_document
from migrate.render.compared_junit import junit
from migrate.render.document import dumps

API = Ref("apps", "Deployment", "shop", "api")
AGAIN = "export and plan again:\ngke2eks export --context gke -w a-folder-with-a-long-name"
THEN, NOW = "2026-11-22T10:00:00+00:00", "2026-11-23T10:00:00+00:00"
WELL = Comparison(3, ())
CALM = Drift(THEN, NOW, 3)
SCALED = Moved(
    API, How.CHANGED, (Touched(P("spec", "replicas"), 2, 3, ("HPA001",), ("waiver a",)),), True, "why", AGAIN
)
SENT = Moved(
    Ref("", "Secret", "shop", "login"),
    How.VALUES,
    (Touched(P("data", "password"), "(secret, 5 bytes)", "(secret, 5 bytes)"),),
    False,
    "another value of data.password: it is sent as it is at apply",
    "nothing is to be done",
)
MOVED = Drift(THEN, NOW, 3, (SCALED, SENT))
RESTLESS = Flap(API, "replicas", 3, True, "", NOW, THEN, "1 of 2 ready")
SETTLED = Flap(API, "image web", 1, True, "", NOW, THEN, "it starts")
QUIET, FLAPS = Watched((), 4), Watched((RESTLESS, SETTLED), 4, 1)


def seen(*ok: bool | None) -> Comparison:
    return replace(WELL, runtime=tuple(replace(LOOKS[1], ok=one) for one in ok))


@pytest.mark.parametrize(
    ("comparison", "drift", "watched", "said"),
    [
        (WELL, CALM, None, []),
        (WELL, CALM, QUIET, []),
        (seen(True, None), CALM, None, []),
        (replace(WELL, deltas=(Delta(Class.EXTRA, API),), allow_extra=True), CALM, None, []),
        (WELL, Drift(THEN, NOW, 3, (SENT,)), None, []),
        (WELL, CALM, Watched((SETTLED,), 1), []),
        (replace(WELL, deltas=(Delta(Class.EXTRA, API),)), CALM, None, ["the target is not what was planned"]),
        (WELL, None, None, ["nobody looked at the source again"]),
        (WELL, MOVED, None, ["the source changed, so that the plan must be made again (1 reason)"]),
        (
            WELL,
            Drift(THEN, NOW, 3, unseen=("Secrets were not read",)),
            None,
            ["the source changed, so that the plan must be made again (1 reason)"],
        ),
        (seen(False, True, False), CALM, None, ["2 things run differently"]),
        (WELL, CALM, FLAPS, ["1 thing flaps"]),
        (WELL, CALM, Watched((), 0, 2), ["what runs was not seen again: no further look at the target was answered"]),
        (ALL, MOVED, Watched((RESTLESS,), 0), 5),
    ],
)
def test_each_reason_shuts_the_gate(comparison: Comparison, drift: Drift, watched: Watched, said: Any) -> None:
    found = gated.reasons(comparison, drift, watched)
    assert (len(found) if isinstance(said, int) else list(found)) == said


def test_what_nobody_asked_for_is_not_told() -> None:
    assert gated.page(None, None, None) == gated.markdown(None, None, None) == ""
    assert gated.document(None, None, None) == dict.fromkeys(("drift", "watch", "flaps", "gate"))


def test_the_page() -> None:
    shut = gated.reasons(WELL, MOVED, FLAPS)
    assert gated.page(MOVED, FLAPS, shut, width=60) == (
        "\n"
        "What changed on GKE since the export?  2 objects; the plan\n"
        "                                       must be made again.\n"
        "  Deployment/shop/api  changed: spec.replicas (HPA001,\n"
        "  waiver a)\n"
        "      why.\n"
        "      next  export and plan again:\n"
        "            gke2eks export --context gke -w a-folder-with-a-long-name\n"
        "  Secret/shop/login  values: data.password\n"
        "      another value of data.password: it is sent as it is at\n"
        "      apply.\n"
        "\n"
        "What flaps?  1 thing, seen in 4 more looks, 1 not answered.\n"
        "  Deployment/shop/api  replicas: 3 changes, fine now; last\n"
        "  broken 22 Nov 2026, 10:00 UTC: 1 of 2 ready\n"
        "  Deployment/shop/api  image web: settled, fine now; last\n"
        "  broken 22 Nov 2026, 10:00 UTC: it starts\n"
        "\n"
        "May the traffic move?  No.\n"
        "  the source changed, so that the plan must be made again (1\n"
        "  reason).\n"
        "  1 thing flaps.\n"
    )
    calm = gated.page(CALM, Watched((), 0, 3, True), ())
    assert (
        "export?  Nothing.\n\nWhat flaps?  Nobody knows: no further look was answered, 3 not answered; stopped" in calm
    )
    assert calm.endswith("early.\n\nMay the traffic move?  Yes.\n") and "next" not in calm
    nothing_to_do = replace(MOVED, moved=(replace(SCALED, fix=""),))
    assert "next" not in gated.page(nothing_to_do, None, None) + gated.markdown(nothing_to_do, None, None)


def test_the_exit_stands_below_all() -> None:
    below = gated.page(CALM, None, ())
    shut = gated.page(MOVED, None, ("why",))
    assert compared.page(WELL, below=below).endswith("May the traffic move?  Yes.\n")
    assert compared.page(WELL, below=shut, shut=True).endswith("No.\n  why.\n\nexit 1: the gate is shut\n")
    extra = replace(WELL, deltas=(Delta(Class.EXTRA, API),))
    assert compared.page(extra, below=below).endswith("Yes.\n\nexit 1: 1 extra; with --allow-extra the exit is 0\n")
    # With the gate shut for another reason, that would not be so.
    assert compared.page(extra, below=shut, shut=True).endswith("why.\n\nexit 1: 1 extra\n")


def test_markdown() -> None:
    assert gated.markdown(MOVED, QUIET, ()) == (
        "\n"
        "## What changed on GKE since the export?\n"
        "\n"
        "**2 objects; the plan must be made again.**\n"
        "\n"
        "- `Deployment/shop/api` changed: spec.replicas (HPA001, waiver a): why.\n"
        "  - next: export and plan again:\n"
        "  - next: `gke2eks export --context gke -w a-folder-with-a-long-name`\n"
        "- `Secret/shop/login` values: data.password: another value of data.password: it is sent as it is at apply.\n"
        "\n"
        "## What flaps?\n"
        "\n"
        "**Nothing, seen in 4 more looks.**\n"
        "\n"
        "## May the traffic move?\n"
        "\n"
        "**Yes.**\n"
    )


def test_long_lists_end() -> None:
    many = Drift(THEN, NOW, 900, (SENT,) * 12, tuple(f"{n} was not read" for n in range(11)), ("a: 1 → 2",) * 2)
    watched = Watched((RESTLESS,) * 14, 9)
    for text in (gated.page(many, watched, None), gated.markdown(many, watched, None)):
        text = " ".join(text.split())
        assert "and 2 more objects; -o json has them all" in text and "and 1 more; -o json" in text
        assert "and 4 more; -o json" in text and "10 was not read" not in text and "9 was not read" in text
        assert "12 objects, 11 things could not be read; the plan must be made again" in text
    found = gated.document(many, watched, None)
    assert len(found["drift"]["moved"]) == 12 and len(found["drift"]["unseen"]) == 11 and len(found["flaps"]) == 14
    facts = gated.page(Drift(THEN, NOW, 1, facts=("kubernetes: 1.33 → 1.34",)), None, None, unicode=False)
    assert "the cluster itself; the plan may stay" in facts and "1.33 -> 1.34" in facts


@pytest.fixture(scope="module")
def judge() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        json.loads((bundled.folder("reports") / "diff.schema.json").read_text("utf-8"))
    )


def whole(drift: Drift | None, watched: Watched | None, shut: Any, notes: tuple[str, ...] = ()) -> Any:
    base = comparison_document(replace(WELL, notes=notes))
    return json.loads(dumps(base | gated.document(drift, watched, shut)))


def test_the_document_fits_its_schema_and_little_else_does(judge: jsonschema.Draft202012Validator) -> None:
    for one in (whole(None, None, None), whole(CALM, QUIET, ()), whole(MOVED, FLAPS, ["why"], ("by hand",))):
        judge.validate(one)
        for key in ("notes", "drift", "watch", "flaps", "gate", "exit"):
            assert not judge.is_valid({name: value for name, value in one.items() if name != key}), key
    found = whole(MOVED, FLAPS, ["why"])
    places = [one["places"][0] for one in found["drift"]["moved"]]
    assert (places[0]["was"], places[0]["now"], places[1]["was"]) == (2, 3, "(secret, 5 bytes)")
    assert found["drift"]["reasons"] == ["Deployment/shop/api: why"] and found["gate"]["open"] is False
    for part, key, wrong in (("gate", "open", True), ("gate", "reasons", []), ("watch", "looks", -1)):
        assert not judge.is_valid({**found, part: {**found[part], key: wrong}})
    gone = replace(SCALED, how=How.REMOVED, places=(Touched(P(), None, MISSING),))
    (place,) = whole(replace(MOVED, moved=(gone,)), None, None)["drift"]["moved"][0]["places"]
    assert place == {"path": "", "was": None, "rules": [], "decisions": []}


def test_junit_has_a_case_of_the_gate_and_one_of_each_flap() -> None:
    for shut, failures in ((True, ["1", "1"]), (False, ["0", "0"])):
        drift, watched = (MOVED, FLAPS) if shut else (CALM, Watched((SETTLED,), 3))
        more = {"gke2eks.flaps": gated.flapping(watched), "gke2eks.gate": gated.cases(WELL, drift, watched)}
        root = ElementTree.fromstring(junit(WELL, None, (API,), more).encode())
        assert [one.get("name") for one in root] == ["gke2eks.diff", "gke2eks.flaps", "gke2eks.gate"]
        assert [one.get("failures") for one in root[1:]] == failures
        assert root.get("failures") == str(2 * shut)
        told = [one.text or "" for one in root[2].iter("failure")]
        assert ["Deployment/shop/api: why" in one for one in told] == [True] * shut
    assert [one.get("name") for one in ElementTree.fromstring(junit(WELL, None, (), {"a": ()}))] == ["gke2eks.diff"]


def test_notes_are_told_in_every_format() -> None:
    noted = replace(WELL, notes=("2 objects are moved by hand \x1b[2J<b>",))
    text, page, xml = compared.page(noted), compared_markdown.page(noted), junit(noted)
    assert text.splitlines()[2] == "  2 objects are moved by hand \\x1b[2J<b>."
    assert "\n\n2 objects are moved by hand `\\x1b[2J<b>.`\n" in page and "by hand \\x1b[2J&lt;b&gt;.<" in xml
    assert comparison_document(noted)["notes"] == list(noted.notes)


@pytest.mark.parametrize("bad", HOSTILE)
def test_nothing_from_a_cluster_acts(bad: str) -> None:
    ref = Ref(bad, bad, bad, bad)
    touched = Touched(P(bad), bad, {bad: [bad]}, (bad,), (bad,))
    drift = Drift(bad, bad, 1, (Moved(ref, How.CHANGED, (touched,), True, bad, bad),), (bad,), (bad,))
    watched = Watched((Flap(ref, bad, 2, True, bad, bad, bad, bad), Flap(ref, bad, 2, False, bad, bad, bad, bad)), 1)
    shut = gated.reasons(WELL, drift, watched)
    text, page = gated.page(drift, watched, shut), gated.markdown(drift, watched, shut)
    more = {"flaps": gated.flapping(watched), "gate": gated.cases(WELL, drift, watched)}
    xml = junit(WELL, None, (), more)
    assert not set(text + page + xml) & set("\x1b\x07\x9b\r\ud800")
    assert ElementTree.fromstring(xml.encode())[2].findtext("testcase/failure")
    for line in page.splitlines():
        plain = "".join(line.split("`")[::2])  # every code span taken out, where fences are single
        assert "`<b>`" in bad or "<b>" not in plain, line
        assert not line.startswith("```")
