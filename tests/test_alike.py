"""Who made an object whose creation nobody answered: what its field managers say."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.flow.alike import ours_alone

OURS = {"manager": "gke2eks", "operation": "Apply"}
KEEPER = {"manager": "gke2eks-replicas", "operation": "Apply"}
CONTROLLERS = {"manager": "kube-controller-manager", "operation": "Update"}
KUBECTL = {"manager": "kubectl-create", "operation": "Update"}
STATUS = {"manager": "kubelet", "operation": "Update", "subresource": "status"}


@pytest.mark.parametrize(
    ("entries", "ours"),
    [
        ([OURS], True),
        ([OURS, KEEPER, STATUS], True),
        ([OURS, CONTROLLERS], True),  # the revision of a Deployment
        ([], True),  # a ServiceAccount with a name only
        ([OURS, KUBECTL], False),
        ([KUBECTL], False),
        ([{"manager": "gke2eks", "operation": "Update"}], False),
    ],
)
def test_what_is_ours_alone(entries: list[dict[str, Any]], ours: bool) -> None:
    assert ours_alone({"metadata": {"managedFields": entries}}) is ours
