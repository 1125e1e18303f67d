"""What a user types and gets: exit codes, streams, files, and no Secret value anywhere."""

from __future__ import annotations

import base64
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import jsonschema
import orjson
import pytest
from click.testing import CliRunner
from forked import gke2eks

from migrate.cli.rules import command
from migrate.errors import EXIT_CODES


def run(*args: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return gke2eks(args, stdin=stdin, cwd=cwd)


@pytest.fixture(scope="module")
def example(repo: Path) -> Path:
    return repo / "examples" / "gke-cluster.json"


@pytest.fixture(scope="module")
def planned(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plan") / "out"
    key = tmp_path_factory.mktemp("key") / "key"
    key.write_bytes(b"k" * 32)
    done = run("plan", "--from", example, "-w", out, "--hash-key-file", key)
    assert done.returncode == 0, done.stderr.decode()
    return out


def test_json_is_the_plan_file_and_fits_its_schema(planned: Path, repo: Path) -> None:
    done = run("plan", "-w", planned, "-o", "json")
    assert done.returncode == 0 and done.stdout == (planned / "plan.json").read_bytes()
    schema = orjson.loads((repo / "reports" / "plan.schema.json").read_bytes())
    jsonschema.Draft202012Validator(schema).validate(orjson.loads(done.stdout))


def test_the_summary_names_only_files_that_exist(planned: Path) -> None:
    printed = re.sub(r"\s+", " ", run("plan", "-w", planned).stdout.decode())
    named = re.findall(rf"{re.escape(str(planned))}/([\w./-]+)", printed.partition("Report:")[2])
    assert named and all((planned / name).exists() for name in named)


def test_no_secret_value_is_written_or_printed(example: Path, planned: Path) -> None:
    items = orjson.loads(example.read_bytes())["items"]
    values = [v for o in items if o["kind"] == "Secret" for v in o.get("data", {}).values()]
    assert len(values) > 3
    everything = b"".join(p.read_bytes() for p in planned.rglob("*") if p.is_file())
    everything += run("plan", "-w", planned).stdout + run("plan", "-w", planned, "-o", "markdown").stdout
    for value in values:
        plain = base64.b64decode(value)
        assert value.encode() not in everything and plain not in everything
        assert base64.b64encode(value.encode()) not in everything and plain.hex().encode() not in everything


def test_explain_a_field_by_its_ending(planned: Path) -> None:
    done = run("explain", "-w", planned, "ServiceAccount/app/api", "role-arn")
    assert done.returncode == 0 and b"IDN001" in done.stdout and b"gcp-service-account" not in done.stdout


def test_explain_the_cluster_as_a_whole(planned: Path) -> None:
    done = run("explain", "-w", planned, "cluster")
    assert done.returncode == 0 and done.stdout.startswith(b"What concerns the whole cluster?")
    assert b"Source: " in done.stdout


def test_explain_an_unknown_object_names_the_nearest(planned: Path) -> None:
    done = run("explain", "-w", planned, "Service/app/apu")
    assert done.returncode == 3 and b"Service/app/api" in done.stderr and done.stdout == b""


def test_an_answer_closes_its_question(example: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = orjson.loads(run("plan", "--from", example, "-w", out, "-o", "json").stdout)
    assert any(q["blocks"] for q in first["undecided"]) and any(not q["blocks"] for q in first["undecided"])
    examples = (out / "gke2eks.undecided.yaml").read_text()
    (out / "gke2eks.yaml").write_text("source: {name: prod}\n" + examples)
    again = orjson.loads(run("plan", "-w", out, "-o", "json").stdout)
    assert again["source"]["name"] == "prod"
    # What holds only release is never answered by an example: it would claim something about the user's data.
    assert again["undecided"] == [q for q in first["undecided"] if not q["blocks"]]
    assert again["counts"]["wait"] == 0 and again["digest"] != first["digest"]
    uncommented = re.sub(
        r'(?m)^(  )# ((?:"[^"\n]*"|[a-zA-Z]+): ".*)', r"\1\2", (out / "gke2eks.undecided.yaml").read_text()
    )
    (out / "gke2eks.yaml").write_text("source: {name: prod}\n" + examples + uncommented)
    assert orjson.loads(run("plan", "-w", out, "-o", "json").stdout)["undecided"] == []
    assert not (out / "gke2eks.undecided.yaml").exists()
    assert "gke2eks/UNDECIDED!" not in "".join(p.read_text() for p in (out / "manifests").rglob("*.yaml"))


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("plan", "--from", "no-such-file", "-w", "{tmp}/out"), 3),
        (("plan", "-w", "{tmp}/out"), 3),
        (("explain", "-w", "{tmp}/out", "Service/x/y"), 3),
        (("rules", "STO01"), 3),
        (("plan", "--flavour", "fancy"), 2),
        (("nonsense",), 2),
    ],
)
def test_errors_are_words_and_codes(args: tuple[str, ...], code: int, tmp_path: Path) -> None:
    done = run(*(arg.format(tmp=tmp_path) for arg in args))
    assert done.returncode == code and b"Traceback" not in done.stderr and done.stderr.strip()


def test_errors_are_json_when_json_is_asked(tmp_path: Path) -> None:
    done = run("plan", "--from", "no-such-file", "-w", tmp_path / "out", "-o", "json")
    said = orjson.loads(done.stdout)
    assert done.returncode == said["exit"] == 3 and said["next"] and "no-such-file" in said["error"]


def test_usage_errors_are_json_too() -> None:
    done = run("plan", "--flavour", "fancy", "-o", "json")
    assert done.returncode == 2 and orjson.loads(done.stdout)["exit"] == 2


def test_stdin_and_a_blocked_class_exit_1(tmp_path: Path) -> None:
    body = b"apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: x}\n"
    body += b"provisioner: pd.csi.storage.gke.io\nparameters: {type: hyperdisk-ml}\n"
    assert run("plan", "--from", "-", "-w", tmp_path / "out", stdin=body).returncode == 1
    assert run("plan", "--from", "-", "-w", tmp_path / "b", "--fail-on", "never", stdin=body).returncode == 0


def test_the_readme_lists_the_exit_codes(repo: Path) -> None:
    table = re.findall(r"^\| (\d+) \| (.+) \|$", (repo / "README.md").read_text(), re.MULTILINE)
    assert {int(code): said for code, said in table} == EXIT_CODES


_SHOWN = re.compile(r"^\$ gke2eks (.+)\n((?:.*\n)*?)```", re.MULTILINE)


def test_the_readme_shows_what_is_printed(repo: Path, tmp_path: Path) -> None:
    readme = repo / "README.md"
    (tmp_path / "examples").mkdir()
    shutil.copy(repo / "examples" / "gke-cluster.json", tmp_path / "examples")
    assert len(_SHOWN.findall(readme.read_text("utf-8"))) >= 3

    def printed(found: re.Match[str]) -> str:
        done = run(*shlex.split(found[1]), cwd=tmp_path)
        return f"$ gke2eks {found[1]}\n{done.stdout.decode()}```"

    now = _SHOWN.sub(printed, readme.read_text("utf-8"))
    if os.environ.get("GKE2EKS_WRITE_DOCS"):
        readme.write_text(now, "utf-8")
    assert readme.read_text("utf-8") == now


def test_an_overlay_adds_rows_and_the_reason_names_its_line(example: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("plan", "--from", example, "-w", out)
    (out / "gke2eks.yaml").write_text("overlays: [mine]\n")
    (out / "mine").mkdir()
    row = "- {rule: SVC003, kinds: [/Service], keys: [cloud.google.com/l4-rbs], verb: remove,\n"
    row += "   because: our address moves by hand, example: {value: x}}\n"
    (out / "mine" / "annotations.yaml").write_text("# ours\n" + row)
    plan = orjson.loads(run("plan", "-w", out, "-o", "json").stdout)
    reasons = [c["because"] for s in plan["steps"] for c in s["changes"]]
    assert any("our address moves by hand (mine/annotations.yaml:2)" in reason for reason in reasons)
    (out / "mine" / "annotations.yaml").write_text(row.replace("because", "becaus"))
    done = run("plan", "-w", out)
    assert done.returncode == 3 and b"mine/annotations.yaml:2: unknown column 'becaus'" in done.stderr


def test_every_rule_that_a_report_names_has_a_page(planned: Path) -> None:
    plan = orjson.loads((planned / "plan.json").read_bytes())
    named = {f["rule"] for f in plan["findings"]} | {d["rule"] for d in plan["differences"]}
    named |= {c["rule"] for s in plan["steps"] for c in s["changes"]}
    assert "CLU010" in named and "SVC001" in named
    for rule in named | {"SWP001"}:
        shown = CliRunner().invoke(command, [rule], standalone_mode=False)
        assert not shown.exception and shown.stdout.startswith(rule), rule
    assert run("rules", "SVC001").returncode == 0


def test_a_decision_that_fits_nothing_is_named(example: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("plan", "--from", example, "-w", out)
    (out / "gke2eks.yaml").write_text(
        "overrides:\n- {ref: Service/app/apu, path: spec.type, value: ClusterIP, reason: mistyped}\n"
        "waivers:\n- {rule: ZZZ999, reason: mistyped, expires: 2099-01-01}\n"
    )
    plan = orjson.loads(run("plan", "-w", out, "-o", "json").stdout)
    said = " ".join(f["message"] for f in plan["findings"] if f["ref"] is None)
    assert "an override of Service/app/apu" in said and "ZZZ999" in said and "gke2eks.yaml:2" in said


def test_an_override_settles_what_a_rule_asks(tmp_path: Path) -> None:
    out = tmp_path / "out"
    body = b"apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: x}\n"
    body += b"provisioner: pd.csi.storage.gke.io\nparameters: {type: hyperdisk-ml}\n"
    assert run("plan", "--from", "-", "-w", out, stdin=body).returncode == 1
    (out / "gke2eks.yaml").write_text(
        "overrides:\n"
        "- {ref: StorageClass/x, path: provisioner, value: ebs.csi.aws.com, reason: io2}\n"
        "- {ref: StorageClass/x, path: parameters, value: {type: io2, iops: '5000'}, reason: io2}\n"
    )
    done = run("plan", "-w", out, "-o", "json")
    plan = orjson.loads(done.stdout)
    assert done.returncode == 0 and plan["counts"]["ready"] == 1 and plan["findings"] == []
    assert "gke2eks.yaml:2" in plan["steps"][0]["changes"][0]["because"]


def test_an_expired_waiver_stops_the_plan_and_is_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    body = b"apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: x}\n"
    body += b"provisioner: pd.csi.storage.gke.io\nparameters: {type: hyperdisk-ml}\n"
    run("plan", "--from", "-", "-w", out, stdin=body)
    (out / "gke2eks.yaml").write_text("waivers:\n- {rule: STO001, reason: moved later, expires: 2026-12-01}\n")
    assert run("plan", "-w", out, "--today", "2026-12-01").returncode == 0
    late = run("plan", "-w", out, "--today", "2026-12-02")
    assert late.returncode == 3 and b"gke2eks.yaml:2:48: the waiver of STO001 expired on 2026-12-01" in late.stderr
    assert b"^^^^^^^^^^" in late.stderr and b"take the waiver out" in late.stderr
