"""Values of Secrets go into planned bodies in memory: the right ones, all or none, and nothing shows them."""

from __future__ import annotations

import base64
import json
import traceback
from pathlib import Path

import pytest
import yaml
from secret_values_help import (
    CANARY,
    KEY,
    SECRETS,
    WORKS,
    Live,
    b64,
    docker,
    fill,
    planned,
    steps,
    values,
)
from secret_values_help import given as given
from secret_values_help import live as live

from migrate.errors import Forbidden, Unreachable
from migrate.flow import reviewed, secret_parts
from migrate.flow.secret_keeping import Keeping
from migrate.flow.secret_values import Filled, Missing, SecretValues, from_nowhere, from_source
from migrate.model.ref import Ref
from migrate.reading import LiveList, Redactor


def test_values_come_back_whole(given: reviewed.Reviewed, live: Live) -> None:
    for name in ("plain", "binary", "fixed", "tls"):
        found, body = fill(given, live, name), live[name]
        assert isinstance(found, Filled) and found.drift == "", name
        assert found.body["data"] == body["data"] and found.body["type"] == body["type"]
        assert found.body.get("immutable") == body.get("immutable")
        assert set(found.body) <= {"apiVersion", "kind", "metadata", "type", "data", "immutable"}
        assert "(secret" not in str(found.body)
    assert (steps(given)["plain"].body or {})["metadata"]["labels"] == {"app": "db"}


def test_a_key_may_look_like_anything(given: reviewed.Reviewed, live: Live) -> None:
    found = fill(given, live, "odd")
    assert isinstance(found, Filled) and found.body["data"] == {"a) b": b64(CANARY)}


def test_a_secret_without_data_is_legal(given: reviewed.Reviewed, live: Live) -> None:
    for source in (live, Live([])):
        found = fill(given, source, "nothing")
        assert isinstance(found, Filled) and "data" not in found.body


def test_tokens_of_the_old_cluster_do_not_go(given: reviewed.Reviewed, live: Live) -> None:
    for source in (live, Live([])):
        found = fill(given, source, "token")
        assert isinstance(found, Filled) and "data" not in found.body
        assert found.body["type"] == secret_parts.TOKEN and found.drift == ""
        assert found.body["metadata"]["annotations"] == {"kubernetes.io/service-account.name": "robot"}
    found = fill(given, live, "tokenmore")
    assert isinstance(found, Filled) and found.body["data"] == {"mine": b64(CANARY + "mine")}


def test_a_login_of_google_is_taken_out(given: reviewed.Reviewed, live: Live) -> None:
    assert [one.name for one in steps(given)["mixed"].transforms] == ["drop_registry"]
    found = fill(given, live, "mixed")
    assert isinstance(found, Filled) and found.drift == ""
    config = json.loads(base64.b64decode(found.body["data"][".dockerconfigjson"]))
    assert config == {**json.loads(docker("quay.io")), "other": 1}
    again = fill(given, live, "mixed")
    assert isinstance(again, Filled) and again.body == found.body  # the same bytes: a rerun writes nothing


@pytest.mark.parametrize(
    ("value", "said"),
    [("nonsense", "no Docker configuration"), ("[]", "no Docker"), (docker("https://gcr.io/v1/"), "none is left")],
)
def test_a_transform_that_cannot_be_run(given: reviewed.Reviewed, live: Live, value: str, said: str) -> None:
    live["mixed"]["data"][".dockerconfigjson"] = b64(value)
    found = fill(given, live, "mixed")
    assert isinstance(found, Missing) and said in found.why and "IMG007" in found.why


def test_registries_by_any_spelling() -> None:
    old = json.dumps({"https://u@gcr.io/v1/": {"auth": "x"}, "quay.io": {"auth": "y"}}).encode()
    assert json.loads(secret_parts.drop_registry(old, "gcr.io")) == {"quay.io": {"auth": "y"}}
    other = b'{ "auths" : {"quay.io": {}} }'
    assert secret_parts.drop_registry(other, "gcr.io") == other


def test_what_is_missing_is_said(given: reviewed.Reviewed, live: Live) -> None:
    del live["plain"]["data"]["password"]
    found = fill(given, live, "plain")
    assert isinstance(found, Missing) and found.why == "it has no key password in old" and "put the value" in found.fix
    live["tls"]["type"] = "Opaque"
    found = fill(given, live, "tls")
    assert isinstance(found, Missing) and found.why == "its type is Opaque in old and kubernetes.io/tls in the plan"
    live.objects.clear()
    found = fill(given, live, "binary")
    assert isinstance(found, Missing) and "not there any more in old" in found.why
    found = from_nowhere().fill(steps(given)["binary"])
    assert isinstance(found, Missing) and "nobody said" in found.why and "--age-recipient" in found.fix


def test_a_list_that_is_refused(given: reviewed.Reviewed, live: Live) -> None:
    live.refuses = Forbidden("the caller may not list secrets", "ask")
    found = fill(given, live, "plain")
    assert isinstance(found, Missing) and "may not list secrets" in found.why and "access source" in found.fix
    assert isinstance(fill(given, live, "token"), Filled)
    live.refuses = Unreachable("old does not answer", "look")
    with pytest.raises(Unreachable):
        values(given, live)


def test_drift_is_said_and_sent(given: reviewed.Reviewed, live: Live) -> None:
    other = CANARY[::-1]
    live["plain"]["data"] |= {"password": b64(other), "more": b64("x")}
    found = fill(given, live, "plain")
    assert isinstance(found, Filled) and found.body["data"] == {"password": b64(other), "empty": ""}
    first, second = found.drift.split("; ")
    assert first == "changed on the source since the export: password"
    assert second == "new on the source since the export, and not sent: more"
    # Hashes of another key are not comparable; then the size has to do.
    del live["plain"]["data"]["more"]
    found = fill(given, live, "plain", b"z" * 32)
    assert isinstance(found, Filled) and found.drift == ""
    live["plain"]["data"]["password"] = b64("short")
    found = fill(given, live, "plain", b"z" * 32)
    assert isinstance(found, Filled) and "password" in found.drift


def test_who_needs_a_value(given: reviewed.Reviewed) -> None:
    found = {name for name, step in steps(given).items() if secret_parts.wanted(step)}
    assert found == {"plain", "binary", "fixed", "tls", "odd", "mixed", "tokenmore"}


def test_only_what_is_needed_is_asked_for(given: reviewed.Reviewed, live: Live) -> None:
    wanted = [steps(given)[name] for name in ("plain", "robot", "tls")]
    from_source(live, wanted)
    assert live.asked == [("secrets", "shop")]
    live.asked.clear()
    from_source(live, [steps(given)["robot"]])
    assert live.asked == []


def test_a_secret_inside_a_custom_resource_is_not_sent(given: reviewed.Reviewed, live: Live) -> None:
    """Its markers must not be sent for values, and its values not where nobody guards them."""
    step = steps(given)["w"]
    assert "(secret, 28 bytes" in str(step.body)
    found = values(given, live).fill(step)
    assert isinstance(found, Missing) and "a Secret at spec.workload.manifests[1]" in found.why
    assert not any(plural == WORKS.plural for plural, _ in live.asked)


def test_what_needs_no_value_comes_back_as_planned(given: reviewed.Reviewed) -> None:
    step = steps(given)["robot"]
    found = from_nowhere().fill(step)
    assert isinstance(found, Filled) and found.body == step.body


def test_what_a_person_set_stays(tmp_path: Path, live: Live) -> None:
    sets = [
        ("plain", "data.url", b64("https://new")),
        ("plain", "data.renamed", "(secret, 28 bytes, key password)"),
        ("plain", "stringData.words", "some"),
        ("tls", "type", "Opaque"),
        ("token", "data.token", "(secret, 33 bytes, key token)"),
    ]
    wishes = [{"ref": f"Secret/shop/{name}", "path": path, "value": v, "reason": "r"} for name, path, v in sets]
    decisions = {"overrides": wishes}
    found = planned(tmp_path, yaml.safe_dump(decisions))
    filled = fill(found, live, "plain")
    assert isinstance(filled, Filled) and "stringData" not in filled.body
    assert filled.body["data"] == {
        "password": b64(CANARY),
        "empty": "",
        "renamed": b64(CANARY),
        "url": b64("https://new"),
        "words": b64("some"),
    }
    filled = fill(found, live, "token")
    assert isinstance(filled, Filled) and "data" not in filled.body  # even then: it is worth nothing over there
    filled = fill(found, live, "tls")
    assert isinstance(filled, Filled) and filled.body["type"] == "Opaque" and filled.body["data"] == live["tls"]["data"]


def test_nothing_shows_a_value(given: reviewed.Reviewed, live: Live) -> None:
    known = values(given, live)
    shown = [repr(known), str(known), repr(given.plan)]
    for step in steps(given).values():
        shown.append(repr(known.fill(step)))
    live["mixed"]["data"][".dockerconfigjson"] = b64("{" + CANARY)
    for name in ("mixed", "plain", "w"):
        shown.append(repr(fill(given, live, name)))
    try:
        secret_parts.drop_registry(f'{{"a": {CANARY}'.encode(), "gcr.io")
    except secret_parts.Unfit:
        shown.append(traceback.format_exc())
    for form in (CANARY, b64(CANARY), CANARY.encode().hex(), b64("cert " + CANARY)):
        assert form not in "".join(shown)


def test_values_are_kept_on_their_way_past(given: reviewed.Reviewed, live: Live) -> None:
    """Reading through it is the reading that it would be without, and what it kept fills the same bodies."""
    keeping, plain = Keeping(live), Redactor((), KEY)
    for kind in (SECRETS, WORKS):
        found, direct = LiveList(kind, "old", plain), LiveList(kind, "old", plain)
        for page in keeping.pages(kind):
            found.add(page)
        for page in live.pages(kind):
            direct.add(page)
        assert found.objects == direct.objects and found.observed == direct.observed
    refs = [step.ref for step in given.plan.steps]
    kept = SecretValues(keeping.of(refs), "the file", hashes=given.hashes, hash_key=KEY)
    for step in steps(given).values():
        assert kept.fill(step) == values(given, live).fill(step)
    assert CANARY not in repr(keeping) and keeping.of([Ref("", "Secret", "no", "no")]) == {}
