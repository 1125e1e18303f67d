"""Fixtures of the cluster lane. Everything here needs a real API server; without its programs every test skips."""

from rig.fixtures import assets, control_plane, fresh_control_plane
from shapes_fixtures import eks_auto, eks_standard, gke_shape, limited_user

__all__ = [
    "assets",
    "control_plane",
    "eks_auto",
    "eks_standard",
    "fresh_control_plane",
    "gke_shape",
    "limited_user",
]
