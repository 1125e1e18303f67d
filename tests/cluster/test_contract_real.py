"""The contract of tests/contract on a real API server, and the shipped table of list keys beside that server's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from contract.list_keys import table, text
from contract.servers import Server, kinds, real, space
from contract.test_apply import *  # noqa: F403
from contract.test_apply_refused import *  # noqa: F403
from contract.test_lists import *  # noqa: F403
from contract.test_objects import *  # noqa: F403
from contract.test_patches import *  # noqa: F403
from contract.test_random import *  # noqa: F403
from contract.test_server import *  # noqa: F403
from rig.controlplane import ControlPlane

__all__ = ["kinds", "space"]


@pytest.fixture(scope="session")
def server(control_plane: ControlPlane) -> Iterator[Server]:
    yield from real(control_plane)


def test_the_table_of_list_keys_is_the_servers(fresh_control_plane: ControlPlane, repo: Path) -> None:
    """On a difference: python tests/contract/list_keys.py"""
    shipped = (repo / "mappings" / "list-keys.yaml").read_text(encoding="utf-8")
    found = table(lambda path: fresh_control_plane.client().raw("GET", path))
    assert yaml.safe_load(shipped) == yaml.safe_load(text(found))
