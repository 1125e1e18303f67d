"""Login programs (exec plugins) of a kubeconfig: is it there, and what does it mean that it gave nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from migrate.cluster.gke_refusals import masked
from migrate.errors import BadInput, NotLoggedIn

GOOGLES = "gke-gcloud-auth-plugin"
AMAZONS = ("aws", "aws-iam-authenticator")
_LINES = 5
_SAID = "exec: "  # how the kubernetes package begins what it knows; all else is a Python exception in disguise
# What it says, and that in words. The rest, such as what the program wrote to stderr, is shown as it is.
_MEANINGS = {
    "failed to decode process output": "what it printed is not JSON",
    "malformed response": "what it printed is no ExecCredential",
    "missing token or clientCertificateData": "its ExecCredential holds neither token nor certificate",
    "missing clientKeyData": "its ExecCredential holds a certificate without its key",
}


def check(user: Mapping[str, Any], context: str, *, target: bool = False) -> None:
    """Look for the program before anything is started. `target`: the context is written to. Raises BadInput."""
    config = user.get("exec")
    if not isinstance(config, Mapping):
        return
    command = config.get("command")
    if not isinstance(command, str) or not command:
        raise BadInput(f"the context {context} names a login program without a command", "correct the kubeconfig.")
    if os.path.isabs(command) and os.access(command, os.X_OK) and os.path.isfile(command):
        return
    if os.sep in command and not os.path.isabs(command):  # lies beside the kubeconfig; its start will tell
        return
    if not os.path.isabs(command) and shutil.which(command):
        return
    following = "install it so that it is on the PATH, or use a kubeconfig that does not need it."
    if target and os.path.basename(command) in AMAZONS:
        following = "install it, or do without: name the cluster by --eks REGION/CLUSTER instead of --context."
    if os.path.basename(command) == GOOGLES:
        following = (
            f"install it (gcloud components install {GOOGLES}), or do without: "
            "gke2eks export --gke PROJECT/LOCATION/CLUSTER."
        )
    hint = str(config.get("installHint") or "").strip().splitlines()[:_LINES]
    raise BadInput(
        f"the login program {command} of the context {context} is not installed", following, [masked(x) for x in hint]
    )


def gave_nothing(user: Mapping[str, Any], context: str, said: Sequence[str]) -> NotLoggedIn:
    """The error for a program that ran, or could not be started, and gave no credentials."""
    command = user["exec"].get("command")
    what = f"the login program {command} of the context {context} gave no credentials"
    ways = {GOOGLES: " (gcloud auth login)"} | dict.fromkeys(AMAZONS, " (aws sso login, or new keys)")
    way = ways.get(os.path.basename(str(command)), "")
    return NotLoggedIn(
        what, f"run it by hand to see why, log in again{way}, then run this again.", _details("\n".join(said))
    )


def _details(said: str) -> list[str]:
    """What it said, in a few lines without anything like a token."""
    if not said.startswith(_SAID):
        if said.startswith("[Errno"):
            return [f"it could not be started: {masked(said.partition('] ')[2])}"]
        # On a terminal the program has spoken to the person itself, and the package stumbles over having no copy.
        return [] if "NoneType' object has no attribute 'strip'" in said else ["what it printed is no ExecCredential"]
    text = said.removeprefix(_SAID)
    for start, meaning in _MEANINGS.items():
        if text.startswith(start):
            return [meaning]
    return [masked(line) for line in text.splitlines()[:_LINES] if line.strip()]
