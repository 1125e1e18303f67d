"""Bringing back what a run deleted, on the practice cluster; all scenes run on a real one in the cluster lane."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from contract.target_help import open_target
from rig.http import Client
from rollback_help import Life
from rollback_scenes_deleted import (  # noqa: F401
    test_the_journal_names_what_was_deleted_and_what_stands_for_it,
    test_what_was_made_anew_is_what_it_was,
)
from test_policy import Immutable
from test_rollback import urls

from migrate.cluster.connection import with_token
from migrate.cluster.pace import Pace

__all__ = ["urls"]
_numbers = itertools.count(1)


@pytest.fixture
def life(urls: tuple[str, str], tmp_path: Path) -> Life:
    found = Life(Client(urls[0]), tmp_path, f"back{next(_numbers)}", open_target(urls[1]), pace=11)
    way = with_token("the target", urls[0], None, lambda: "", login="log in again.")
    found.target = Immutable(way, pace=Pace(rate=1000, burst=1000))
    return found
