"""Least privilege is real: an account that a test makes may do what its rules say and nothing else."""

import subprocess
from collections.abc import Callable
from typing import Any

from rig.users import Limited
from shapes_help import refusal


def test_a_limited_user_may_do_exactly_what_its_rules_say(
    control_plane: Any, limited_user: Callable[..., Limited]
) -> None:
    reading = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
    writing = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}]
    user, other = limited_user(control_plane, reading, within={"default": writing}), limited_user(control_plane, [])
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "limited", "namespace": "default"}}
    assert user.client.list("v1", "ConfigMap")
    assert user.client.create(config, dry_run=True)["metadata"]["name"] == "limited"
    denied = [
        refusal(lambda: user.client.list("v1", "Secret")),
        refusal(lambda: user.client.delete(config)),
        refusal(
            lambda: user.client.create(
                config | {"metadata": {"name": "limited", "namespace": "kube-system"}}, dry_run=True
            )
        ),
        refusal(lambda: other.client.list("v1", "ConfigMap")),
    ]
    assert [(error.status, error.reason) for error in denied] == [(403, "Forbidden")] * 4
    assert user.username in str(denied[0])
    kubectl = [str(control_plane.found.path("kubectl")), "--kubeconfig", str(user.kubeconfig), "auth", "can-i"]
    for verb, answer in (("list", "yes"), ("delete", "no")):
        done = subprocess.run(
            [*kubectl, verb, "configmaps"],
            capture_output=True,
            text=True,
            check=False,
            env={"HOME": str(control_plane.folder)},
        )
        assert done.stdout.strip() == answer, done.stderr
