"""Fixtures for everybody."""

import os
import signal
from pathlib import Path

import pytest

pytest.register_assert_rewrite("diff_scenes")  # so that its assertions show what they compare

# A shell that starts the suite in the background lets it ignore Ctrl-C, and every process that a test starts would
# inherit that: a test that presses Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout: docs/, examples/, mappings/ … also when the suite runs elsewhere against an installed wheel."""
    return Path(os.environ.get("GKE2EKS_REPO") or Path(__file__).parent.parent).resolve()


@pytest.fixture(scope="session")
def shared(repo: Path) -> Path:
    """The project's shared material, which is beside the checkout and not part of it."""
    folder = repo.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"needs the shared material at {folder}")
    return folder
