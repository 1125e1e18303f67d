"""`plan --context`, what is selected on the way from the cluster to the plan, and what `export` tells machines."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from click.testing import CliRunner
from export_help import example_fixture as example_fixture
from export_help import kubeconfig, objects, run
from rig.faults import Faults, Proxy, Rule, Status

from migrate.cluster import kube


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    with Proxy(url) as proxy:
        yield proxy


@pytest.fixture
def env(proxy: Proxy, tmp_path: Path) -> dict[str, str]:
    """A person whose current context is the cluster behind the proxy."""
    return {"KUBECONFIG": str(kubeconfig(tmp_path, proxy.url)), "XDG_STATE_HOME": str(tmp_path)}


def plan_of(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((out / "plan.json").read_bytes())
    found["source"].pop("read_at")
    return found


def planned(plan: dict[str, Any]) -> set[str]:
    return {f"{s['ref']['kind']}/{s['ref']['namespace']}" for s in plan["steps"] if s["manifest"]}


def spaces(out: Path) -> set[str]:
    return {s["ref"]["namespace"] for s in plan_of(out)["steps"] if s["manifest"]} - {""}


def test_it_is_export_and_plan_in_one(env: dict[str, str], tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    done = run("plan", "--context", "here", "-w", one, "-o", "json", **env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.encode() == (one / "plan.json").read_bytes()
    assert "here: 177 objects of" in done.stderr and "not asked for: Lease" in done.stderr
    assert run("export", "-w", two, **env).returncode == run("plan", "-w", two).returncode == 0
    assert objects(one) == objects(two) and plan_of(one) == plan_of(two)


def test_without_a_name_no_cluster_is_asked(env: dict[str, str], proxy: Proxy, tmp_path: Path) -> None:
    env |= {"GKE2EKS_PLAN_CONTEXT": "here", "GKE2EKS_PLAN_TIMEOUT": "5"}
    done = run("plan", "-w", tmp_path / "out", **env)
    assert done.returncode == 3 and "there is nothing to plan" in done.stderr and not proxy.log
    for alone in (("--kubeconfig", env["KUBECONFIG"]), ("--without", "Secret"), ("--timeout", "60")):
        done = run("plan", *alone, "-w", tmp_path / "out", **env)
        said = " ".join(done.stderr.split())
        assert done.returncode == 2 and f"{alone[0]} alone names no cluster to plan: add --context NAME" in said
        assert "run gke2eks export first" in said and not proxy.log


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("plan", "--from", "x.json", "--context", "here"), "--from reads files, --context is about a cluster"),
        (("plan", "--from", "x.json", "--gke", "p/l/c"), "--from reads files, --gke is about a cluster"),
        (("plan", "--from", "x.json", "--kubeconfig", "k"), "--from reads files, --kubeconfig is about a cluster"),
        (("plan", "--from", "x.json", "--without", "Secret"), "--from reads files, --without is about a cluster"),
        (("plan", "--from", "x.json", "--timeout", "5"), "--from reads files, --timeout is about a cluster"),
        (("plan", "--gke", "p/l/c", "--context", "here"), "--gke names the cluster already"),
        (("plan", "--gke", "p/l/c", "--kubeconfig", "k"), "--gke names the cluster already"),
        (("plan", "--context", ""), "--context is empty"),
        (("export", "--context", ""), "--context is empty"),
        (("export", "--gke", ""), "--gke is empty"),
        (("access", "source", "--kubeconfig", ""), "--kubeconfig is empty"),
    ],
)
def test_what_does_not_go_together(
    args: tuple[str, ...], said: str, env: dict[str, str], proxy: Proxy, tmp_path: Path
) -> None:
    where = () if args[0] == "access" else ("-w", tmp_path / "out")
    done = run(*args, *where, **env)
    assert done.returncode == 2 and said in " ".join(done.stderr.split()), done.stderr
    assert not proxy.log and not (tmp_path / "out").exists()


def test_a_cluster_that_says_no_is_4(tmp_path: Path) -> None:
    with socket.socket() as held:  # bound and not listening: a connection is refused
        held.bind(("127.0.0.1", 0))
        config = kubeconfig(tmp_path, f"http://127.0.0.1:{held.getsockname()[1]}")
        done = run("plan", "--context", "here", "--kubeconfig", config, "-w", tmp_path / "out", "--timeout", "1")
    assert done.returncode == 4 and done.stderr.startswith("error: ") and "\nnext: " in done.stderr
    assert not (tmp_path / "out" / "plan.json").exists()


def test_incomplete_is_3_until_accepted(env: dict[str, str], proxy: Proxy, tmp_path: Path) -> None:
    proxy.faults = Faults(rules=[Rule(Status(403), path="/api/v1/secrets")])
    args = ("plan", "--context", "here", "-w", tmp_path / "out")
    done = run(*args, **env)
    assert done.returncode == 3 and "forbidden  Secret" in done.stderr and "--accept-incomplete" in done.stderr
    assert not (tmp_path / "out" / "plan.json").exists()
    assert run(*args, "--accept-incomplete", **env).returncode == 0
    assert [f for f in plan_of(tmp_path / "out")["findings"] if "Secret was not read" in f["message"]]
    done = run(*args, "--without", "Secret", **env)
    assert done.returncode == 0 and "left out, as asked: Secret" in done.stderr


def test_a_mistake_in_the_decisions_is_told_before_the_reading(
    env: dict[str, str], proxy: Proxy, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / ".gke2eks").touch()
    (out / "gke2eks.yaml").write_text("select: {kinds: ['Dep*']}\n")
    done = run("plan", "--context", "here", "-w", out, **env)
    assert done.returncode == 3 and "gke2eks.yaml:1" in done.stderr and not proxy.log


def test_google_is_asked_with_gke(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from migrate.cli.plan import command

    config, asked = kubeconfig(tmp_path, url), []

    def from_gke(name: str, *, timeout: float) -> tuple[Any, dict[str, Any]]:
        asked.append((name, timeout))
        return kube.from_kubeconfig(None, str(config), timeout=timeout), {"channel": "REGULAR"}

    monkeypatch.setattr(kube, "from_gke", from_gke)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    out = str(tmp_path / "out")
    done = CliRunner().invoke(command, ["--gke", "p/l/c", "-w", out, "--timeout", "7"], standalone_mode=False)
    assert done.exception is None and done.return_value == 0 and asked == [("p/l/c", 7)]
    assert orjson.loads((tmp_path / "out/snapshot/facts.json").read_bytes())["facts"]["channel"] == "REGULAR"


def test_what_the_export_selected_holds_for_the_plan(env: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("export", "--exclude", "Secret/*/*", "-l", "!nothing-has-this", "-w", out, **env)
    assert "selected, also for plan: -l '!nothing-has-this' --exclude 'Secret/*/*'" in done.stdout
    run("plan", "-w", out)
    assert not [one for one in planned(plan_of(out)) if one.startswith("Secret/")]
    # gke2eks.yaml lies over the export, the options over both; exclusions add up.
    (out / "gke2eks.yaml").write_text("select: {labels: ['no=such']}\n")
    run("plan", "-w", out)
    assert plan_of(out)["select"]["used"]["labels"] == ["no=such"] and not planned(plan_of(out))
    run("plan", "-w", out, "-l", "!no", "--exclude", "ConfigMap/*/*")
    used = plan_of(out)["select"]["used"]
    assert used["labels"] == ["!no"] and used["exclude"] == ["Secret/*/*", "ConfigMap/*/*"]
    kinds = {one.partition("/")[0] for one in planned(plan_of(out))}
    assert "Deployment" in kinds and not kinds & {"Secret", "ConfigMap"}


def test_only_what_was_exported_can_be_selected(env: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("plan", "--context", "here", "-n", "app", "-w", out, **env).returncode == 0
    assert spaces(out) == {"app"}
    assert run("plan", "-w", out).returncode == 0 and spaces(out) == {"app"}
    assert "only app of the namespaces were exported" in run("plan", "-n", "data", "-w", out).stderr
    assert "were exported" not in run("plan", "-n", "app", "-w", out).stderr


def test_explain_speaks_of_the_plan_that_was_written(url: str, repo: Path, tmp_path: Path) -> None:
    out, example = tmp_path / "out", repo / "examples" / "gke-cluster.json"

    def explained() -> str:
        done = run("explain", "-w", out, "ServiceAccount/app/api")
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    done = run("plan", "--from", example, "-w", out, "--exclude", "ServiceAccount/app/api", "--flavour", "auto")
    assert f"gke2eks plan -w {out} --exclude ServiceAccount/app/api" in " ".join(done.stdout.split())
    assert "excluded by name" in explained() and "note:" not in explained()
    # What changed since is said, with the options that made the plan.
    (out / "gke2eks.yaml").write_text("select: {kinds: [Service]}\n")
    assert f"run gke2eks plan -w {out} --exclude ServiceAccount/app/api\n" in explained()
    # Without options the plan goes back to what gke2eks.yaml says.
    (out / "gke2eks.yaml").unlink()
    assert run("plan", "-w", out).returncode == 0
    assert plan_of(out)["select"]["used"]["exclude"] == [] and "IDN001" in explained()
    assert "note:" not in explained()


def test_explain_without_a_plan_says_so(env: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("export", "-w", out, **env)
    for text in (None, "[]", "no json"):
        if text:
            (out / "plan.json").write_text(text)
        done = run("explain", "-w", out, "ServiceAccount/app/api")
        assert done.returncode == 3 and "holds no plan yet" in done.stderr


def test_a_plan_of_a_former_version_is_explained(repo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("plan", "--from", repo / "examples" / "gke-cluster.json", "-w", out)
    plan = orjson.loads((out / "plan.json").read_bytes())
    for select in (None, [], {"options": {"namespaces": ["Not a name"]}}, {"options": {"more": []}}):
        plan["select"] = select
        (out / "plan.json").write_bytes(orjson.dumps(plan))
        done = run("explain", "-w", out, "ServiceAccount/app/api")
        assert done.returncode == 0 and "IDN001" in done.stdout and done.stderr == ""


def test_an_export_for_machines(env: dict[str, str], proxy: Proxy, repo: Path, tmp_path: Path) -> None:
    schema = jsonschema.Draft202012Validator(orjson.loads((repo / "reports" / "export.schema.json").read_bytes()))
    proxy.faults = Faults(
        rules=[Rule(Status(403), path="/secrets"), Rule(Status(500, retry_after=0), path="/cronjobs")]
    )
    out = tmp_path / "with space"
    done = run("export", "-o", "json", "-w", out, "--without", "jobs", "-n", "ap*", **env)
    said = json.loads(done.stdout)
    schema.validate(said)
    assert done.returncode == 1 and said["source"] == "here" and said["kubernetes"].startswith("v1.")
    assert said["next"] == f"gke2eks plan -w '{out}'" and said["select"]["namespaces"] == ["ap*"]
    kinds = {(one["group"], one["kind"]): one for one in said["kinds"]}
    assert kinds["", "Secret"]["outcome"] == "forbidden" and kinds["batch", "CronJob"]["outcome"] == "failed"
    assert kinds["batch", "Job"]["why"] == "left out by --without" and kinds["batch", "CronJob"]["why"]
    counts = said["counts"]
    assert counts["forbidden"] == counts["failed"] == 1 and counts["objects"] > 40
    assert counts["kinds"] == len(kinds) == sum(counts[one] for one in ("listed", "forbidden", "failed", "left_out"))
    assert counts["objects"] + counts["unfit"] == sum(one["count"] for one in said["kinds"])
    for wrong in ({**said, "schema": "x"}, {**said, "kinds": [{"kind": "Secret"}]}, {**said, "counts": {}}):
        assert list(schema.iter_errors(wrong))
    assert set(said["counts"]) == set(schema.schema["properties"]["counts"]["properties"])
    refused = run("export", "-o", "json", "--context", "nowhere", "-w", out, **env)
    assert refused.returncode == json.loads(refused.stdout)["exit"] == 3
