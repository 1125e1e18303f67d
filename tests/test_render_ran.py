"""What apply and release print: failures first and never folded, figures that add up, values that are not secret."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from ran_help import API, BUDGET, CONFLICT, FAILED, HPA, PREPARED, WEB, WORDS, many, report, shown

from migrate.cli.main import cli
from migrate.model.journal import Outcome
from migrate.model.objects import MISSING
from migrate.model.ran import At, Clash, Ran, Settling, WaveDone
from migrate.model.ref import Ref
from migrate.render import before, live, ran, times
from migrate.render.ink import columns, strip
from migrate.render.ran_document import ran_document


def test_a_failure_with_all_that_hangs_on_it() -> None:
    skipped = Ran(HPA, Outcome.SKIPPED, 7, f"it waits for {API}, which failed", fix=f"see {API}.")
    behind = Ran(BUDGET, Outcome.SKIPPED, 7, f"it waits for {HPA}, which is skipped", fix=f"see {HPA}.")
    results = (*many(Outcome.CREATED, 44), skipped, FAILED, behind)
    assert shown(report(*results, exit=1)) == (
        "  Target  us-east-2/prod   plan sha256:7c1e 09b2 44d8\n"
        "  x shop: Deployment/api  failed    after 10 min 00 s it still waits for 2 of 3 pods\n"
        "      pods   api-6f-jk: container api: ImagePullBackOff: no repository shop/api\n"
        "      event  Failed: no repository\n"
        "      why    no nodes\n"
        "      next   copy the image, then run the same command again.\n"
        "      skipped because of it: HorizontalPodAutoscaler/api\n"
        "      skipped because of it: other: PodDisruptionBudget/api\n"
        "  Done, but look.  created 44   failed 1   skipped 2                                      4 min 12 s\n"
        "exit 1: 1 failed, 2 skipped\n"
    )


def test_a_conflict_shows_both_values_and_what_would_settle_it() -> None:
    text = shown(report(*many(Outcome.CREATED, 1), CONFLICT, exit=1))
    assert text.splitlines()[1:-2] == [
        "  x shop: ConfigMap/flags  left out    kubectl-edit owns fields that the plan would change; nothing",
        "    of it was written",
        "      data.color",
        "        manager  kubectl-edit",
        "        theirs   blue",
        "        ours     green",
        "      next   take the field out of their hands.",
        '      keep theirs   overrides: [{"ref": "ConfigMap/shop/flags", "path": "data.color", "value":',
        '                    "blue", "reason": "kubectl-edit owns it"}] in gke2eks.yaml, then plan again',
        "      leave it out  --exclude ConfigMap/shop/flags",
    ]
    whole = " ".join(text.split())
    said = yaml.safe_load(whole[whole.index("overrides:") : whole.index(" in gke2eks.yaml")])
    assert said["overrides"][0] == {
        "ref": "ConfigMap/shop/flags",
        "path": "data.color",
        "value": "blue",
        "reason": "kubectl-edit owns it",
    }


def test_values_that_are_not_there_are_long_or_of_a_secret() -> None:
    clashes = (
        Clash("a", "m", MISSING, ""),
        Clash("b", "m", "x" * 900, MISSING),
        Clash("c", "m", "(secret, 3 characters)", "(secret, 4 characters)"),
    )
    text = shown(report(replace(CONFLICT, ref=Ref("", "Secret", "shop", "s"), conflicts=clashes), exit=1))
    assert "theirs   not known" in text and 'ours     ""' in text and "ours     removed" in text
    assert "x" * 400 + "… (900 characters; -o json shows all)" in " ".join(text.split()) and "x" * 401 not in text
    assert "overrides:" not in text and "blue" not in repr(CONFLICT)


def test_a_run_with_nothing_to_do_is_three_lines() -> None:
    assert shown(report(*many(Outcome.UNCHANGED, 750), written=0, seconds=12)) == (
        "  Target  us-east-2/prod   plan sha256:7c1e 09b2 44d8\n"
        "  Done.  unchanged 750                                                                          12 s\n"
        "  No object was written.\n"
    )


def test_stopped_says_what_is_left_and_how_to_go_on() -> None:
    text = shown(report(*many(Outcome.CREATED, 309), stopped="Ctrl-C", untried=441, exit=130))
    assert text.splitlines()[1:] == [
        "  Stopped.  created 309   not yet tried 441                                           journal: out/j",
        "  Nothing is half written. To go on: gke2eks apply -w out --eks us-east-2/prod",
        "exit 130: interrupted",
    ]
    text = shown(report(*many(Outcome.CREATED, 1), stopped="no answer from prod", untried=1, exit=5))
    assert "why    no answer from prod." in text and "half written" not in text
    assert "What is not known is read again first. To go on:" in text
    text = shown(report(stopped="prod says no\nlog in again.", untried=1, exit=5))
    assert "  why    prod says no.\n  next   log in again.\n" in text


def test_a_resumed_run_says_since_when() -> None:
    going = (*many(Outcome.UNCHANGED, 309), *many(Outcome.CREATED, 441))
    text = shown(report(*going, *many(Outcome.LEFT_OUT, 5, "it is blocked"), resumed="2026-11-23T07:14:09+00:00"))
    assert "  Going on from 23 Nov 2026, 07:14 UTC: 309 of 750 objects are there and unchanged.\n" in text
    assert "Going on" not in shown(report(*going, resumed="2026-11-23T07:14:09+00:00", stopped="Ctrl-C", exit=130))


def test_what_is_left_out_is_named_and_folds() -> None:
    asked = many(Outcome.LEFT_OUT, 61, "it waits for an answer: identity.roles.a{n}", "answer it, then plan again.")
    found = shown(report(*asked, exit=1))
    assert found.splitlines()[1:6] == [
        "  ? 61 left out: it waits for an answer",
        "      shop: ConfigMap/left_out-0, ConfigMap/left_out-1, ConfigMap/left_out-10",
        "      and 58 more",
        "      for    identity.roles.a0, identity.roles.a1, identity.roles.a10 and 58 more",
        "      next   answer it, then plan again.",
    ]
    few = shown(report(*asked[:7], exit=1))
    assert all(one.ref.name in few for one in asked[:7]) and "61" not in few


def test_what_waits_for_something_left_out_stands_below_it() -> None:
    secret = Ref("", "Secret", "shop", "s")
    left = Ran(secret, Outcome.LEFT_OUT, 3, "its values are not known: no source was named", fix="name the source.")
    behind = Ran(API, Outcome.SKIPPED, 6, f"it waits for {secret}, which is left out", fix=f"see {secret}.")
    assert shown(report(left, behind, exit=1)).splitlines()[1:-2] == [
        "  - 1 left out: its values are not known: no source was named",
        "      shop: Secret/s",
        "      next   name the source.",
        "      skipped because of it: shop: Deployment/api",
    ]


def test_failures_never_fold() -> None:
    bad = [replace(FAILED, ref=Ref("apps", "Deployment", f"n{n}", "x")) for n in range(90)]
    text = shown(report(*bad, exit=1))
    assert all(f"x n{n}: Deployment/x  failed" in text for n in range(90)) and text.count("next   copy") == 90


def test_a_remark_about_what_went_well() -> None:
    text = shown(report(*many(Outcome.CREATED, 2, "it may serve old pods")))
    assert "  ! 2 created: it may serve old pods\n      shop: ConfigMap/created-0, ConfigMap/created-1\n" in text


def test_still_settling() -> None:
    waits = [Settling(Ref("", "Service", "shop", f"s{n}"), "an address", float(n), n == 29) for n in range(30)]
    text = shown(report(settling=tuple(waits)))
    assert "  still settling (1 object waits behind)\n          29 s  shop: Service/s29  waits for an address\n" in text
    assert "        and 27 more\n" in text and "s26" not in text


@pytest.mark.parametrize("amount", [0, 1, 2, 150])
def test_figures_and_plurals(amount: int) -> None:
    every = [one for action in Outcome for one in many(action, amount, "it is so")]
    text = shown(report(*every, exit=1 if amount else 0, settling=(Settling(WEB, "x", 1.0, amount),)))
    assert not re.search(r"\b1 objects\b", text)
    if amount:
        words = " ".join(f"{one.value.replace('_', ' ')} {amount}" for one in Outcome)
        assert f"Done, but look. {words}" in " ".join(text.split())
        assert f"exit 1: {amount} failed, {amount} skipped, {amount} left out\n" in text


@pytest.mark.parametrize("name", ["\x1b[31m", "\x07", "a\nb", "\x9b2J", "\x7f"])
def test_what_a_cluster_says_never_acts(name: str) -> None:
    ref = Ref("apps", "Deployment", f"s{name}", f"d{name}")
    bad = Ran(ref, Outcome.FAILED, 6, f"m{name}", f"b{name}", f"f{name}", (Clash(name, name, name, {name: name}),))
    wait = Settling(ref, name, 3.0)
    found = report(bad, replace(bad, action=Outcome.SKIPPED, conflicts=()), settling=(wait,), stopped=name, exit=5)
    at = At(5, name, 1, 2, 9.0, [wait])
    texts = [shown(replace(found, target=name, plan=name, resumed=name)), live.heartbeat(at, 9.0)]
    texts += live.running(at, 9.0) + live.failure(bad) + live.wave_done(WaveDone(0, name, {}, 1.0))
    texts += [before.frame(replace(PREPARED, source_name=name, notes=(name,), refused=(bad,)))]
    assert not set("".join(texts)) & set("\x1b\x07\x9b\x7f") and "a\nb" not in "".join(texts)


def test_colour_only_repeats() -> None:
    found = report(FAILED, CONFLICT, *many(Outcome.LEFT_OUT, 3, "it is blocked"), exit=1)
    assert "\x1b[" in shown(found, color=True) and strip(shown(found, color=True)) == shown(found)


def test_forty_columns_and_long_names() -> None:
    long = replace(FAILED, ref=replace(API, name="y" * 120))
    text = shown(report(long, *many(Outcome.CREATED, 3), exit=1), width=40)
    assert "Deployment/" + "y" * 120 in text
    assert all(columns(line) <= 40 for line in text.splitlines() if "y" * 9 not in line and "created-" not in line)


def test_every_command_that_is_printed_exists() -> None:
    text = shown(report(*many(Outcome.HELD, 2), exit=0)) + shown(report(stopped="Ctrl-C", exit=130))
    commands = re.findall(r"gke2eks .+", text)
    assert len(commands) == 2
    for printed in commands:
        words = shlex.split(printed)
        command = cli.get_command(None, words[1])  # type: ignore[arg-type]
        assert command is not None and command.make_context(words[1], words[2:])


def test_the_document_fits_its_schema(repo: Path) -> None:
    schema = json.loads((repo / "reports/apply.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    clashes = (Clash("a", "m", MISSING, None), Clash("b", "m", {"x": [1]}, MISSING))
    full = report(
        FAILED,
        replace(CONFLICT, conflicts=clashes),
        *many(Outcome.HELD, 2),
        settling=(Settling(WEB, "x", 1.25),),
        exit=1,
    )
    for found in (full, report(), report(stopped="Ctrl-C", untried=3, exit=130, resumed="x")):
        doc = ran_document(found)
        jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(doc)))
        assert sum(doc["counts"].values()) == len(doc["results"]) and set(doc["counts"]) == set(Outcome)
    conflicts = ran_document(full)["results"][1]["conflicts"]
    assert conflicts == [
        {"path": "a", "manager": "m", "ours": None},
        {"path": "b", "manager": "m", "theirs": {"x": [1]}},
    ]
    assert ran_document(full)["results"][0]["wave"] == 7


def test_what_release_refuses_is_told_with_its_command() -> None:
    fix = "wait for it, or stop it.\nkubectl -n shop scale deployment/api --replicas=0"
    runs = Ran(API, Outcome.LEFT_OUT, 6, "it still runs on the source", fix=fix)
    release = replace(report(runs), command="release", refused=(API,))
    lines = ran.summary(release, WORDS).splitlines()
    at = lines.index("  x shop: Deployment/api  refused    it still runs on the source")
    assert lines[at + 1 : at + 3] == [
        "      next   wait for it, or stop it.",
        "             kubectl -n shop scale deployment/api --replicas=0",
    ]
    assert sum("still runs" in line for line in lines) == 1


def test_times() -> None:
    said = [times.duration(s) for s in (0, 42.9, 190, 600, 3900)]
    assert said == ["0 s", "42 s", "3 min 10 s", "10 min 00 s", "1 h 05 min"]
    said = [times.about(s) for s in (1, 11, 50, 51, 200, 4000)]
    assert said == ["about 10 s", "about 20 s", "about 50 s", "about 1 min", "about 4 min", "about 1 h 10 min"]
    assert times.moment("2026-01-05T23:30:00-02:00") == "6 Jan 2026, 01:30 UTC" and times.moment("soon") == "soon"
