"""Slips of a person at a terminal: each is told with what, where and what next; none looks like a run that is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from apply_help import plan_of

from migrate.cli.main import main
from migrate.cli.names import SourceName, TargetName
from migrate.errors import BadInput
from migrate.flow.selected import refuse_nothing
from migrate.model.plan import Plan
from migrate.model.selection import parse_selection
from migrate.semantics.going import going

SHOP = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags", "namespace": "shop", "labels": {"a": "b"}}},
]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan_of(SHOP, tmp_path_factory.mktemp("slips") / "out")


@pytest.mark.parametrize(
    ("options", "what", "near"),
    [
        ({"namespaces": ["shpo"]}, "-n shpo", "the plan has shop"),
        ({"namespaces": ["shop", "*-x"]}, "-n '*-x'", "the plan has shop"),
        ({"kinds": ["ConfigMaap"]}, "--kind ConfigMaap", "the plan has ConfigMap"),
        ({"only": ["ConfigMap/shop/flag"]}, "--only ConfigMap/shop/flag", "the plan has ConfigMap/shop/flags"),
        # Whoever excludes something must not find it on the target because of a slip.
        ({"exclude": ["ConfigMap/shop/flgas"]}, "--exclude ConfigMap/shop/flgas", "the plan has ConfigMap/shop/flags"),
        ({"labels": ["a=c"]}, "-l a=c", ""),
        ({"kinds": ["Namespace"], "labels": ["a=b"]}, "-l a=b --kind Namespace", ""),
    ],
)
def test_what_fits_nothing_is_refused(options: dict[str, list[str]], what: str, near: str, plan: Plan) -> None:
    with pytest.raises(BadInput) as caught:
        refuse_nothing(plan, parse_selection(**options), Path("out"))
    assert caught.value.what == f"{what} fits no object of the plan in out"
    assert caught.value.details == ((near,) if near else ()) and "Nothing was written" in caught.value.next


def test_what_fits_is_not_refused(plan: Plan) -> None:
    chosen = ({}, {"namespaces": ["sh*"]}, {"kinds": ["configmaps"], "labels": ["a"]}, {"exclude": ["Namespace/shop"]})
    for options in chosen:
        select = parse_selection(**options)  # type: ignore[arg-type]
        refuse_nothing(plan, select, Path("out"))
        assert going(plan, select=select).steps


def test_a_slip_makes_no_folder_and_an_empty_one_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "k"
    file.write_text(
        'clusters: [{name: a, cluster: {server: "http://127.0.0.1:9"}}]\n'
        "users: [{name: a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n"
    )
    for folder, code, said in (("nope", 3, "nope holds no plan yet"), ("", 2, "it is empty: name a folder")):
        for command in ("preflight", "apply", "release"):
            yes = [] if command == "preflight" else ["--yes"]
            with pytest.raises(SystemExit) as ended:
                main([command, "-w", folder, "--context", "a", "--kubeconfig", str(file), *yes])
            err = capsys.readouterr().err
            assert ended.value.code == code and said in err, (command, err)
    assert [one.name for one in tmp_path.iterdir()] == ["k"]


def test_the_source_is_told_by_its_own_options(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        SourceName("gke", None, str(tmp_path / "none")).open()
    assert "(--source-kubeconfig)" in caught.value.what and " --kubeconfig" not in caught.value.next
    with pytest.raises(BadInput) as caught:
        TargetName("eks", None, str(tmp_path / "none")).open()
    assert "(--kubeconfig)" in caught.value.what
    assert SourceName(None, "acme/europe-west1/shop").kubectl == ("kubectl", "--context", "gke_acme_europe-west1_shop")
    assert SourceName("a b", None, "k").kubectl == ("kubectl", "--kubeconfig", "k", "--context", "a b")


@pytest.mark.parametrize("option", ["--timeout", "--ready-timeout"])
@pytest.mark.parametrize("value", ["nan", "inf", "0", "soon"])
def test_a_time_is_one_that_ends(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["apply", "-w", "x", "--context", "a", "--yes", option, value])
    assert f"Invalid value for '{option}': " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("streams", "code", "said"), [("<&- >&-", 0, ""), (">/dev/full", 3, "No space left"), ("2>&-", 0, "STO001")]
)
def test_closed_and_full_streams(streams: str, code: int, said: str) -> None:
    line = f'"{sys.executable}" -m migrate.cli rules {streams}'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == code and said in done.stdout + done.stderr
    assert "a bug" not in done.stderr and "Traceback" not in done.stderr
