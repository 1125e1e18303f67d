"""What is applied is what was reviewed: each input, each file and each kind of damage, and what does not matter."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from reviewed_help import ANSWERED, UID, again, cluster, edit, planned, refused, review
from reviewed_help import first as first
from reviewed_help import out as out

from migrate import catalog
from migrate.errors import BadDecisions, BadInput
from migrate.flow import inputs
from migrate.model.ref import Ref


def test_an_untouched_plan_is_given(out: Path) -> None:
    found = review(out)
    assert found.plan.digest == orjson.loads((out / "plan.json").read_bytes())["digest"]
    assert found.source_uid == UID and found.decided.flavour == "standard"
    bodies = {step.ref: step.body for step in found.plan.steps}
    assert (bodies[Ref("", "ConfigMap", "shop", "flags")] or {})["data"]["mode"] == "calm"
    assert found.hashes[Ref("", "Secret", "shop", "db")]["p"]["bytes"] == 7
    assert found.hashes[Ref("", "Secret", "shop", "db")]["p"]["hmac"] not in repr(found)


def test_the_source_may_be_unknown(out: Path) -> None:
    planned(out, [one for one in cluster() if one["metadata"]["name"] != "kube-system"])
    assert review(out).source_uid == ""


def test_the_uid_is_no_part_of_the_plan(out: Path) -> None:
    before = review(out).plan.digest
    objects = cluster()
    objects[0]["metadata"]["uid"] = "another"
    planned(out, objects)
    assert review(out).source_uid == "another" and review(out).plan.digest == before


def test_no_plan_yet(tmp_path: Path, out: Path) -> None:
    assert "holds no plan yet" in refused(tmp_path / "nothing", BadInput).what
    assert not (tmp_path / "nothing").exists()
    (out / "plan.json").unlink()
    assert "holds no plan yet" in refused(out, BadInput).what
    planned(out, cluster())
    shutil.rmtree(out / "snapshot")
    assert "holds no plan yet" in refused(out, BadInput).what


@pytest.mark.parametrize("text", ["", "no json", "[]", "null", "7", '{"schema": "gke2eks.plan/v1", "inputs": {}}'])
def test_a_damaged_plan(out: Path, text: str) -> None:
    (out / "plan.json").write_text(text)
    assert "plan.json cannot be used: it is damaged" in refused(out).what


@pytest.mark.parametrize("key", ["digest", "flavour", "steps", "source"])
def test_a_plan_without_a_part(out: Path, key: str) -> None:
    edit(out, lambda plan: plan.pop(key))
    assert "it is damaged" in refused(out).what


def test_a_plan_of_another_version(out: Path) -> None:
    edit(out, lambda plan: plan.pop("inputs"))
    assert "a former version of gke2eks" in refused(out).what
    edit(out, lambda plan: plan.update(schema="gke2eks.plan/v2"))
    assert "another version of gke2eks" in refused(out).what


def test_decisions_that_changed(out: Path) -> None:
    (out / "gke2eks.yaml").write_text(ANSWERED.replace("calm", "wilder"))
    bad = refused(out)
    assert bad.what == f"the plan is not the one that was reviewed: {out}/gke2eks.yaml changed since"
    assert bad.details == ("snapshot, mappings and overlays are the same",)
    assert bad.next.startswith(f"gke2eks plan -w {out}, read the report again, then apply.")
    again(out)
    review(out)


@pytest.mark.parametrize(
    "text",
    [
        ANSWERED.replace("standard", "auto"),
        ANSWERED + "exclude: {}\n".replace("exclude: {}", "select: {exclude: [ConfigMap/shop/flags]}"),
        ANSWERED + "images: {registry: 111122223333.dkr.ecr.us-east-2.amazonaws.com}\n",
        ANSWERED.replace("PLN001", "PLN001, ref: ConfigMap/shop/flags"),
        "",
    ],
)
def test_every_decision_counts(out: Path, text: str) -> None:
    (out / "gke2eks.yaml").write_text(text)
    assert "gke2eks.yaml changed since" in refused(out).what


def test_what_sends_nothing_else_does_not_count(out: Path) -> None:
    other = yaml.safe_load(ANSWERED)
    other["overrides"][0]["reason"] = other["waivers"][0]["reason"] = "said better"
    other["waivers"][0]["expires"] = "2027-01-01"
    (out / "gke2eks.yaml").write_text(yaml.safe_dump(dict(reversed(other.items()))))
    review(out)


def test_a_snapshot_that_changed(out: Path) -> None:
    objects = cluster()
    objects[2]["data"]["level"] = "4"
    plan = (out / "plan.json").read_bytes()
    manifests = shutil.copytree(out / "manifests", out.with_name("manifests"))
    planned(out, objects)
    (out / "plan.json").write_bytes(plan)
    shutil.copytree(manifests, out / "manifests", dirs_exist_ok=True)
    bad = refused(out)
    assert ": snapshot changed since" in bad.what
    assert bad.details == ("gke2eks.yaml, mappings and overlays are the same",)


def test_mappings_that_changed(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = catalog.text
    monkeypatch.setattr(inputs.catalog, "text", lambda name: whole(name) + "# more\n" * (name == "sweep.yaml"))
    bad = refused(out)
    assert ": mappings changed since" in bad.what
    assert bad.details == ("snapshot, gke2eks.yaml and overlays are the same",)


def test_overlays_that_changed(out: Path) -> None:
    (out / "gke2eks.yaml").write_text(ANSWERED + "overlays: [mine]\n")
    row = '- {needle: acme, pattern: "acme[.]corp", what: of Acme}\n'
    (out / "mine").mkdir()
    (out / "mine" / "sweep.yaml").write_text(row)
    again(out)
    review(out)
    (out / "mine" / "sweep.yaml").write_text(row.replace("corp", "example"))
    assert ": overlays changed since" in refused(out).what


def test_gke2eks_itself_changed(out: Path) -> None:
    edit(out, lambda plan: plan.update(digest="sha256:another"))
    bad = refused(out)
    assert "plan.json, or gke2eks itself, changed since" in bad.what
    assert bad.details == ("snapshot, gke2eks.yaml, mappings and overlays are the same",)
    edit(out, lambda plan: plan["inputs"].update(gke2eks="0.0.9"))
    assert "gke2eks itself (0.0.9 then, " in refused(out).what
    again(out)
    edit(out, lambda plan: plan["inputs"].update(gke2eks="0.0.9"))
    review(out)  # another version that plans the same is no other plan


def test_the_command_plans_as_it_was_planned(out: Path) -> None:
    from migrate.model.selection import parse_selection

    again(out, flavour="auto", select=parse_selection(namespaces=["shop"]))
    found = review(out)
    assert found.plan.flavour == "auto" and found.decided.select.namespaces == ("shop",)
    (out / "gke2eks.yaml").write_text("")
    assert refused(out).next.startswith(f"gke2eks plan -w {out} --flavour auto -n shop, read the report again")


def test_an_expired_waiver_is_no_other_plan(out: Path) -> None:
    review(out, date(2027, 1, 1))


def test_an_expired_waiver_that_let_an_object_through_is(out: Path) -> None:
    """A waived blocker goes to the server; when the waiver ends, the object would stay out, and that is said."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}}
    name = "gpu: {resources: {limits: {google.com/tpu: 8}}, name: c, image: quay.io/a/b:1}"
    pod["spec"] = {"containers": [yaml.safe_load(name)["gpu"]]}
    (out / "gke2eks.yaml").write_text("")
    planned(out, [*cluster(), pod])
    steps = orjson.loads((out / "plan.json").read_bytes())
    blocked = {f["rule"] for f in steps["findings"] if f["severity"] == "blocker" and f["ref"]["kind"] == "Pod"}
    assert blocked
    waivers = [{"rule": rule, "reason": "we know", "expires": "2026-11-30"} for rule in sorted(blocked)]
    (out / "gke2eks.yaml").write_text(yaml.safe_dump({"waivers": waivers}))
    again(out)
    review(out, date(2026, 11, 30))
    bad = refused(out, BadDecisions, date(2026, 12, 1))
    assert "expired on 2026-11-30" in bad.what and "gke2eks.yaml:" in bad.what


def manifest(out: Path) -> Path:
    return out / "manifests" / "shop" / "configmap-flags.yaml"


def test_an_edited_manifest(out: Path) -> None:
    manifest(out).write_text(manifest(out).read_text().replace("calm", "loud"))
    bad = refused(out)
    assert bad.what == "manifests/shop/configmap-flags.yaml was edited since the plan was written"
    said = yaml.safe_load("\n".join(bad.details))["overrides"][0]
    assert {key: said[key] for key in ("ref", "path", "value")} == {
        "ref": "ConfigMap/shop/flags",
        "path": "data.mode",
        "value": "loud",
    }
    assert "put this into gke2eks.yaml" in bad.next and "gke2eks plan -w" in bad.next
    manifest(out).write_text("not: [yaml")
    assert "move it away to keep it" in refused(out).next


def test_a_missing_manifest(out: Path) -> None:
    manifest(out).unlink()
    bad = refused(out)
    assert "shop/configmap-flags.yaml is missing" in bad.what and "--exclude" in bad.next


def test_an_additional_manifest(out: Path) -> None:
    manifest(out).with_name(".swap.yaml").write_text("")
    manifest(out).with_name("notes.txt").write_text("")
    review(out)
    manifest(out).with_name("mine.yaml").write_text(manifest(out).read_text())
    assert refused(out).what == "manifests/shop/mine.yaml is no part of the plan"


def test_digests_that_were_changed_along(out: Path) -> None:
    """Whoever edits a file and its digest is not believed to have edited the plan."""
    import hashlib

    edit(out, lambda plan: [step.update(manifest=None) for step in plan["steps"] if step["ref"]["name"] == "flags"])
    assert "it was changed by hand" in refused(out).what
    again(out)
    text = manifest(out).read_bytes().replace(b"calm", b"loud")
    manifest(out).write_bytes(text)
    new = f"sha256:{hashlib.sha256(text).hexdigest()}"

    def along(plan: dict[str, Any]) -> None:
        (step,) = (step for step in plan["steps"] if step["ref"]["name"] == "flags")
        step["manifest"]["digest"] = new

    edit(out, along)
    assert "flags.yaml was edited" in refused(out).what
