"""Secret values on a real API server: exported, planned, read from the source with few rights, sent to a target."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from export_help import exported, kubeconfig
from pyrage import x25519
from rig.controlplane import ControlPlane
from rig.users import Limited
from shapes_help import eventually

from migrate.cluster.connection import Connection, with_token
from migrate.cluster.kube import KubeSource
from migrate.cluster.outcome import Applied, Rejected
from migrate.cluster.target import KubeTarget
from migrate.flow import reviewed
from migrate.flow.plan import make_plan
from migrate.flow.secret_values import Filled, Missing, from_file, from_source
from migrate.manifest.secret_marks import TOKEN

CANARY = "kanarienvogel-7c1f-vermilion"
SPACE = "secret-values"
DAY = date(2026, 11, 23)


def b64(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def secret(name: str, data: dict[str, str] | None, sort: str = "Opaque", **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": SPACE, **more.pop("metadata", {})}
    body = {"apiVersion": "v1", "kind": "Secret", "type": sort, "metadata": meta, **more}
    return body | ({"data": data} if data is not None else {})


PLAIN = {
    "plain": secret("plain", {"password": b64(CANARY), "empty": ""}),
    "binary": secret("binary", {"blob": b64(bytes(range(256)))}),
    "fixed": secret("fixed", {"a": b64("one two")}, immutable=True),
    "tls": secret("tls", {"tls.crt": b64("c"), "tls.key": b64("k")}, "kubernetes.io/tls"),
    "nothing": secret("nothing", None),
}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("age") / "me"
    mine = x25519.Identity.generate()
    file.write_text(f"{mine}\n")
    file.with_suffix(".pub").write_text(f"{mine.to_public()}\n")
    return file


@pytest.fixture(scope="module")
def planned(control_plane: ControlPlane, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of a plan of the namespace, exported with its values."""
    client, folder = control_plane.client(), tmp_path_factory.mktemp("values")
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    client.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": SPACE}})
    whose = {"annotations": {"kubernetes.io/service-account.name": "robot"}}
    for body in [*PLAIN.values(), secret("token", None, TOKEN, metadata=whose)]:
        client.create(body)
    eventually(lambda: client.get("v1", "Secret", "token", SPACE).get("data", {}).get("token"))
    config = kubeconfig(folder, control_plane.url, {"token": control_plane.token()}, control_plane.ca)
    exported(config, folder / "out", namespaces=[SPACE], age_recipients=[str(key.with_suffix(".pub"))])
    make_plan([], folder / "out", stdin=lambda: b"", today=DAY, accept_incomplete=True)
    return folder / "out"


def connection(plane: ControlPlane, token: str = "") -> Connection:
    return with_token("here", plane.url, plane.ca.read_bytes(), lambda: token or plane.token(), login="log in")


def source(plane: ControlPlane, token: str = "") -> KubeSource:
    return KubeSource(connection(plane, token))


def review(out: Path) -> reviewed.Reviewed:
    return reviewed.reviewed(out, today=DAY)


def test_the_sources_uid_is_known(control_plane: ControlPlane, planned: Path) -> None:
    there = control_plane.client().get("v1", "Namespace", "kube-system")
    assert review(planned).source_uid == there["metadata"]["uid"]


def test_few_rights_are_enough(
    control_plane: ControlPlane, planned: Path, limited_user: Callable[..., Limited]
) -> None:
    """To list Secrets in the planned namespace is all that it takes; without it every value is missing, with why."""
    found = review(planned)
    listing = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]
    steps = [step for step in found.plan.steps if step.ref.kind == "Secret" and step.body is not None]
    assert {step.ref.name for step in steps} == {*PLAIN, "token"}
    may = from_source(source(control_plane, limited_user(control_plane, [], within={SPACE: listing}).token), steps)
    assert all(isinstance(may.fill(step), Filled) for step in steps)
    nobody = limited_user(control_plane, [])
    may_not = from_source(source(control_plane, nobody.token), steps)
    lacking = {step.ref.name: said for step in steps if isinstance(said := may_not.fill(step), Missing)}
    assert lacking.keys() == {*PLAIN, "token"} - {"nothing", "token"}
    assert all("secrets" in said.why and "access source" in said.fix for said in lacking.values())


def test_a_server_takes_what_was_filled(control_plane: ControlPlane, planned: Path, key: Path) -> None:
    """The very bytes come back, from the source and from the file; the token is the target's own and stays."""
    client, found = control_plane.client(), review(planned)
    steps = {s.ref.name: s for s in found.plan.steps if s.ref.kind == "Secret" and s.body is not None}
    live = from_source(source(control_plane), steps.values(), hashes=found.hashes, hash_key=b"k" * 32)
    kept = from_file(planned, [key], hashes=found.hashes, hash_key=b"k" * 32)
    for step in steps.values():
        assert kept.fill(step) == live.fill(step)
    old = client.get("v1", "Secret", "token", SPACE)
    for name in steps:
        client.delete(client.get("v1", "Secret", name, SPACE))
    eventually(lambda: not client.list("v1", "Secret", SPACE))
    target = KubeTarget(connection(control_plane))
    for name, step in steps.items():
        filled = live.fill(step)
        assert isinstance(filled, Filled) and filled.drift == ""
        assert isinstance(target.dry_run(filled.body), Applied)
        assert isinstance(target.apply(filled.body), Applied)
        there = client.get("v1", "Secret", name, SPACE)
        if name in PLAIN:
            assert there.get("data") == PLAIN[name].get("data") and there["type"] == PLAIN[name]["type"]
            assert there.get("immutable") == PLAIN[name].get("immutable")
    eventually(lambda: client.get("v1", "Secret", "token", SPACE).get("data", {}).get("token"))
    new = client.get("v1", "Secret", "token", SPACE)
    assert new["data"]["token"] != old["data"]["token"]
    again = live.fill(steps["token"])
    assert isinstance(again, Filled) and isinstance(target.apply(again.body), Applied)
    assert client.get("v1", "Secret", "token", SPACE)["data"] == new["data"]


def test_what_is_not_filled_is_not_taken(control_plane: ControlPlane, planned: Path) -> None:
    """The last net: should a body ever be sent as it is planned, no server takes its markers for values."""
    target = KubeTarget(connection(control_plane))
    step = next(step for step in review(planned).plan.steps if step.ref.name == "plain")
    assert step.body is not None
    # Under another name: other tests may have made one of this name, and a conflict would say nothing of values.
    found = target.dry_run({**step.body, "metadata": {**step.body["metadata"], "name": "not-filled"}})
    assert isinstance(found, Rejected)
    assert CANARY not in repr(found)
