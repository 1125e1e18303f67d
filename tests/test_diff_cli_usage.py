"""`gke2eks diff`: command lines that are not understood are refused before anything is opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from migrate.cli.main import main

EKS = ("--context", "eks")
GKE = ("--source-context", "gke")


def usage(*args: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said, as text and as JSON."""
    with pytest.raises(SystemExit) as ended:
        main(["diff", *args])
    text = capsys.readouterr()
    assert ended.value.code == 2 and text.out == "" and "Error: " in text.err, text
    with pytest.raises(SystemExit) as ended:
        main(["diff", "-o", "json", *args])
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert ended.value.code == found["exit"] == 2 and found["next"] == "see gke2eks diff --help." and printed.err == ""
    return str(found["error"])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "no target is named: add --context NAME, --eks REGION/CLUSTER, or --target PATH."),
        ((*EKS, "--eks", "us-east-2/prod"), "both name a target"),
        ((*EKS, "--target", "saved.json"), "a live target and files are named: leave one of them out."),
        (
            ("--kubeconfig", "k", "--target", "a"),
            "--kubeconfig is about --context: name that, or leave --kubeconfig out.",
        ),
        (("--profile", "p", "--target", "a"), "--profile is about --eks: name that, or leave --profile out."),
        ((*EKS, "--profile", "p"), "--profile is about --eks"),
        (("--context", ""), "--context is empty"),
        (("--eks", " "), "--eks is empty"),
        ((*EKS, "--kubeconfig", ""), "--kubeconfig is empty"),
        (("--target", ""), "--target is empty: name a file or a folder, or leave --target out."),
        (("--target", "a", "--target", " "), "--target is empty"),
        ((*EKS, "--source-context", ""), "--source-context is empty"),
        ((*EKS, *GKE, "--source-gke", "p/l/c"), "both name a source"),
        ((*EKS, "--source-kubeconfig", "k"), "--source-kubeconfig is about --source-context"),
        ((*EKS, "-w", ""), "it is empty: name a folder"),
        ((*EKS, "--gate"), "--gate asks what changed on the source since: add --source-context or --source-gke."),
        (("--target", "a", "--gate"), "--gate asks"),
        (("--target", "a", "--watch", "30s"), "--watch looks again and again: name a live target"),
        (("--watch", "30s"), "no target is named"),
        ((*EKS, "--class", "worse"), "'worse' is not one of 'expected'"),
        ((*EKS, "--class", ""), "'' is not one of"),
        ((*EKS, "--kind", "a,b"), "give the option again for each"),
        ((*EKS, "--age-identity", "none"), "'none' does not exist"),
        ((*EKS, "more"), "unexpected extra argument"),
    ],
)
def test_what_is_not_understood(
    args: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in usage(*args, capsys=capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "time", ["", "0s", "30", "s", "-1s", "1.5m", "1h30m", "1d", " 5s", "5S", "٣s", "9" * 5000 + "s"]
)
def test_a_watch_has_an_end(time: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is no time: write 30s, 10m or 1h." in usage(*EKS, "--watch", time, capsys=capsys)


def test_no_variable_says_what_is_compared(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("CONTEXT", "EKS", "TARGET", "FILES", "SOURCE_CONTEXT"):
        monkeypatch.setenv(f"GKE2EKS_DIFF_{name}", "x")
    assert "no target is named" in usage(capsys=capsys)
    assert "--gate asks" in usage(*EKS, "--gate", capsys=capsys)


def test_an_unknown_format(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["diff", *EKS, "-o", "html"])
    assert "'html' is not one of 'text', 'json', 'markdown', 'junit'" in capsys.readouterr().err
