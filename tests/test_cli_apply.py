"""The commands that write, with a story made up: what must be named, the question, the streams, the exit codes."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from ran_help import FAILED, PREPARED, Prepared, many, report

from migrate.cli import sending
from migrate.cli.main import cli, main
from migrate.cli.names import SourceName, TargetName
from migrate.errors import EXIT_CODES, BadInput
from migrate.flow.run import Wait
from migrate.model.checks import finding, unknown
from migrate.model.effects import Severity
from migrate.model.journal import Outcome
from migrate.model.ran import Report

EKS = ("--eks", "us-east-2/prod")


class Story:
    """What the commands asked for, and what they get."""

    def __init__(self) -> None:
        self.report = report(*many(Outcome.CREATED, 2))
        self.prepared: Any = PREPARED
        self.asked: dict[str, Any] = {}
        self.ran: dict[str, Any] = {}
        self.closed = False
        self.checked: Any = None

    def prepare(self, target: object, workspace: Path, **more: Any) -> Story:
        self.asked = {"target": target, "workspace": workspace, **more}
        return self

    def preflight(self, target: object, workspace: Path, **more: Any) -> Any:
        self.asked = {"target": target, "workspace": workspace, **more}
        more["watch"]("dry runs", 1, 2)
        return self.checked

    def __enter__(self) -> Story:
        self.closed = False
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.prepared, name)

    def run(self, **more: Any) -> Report:
        assert isinstance(more["stop"], threading.Event) and not self.closed
        self.ran = more
        for one in self.report.results:
            if one.action is Outcome.FAILED:
                more["watcher"].failed(one)
        return self.report


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    told = Story()
    for name in ("apply", "release", "preflight"):
        module = ModuleType(f"migrate.flow.{name}")
        module.prepare, module.preflight = told.prepare, told.preflight  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"migrate.flow.{name}", module)
    monkeypatch.setattr(TargetName, "open", lambda self: (self, None))
    monkeypatch.setattr(SourceName, "open", lambda self: self)
    yield told


def run(*args: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli, args, input=typed, standalone_mode=False)


def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_can_ask", lambda: True)


@pytest.mark.parametrize("command", ["apply", "release", "preflight"])
@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "no target is named"),
        (("--kubeconfig", "k"), "no target is named"),
        (("--context", ""), "--context is empty"),
        (("--eks", " "), "--eks is empty"),
        (("--context", "a", "--eks", "us-east-2/prod"), "both name a target"),
        ((*EKS, "--kubeconfig", "k"), "--kubeconfig is about --context"),
        (("--context", "a", "--profile", "p"), "--profile is about --eks"),
        ((*EKS, "--source-context", "a", "--source-gke", "p/l/c"), "both name a source"),
        ((*EKS, "--source-kubeconfig", "k"), "--source-kubeconfig is about --source-context"),
        ((*EKS, "--source-context", ""), "--source-context is empty"),
    ],
)
def test_the_target_must_be_named(story: Story, command: str, args: tuple[str, ...], said: str) -> None:
    failed = run(command, *args).exception
    assert failed is not None and said in str(failed) and getattr(failed, "exit_code", 0) == 2
    assert not story.asked


def test_no_variable_names_a_target_or_answers_a_question(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONTEXT", "EKS", "YES", "HOLD", "SOURCE_CONTEXT"):
        monkeypatch.setenv(f"GKE2EKS_APPLY_{name}", "1")
    assert "no target is named" in str(run("apply").exception)
    assert "add --yes" in str(run("apply", *EKS).exception)


def test_where_nobody_can_be_asked_yes_is_needed_before_anything_is_opened(story: Story) -> None:
    for command in ("apply", "release"):
        failed = run(command, *EKS, typed="us-east-2/prod\n").exception
        assert "nobody can be asked" in str(failed) and getattr(failed, "exit_code", 0) == 2
    assert not story.asked


def test_the_name_is_asked_for_and_typed(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch)
    done = run("apply", *EKS, typed=" us-east-2/prod \n")
    assert done.exception is None and done.return_value == 0 and story.ran and story.closed
    assert done.stderr.startswith("  Source  GKE prod") and "  Type us-east-2/prod to go on: " in done.stderr
    assert done.stdout.startswith("  Target  us-east-2/prod") and "Type" not in done.stdout


@pytest.mark.parametrize("typed", ["prod\n", "y\n", "yes\n", "\n", "", "US-EAST-2/PROD\n"])
def test_another_name_writes_nothing(story: Story, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    asked(monkeypatch)
    done = run("apply", *EKS, typed=typed)
    assert isinstance(done.exception, BadInput) and done.exception.code == 3
    assert "Nothing was written" in done.exception.next and "us-east-2/prod" in done.exception.what
    assert not story.ran and story.closed and done.stdout == ""


def test_ctrl_c_at_the_question_writes_nothing(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch)

    def pressed(_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("click.testing._NamedTextIOWrapper.readline", pressed, raising=False)
    done = run("apply", *EKS, typed="x\n")
    assert done.exception is not None and "Nothing was written." in done.stderr and not story.ran and story.closed


def test_where_nothing_would_be_sent_nobody_is_asked(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch)
    story.prepared = replace(PREPARED, objects=0)
    assert run("apply", *EKS).return_value == 0 and story.ran


def test_what_the_story_is_given(story: Story, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k")
    more = ("--age-identity", str(key), "-n", "shop", "-w", "out", "--timeout", "5", "--hash-key-file", str(key))
    done = run("apply", "--context", "t", "--kubeconfig", "k", "--source-context", "s", "--hold", "--yes", *more)
    assert done.exception is None
    assert story.asked["target"] == TargetName("t", None, "k", None, 5) and story.asked["hold"] is True
    assert story.asked["source"] == SourceName("s", None, "k", 5) and story.asked["select"].namespaces == ("shop",)
    assert story.asked["age_identities"] == (key,) and story.asked["hash_key_file"] == key
    assert story.ran["wait"] is Wait.ALL and story.ran["ready_timeout"] == 600
    done = run("release", *EKS, "--source-gke", "p/l/c", "--source-stopped", "--yes", "--wait", "none")
    assert done.exception is None and story.asked["source_stopped"] is True and story.ran["wait"] is Wait.NONE
    assert story.asked["source"] == SourceName(None, "p/l/c", None, 60) and "hold" not in story.asked


def test_the_command_to_go_on_says_all_that_was_said(story: Story) -> None:
    story.report = report(stopped="Ctrl-C", untried=3, exit=130)
    args = ("--context", "a b", "--hold", "-n", "team-*", "-w", "my out")
    done = run("apply", *args, "--yes")
    command = "To go on: gke2eks apply -w 'my out' --context 'a b' -n 'team-*' --hold"
    assert command in " ".join(done.stdout.split()) and done.return_value == 130
    assert "journal: my out/journal.jsonl" in done.stdout


def test_json_is_one_document_on_stdout(story: Story, repo: Path) -> None:
    story.report = report(*many(Outcome.CREATED, 2), FAILED, exit=1)
    done = run("apply", *EKS, "--yes", "-o", "json")
    schema = json.loads((repo / "reports/apply.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(done.stdout))
    assert done.return_value == 1
    assert "Source  GKE prod" in done.stderr and "x shop: Deployment/api  failed" in done.stderr


def test_errors_are_json_when_json_is_asked(
    story: Story, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(*_: object, **__: object) -> None:
        raise BadInput("the plan is not the one that was reviewed", "plan again.")

    monkeypatch.setattr(sys.modules["migrate.flow.apply"], "prepare", no)
    for args, code in ((("--yes",), 3), ((), 2)):
        with pytest.raises(SystemExit) as left:
            main(["apply", *EKS, "-o", "json", *args])
        said = json.loads(capsys.readouterr().out)
        assert left.value.code == said["exit"] == code and said["next"]


def test_release_shows_what_it_refuses_before_it_asks(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch)
    runs = replace(FAILED, action=Outcome.LEFT_OUT, message="it still runs on the source", because="")
    story.prepared = replace(PREPARED, command="release", refused=(runs,))
    done = run("release", *EKS, typed="us-east-2/prod\n")
    assert done.stderr.index(f"told at the end: {runs.ref}") < done.stderr.index("Type us-east-2/prod")


@pytest.mark.parametrize(
    ("fail_on", "code"), [(None, 0), ("blocker", 0), ("review", 1), ("info", 1), ("never", 0), ("decide", 0)]
)
def test_preflight_exits_as_fail_on_says(story: Story, fail_on: str | None, code: int) -> None:
    story.checked = _Checked((unknown("PRE050", "Rights", "no reviews", "look."),))
    done = run("preflight", *EKS, *(("--fail-on", fail_on) if fail_on else ()))
    assert done.return_value == code, done.exception
    assert ("exit 1: 1 check that could not look at" in done.stdout) == bool(code)


def test_preflight_in_json(story: Story, repo: Path) -> None:
    story.checked = _Checked((finding("PRE012", "No controller", "helm install", severity=Severity.BLOCKER),))
    done = run("preflight", *EKS, "-o", "json")
    schema = json.loads((repo / "reports/preflight.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(done.stdout))
    assert done.return_value == json.loads(done.stdout)["exit"] == 1 and story.asked["source"] is None


@pytest.mark.parametrize("command", ["apply", "release", "preflight"])
def test_help_says_what_it_never_does_and_its_exit_codes(command: str) -> None:
    text = CliRunner().invoke(cli, [command, "--help"]).stdout
    assert " never " in text or "changes nothing" in text
    codes = {int(line.split()[0]) for line in text.splitlines() if line[:4] == "    " and line.split()[0].isdigit()}
    assert {0, 1, 2, 3, 4} <= codes <= set(EXIT_CODES)


class _Checked:
    def __init__(self, checks: tuple[Any, ...]) -> None:
        self.checks, self.target, self.plan = checks, Prepared().target, PREPARED
