"""The engine of apply on a real API server: versions that lists do not come in, and kinds that nobody can convert."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apply_help import TODAY, Watched, plan_of, run
from contract.target_help import as_client
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client, Json
from shapes_help import eventually

from migrate.cluster.pace import Pace
from migrate.flow import apply
from migrate.flow.run import Wait
from migrate.flow.secret_values import Filled
from migrate.model.journal import Outcome
from migrate.model.plan import Step
from migrate.model.ran import Report

ANYTHING = {"type": "object", "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
# Its name is known nowhere: whatever resolves here, nobody answers for this Service.
NOBODY = {"namespace": "ops", "name": "converter", "path": "/convert"}
SPACES = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("ops", "shop")]
SETTINGS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "shop"},
    "data": {"a": "b"},
}


def definition(group: str, **spec: Any) -> Json:
    names = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    versions = [
        {"name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": ANYTHING}}
        for name in ("v1", "v1beta1")
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": versions, **spec},
    }


CONVERTED = {
    "conversion": {
        "strategy": "Webhook",
        "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"service": NOBODY}},
    }
}


def thing(group: str, version: str, name: str = "one") -> Json:
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": f"{group}/{version}", "kind": "Thing", "metadata": metadata, "spec": {"x": 1}}


@pytest.fixture(scope="module")
def client(assets: Assets) -> Iterator[Client]:
    with ControlPlane(assets).start() as plane:
        yield plane.client()


def applied(client: Client, folder: Path, bodies: list[Json], **options: Any) -> Report:
    key = folder / "key"
    key.write_text("6b" * 32 + "\n")
    key.chmod(0o600)
    plan_of(bodies, folder / "w")
    target = as_client(client, pace=Pace(rate=5000, burst=5000))
    with apply.prepare(target, folder / "w", today=TODAY, hash_key_file=key, **options) as prepared:
        return prepared.run(wait=Wait.WAVES, ready_timeout=20, watcher=Watched(), stop=threading.Event())


def of(report: Report, kind: str) -> tuple[str, str]:
    found = next(one for one in report.results if one.ref.kind == kind)
    return found.action.value, found.message


def test_a_version_that_lists_do_not_come_in_is_not_written_again(client: Client, tmp_path: Path) -> None:
    """Lists come in the version that the group prefers; what was sent, and its digest, may be in another."""
    scaler = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {
            "minReplicas": 2,
            "maxReplicas": 4,
            "targetCPUUtilizationPercentage": 60,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
        },
    }
    bodies = [*SPACES, scaler, definition("versions.example"), thing("versions.example", "v1beta1")]
    first = applied(client, tmp_path, bodies)
    assert of(first, "Thing")[0] == of(first, "HorizontalPodAutoscaler")[0] == "created"
    assert applied(client, tmp_path, bodies).written == 0
    (tmp_path / "w" / "journal.jsonl").unlink()
    again = applied(client, tmp_path, bodies)
    assert (again.written, again.exit) == (0, 0)


def test_a_kind_that_nobody_converts_stops_nothing_else(client: Client, tmp_path: Path) -> None:
    group = "converted.example"
    bodies = [*SPACES, SETTINGS, definition(group, **CONVERTED), thing(group, "v1beta1")]
    # The webhook's backend is not in the plan: the object goes, and fails, and all others are there.
    report = applied(client, tmp_path, bodies)
    action, message = of(report, "Thing")
    assert action == "failed" and message.startswith(f"conversion webhook for {group}/v1beta1, Kind=Thing failed")
    assert report.exit == 1 and of(report, "ConfigMap")[0] in ("created", "unchanged")
    # One that is stored, in the other version, and can neither be listed nor read in this one.
    client.apply(thing(group, "v1"), manager="somebody")
    eventually(lambda: _refused(client, f"{group}/v1beta1"))
    report = applied(client, tmp_path, bodies)
    action, message = of(report, "Thing")
    assert action == "failed" and message.startswith("it could not be read: ") and "conversion webhook" in message
    assert (report.exit, report.stopped) == (1, "")
    assert {one.action for one in report.results if one.ref.kind != "Thing"} == {Outcome.UNCHANGED}


def _refused(client: Client, version: str) -> bool:
    try:
        client.get(version, "Thing", "one", "shop")
    except ApiError as no:
        return no.status == 500
    return False


def test_a_secret_that_somebody_applied_as_string_data_is_not_overwritten(client: Client, tmp_path: Path) -> None:
    """They own `stringData`; the `data` that servers make of it belongs to nobody, so there is no conflict."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strings"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "strings"}}
    client.apply(space)
    client.apply({**secret, "stringData": {"password": "theirs-theirs"}}, manager="vault")
    ours = Filled({**secret, "data": {"password": base64.b64encode(b"ours-ours").decode()}})
    plan = plan_of([space, {**secret, "data": {"password": "b3Vycy1vdXJz"}}], tmp_path / "w")

    def fill(step: Step) -> Filled:
        assert step.body is not None
        return ours if step.ref.kind == "Secret" else Filled(step.body)

    done = run(plan, as_client(client), tmp_path / "w", fill=fill)
    ran = done.of("Secret/strings/db")
    assert (ran.action.value, [str(one.path) for one in ran.conflicts]) == ("left_out", ["data.password"])
    assert ran.conflicts[0].manager == "vault" and "theirs-theirs" not in repr(done)
    there = client.get("v1", "Secret", "db", "strings")["data"]["password"]
    assert base64.b64decode(there) == b"theirs-theirs"
