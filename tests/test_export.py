"""An export from a cluster: all of it, the same each time, no Secret value, and what is missing is named."""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from export_help import NOT_ASKED, exported, kubeconfig, objects, outcomes, run
from rig.faults import Faults, Proxy, Rule, Status
from rig.http import Client
from rig.shapes.export import everything

from migrate.errors import BadInput
from migrate.flow import practice
from migrate.flow.plan import make_plan
from migrate.model.listing import Outcome
from migrate.model.ref import Ref, group_of
from migrate.workspace import snapshot as store
from migrate.workspace.folder import open_workspace
from migrate.workspace.moving import join, split

CANARY = "kanarienvogel-7c1f-vermilion"


@pytest.fixture
def url(repo: Path) -> Iterator[str]:
    """A practice cluster with the bundled example in it."""
    running = practice.start([str(repo / "examples" / "gke-cluster.json")], stdin=lambda: b"", port=0)
    yield running.server.url
    running.server.stop()


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    with Proxy(url) as proxy:
        yield proxy


def test_everything_that_can_be_listed_is_read(url: str, tmp_path: Path) -> None:
    found = exported(kubeconfig(tmp_path, url), tmp_path / "out")
    there = Counter(
        (group_of(o["apiVersion"]), o["kind"])
        for o in everything(Client(url))
        if (group_of(o["apiVersion"]), o["kind"]) not in NOT_ASKED
    )
    assert Counter((o.ref.group, o.ref.kind) for o in found.objects) == there and there.total() > 170
    listed = {(x.kind.group, x.kind.kind): x.count for x in found.listings if x.outcome is Outcome.LISTED}
    assert {kind: count for kind, count in listed.items() if count} == dict(there)
    assert set(outcomes(found, Outcome.LEFT_OUT)) == {"Event", "Lease"}
    assert found.facts["kubernetes"].startswith("v1.") and found.name == "here"
    loaded = store.load(open_workspace(tmp_path / "out"))
    assert loaded and loaded[0] == found


def test_two_exports_of_a_quiet_cluster_are_the_same_bytes(url: str, tmp_path: Path) -> None:
    config, client = kubeconfig(tmp_path, url), Client(url)
    exported(config, tmp_path / "one")
    node = client.list("v1", "Node")[0]
    now = {"type": "Ready", "status": "True", "lastHeartbeatTime": "2031-01-01T00:00:00Z"}
    client.patch(node, {"status": {"conditions": [now]}}, sub="status")
    exported(config, tmp_path / "two")
    assert objects(tmp_path / "one") == objects(tmp_path / "two")
    first, second = ((tmp_path / n / "snapshot" / "observed.jsonl").read_bytes() for n in ("one", "two"))
    assert first != second and b"2031-01-01" in second
    gone = next(o for o in client.list("v1", "ConfigMap") if o["metadata"]["name"] != "kube-root-ca.crt")
    client.delete(gone)
    third = exported(config, tmp_path / "two")
    ref = Ref("", "ConfigMap", gone["metadata"]["namespace"], gone["metadata"]["name"])
    assert ref not in {o.ref for o in third.objects} and objects(tmp_path / "two") != objects(tmp_path / "one")


def test_what_moves_by_itself_is_parted_and_put_back() -> None:
    def entry(manager: str, time: str, **more: str) -> dict:
        return {"manager": manager, "operation": "Update", "time": time, "fieldsV1": {"f:data": {}}, **more}

    def body(first: str, second: str, leader: str) -> dict:
        fields = [entry("b", first), entry("kubelet", first, subresource="status"), entry("a", second)]
        fields.sort(key=lambda one: (one["time"], one["manager"]))  # as the server does
        annotations = {"control-plane.alpha.kubernetes.io/leader": leader, "mine": "x"}
        meta = {"name": "n", "managedFields": fields, "annotations": annotations, "generation": len(leader)}
        return {"kind": "ConfigMap", "metadata": meta, "data": {"a": "b"}, "status": {"seen": first}}

    one, two = body("1", "2", "me"), body("4", "3", "you")
    assert split(one)[0] == split(two)[0] and "seen" not in str(split(one)[0])
    assert join(*split(one)) == one and join(*split(two)) == two
    scaler = {"kind": "ConfigMap", "metadata": {"namespace": "kube-system", "name": "cluster-autoscaler-status"}}
    assert split({**scaler, "data": {"status": "now"}})[0] == split({**scaler, "data": {"status": "then"}})[0]


def test_no_secret_value_is_kept_or_said(url: str, proxy: Proxy, tmp_path: Path) -> None:
    value = base64.b64encode(CANARY.encode()).decode()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "canary", "namespace": "default"}}
    secret["metadata"]["annotations"] = {"copy": CANARY}  # type: ignore[index]
    Client(url).create({**secret, "data": {"p": value}})
    config = kubeconfig(tmp_path, proxy.url, {"token": "t"})
    for rules in ([], [Rule(Status(403), path="/secrets")]):
        proxy.faults = Faults(rules=rules)
        done = run("--debug", "export", "--kubeconfig", config, "-w", tmp_path / "out", XDG_STATE_HOME=str(tmp_path))
        assert done.returncode == (1 if rules else 0), done.stderr
        kept = b"".join(p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())
        for form in (CANARY, value, CANARY.encode().hex()):
            assert form not in done.stdout + done.stderr and form.encode() not in kept
        assert (b"(secret, 28 bytes, key p)" in kept) is not bool(rules)


def test_a_kind_that_is_forbidden_makes_the_snapshot_incomplete(proxy: Proxy, tmp_path: Path) -> None:
    proxy.faults = Faults(rules=[Rule(Status(403), path="/api/v1/secrets"), Rule(Status(500), path="/cronjobs")])
    config, out = kubeconfig(tmp_path, proxy.url), tmp_path / "out"
    found = exported(config, out)
    assert outcomes(found, Outcome.FORBIDDEN) == ["Secret"] and outcomes(found, Outcome.FAILED) == ["CronJob"]
    assert not any(o.ref.kind == "Secret" for o in found.objects) and len(found.objects) > 150
    from datetime import date

    def planned(**more: bool):
        return make_plan([], out, stdin=lambda: b"", today=date(2026, 1, 1), **more)

    with pytest.raises(BadInput, match="2 kinds") as caught:
        planned()
    assert caught.value.code == 3 and "--accept-incomplete" in caught.value.next
    assert [line.split()[:2] for line in caught.value.details] == [["forbidden", "Secret:"], ["failed", "CronJob:"]]
    assert not (out / "plan.json").exists()
    said = [f for f in planned(accept_incomplete=True).plan.findings if "was not read" in f.message]
    assert sorted((f.message.split()[0], f.severity.value) for f in said) == [
        ("CronJob", "review"),
        ("Secret", "review"),
    ]


def test_without_a_kind_is_complete_by_intent(proxy: Proxy, tmp_path: Path) -> None:
    config, out = kubeconfig(tmp_path, proxy.url), tmp_path / "out"
    found = exported(config, out, without=["secrets", "CronJob.batch"])
    assert {str(one.kind) for one in found.listings if one.by_request} == {"Secret", "CronJob"}
    assert not [e for e in proxy.log if "/secrets" in e.path or "/cronjobs" in e.path]
    done = run("plan", "-w", out, "-o", "json")
    assert done.returncode == 0, done.stderr
    said = [f for f in json.loads(done.stdout)["findings"] if "as asked" in f["message"]]
    assert [f["severity"] for f in said] == ["info"] and "CronJob, Secret" in said[0]["message"]
    with pytest.raises(BadInput, match="did you mean secret"):
        exported(config, out, without=["secrte"])


def test_the_command_says_what_it_read_and_plan_goes_on(url: str, tmp_path: Path) -> None:
    config, out = kubeconfig(tmp_path, url), tmp_path / "out"
    env = {"KUBECONFIG": os.pathsep.join([str(tmp_path / "none"), str(config)]), "XDG_STATE_HOME": str(tmp_path)}
    done = run("export", "--context", "here", "-w", out, **env)
    assert done.returncode == 0, done.stderr
    assert "here: 177 objects of" in done.stdout and "not asked for: Lease" in done.stdout
    assert done.stdout.splitlines()[-1] == f"Next: gke2eks plan -w {out}"
    figures = json.loads(run("plan", "-w", out, "-o", "json").stdout)["counts"]
    assert figures["objects"] == 177


def test_the_role_names_what_an_export_lists(url: str, proxy: Proxy, tmp_path: Path) -> None:
    import yaml

    done = run("access", "source", "--kubeconfig", kubeconfig(tmp_path, proxy.url))
    assert done.returncode == 0, done.stderr
    rules = yaml.safe_load(done.stdout)["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"list"} and "*" not in done.stdout
    granted = {(group, plural) for rule in rules for group in rule["apiGroups"] for plural in rule["resources"]}
    proxy.faults = Faults()
    found = exported(kubeconfig(tmp_path, proxy.url), tmp_path / "out")
    asked = {(x.kind.group, x.kind.plural) for x in found.listings if x.outcome is Outcome.LISTED}
    assert granted == asked and ("coordination.k8s.io", "leases") not in granted


def test_a_replacement_that_was_stopped_is_undone(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, out = kubeconfig(tmp_path, url), tmp_path / "out"
    exported(config, out)
    before = objects(out)
    real, calls = Path.rename, []

    def stopped(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(KeyboardInterrupt):
        exported(config, out, without=["Secret"])
    assert len(calls) == 3 and objects(out) == before
    assert sorted(p.name for p in out.iterdir()) == [".gke2eks", "snapshot"]
    monkeypatch.undo()
    (out / "snapshot").rename(out / ".snapshot.old")  # as after a kill between the two
    loaded = store.load(open_workspace(out))
    assert loaded and orjson.loads(objects(out).splitlines()[0])["ref"] and objects(out) == before
