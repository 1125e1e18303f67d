"""Nothing is sent to another cluster than the one that was meant, nor another plan than the one that was reviewed."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from apply_kinds import deployment
from apply_move import Move, flat, move
from apply_real import CHANGES, WRITES, Kill, results
from holding_help import eventually
from rig.faults import Faults, Rule
from rig.http import Json
from test_apply_never import begin, found, scaled_objects, there, within

__all__ = ["move"]
CANARY = "canary-of-the-agreed-tests"


def planned(move: Move, space: str, *more: Json) -> Path:
    """A small plan of a namespace; its workspace."""
    begin(move, space, within(space, "v1", "ConfigMap", "settings", data={"a": "1"}), *more)
    move.export(space)
    return move.workspace(space)


def nothing_came(move: Move, space: str) -> bool:
    return move.written() == [] and there(move.new, "v1", "Namespace", space) is None


def test_the_source_is_no_target_and_another_cluster_no_source(move: Move) -> None:
    space = "mixed"
    planned(move, space, within(space, "v1", "Secret", "login", data={"a": "YQ=="}))
    names = ("--context", "source", "--kubeconfig", move.source_config)
    before = {one["metadata"]["resourceVersion"] for one in move.old.list("v1", "ConfigMap", space)}
    same = move.run("apply", "-w", move.workspace(space), *names, "--yes")
    assert same.exit == 3 and "source and target are the same cluster" in flat(same.out), same.out
    assert {one["metadata"]["resourceVersion"] for one in move.old.list("v1", "ConfigMap", space)} == before
    for command in ("apply", "release"):
        other = move.go(command, space, source="rig")
        assert other.exit == 3 and "rig is not the cluster that was exported" in flat(other.out), other.out
        assert nothing_came(move, space)


@pytest.mark.parametrize("typed", ["source", "y", "", "rig2"])
def test_another_name_than_the_targets_own_writes_nothing(move: Move, typed: str) -> None:
    space = f"typed-{typed or 'nothing'}"
    planned(move, space)
    code, shown = move.typed(space, typed)
    assert code == 3 and nothing_came(move, space), shown
    # Before it asks it says who is who.
    source, target = (
        client.get("v1", "Namespace", "kube-system")["metadata"]["uid"] for client in (move.old, move.new)
    )
    assert target.partition("-")[0] in shown and "Plan" in shown and "Source" in shown and source not in shown


def test_the_targets_own_name_writes(move: Move) -> None:
    planned(move, "typed-right")
    code, shown = move.typed("typed-right", "rig")
    assert code == 0, shown
    assert found(move.new, "v1", "ConfigMap", "settings", "typed-right")["data"] == {"a": "1"}


def test_without_a_terminal_and_without_yes_nobody_is_asked_and_nothing_is_written(move: Move) -> None:
    planned(move, "silent")
    line = [sys.executable, "-c", "from migrate.cli import main; main()", "apply", *move.names("silent")]
    home = {**os.environ, "XDG_STATE_HOME": str(move.folder / "state")}
    move.proxy.faults = Faults()
    done = subprocess.run(line, input="rig\n", env=home, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--yes" in done.stderr and nothing_came(move, "silent"), done.stderr


def test_an_edited_manifest_is_refused_with_the_override_that_says_the_same(move: Move) -> None:
    space = "edited"
    ws = planned(move, space, deployment(space, "web", 2))
    file = next(path for path in (ws / "manifests").rglob("*.yaml") if "kind: Deployment" in path.read_text())
    was = file.read_text()
    file.write_text(was.replace("replicas: 2", "replicas: 5"))
    done = move.go("apply", space)
    assert done.exit == 3 and "was edited since the plan was written" in flat(done.out), done.out
    assert "spec.replicas" in done.out and "5" in done.out and nothing_came(move, space)
    # What it prints is taken as it stands: with it the plan says what the hand has written.
    override = done.out[done.out.index("overrides:") :].split("\nnext")[0]
    file.unlink()
    move.plan(
        space, "\n".join(line[7:] if line.startswith("       ") else line for line in override.splitlines()) + "\n"
    )
    assert file.read_text().count("replicas: 5") == 1
    assert move.go("apply", space).exit == 0


def test_decisions_that_changed_are_another_plan(move: Move) -> None:
    space = "decided"
    ws = planned(move, space, deployment(space, "worker", 1))
    (ws / "gke2eks.yaml").write_text(f"runs:\n  Deployment/{space}/worker: both\n")
    done = move.go("apply", space)
    assert done.exit == 3 and "gke2eks.yaml changed since" in flat(done.out), done.out
    assert "next:" in done.out and "gke2eks plan" in done.out and nothing_came(move, space)
    # What changes nothing needs no second review.
    (ws / "gke2eks.yaml").write_text("# a comment\n")
    assert move.go("apply", space).exit == 0


def kinds(move: Move, *, there: bool) -> None:
    """Let the target serve ScaledObjects, or not."""
    eventually(lambda: ("keda.sh" in str(move.new.raw("GET", "/apis"))) is there)


def test_a_target_that_is_not_as_preflight_saw_it(move: Move) -> None:
    space = "looked"
    for client in (move.old, move.new):
        if there(client, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "scaledobjects.keda.sh") is None:
            client.create(scaled_objects())
            eventually(lambda client=client: "keda.sh" in str(client.raw("GET", "/apis")))
    queue = {"scaleTargetRef": {"name": "worker"}, "triggers": [{"type": "rabbitmq", "metadata": {"queueName": "q"}}]}
    planned(
        move, space, deployment(space, "worker", 1), within(space, "keda.sh/v1alpha1", "ScaledObject", "q", spec=queue)
    )
    # Somebody else installs KEDA on the target: its definition is no part of the plan.
    move.plan(space, "select:\n  exclude: [CustomResourceDefinition/scaledobjects.keda.sh]\n")
    assert move.go("preflight", space).exit in (0, 1)
    move.new.delete(scaled_objects())
    kinds(move, there=False)
    done = move.go("apply", space)
    assert done.exit == 3 and "the target is not as preflight saw it" in flat(done.out), done.out
    assert nothing_came(move, space)
    move.new.create(scaled_objects())
    kinds(move, there=True)
    assert (done := move.go("apply", space)).exit == 0, done.out


def node_class() -> Json:
    body = scaled_objects()
    names = {"plural": "nodeclasses", "singular": "nodeclass", "kind": "NodeClass", "listKind": "NodeClassList"}
    spec = {**body["spec"], "group": "eks.amazonaws.com", "names": names}
    return {**body, "metadata": {"name": "nodeclasses.eks.amazonaws.com"}, "spec": spec}


def test_a_target_of_another_flavour(move: Move) -> None:
    space = "flavour"
    planned(move, space)
    assert move.go("preflight", space).exit in (0, 1)
    move.new.create(node_class())
    try:
        eventually(lambda: "eks.amazonaws.com" in str(move.new.raw("GET", "/apis")))
        done = move.go("apply", space)
        assert done.exit == 3 and "flavour" in flat(done.out), done.out
        assert nothing_came(move, space)
    finally:
        move.new.delete(node_class())
    eventually(lambda: "eks.amazonaws.com" not in str(move.new.raw("GET", "/apis")))


def things(group: str, kind: str) -> Json:
    body = scaled_objects()
    names = {"plural": f"{kind.lower()}s", "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    spec = {**body["spec"], "group": group, "names": names}
    return {**body, "metadata": {"name": f"{kind.lower()}s.{group}"}, "spec": spec}


def test_a_run_that_was_killed_does_not_refuse_itself(move: Move) -> None:
    """Not when the plan's own definitions have come meanwhile, nor more of their group by an operator, nor others."""
    space = "resumed"
    move.old.create(things("shop.example.com", "Thing"))
    eventually(lambda: "shop.example.com" in str(move.old.raw("GET", "/apis")))
    planned(move, space, within(space, "shop.example.com/v1alpha1", "Thing", "one", spec={"size": 1}))
    assert move.go("preflight", space).exit in (0, 1)
    kill = Rule(Kill(move.run.pid, late=False), WRITES, f"{CHANGES}.*/configmaps/settings", 1, times=1)
    move.proxy.faults = Faults(rules=[kill])
    assert move.run("apply", *move.names(space), "--yes").killed
    assert there(move.new, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.shop.example.com")
    move.new.create(things("shop.example.com", "Other"))
    move.new.create(things("operator.example.com", "Widget"))
    eventually(lambda: "operator.example.com" in str(move.new.raw("GET", "/apis")))
    done = move.go("apply", space)
    assert done.exit == 0, done.out
    assert found(move.new, "shop.example.com/v1alpha1", "Thing", "one", space)["spec"] == {"size": 1}
    assert move.go("apply", space).exit == 0 and move.written() == []


def test_a_secret_that_changed_on_the_source_is_no_other_plan(move: Move) -> None:
    space = "drift"
    secret = within(space, "v1", "Secret", "login", data={"password": "b2xk"})
    ws = planned(move, space, secret)
    new = base64.b64encode(CANARY.encode()).decode()
    move.old.patch(secret, {"data": {"password": new}})
    done = move.go("apply", space, "-o", "json")
    assert done.exit == 0, done.out
    assert "changed on the source since the export" in results(done)[f"Secret {space}/login"]["message"]
    assert found(move.new, "v1", "Secret", "login", space)["data"] == {"password": new}
    for path in ws.rglob("*"):
        assert not path.is_file() or not any(one.encode() in path.read_bytes() for one in (CANARY, new)), path
    assert CANARY not in done.out and new not in done.out
    assert move.go("apply", space).exit == 0 and move.written() == []
