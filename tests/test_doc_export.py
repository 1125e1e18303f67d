"""docs/refusals.md and what docs/export.md shows are what the real commands print; GKE2EKS_WRITE_DOCS=1 writes it."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from gke_fake import FakeGoogle, ends, sample
from gke_fake import alone_fixture as alone_fixture
from google.cloud.container_v1 import MasterAuth
from refusal_scenes import SECRET, Scene, scenes, world

from migrate.cli.main import main
from migrate.flow import practice

WRITE = bool(os.environ.get("GKE2EKS_WRITE_DOCS"))
HEAD = """\
# What an export says when something is wrong
Each of these was made to happen, and is shown as the command printed it; only folders and addresses were replaced.
`tests/test_doc_export.py` writes this page. Exit code 3: correct what you wrote. 4: a cluster or Google said no.
The cluster is a practice cluster behind a proxy that misbehaves by script; Google is a server that speaks its Container
API over REST (Google itself is asked over gRPC). The pauses between attempts were left out.
Nothing is written to the workspace by any of them, unless the text says so.
"""
NAMES = ("KUBE", "GOOGLE_", "CLOUDSDK", "https_proxy", "http_proxy", "all_proxy")


@pytest.fixture(scope="module")
def cluster(repo: Path) -> Iterator[str]:
    running = practice.start([str(repo / "examples" / "gke-cluster.json")], stdin=lambda: b"", port=0)
    yield running.server.url
    running.server.stop()


@pytest.fixture
def home(alone: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty home folder to work in, without anything of the machine's."""
    for name in os.environ:
        if name.lower().startswith(tuple(one.lower() for one in NAMES)):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("random.uniform", lambda low, high: 0)  # no pause between attempts
    return tmp_path


def printed(command: str, home: Path, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run it in this process: exit code, and stderr and stdout without what differs between machines."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command)[1:])
    said = capfd.readouterr()
    text = re.sub(r"127\.0\.0\.1:\d+", "203.0.113.10", (said.err + said.out).replace(str(home), "/home/ana"))
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", "2026-01-02T03:04:05+00:00", text)
    assert SECRET not in text and "Traceback" not in text
    return int(str(ended.value.code or 0)), text


def shown(scene: Scene, home: Path, url: str, capfd: pytest.CaptureFixture[str]) -> str:
    """One piece of the page."""
    folder = home / "google"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, FakeGoogle(sample()) as google:
        for name, value in google.environment(folder).items():
            if name != "HOME":
                patch.setenv(name, value)
        with world(home, url, google, patch) as made:
            scene.make(made)
            code, text = printed(scene.command, home, capfd)
    assert code == scene.code, (scene.title, text)
    remark = f"{scene.remark}\n" if scene.remark else ""
    return f"\n### {scene.title}\n{remark}```\n$ {scene.command}\n{text}```\nExit code {code}.\n"


def test_the_page_of_refusals(home: Path, cluster: str, repo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = HEAD
    for section, members in scenes().items():
        page += f"\n## {section}\n" + "".join(shown(scene, home, cluster, capfd) for scene in members)
    place = repo / "docs" / "refusals.md"
    if WRITE:
        place.write_text(page, "utf-8")
    assert place.read_text("utf-8") == page
    for block in re.findall(r"```\n\$ (?:.*\n)(error: (?:.*\n)+?)```", page):
        assert re.search(r"^next:  ", block, re.MULTILINE), block


# A block of docs/export.md that ends in an ellipsis keeps as many lines as it has, but at least these.
SHOWN = re.compile(r"^```\n\$ (gke2eks .+)\n((?:.*\n)*?)```$", re.MULTILINE)
FEWEST = 12


def test_the_page_of_the_export(
    home: Path, cluster: str, repo: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command that the page shows with its output, one after the other, as a reader would."""
    place = repo / "docs" / "export.md"
    text = place.read_text("utf-8")

    def now(block: re.Match[str]) -> str:
        code, said = printed(block[1], home, capfd)
        assert code in (0, 1), (block[1], said)
        lines, before = said.splitlines(), block[2].splitlines()
        if before and before[-1] == "…":
            lines = [*lines[: max(FEWEST, len(before) - 1)], "…"]
        return "\n".join(["```", f"$ {block[1]}", *lines, "```"])

    with live(home, cluster, monkeypatch):
        page = SHOWN.sub(now, text)
    assert len(SHOWN.findall(page)) >= 5
    if WRITE:
        place.write_text(page, "utf-8")
    assert WRITE or text == page


def test_the_commands_of_the_readme(
    home: Path, cluster: str, repo: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    section = (repo / "README.md").read_text("utf-8").partition("## From a live cluster\n")[2].partition("\n## ")[0]
    commands = [line.partition("  #")[0].strip() for line in section.splitlines() if line.startswith("gke2eks ")]
    assert any("plan --context" in one for one in commands) and any("--gke" in one for one in commands)
    with live(home, cluster, monkeypatch):
        for command in commands:
            code, said = printed(command, home, capfd)
            assert code in (0, 1) and "error:" not in said, (command, said)


@contextlib.contextmanager
def live(home: Path, url: str, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The context prod, and the same cluster as acme-prod/europe-west1/shop at a fake Google."""
    (home / "google").mkdir()
    with FakeGoogle(sample()) as google:
        for name, value in google.environment(home / "google").items():
            if name != "HOME":
                patch.setenv(name, value)
        with world(home, url, google, patch) as made:
            assert made.cluster.ca
            address = made.cluster.url.removeprefix("https://")
            where = ends(dns=False)
            where.ip_endpoints_config.public_endpoint = address
            authority = base64.b64encode(made.cluster.ca.read_bytes()).decode()
            master = MasterAuth(cluster_ca_certificate=authority)
            google.clusters = [sample(control_plane_endpoints_config=where, master_auth=master)]
            yield
