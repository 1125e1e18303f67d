"""Without the programs of a control plane the cluster lane says so in one line, and nothing else suffers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rig import assets

TESTS = Path(__file__).parent
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # hypothesis and xdist take longer to load than these lanes to run


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no assets of the user's, and no Go on the PATH; the cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return assets.home()


def programs(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("")
        (folder / name).chmod(0o755)


def files(folder: Path) -> None:
    for name in assets.FILES:
        (folder / name).mkdir(parents=True)
        (folder / name / "a.yaml").write_text("kind: Stage\n")


def test_the_builder_without_go_says_one_line_and_is_no_error(nothing: Path) -> None:
    done = subprocess.run([sys.executable, str(TESTS / "rig" / "build.py")], capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert done.stdout.startswith("cluster lane skipped: no Go here, and no control plane on this machine: etcd, ")
    assert not nothing.exists()


def test_the_lane_skips_with_one_reason(nothing: Path, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(control_plane): pass\n")
    (tmp_path / "conftest.py").write_text("from rig.fixtures import assets, control_plane\n")
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | ALONE | {"PYTHONPATH": str(TESTS)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 skipped" in done.stdout and "`make cluster-tools` builds them, with Go" in done.stdout


def test_what_is_made_from_another_version_is_missing(nothing: Path) -> None:
    programs(nothing, list(assets.PROGRAMS))
    files(nothing)
    assert assets.find() is None
    (nothing / "pins.json").write_text(json.dumps(assets.pins()))
    assert assets.why_not() == ""
    found = assets.find()
    assert found is not None and found.path("kwok") == nothing / "kwok"
    assert len(found.stages()) == 3 and len(found.crds("karpenter")) == 1
    with pytest.raises(KeyError):
        found.path("kubelet")
    (nothing / "pins.json").write_text(json.dumps(assets.pins() | {"kwok": "sigs.k8s.io/kwok v0.1.0"}))
    assert assets.missing() == ["kwok"]
    (nothing / "kubectl").unlink()
    assert assets.missing() == ["kubectl", "kwok"]


def test_assets_of_the_user_win_when_they_are_whole(
    nothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path / "own", list(assets.PROGRAMS))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "own"))
    assert assets.missing() == list(assets.FILES)
    files(nothing)
    (nothing / "pins.json").write_text(json.dumps({name: assets.pins()[name] for name in assets.FILES}))
    found = assets.find()
    assert found is not None and found.path("etcd") == tmp_path / "own" / "etcd"
    (tmp_path / "own" / "kwok").unlink()
    assert assets.find() is None
    assert "KUBEBUILDER_ASSETS does not hold all of" in assets.why_not()


def test_every_pin_is_one_version_with_a_checksum() -> None:
    for name, pin in assets.pins().items():
        folder = assets.PROGRAMS[name][0] if name in assets.PROGRAMS else "schemas"
        sums = (assets.TOOLS / folder / "go.sum").read_text().splitlines()
        assert any(line.startswith(f"{pin} h1:") for line in sums), name
    assert assets.version().count(".") == 2


def test_the_fast_lane_does_not_collect_the_cluster_lane(tmp_path: Path, repo: Path) -> None:
    """Tried on a small tree with the project's own settings: by name it is collected, otherwise not."""
    (tmp_path / "pyproject.toml").write_text((repo / "pyproject.toml").read_text())
    (tmp_path / "tests" / "cluster").mkdir(parents=True)
    for path in ("tests/test_fast.py", "tests/cluster/test_slow.py"):
        (tmp_path / path).write_text("def test_it(): pass\n")

    def collected(*where: str) -> list[str]:
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *where]
        done = subprocess.run(command, cwd=tmp_path, env=os.environ | ALONE, capture_output=True, text=True)
        return [line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line]

    assert collected() == ["tests/test_fast.py"]
    assert collected("tests/cluster") == ["tests/cluster/test_slow.py"]
