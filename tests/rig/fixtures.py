"""Fixtures for tests that need a real control plane; any conftest may import them. Without the programs they skip.

A control plane that two conftests import is two control planes, so a lane imports them in one place.
"""

from collections.abc import Iterator

import pytest

from rig import assets as rig_assets
from rig.assets import Assets
from rig.controlplane import ControlPlane

# Users of every control plane that a fixture starts. They may do nothing until a test binds a role to them.
USERS = ("reader", "writer", "nobody")


@pytest.fixture(scope="session")
def assets() -> Assets:
    """The programs; a test that starts control planes itself asks for this first."""
    found = rig_assets.find()
    if found is None:
        pytest.skip(rig_assets.why_not())
    return found


@pytest.fixture(scope="session")
def control_plane(assets: Assets) -> Iterator[ControlPlane]:
    """One for the whole run, shared by tests that keep to a namespace of their own. Controllers and kwok run."""
    with ControlPlane(assets).start(with_kwok=True, tokens=USERS) as plane:
        yield plane


@pytest.fixture
def fresh_control_plane(assets: Assets) -> Iterator[ControlPlane]:
    """One for this test alone, empty. Controllers and kwok run."""
    with ControlPlane(assets).start(with_kwok=True, tokens=USERS) as plane:
        yield plane
