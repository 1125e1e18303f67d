"""What diff says to machines: the JSON document, JUnit XML, and filters that never change the verdict."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import jsonschema
import pytest
from test_render_compared import ALL, API, EDITED, FLAGS, HOSTILE, IMAGE, LOOKS, WEB, extras, hostile

from migrate import bundled
from migrate.model.comparison import BAD, Class, Comparison, Delta, Parity
from migrate.model.path import P, parse
from migrate.model.ref import Ref
from migrate.model.selection import BadSelection
from migrate.render import compared, compared_markdown
from migrate.render.compared_document import comparison_document
from migrate.render.compared_junit import junit
from migrate.render.compared_words import exit_code, only
from migrate.render.document import dumps

# What the schema of Jenkins' xUnit plugin (junit-10.xsd) lets in, as far as we write it.
ALLOWED = {
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "skipped": {"message", "type"},
    "system-out": set(),
}


@pytest.fixture(scope="module")
def judge() -> jsonschema.Draft202012Validator:
    schema = json.loads((bundled.folder("reports") / "diff.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_document(judge: jsonschema.Draft202012Validator) -> None:
    doc = json.loads(dumps(comparison_document(ALL)))
    judge.validate(doc)
    assert (doc["exit"], doc["verdict"]) == (1, "No: 1 unexpected, 1 missing, 6 extra, 1 failed.")
    assert doc["counts"] == dict(ALL.counts)
    assert [one["class"] for one in doc["deltas"]] == [one.kind.value for one in ALL.deltas]
    edited = next(one for one in doc["deltas"] if one["class"] == "unexpected")
    assert edited == {
        "class": "unexpected",
        "ref": {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "api"},
        "path": "spec.template.spec.containers[name=api].resources.limits.memory",
        "source": "512Mi",
        "planned": "512Mi",
        "target": "1Gi",
        "owner": {"manager": "kubectl-edit", "time": "2026-11-23T09:40:00Z"},
        "rule": "",
        "because": "",
        "fix": "",
    }
    assert doc["runtime"][1] == {
        "ref": API.as_dict(),
        "check": "restarts",
        "source": 0,
        "target": 4,
        "ok": False,
        "message": "it crashes",
    }


def test_null_is_a_value_and_absent_is_no_key(judge: jsonschema.Draft202012Validator) -> None:
    doc = comparison_document(Comparison(1, (Delta(Class.UNEXPECTED, API, P("a"), target=None),)))
    judge.validate(doc)
    assert doc["deltas"][0]["target"] is None and not {"source", "planned"} & set(doc["deltas"][0])
    assert doc["deltas"][0]["owner"] is None
    doc["deltas"][0]["class"] = "changed"
    assert not judge.is_valid(doc)


@pytest.mark.parametrize("bad", HOSTILE)
def test_any_text_stands_in_the_document(bad: str, judge: jsonschema.Draft202012Validator) -> None:
    data = dumps(comparison_document(hostile(bad)))
    judge.validate(json.loads(data))
    assert not set(data) & {0x1B, 0x07}


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (Comparison(1, (IMAGE,)), 0),
        (Comparison(1, (), LOOKS), 0),
        (Comparison(1, extras(1)), 1),
        (Comparison(1, extras(1), allow_extra=True), 0),
        (Comparison(1, (EDITED, *extras(1)), allow_extra=True), 1),
    ],
)
def test_the_exit_code(found: Comparison, code: int) -> None:
    assert exit_code(found) == comparison_document(found)["exit"] == code


def test_what_is_filtered_out_has_not_passed() -> None:
    """--class missing: an object that is unexpected has no case, rather than one without a failure."""
    refs = {one.ref for one in ALL.deltas}
    found = junit(ALL, only(ALL, [Class.MISSING]), refs)
    faults = {one.ref for one in ALL.deltas if one.kind in BAD}
    missing = {one.ref for one in ALL.deltas if one.kind is Class.MISSING}
    assert missing and faults - missing
    assert all(f'name="{ref}"' in found for ref in refs - faults | missing)
    assert not [str(ref) for ref in faults - missing if f'name="{ref}"' in found]


def test_filters() -> None:
    assert {one.kind for one in only(ALL, classes=[Class.EXTRA, Class.HELD]).deltas} == {Class.EXTRA, Class.HELD}
    assert {one.ref for one in only(ALL, kinds=["deployments", "services"]).deltas} == {API, WEB}
    assert {one.ref for one in only(ALL, kinds=["Deployment.apps"]).runtime} == {API}
    assert not only(ALL, kinds=["Deployment.batch"]).deltas
    assert not only(ALL, namespaces=["other"]).deltas and not only(ALL, namespaces=["other"]).runtime
    assert [one.ref.kind for one in ALL.deltas if one not in only(ALL, namespaces=["sh*"]).deltas] == ["Node"]
    assert only(ALL, [Class.MISSING], ["shop"], ["ConfigMap"]).deltas == (ALL.deltas[1],)
    assert only(ALL) == ALL
    with pytest.raises(BadSelection):
        only(ALL, kinds=["a b"])


def test_a_filter_hides_faults_but_never_the_verdict() -> None:
    chosen = only(ALL, classes=[Class.HELD])
    assert chosen.proven
    text, page = compared.page(ALL, chosen, show_expected=True), compared_markdown.page(ALL, chosen)
    assert "No: 1 unexpected" in text and "exit 1: 1 unexpected" in text and "Deployment/api          " not in text
    assert "  1 of 12 differences and 4 of 4 looks at what runs remain, as asked.\n" in text
    assert "**No: 1 unexpected" in page and "1 of 12 differences" in page
    doc = comparison_document(ALL, chosen)
    assert doc["exit"] == 1 and doc["counts"]["missing"] == 1 and len(doc["deltas"]) == 1
    assert "remain" not in compared.page(ALL)


def cases(text: str) -> dict[tuple[str, str], ElementTree.Element]:
    root = ElementTree.fromstring(text)
    for element in root.iter():
        assert set(element.attrib) <= ALLOWED[element.tag]
    for holder in (root, *root.iter("testsuite")):
        found = list(holder.iter("testcase"))
        assert int(holder.attrib["tests"]) == len(found)
        assert int(holder.attrib["failures"]) == sum(len(one.findall("failure")) for one in found)
    assert all(len(one) <= 1 for one in root.iter("testcase"))
    rows = [((one.attrib["classname"], one.attrib["name"]), one) for one in root.iter("testcase")]
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def test_junit_has_a_case_for_each_object_and_each_look() -> None:
    found = cases(junit(ALL))
    failure = found["gke2eks.diff.shop", "Deployment/shop/api"][0]
    assert failure.attrib["type"] == "unexpected"
    assert failure.text == (
        "unexpected  spec.template.spec.containers[name=api].resources.limits.memory\n"
        "  planned  512Mi\n"
        "  target   1Gi\n"
        "  owner    kubectl-edit, 23 Nov 2026, 09:40 UTC"
    )
    types = {name: one[0].attrib.get("type") for (_, name), one in found.items()}
    assert types["ConfigMap/shop/flags"] == "missing" and types["Pod/shop/p-0"] == "extra"
    assert types["Node/n"] == "failed" and types["Service/shop/web"] is None
    assert found["gke2eks.diff.shop", "Service/shop/web"][0].text == "held 1"
    assert found["gke2eks.diff.cluster", "objects without a difference"][0].text == "746 objects"
    assert found["gke2eks.runtime.shop", "Deployment/shop/api restarts"][0].text == "restarts 4 (GKE 0)\nit crashes"
    skipped = found["gke2eks.runtime.shop", "Service/shop/web address"][0]
    assert (skipped.tag, skipped.text) == ("skipped", "nobody may list endpoints")


def test_junit_names_all_objects_when_it_knows_them() -> None:
    found = cases(junit(ALL, refs=iter([API, FLAGS, Ref("", "ConfigMap", "quiet", "c")])))
    assert len(found["gke2eks.diff.quiet", "ConfigMap/quiet/c"]) == 0
    assert not any("without" in name for _, name in found)


def test_junit_follows_allow_extra_and_filters() -> None:
    found = cases(junit(replace(ALL, allow_extra=True)))
    assert found["gke2eks.diff.shop", "Pod/shop/p-0"][0].tag == "system-out"
    found = cases(junit(ALL, only(ALL, kinds=["configmaps"])))
    assert list(found) == [("gke2eks.diff.shop", "ConfigMap/shop/flags")]
    assert cases(junit(Comparison(0, ())))  # a report without a case breaks a build in Jenkins


def test_two_looks_with_one_name_are_two_cases() -> None:
    one = Parity(API, "digest", "a", "b", False)
    assert len(cases(junit(Comparison(1, (), (one, one))))) == 3


@pytest.mark.parametrize("bad", HOSTILE)
def test_any_text_stands_in_xml(bad: str) -> None:
    text = junit(hostile(bad))
    cases(text)
    text.encode()
    assert not set(text) & set("\x1b\x07\x9b\ufffe")


def test_the_order_of_objects_is_ours_and_that_of_paths_is_kept() -> None:
    turned = replace(ALL, deltas=ALL.deltas[::-1], runtime=ALL.runtime[::-1])
    assert compared.page(turned, show_expected=True) == compared.page(ALL, show_expected=True)
    assert compared_markdown.page(turned) == compared_markdown.page(ALL)
    assert list(cases(junit(turned))) == list(cases(junit(ALL)))
    paths = [f"spec.f{n}" for n in (1, 2, 10)]
    text = compared.page(Comparison(1, tuple(replace(EDITED, path=parse(path)) for path in paths)))
    assert [line.strip() for line in text.splitlines() if "spec.f" in line] == paths
