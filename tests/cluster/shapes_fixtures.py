"""Fixtures: a control plane in the shape of GKE or EKS, and users with few rights. The lane's conftest imports them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client
from rig.services import Addresses, Cloud
from rig.shapes import eks, gke
from rig.shapes.provisioner import Provisioner
from rig.users import Limited
from rig.users import limited as make_limited

Rules = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """`client` is the admin's. `addresses` and `volumes` do for Services and for claims what that cloud does."""

    cloud: Cloud
    plane: ControlPlane
    client: Client
    addresses: Addresses
    volumes: Provisioner
    seconds: float  # that loading the shape took, the control plane itself not counted


def _shape(assets: Assets, cloud: Cloud) -> Iterator[Shape]:
    with ControlPlane(assets).start(with_kwok=True) as plane:
        client, start = plane.client(), time.monotonic()
        if cloud == "gke":
            gke.load(client)
        else:
            eks.load(client, cloud)
        seconds = time.monotonic() - start
        place = gke.PLACE if cloud == "gke" else eks.PLACE
        with Addresses(plane.client(), cloud) as addresses, Provisioner(plane.client(), place) as volumes:
            yield Shape(cloud, plane, client, addresses, volumes, seconds)


# One of each for a module: three at once are 1.5 GB. Tests of a module keep to namespaces of their own.
@pytest.fixture(scope="module", name="gke")  # the name of the module that loads it is taken here
def gke_shape(assets: Assets) -> Iterator[Shape]:
    """GKE Standard, with a small user's claims and Services in the namespace `shop`."""
    yield from _shape(assets, "gke")


@pytest.fixture(scope="module")
def eks_standard(assets: Assets) -> Iterator[Shape]:
    """EKS with managed node groups and the AWS Load Balancer Controller, and no workload."""
    yield from _shape(assets, "standard")


@pytest.fixture(scope="module")
def eks_auto(assets: Assets) -> Iterator[Shape]:
    """EKS Auto Mode with the IngressClass `alb`, and no workload."""
    yield from _shape(assets, "auto")


@pytest.fixture
def limited_user() -> Callable[..., Limited]:
    """`limited_user(plane, rules, within={namespace: rules})`: a user that may do exactly that; rig.users.limited."""
    return make_limited
