"""The whole story: GKE-shaped source → export → plan → preflight → apply --hold → release → the EKS-shaped target.

At its end every workload is Ready, or a finding about that very object had said why not. kwok makes any scheduled Pod
Ready: this is about order, references and scheduling only.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from rig.assets import Assets
from rig.http import Json
from rights_help import from_printed
from story_help import Story, at_rest, two_clusters
from story_judged import Judged, Live, judge

PATIENCE = ("--ready-timeout", "12")


def told(story: Story) -> Judged:
    """Live the story, then compare its end with what was said before."""
    said = story.run("preflight")
    assert said["counts"]["pass"] > 0
    story.run("apply", "--hold", "--yes", *PATIENCE)
    assert story.stop_what_runs(*PATIENCE), "nothing was said to run on the source"
    client = story.target.client()
    at_rest(lambda: {ref: Live.is_ready(ref, body) for ref, body in Live(client).bodies.items()}, quiet=5)
    return judge(story)


def show(story: Story, found: Judged) -> None:
    """What goes into docs/proof.md."""
    print(
        f"\n{found.ready} of {found.workloads} workloads are Ready; typed for the source: {len(story.typed)} commands"
    )
    print("seconds:", {name: round(took, 1) for name, took in story.took.items()})
    for command in ("apply", "release"):
        print(command, [said["counts"] for said in story.said[command]])
    for (why, fits), count in Counter(found.unready.values()).most_common():
        print(f"  {count} not Ready: {why[:100]}  <-  {fits[:150] or 'NOTHING WAS SAID'}")
    print("not foretold:", found.unforeseen)
    for name, pairs in found.alarms.items():
        print(f"blockers of preflight, {name}: {len(pairs)} {dict(Counter(p.partition(': ')[2][:6] for p in pairs))}")


def assert_foretold(found: Judged) -> None:
    assert {ref: why for ref, (why, fits) in found.unready.items() if not fits} == {}
    assert found.unforeseen == []
    assert found.alarms["false alarm"] == []


def assert_as_planned(compared: Json) -> None:
    """Nothing is unexpected or extra, and every delta says why; what is missing was left out by apply."""
    print("diff", compared["verdict"], compared["counts"])
    deltas = compared["deltas"]
    assert [one for one in deltas if one["class"] in ("unexpected", "extra", "failed")] == []
    assert [one for one in deltas if not one["because"]] == []


def items(path: Path) -> list[Json]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    found: list[Json] = json.loads(text)["items"]
    return found


def test_the_corpus(assets: Assets, shared: Path, tmp_path: Path) -> None:
    with two_clusters(assets, items(shared / "corpus" / "gke-cluster.json.gz"), "standard", tmp_path) as story:
        story.export()
        story.plan()
        found = told(story)
        show(story, found)
        compared = story.run("diff")
    assert_foretold(found)
    assert found.workloads >= 190 and found.ready > 170
    assert_as_planned(compared)


@pytest.mark.parametrize("flavour", ["standard", "auto"])
def test_the_example(assets: Assets, repo: Path, tmp_path: Path, flavour: str) -> None:
    """In the standard flavour as a user who may do exactly what `gke2eks access target` prints."""
    with two_clusters(assets, items(repo / "examples" / "gke-cluster.json"), flavour, tmp_path) as story:
        story.export()
        story.plan()
        if flavour == "standard":
            code, printed, err = story.type("access", "target")
            assert code == 0, err
            story.target_config = from_printed(story.target, printed).kubeconfig
        found = told(story)
        show(story, found)
        again = story.run("apply", "--hold", "--yes", *PATIENCE)
        story.target_config = story.target.kubeconfig()  # who compares reads everything
        compared = story.run("diff", "--exclude", "Role/*/rig:*", "--exclude", "RoleBinding/*/rig:*")
    assert_foretold(found)
    assert_as_planned(compared)
    assert again["written"] == 0
    assert found.ready == found.workloads == 10
