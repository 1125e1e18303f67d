"""What a document is when it is no cluster object: a reason and a fix for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from migrate.manifest.text import ParseError
from migrate.model.ref import group_of

Said = tuple[str, str]
Test = Callable[[Mapping[str, Any], str], bool]

_RENDER = "Render it first: helm template <chart> | gke2eks … -"
_BUILD = "Render it first: kustomize build <folder> | gke2eks … -"
_NOT_APPLIED = "It is not applied to a cluster; nothing to migrate here."

# Files without a kind, most telling sign first.
_SHAPES: tuple[tuple[Test, str, str], ...] = (
    (lambda body, name: str(body.get("apiVersion", "")).startswith("skaffold/"), "a Skaffold file", _NOT_APPLIED),
    (lambda body, name: name.startswith("skaffold"), "a Skaffold file", _NOT_APPLIED),
    (lambda body, name: name.startswith("kustomization."), "a kustomization, not an object", _BUILD),
    (lambda body, name: name.startswith("chart."), "a Helm chart's description, not an object", _RENDER),
    (lambda body, name: name.startswith("values"), "Helm values, not an object", _RENDER),
    (lambda body, name: isinstance(body.get("steps"), list), "a Cloud Build file", _NOT_APPLIED),
    (lambda body, name: isinstance(body.get("jobs"), Mapping), "a CI workflow", _NOT_APPLIED),
    (
        lambda body, name: isinstance(body.get("services"), Mapping) or "compose" in name,
        "a docker-compose file",
        "Convert it to Kubernetes manifests first, for example with kompose.",
    ),
    (
        lambda body, name: isinstance(body.get("resources"), list) and "apiVersion" not in body,
        "a kustomization, not an object",
        _BUILD,
    ),
)

# Kinds that a tool reads and no API server serves, by group.
_GROUPS: dict[str, Said] = {
    "kustomize.config.k8s.io": ("a kustomization, not an object", _BUILD),
    "skaffold": ("a Skaffold file", _NOT_APPLIED),
    "deploy.cloud.google.com": ("a Cloud Deploy file", _NOT_APPLIED),
    "kind.x-k8s.io": ("a configuration of kind (Kubernetes in Docker)", _NOT_APPLIED),
    "kubeadm.k8s.io": ("a configuration of kubeadm", _NOT_APPLIED),
    "kubelet.config.k8s.io": ("a configuration of the kubelet", _NOT_APPLIED),
    "kubeproxy.config.k8s.io": ("a configuration of kube-proxy", _NOT_APPLIED),
    "apiserver.config.k8s.io": ("a configuration of the API server", _NOT_APPLIED),
    "client.authentication.k8s.io": ("a credential for kubectl", _NOT_APPLIED),
    "kpt.dev": ("a kpt file", _NOT_APPLIED),
}
_KINDS: dict[tuple[str, str], Said] = {
    ("", "Config"): ("a kubeconfig, not an object", "Give manifests; a kubeconfig is named with --kubeconfig."),
    ("", "Kustomization"): _GROUPS["kustomize.config.k8s.io"],
}
_TEMPLATE = ("a Helm template, not YAML yet", _RENDER)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|[*!&]\S+")


def without_kind(body: Mapping[str, Any], source: str) -> Said:
    """Say what a document without a kind probably is."""
    name = PurePath(source).name.lower()
    found = next(((what, fix) for test, what, fix in _SHAPES if test(body, name)), None)
    return found or ("no kind: not a Kubernetes object", "Add apiVersion and kind, or leave this file out.")


def not_served(api_version: str, kind: str) -> Said | None:
    """Say what a document is whose kind no cluster knows; None for an object."""
    group = group_of(api_version)
    return _GROUPS.get(group) or _KINDS.get((group, kind))


def unparsable(error: ParseError, *, template: bool, secret: bool) -> Said:
    """Say why a text did not parse; quoted text goes when the file may hold secrets."""
    if error.kind == "helm" or (template and error.kind == "yaml"):
        return _TEMPLATE
    message = _QUOTED.sub("…", error.message) if secret else error.message
    return f"cannot be parsed: column {error.column}: {message}", "Correct the text at this place."
