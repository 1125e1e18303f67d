"""What access target adds by its options: which verbs, on what, and what is said. All of it is tried in the cluster
lane by users who have exactly that."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from apply_help import TODAY, plan_of
from click.testing import CliRunner
from rights_plans import CONFIG, a_plan
from rollback_help import obj

from migrate.cli.main import cli
from migrate.flow.access import access_target
from migrate.model.journal import Action, Fingerprint, Intent, Outcome, Result
from migrate.model.ref import Ref
from migrate.semantics.more_rights import More, beside, for_policies, for_prune
from migrate.semantics.policy import parse_policies
from migrate.semantics.target_rights import Need, needed
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import Start, open_journal

CLASS = "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}}"
CLAIM = CONFIG.replace("ConfigMap", "PersistentVolumeClaim")
A, FAST = Ref("", "ConfigMap", "shop", "a"), Ref("storage.k8s.io", "StorageClass", "", "fast")


def said(needs: tuple[Need, ...]) -> set[str]:
    return {" ".join(filter(None, (need.verb, need.kind, need.namespace, need.name))) for need in needs}


@pytest.mark.parametrize(
    ("policies", "adds"),
    [
        (["fail"], set()),
        (["overwrite"], set()),
        (["keep-target"], set()),
        (["adopt=ConfigMap/shop/a"], {"update ConfigMap shop a"}),
        (
            ["recreate"],
            {
                "delete ConfigMap shop a",
                "delete StorageClass fast",
                "create StorageClass fast-gke2eks-trial",
                "patch StorageClass fast-gke2eks-trial",
            },
        ),
        (["recreate=ConfigMap/*/*", "overwrite"], {"delete ConfigMap shop a"}),
    ],
)
def test_policies_need_verbs_on_names(policies: list[str], adds: set[str]) -> None:
    goes = a_plan(CONFIG, CLASS, CLAIM)
    assert said(for_policies(goes, parse_policies(policies))) == adds


def test_what_may_hold_data_is_named() -> None:
    named = parse_policies(["recreate=PersistentVolumeClaim/*/*"], ["PersistentVolumeClaim/shop/a"])
    assert said(for_policies(a_plan(CONFIG, CLAIM), named)) == {"delete PersistentVolumeClaim shop a"}


def test_prune_lists_whoever_names_something_but_no_secrets() -> None:
    needs = for_prune([A], [("", "Secret"), ("a.b", "Thing")])
    assert {"get ConfigMap shop a", "delete ConfigMap shop a", "list Pod", "list Thing"} <= said(needs)
    assert "list Secret" not in said(needs) and for_prune([], [("a.b", "Thing")]) == ()


def test_what_is_granted_anyhow_is_not_granted_again() -> None:
    goes = a_plan(CONFIG)
    assert said(beside(for_prune([A], []), needed(goes))) >= {"delete ConfigMap shop a"}
    assert "get ConfigMap shop a" not in said(beside(for_prune([A], []), needed(goes)))


def applied(ws: Path) -> None:
    """A journal of one run: two ConfigMaps and a Secret were made, a Service was changed; the plan has only `a` now."""
    target = Fingerprint("a-uid", "1.36", "standard", "served")
    with open_journal(open_workspace(ws), Start("apply", "sha256:1", target), b"k" * 32) as journal:
        for at, ref in enumerate((A, Ref("", "ConfigMap", "shop", "old"), Ref("", "Secret", "shop", "login"))):
            (number,) = journal.intend([Intent(ref, Action.APPLY, "d")])
            journal.record([Result(ref, Outcome.CREATED, number, f"uid-{at}", "1")])
        service = Ref("", "Service", "shop", "web")
        (number,) = journal.intend([Intent(service, Action.APPLY, "d", "uid-9", "undo/run/service-1.json")])
        journal.record([Result(service, Outcome.CONFIGURED, number, "uid-9", "2")])
        journal.close(0)


def granted(text: str, verb: str) -> set[str]:
    rules = [rule for doc in yaml.safe_load_all(text) for rule in doc.get("rules", ()) if verb in rule["verbs"]]
    return {f"{one}/{name}" for rule in rules for one in rule["resources"] for name in rule.get("resourceNames", ["*"])}


def test_the_printed_text(tmp_path: Path) -> None:
    ws = tmp_path / "ws"
    plan_of([obj("ConfigMap", "a", "shop", data={"k": "v"})], ws)
    more = More(prune=True, rollback=True)
    empty = access_target(ws, today=TODAY, more=more)
    assert "--prune adds nothing" in empty and "--rollback adds nothing" in empty and not granted(empty, "delete")
    applied(ws)
    assert (
        granted(access_target(ws, today=TODAY), "delete") == granted(access_target(ws, today=TODAY), "update") == set()
    )
    assert granted(access_target(ws, today=TODAY, more=More(prune=True)), "delete") == {
        "configmaps/old",
        "secrets/login",
    }
    text = access_target(ws, today=TODAY, more=More(rollback=True))
    assert granted(text, "delete") == {"configmaps/a", "configmaps/old"} and granted(text, "update") == {"services/web"}
    assert "get and DELETE, by name, of 2 objects" in text and "Not of 1 object (Secret/shop/login)" in text
    whole = access_target(ws, today=TODAY, more=More(rollback=True, data=frozenset({("", "Secret")})), everywhere=True)
    assert "secrets/login" in granted(whole, "delete")
    # Nothing of it is granted in all namespaces.
    assert "Role" in {doc["kind"] for doc in yaml.safe_load_all(whole) if "delete" in str(doc.get("rules"))}
    assert all(len(line) <= 100 for line in text.splitlines() if not line.startswith("#   "))


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--delete-data", "Secret"), "--delete-data is about --rollback"),
        (("--recreate-data", "Pod/shop/a"), "--recreate-data is about --on-conflict recreate"),
        (("--on-conflict", "force"), "'force' names no policy"),
    ],
)
def test_slips(words: tuple[str, ...], what: str) -> None:
    done = CliRunner().invoke(cli, ["access", "target", *words])
    assert done.exit_code == 2 and what in " ".join(done.output.split())
