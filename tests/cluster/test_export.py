"""The export from a real API server: complete, deterministic, with no more rights than it prints."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from export_help import NOT_ASKED, exported, kubeconfig, objects, run
from gke_fake import NAME, FakeGoogle, sample
from google.cloud.container_v1 import MasterAuth
from rig.faults import Faults, Gone, Proxy, Reset, Rule, Status, Truncate
from rig.shapes.loading import create
from rig.users import Limited
from shapes_fixtures import Shape
from shapes_help import eventually

from migrate.cluster.connection import with_token
from migrate.cluster.kube import KubeSource
from migrate.flow import export as flow
from migrate.flow import lists
from migrate.model.listing import Outcome
from migrate.model.ref import group_of

CANARY = "kanarienvogel-7c1f-vermilion"
MANY = 1200


@pytest.fixture(scope="module")
def full(gke: Shape) -> Shape:
    """The shape and enough objects for several pages; quiet."""
    name = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "export"}}
    maps = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"m{i}", "namespace": "export"},
            "data": {"a": "b"},
        }
        for i in range(MANY)
    ]
    meta = {"name": "canary", "namespace": "export", "annotations": {"copy": CANARY}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"p": CANARY}}
    create(gke.client, [name])
    create(gke.client, [*maps, secret])
    eventually(lambda: gke.client.list("v1", "ServiceAccount", "export"))
    return gke


def user(plane: Any) -> dict[str, str]:
    return {"token": plane.token()}


def config(folder: Path, shape: Shape) -> Path:
    return kubeconfig(folder, shape.plane.url, user(shape.plane), shape.plane.ca)


def by_kubectl(shape: Shape) -> Counter[tuple[str, str]]:
    """(group, kind): how many kubectl finds, over every kind that it can list."""
    found: Counter[tuple[str, str]] = Counter()
    said = shape.plane.kubectl("api-resources", "--verbs=list", "--no-headers", "-o", "name").stdout.split()
    names = [n for n in said if n.rpartition(".")[0] != "" or n not in ("events", "componentstatuses")]
    names = [n for n in names if not n.startswith(("events", "leases.", "leasecandidates.", "componentstatuses"))]
    listed = json.loads(shape.plane.kubectl("get", ",".join(names), "-A", "-o", "json").stdout)
    for item in listed["items"]:
        found[group_of(item["apiVersion"]), item["kind"]] += 1
    return found


def at_rest(shape: Shape, act: Callable[[], Any]) -> Any:
    """Do it again until the cluster held the same objects before and after: controllers work on in a young one."""
    for _ in range(10):
        before = by_kubectl(shape)
        done = act()
        if by_kubectl(shape) == before:
            return done
    raise AssertionError("the cluster never came to rest")


def test_all_that_kubectl_lists_is_read(full: Shape, tmp_path: Path) -> None:
    found = at_rest(full, lambda: exported(config(tmp_path, full), tmp_path / "out"))
    assert [x for x in found.listings if x.missing] == [] and found.left_out == ()
    there = by_kubectl(full)
    assert Counter((o.ref.group, o.ref.kind) for o in found.objects) == there
    assert there["", "ConfigMap"] >= MANY and there.total() >= 1500
    left = {(x.kind.group, x.kind.kind) for x in found.listings if x.why and x.why != "it has no list"}
    assert left <= NOT_ASKED | {("coordination.k8s.io", "LeaseCandidate")}
    assert {str(x.kind) for x in found.listings if x.why == "it has no list"} >= {"TokenReview", "Binding"}
    kept = b"".join(p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())
    for form in (CANARY.encode(), base64.b64encode(CANARY.encode()), CANARY.encode().hex().encode()):
        assert form not in kept


def test_two_exports_are_the_same_bytes_while_statuses_tick(full: Shape, tmp_path: Path) -> None:
    at_rest(full, lambda: exported(config(tmp_path, full), tmp_path / "one"))
    beat = {"type": "Ready", "status": "True", "lastHeartbeatTime": "2031-01-01T00:00:00Z", "reason": "KubeletReady"}
    for node in full.client.list("v1", "Node"):
        full.client.patch(node, {"status": {"conditions": [beat]}}, sub="status")
    tick = {"type": "Ticked", "status": "True", "lastTransitionTime": "2031-01-01T00:00:00Z"}
    for pod in full.client.list("v1", "Pod")[:20]:
        full.client.patch(pod, {"status": {"conditions": [*pod["status"].get("conditions", ()), tick]}}, sub="status")
    for workload in full.client.list("apps/v1", "Deployment")[:5]:
        full.client.patch(workload, {"status": {"observedGeneration": 99}}, sub="status")
    at_rest(full, lambda: exported(config(tmp_path, full), tmp_path / "two"))
    assert objects(tmp_path / "one") == objects(tmp_path / "two")
    seen = [(tmp_path / name / "snapshot" / "observed.jsonl").read_bytes() for name in ("one", "two")]
    assert b"2031-01-01" not in seen[0] and seen[1].count(b"2031-01-01") > 2
    gone = next(o for o in full.client.list("v1", "ConfigMap", "export") if o["metadata"]["name"] == f"m{MANY - 1}")
    full.client.delete(gone)
    third = at_rest(full, lambda: exported(config(tmp_path, full), tmp_path / "three"))
    assert f"m{MANY - 1}" not in {o.ref.name for o in third.objects}
    lines = [set(objects(tmp_path / name).splitlines()) for name in ("one", "three")]
    assert len(lines[0] - lines[1]) == 1 and lines[1] < lines[0]
    full.client.create(gone_again(gone))


def gone_again(obj: dict[str, Any]) -> dict[str, Any]:
    """The same object to create anew."""
    meta = {key: obj["metadata"][key] for key in ("name", "namespace")}
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": meta, "data": obj["data"]}


def test_faults_change_nothing(full: Shape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_rest(full, lambda: exported(config(tmp_path, full), tmp_path / "quiet"))
    monkeypatch.setattr(lists, "PAGE", 50)
    pair = (full.plane.folder / "server.crt", full.plane.folder / "server.key")
    with Proxy(full.plane.url, upstream_ca=full.plane.ca, certificate=pair) as proxy:
        proxy.faults = Faults(
            seed=5,
            rules=[
                Rule(Gone(), nth=range(3, 5)),
                Rule(Status(429, retry_after=0.01), chance=0.03),
                Rule(Status(503), chance=0.03),
                Rule(Reset("head"), chance=0.03),
                Rule(Reset("body", after=0.5), chance=0.03),
                Rule(Truncate(), chance=0.03),
            ],
        )
        found = exported(kubeconfig(tmp_path, proxy.url, user(full.plane), proxy.ca), tmp_path / "out")
        assert [x for x in found.listings if x.missing] == []
        assert objects(tmp_path / "out") == objects(tmp_path / "quiet")
        assert len({entry.fault for entry in proxy.faults.faults}) == 6
        assert {entry.method for entry in proxy.log} == {"GET"}
        asked = [
            entry.path for entry in proxy.log if not entry.fault and "/apis" in entry.path and "?" not in entry.path
        ]
        assert asked == ["/apis"]  # aggregated discovery: one request
    assert proxy.errors == []


def test_the_printed_role_is_enough_and_not_too_much(
    full: Shape, limited_user: Callable[..., Limited], tmp_path: Path
) -> None:
    printed = run("access", "source", "--kubeconfig", config(tmp_path, full))
    assert printed.returncode == 0, printed.stderr
    role = yaml.safe_load(printed.stdout)
    assert full.client.create(role, dry_run=True)["metadata"]["name"] == "gke2eks-export"
    rules = role["rules"]
    found = exported(limited_user(full.plane, rules).kubeconfig, tmp_path / "out")
    assert [x for x in found.listings if x.missing] == []
    fewer = [rule for rule in rules if rule["apiGroups"] != ["node.k8s.io"]]
    fewer = [{**r, "resources": [n for n in r["resources"] if n != "secrets"]} for r in fewer]
    reader = limited_user(full.plane, fewer)
    lacking = exported(reader.kubeconfig, tmp_path / "lacking")
    missing = [(str(x.kind), x.outcome) for x in lacking.listings if x.missing]
    assert missing == [("Secret", Outcome.FORBIDDEN), ("RuntimeClass", Outcome.FORBIDDEN)]
    done = run("export", "--kubeconfig", reader.kubeconfig, "-w", tmp_path / "said", XDG_STATE_HOME=str(tmp_path))
    lines = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("  forbidden")]
    assert done.returncode == 1 and lines == ["Secret:", "RuntimeClass:"]
    assert reader.username in done.stdout
    assert run("plan", "-w", tmp_path / "said").returncode == 3
    accepted = run("plan", "-w", tmp_path / "said", "--accept-incomplete", "-o", "json")
    said = [f for f in json.loads(accepted.stdout)["findings"] if "was not read (forbidden)" in f["message"]]
    assert len(said) == 2 and {f["severity"] for f in said} == {"review"}


def test_users_without_rights_and_without_credentials(full: Shape, tmp_path: Path) -> None:
    bad = kubeconfig(tmp_path, full.plane.url, {"token": "nobody-knows-me"}, full.plane.ca)
    done = run("export", "--kubeconfig", bad, "-w", tmp_path / "out")
    assert done.returncode == 4 and "does not accept the credentials of here" in done.stderr
    assert "nobody-knows-me" not in done.stderr
    anonymous = kubeconfig(tmp_path, full.plane.url, {}, full.plane.ca)
    assert run("export", "--kubeconfig", anonymous, "-w", tmp_path / "out").returncode == 4
    untrusted = kubeconfig(tmp_path, full.plane.url, user(full.plane))
    done = run("export", "--kubeconfig", untrusted, "-w", tmp_path / "out")
    assert done.returncode == 4 and "certificate of https://127.0.0.1" in done.stderr
    assert not (tmp_path / "out" / "snapshot").exists()


def test_a_login_program_is_run_again_when_its_token_ends(full: Shape, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    login = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    credential = json.dumps(
        {**login, "status": {"token": full.plane.token(), "expirationTimestamp": "2020-01-01T00:00:00Z"}}
    )
    (tmp_path / "plugin").write_text(f"#!/bin/sh\necho x >> {tokens}\ncat <<'E'\n{credential}\nE\n")
    (tmp_path / "plugin").chmod(0o700)
    program = {"apiVersion": login["apiVersion"], "command": str(tmp_path / "plugin"), "interactiveMode": "Never"}
    found = exported(kubeconfig(tmp_path, full.plane.url, {"exec": program}, full.plane.ca), tmp_path / "out")
    assert len(found.objects) > MANY and tokens.read_text().count("x") > 10


def test_a_ready_source_of_a_cloud_is_exported(full: Shape, tmp_path: Path) -> None:
    """The seam for clusters that are named without a kubeconfig."""
    asked: list[int] = []

    def token() -> str:
        asked.append(1)
        return full.plane.token()

    door = with_token("acme/shop", full.plane.url, full.plane.ca.read_bytes(), token, login="Log in again.")
    (tmp_path / "key").write_bytes(b"k" * 32)
    found = flow.export(
        KubeSource(door), tmp_path / "out", now="t", hash_key_file=tmp_path / "key", facts={"channel": "REGULAR"}
    )
    assert found.name == "acme/shop" and found.facts["channel"] == "REGULAR"
    assert len(found.objects) > MANY and len(asked) > 50


def test_a_gke_cluster_is_found_by_google_and_read(full: Shape, tmp_path: Path) -> None:
    host = full.plane.url.removeprefix("https://")
    ca = base64.b64encode(Path(full.plane.ca).read_bytes()).decode()
    cluster = sample(endpoint=host, master_auth=MasterAuth(cluster_ca_certificate=ca))
    cluster.control_plane_endpoints_config = None
    cluster.private_cluster_config = None
    with FakeGoogle(cluster) as google:
        google.token_answer = (200, {"access_token": full.plane.token(), "expires_in": 3600, "token_type": "Bearer"})
        done = run("export", "--gke", NAME, "-w", tmp_path / "out", **google.environment(tmp_path))
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "out" / "snapshot" / "facts.json").read_text())
    assert (NAME in facts["name"] and "node_pools" in json.dumps(facts)) or "nodePools" in json.dumps(facts)
    assert full.plane.token() not in done.stdout + done.stderr
