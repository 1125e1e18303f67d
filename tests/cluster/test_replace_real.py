"""Replacing an object, on a real API server."""

from collections.abc import Iterator

import pytest
from contract.servers import Server, kinds, real, space
from contract.test_replace import *  # noqa: F403
from rig.controlplane import ControlPlane

__all__ = ["kinds", "space"]


@pytest.fixture(scope="session")
def server(control_plane: ControlPlane) -> Iterator[Server]:
    yield from real(control_plane)
