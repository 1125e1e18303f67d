"""The house: what is packaged is what is in the tree, and asking for help is cheap."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

DATA = ("mappings", "reports")
HEAVY = {"kubernetes", "boto3", "botocore", "google.cloud", "grpc", "deepdiff", "jinja2", "yaml"}


def tracked(repo: Path, *paths: str) -> list[str]:
    """What git has or would add: the files that belong to the project."""
    if shutil.which("git") is None or not (repo / ".git").exists():
        pytest.skip(f"needs git and a checkout at {repo}")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths]
    out = subprocess.run(command, cwd=repo, capture_output=True, text=True)
    if out.returncode:
        pytest.skip(f"git ls-files failed in {repo}: {out.stderr.strip()}")
    return sorted({name for name in out.stdout.split("\0") if name and (repo / name).is_file()})


def as_packages(files: list[str]) -> set[str]:
    """The packages that these files need: code folders, and data folders under migrate."""
    folders = {Path(name).parent for name in files}
    return {".".join(f.parts if f.parts[0] == "migrate" else ("migrate", *f.parts)) for f in folders}


def test_packages_listed_are_packages_in_tree(repo: Path) -> None:
    listed = tomllib.loads((repo / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert listed == sorted(set(listed))
    code = [name for name in tracked(repo, "migrate") if name.endswith(".py")]
    assert set(listed) == as_packages(code + tracked(repo, *DATA))
    without_init = {str(Path(name).parent) for name in code} - {
        str(Path(name).parent) for name in code if name.endswith("/__init__.py")
    }
    assert not without_init


def test_no_module_hides_a_data_folder(repo: Path) -> None:
    for name in DATA:
        assert not (repo / "migrate" / name).exists()
        assert not (repo / "migrate" / f"{name}.py").exists()


def test_late_rooms_join_the_contracts(repo: Path) -> None:
    """import-linter refuses names that do not exist, so these two are added to "do not judge" when they come."""
    contracts = tomllib.loads((repo / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (judging,) = (c for c in contracts if c["name"] == "Windows and renderers do not judge")
    assert ("migrate.practice" in judging["source_modules"]) == (repo / "migrate/practice").is_dir()
    assert ("migrate.differ" in judging["forbidden_modules"]) == (repo / "migrate/differ").is_dir()


def test_wheel_holds_what_git_holds(repo: Path, tmp_path: Path) -> None:
    files = tracked(repo, "migrate", *DATA)
    for name in [*files, *tracked(repo, "pyproject.toml", "LICENSE", "README.md")]:
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(repo / name, tmp_path / "tree" / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), "tree"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert inside == {name if name.startswith("migrate/") else f"migrate/{name}" for name in files}


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "migrate.cli", "--help"]
    out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr[-2000:]
    assert "Usage" in out.stdout
    loaded = set(re.findall(r"^import time:.*\|\s*(\S+)$", out.stderr, re.MULTILINE))
    assert "migrate.cli" in loaded or "click" in loaded
    assert not {h for h in HEAVY for name in loaded if name == h or name.startswith(h + ".")}
