"""`gke2eks diff` as people type it, on two practice clusters: options, streams, exit codes, every format."""

from __future__ import annotations

import _thread
import json
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml
from diff_scenes import forms, moved
from export_help import run
from rig.http import Client
from since_help import Team, config, image

from migrate import bundled
from migrate.cli.main import main
from migrate.practice import Cluster, Server, server
from migrate.practice.simulation import Simulation


class Stage:
    """A team that has moved. `diff` is the command line, with what every call needs."""

    def __init__(self, folder: Path, urls: dict[str, str]) -> None:
        self.team = Team(Client(urls["eks"]), folder, "shop", old=Client(urls["gke"]))
        self.runs = moved(self.team, "topsecret")
        self.file = folder / "kubeconfig"
        self.file.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": name, "cluster": {"server": url}} for name, url in urls.items()],
                    "users": [{"name": "u", "user": {}}],
                    "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in urls],
                }
            )
        )
        self.given = ("-w", str(self.team.ws), "--hash-key-file", str(self.team.key))
        self.eks = ("--context", "eks", "--kubeconfig", str(self.file))
        self.gke = ("--source-context", "gke", "--source-kubeconfig", str(self.file))

    def diff(self, *args: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """In this process, which is quicker than one of its own."""
        words, out, err = ["diff", *self.given, *map(str, args)], StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", TextIOWrapper(BytesIO(stdin.encode())))
            with pytest.raises(SystemExit) as ended:
                main(words)
        assert isinstance(ended.value.code, int)
        return subprocess.CompletedProcess(words, ended.value.code, out.getvalue(), err.getvalue())

    def json(self, *args: str, code: int) -> Any:
        done = self.diff(*self.eks, *args, "-o", "json")
        assert done.returncode == code, done.stdout + done.stderr
        found = json.loads(done.stdout)
        assert found["exit"] == code
        _JUDGE.validate(found)
        return found


_JUDGE = jsonschema.Draft202012Validator(
    json.loads((bundled.folder("reports") / "diff.schema.json").read_text("utf-8"))
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    clusters = {"eks": Cluster(), "gke": Cluster()}
    Simulation(clusters["eks"], 0.02)
    servers = {name: Server(one).start() for name, one in clusters.items()}
    urls = {name: one.url for name, one in servers.items()}
    yield Stage(tmp_path_factory.mktemp("diff"), urls)
    for one in servers.values():
        one.stop()


@pytest.fixture
def spoiled(stage: Stage) -> Iterator[Stage]:
    """One field changed, one object missing, one extra, until the test is over."""
    space, client = stage.team.space, stage.team.client
    client.patch(stage.runs["settings"], {"data": {"a": "2"}})
    client.delete(stage.runs["old-settings"])
    client.apply(config(space, "stranger"), manager="\x1b[31msomebody")
    yield stage
    client.patch(stage.runs["settings"], {"data": {"a": "1"}})
    client.apply(stage.runs["old-settings"], manager="gke2eks", force=True)
    client.delete(config(space, "stranger"))


def test_what_was_planned_is_there(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    methods: set[str] = set()
    serve = server._Handler._serve
    monkeypatch.setattr(server._Handler, "_serve", lambda one: (methods.add(one.command), serve(one)))
    done = run("diff", *stage.given, *stage.eks)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    assert done.stdout.startswith("Is the target what was planned?  Yes")
    for unasked in ("What changed on GKE", "What flaps", "May the traffic", "next", "exit", "null"):
        assert unasked not in done.stdout
    found = stage.json(code=0)
    assert [found[name] for name in ("drift", "watch", "flaps", "gate")] == [None] * 4
    assert found["counts"]["objects"] == 10 and found["notes"] == []
    again = stage.json("--show-expected", code=0)
    assert {**again, "runtime": []} == {**found, "runtime": []}
    assert methods == {"GET"}


def test_each_fault_in_each_format(spoiled: Stage) -> None:
    found = spoiled.json(code=1)
    faults = {(one["class"], one["ref"]["name"], one["path"]): one for one in found["deltas"] if one["fix"]}
    bad = [("extra", "stranger", ""), ("missing", "old-settings", ""), ("unexpected", "settings", "data.a")]
    assert sorted(faults) == bad
    fix = faults["missing", "old-settings", ""]["fix"]
    said = " ".join(("apply", "-w", str(spoiled.team.ws), *spoiled.eks, "--hash-key-file", str(spoiled.team.key)))
    assert fix.startswith(f"gke2eks {said} --only ConfigMap/")
    fix = faults["unexpected", "settings", "data.a"]["fix"]
    assert fix.startswith(f"gke2eks {said} --only ConfigMap/shop/settings")

    text = spoiled.diff(*spoiled.eks)
    assert text.returncode == 1 and "No: 1 unexpected, 1 missing, 1 extra." in text.stdout
    assert text.stdout.endswith("exit 1: 1 unexpected, 1 missing, 1 extra\n")
    (override,) = (line.strip() for line in text.stdout.splitlines() if "overrides:" in line)
    assert yaml.safe_load(override)["overrides"][0]["path"] == "data.a"  # whole, to be copied
    markdown = spoiled.diff(*spoiled.eks, "-o", "markdown")
    assert markdown.returncode == 1 and "**No: 1 unexpected, 1 missing, 1 extra.**" in markdown.stdout
    junit = spoiled.diff(*spoiled.eks, "-o", "junit")
    suite = ElementTree.fromstring(junit.stdout)[0]
    assert junit.returncode == 1 and (suite.get("tests"), suite.get("failures")) == ("11", "3")
    for one in (text, markdown, junit):
        assert "ConfigMap/" in one.stdout and "settings" in one.stdout and "stranger" in one.stdout
        assert "\x1b" not in one.stdout and not [form for form in forms(b"topsecret") if form in one.stdout]


def test_filters_show_less_and_prove_nothing_less(spoiled: Stage) -> None:
    found = spoiled.json("--class", "missing", "--class", "extra", code=1)
    assert {one["class"] for one in found["deltas"]} == {"missing", "extra"} and found["counts"]["unexpected"] == 1
    text = spoiled.diff(*spoiled.eks, "--class", "runtime").stdout
    assert "data.a" not in text and "remain, as asked" in text and "1 unexpected" in text
    # A selection compares less, as everywhere.
    less = spoiled.json("-n", "shop", "--kind", "Secret", "--allow-extra", code=0)
    assert less["counts"]["objects"] == 1 and {one["ref"]["kind"] for one in less["deltas"]} == {"Secret"}
    assert "extra" not in {one["class"] for one in spoiled.json("--allow-extra", code=1)["deltas"]}


def test_the_gate(stage: Stage) -> None:
    found = stage.json(*stage.gke, "--gate", code=0)
    assert found["gate"] == {"open": True, "reasons": []}
    assert found["drift"]["moved"] == [] and found["drift"]["redo"] is False
    stage.team.deploy(image("shop", "worker", 2))
    try:
        done = stage.diff(*stage.eks, *stage.gke, "--gate")
        shut = stage.json(*stage.gke, "--gate", code=1)
        junit = ElementTree.fromstring(stage.diff(*stage.eks, *stage.gke, "--gate", "-o", "junit").stdout)
        calm = stage.diff(*stage.eks, *stage.gke, "-o", "markdown")
    finally:
        stage.team.deploy(stage.runs["worker"])
    assert done.returncode == 1 and "\n\nWhat changed on GKE since the export?  1 object" in done.stdout
    assert done.stdout.endswith("\n\nexit 1: the gate is shut\n") and "May the traffic move?  No." in done.stdout
    (reason,) = shut["gate"]["reasons"]
    assert shut["verdict"].startswith("Yes") and "must be made again (1 reason)" in reason
    (case,) = next(one for one in junit if one.get("name") == "gke2eks.gate")
    assert case.get("name") == "May the traffic move?" and reason in (case.findtext("failure") or "")
    # Told, and no fault where nobody asked for the gate.
    assert calm.returncode == 0 and "the plan must be made again.**" in calm.stdout and "traffic" not in calm.stdout


def test_the_target_as_somebody_saved_it(stage: Stage, tmp_path: Path) -> None:
    bodies = [stage.team.on_target(one) for name, one in stage.runs.items() if name not in ("space", "settings")]
    bodies.append(stage.team.client.get("v1", "Namespace", "shop"))
    settings = stage.team.on_target(stage.runs["settings"])
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "most.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies}))
    (tmp_path / "one.json").write_text(json.dumps(settings))
    whole = stage.diff("--target", folder, "--target", tmp_path / "one.json")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    part = stage.diff("--target", folder / "most.json")
    assert part.returncode == 1 and "1 missing" in part.stdout and "--context NAME" in part.stdout
    (folder / "more.json").write_text(json.dumps(settings))
    assert stage.diff("--target", folder).returncode == 0
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": [*bodies, settings]})
    assert stage.diff("--target", "-", stdin=items).returncode == 0
    none = stage.diff("--target", "-", "-o", "json")  # an empty stdin
    assert none.returncode == 3 and json.loads(none.stdout)["exit"] == 3
    assert stage.diff("--target", tmp_path / "nope").returncode == 3


def test_who_says_no(stage: Stage) -> None:
    itself = stage.diff("--context", "gke", "--kubeconfig", stage.file)
    assert itself.returncode == 3 and "is the source itself" in itself.stderr and itself.stdout == ""
    other = stage.diff(*stage.eks, "--source-context", "eks", "-o", "json")
    assert other.returncode == 3 and "not the cluster that was exported" in json.loads(other.stdout)["error"]
    unknown = stage.diff(*stage.eks, "-n", "shpo")
    assert unknown.returncode == 3 and "-n shpo fits no object" in unknown.stderr
    nowhere = run("diff", "-w", stage.file.parent / "none", *stage.eks)
    assert nowhere.returncode == 3 and "holds no plan yet" in nowhere.stderr
    assert not (stage.file.parent / "none").exists()


@pytest.mark.parametrize("status", [401, 403])
def test_a_cluster_that_says_no_to_everything(stage: Stage, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(one: BaseHTTPRequestHandler) -> None:
        body = json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status}).encode()
        one.send_response(status)
        one.send_header("Content-Type", "application/json")
        one.send_header("Content-Length", str(len(body)))
        one.end_headers()
        one.wfile.write(body)

    monkeypatch.setattr(server._Handler, "_serve", refuse)
    done = stage.diff(*stage.eks, "-o", "json")
    said = json.loads(done.stdout)
    assert done.returncode == said["exit"] == 4 and said["error"] and said["next"] and done.stderr == ""
    text = stage.diff(*stage.eks)
    assert text.returncode == 4 and text.stdout == "" and said["error"].split(":")[0] in text.stderr


def test_ctrl_c_ends_a_watch_with_what_was_seen(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stderr(StringIO):
        def write(self, text: str) -> int:
            done = super().write(text)
            if "watching what runs: 600 s left" in text:
                _thread.interrupt_main()
            return done

    said = Stderr()
    monkeypatch.setattr("sys.stderr", said)
    with pytest.raises(SystemExit) as ended:
        main(["diff", *stage.given, *stage.eks, "--watch", "10m", "-o", "json"])
    found = json.loads(capsys.readouterr().out)
    _JUDGE.validate(found)
    assert ended.value.code == found["exit"] == 0
    assert found["watch"] == {"looks": 0, "failed": 0, "stopped": True} and found["flaps"] == []
    assert said.getvalue().splitlines() == [
        "watching what runs: 600 s left",
        "stopped; what was seen until now counts.",
    ]


def test_help_and_completion_know_every_option() -> None:
    done = run("diff", "--help")
    options = ("--context", "--eks", "--profile", "--kubeconfig", "--target", "--source-context", "--source-gke")
    options += ("--source-kubeconfig", "--class", "--show-expected", "--allow-extra", "--watch", "--gate", "--output")
    options += ("--namespace", "--kind", "--only", "--exclude", "--selector", "--hash-key-file", "--age-identity")
    env = {"_GKE2EKS_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    offered = run(COMP_WORDS="gke2eks diff --", **env).stdout
    classes = run(COMP_WORDS="gke2eks diff --class", **{**env, "COMP_CWORD": "3"}).stdout
    assert done.returncode == 0 and all(one in done.stdout and one in offered for one in options)
    assert [f"  {code}  " in done.stdout for code in range(6)] == [True] * 5 + [False]
    assert "plain,unexpected" in classes and "plain,failed" in classes
    assert "diff" in run(COMP_WORDS="gke2eks di", **{**env, "COMP_CWORD": "1"}).stdout
