"""The contract on the practice cluster; with GKE2EKS_CONTRACT_REAL=1 also on a real API server."""

import os
from collections.abc import Iterator

import pytest
from rig.fixtures import assets, control_plane

from contract.servers import Server, kinds, practice, real, space

__all__ = ["assets", "control_plane", "kinds", "server", "space"]


@pytest.fixture(
    scope="session", params=["practice", "real"] if os.environ.get("GKE2EKS_CONTRACT_REAL") == "1" else ["practice"]
)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "practice":
        yield from practice()
    else:
        yield from real(request.getfixturevalue("control_plane"))
