"""--on-conflict: its words, fields left out or taken over, and scenes; all of these run on a real server, too."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contract.target_help import open_target
from policy_scenes import (  # noqa: F401
    test_a_delete_whose_answer_is_lost,
    test_adopt_takes_all_of_a_manager,
    test_keep_target_applies_the_rest,
    test_no_controller_is_fought,
    test_nothing_is_deleted_that_would_not_be_taken_anew,
    test_overwrite_takes_our_fields_and_no_more,
    test_recreate_deletes_and_makes_anew,
    test_values_of_a_secret_are_shown_nowhere,
    test_what_somebody_started_while_it_was_held_stays,
)
from policy_scenes_release import (  # noqa: F401
    test_keep_target_releases_nothing_that_would_stay_inert,
    test_release_settles_what_was_changed_while_it_was_held,
)
from rig.http import Client
from rollback_help import Life

from migrate.cli.main import main
from migrate.cluster.outcome import Fault, Reason, Rejected, Tried
from migrate.cluster.pace import Pace
from migrate.cluster.rejections import rejected
from migrate.cluster.target import KubeTarget
from migrate.model.objects import Body
from migrate.model.path import Item, parse
from migrate.model.ref import Ref
from migrate.practice import Cluster, Server
from migrate.practice.simulation import Simulation
from migrate.semantics.policy import BadPolicy, Policy, parse_choice, parse_data, parse_policies
from migrate.semantics.taking_over import taken_over, without

_numbers = itertools.count(1)
WEB = Ref("apps", "Deployment", "shop", "web")


class Immutable(KubeTarget):
    """Refuses to change an immutable ConfigMap, and a key that is none, as a real server does; practice does not."""

    def _apply(self, body: Body, manager: str, force: bool, *, dry: bool) -> Any:
        meta: Any = body["metadata"]
        there = self.get(Ref("", "ConfigMap", meta["namespace"], meta["name"])) if body["kind"] == "ConfigMap" else None
        said = "Forbidden: field is immutable when `immutable` is set"
        found: Tried = super()._apply(body, manager, force, dry=True)
        if there and there.get("immutable") and not hasattr(found, "causes") and there.get("data") != body.get("data"):
            return Rejected(Reason.INVALID, f"data: {said}", (Fault("data", said),), fixed=True)
        if body["kind"] == "ConfigMap" and "not a key!" in (body.get("data") or {}):
            return Rejected(Reason.INVALID, "data[not a key!]: Invalid value", (Fault("data[not a key!]", "Invalid"),))
        return super()._apply(body, manager, force, dry=dry)


@pytest.fixture(scope="module")
def urls() -> Iterator[tuple[str, str]]:
    clusters = Cluster(), Cluster()
    Simulation(clusters[0], 0.02)
    servers = [Server(one).start() for one in clusters]
    yield servers[0].url, servers[1].url
    for one in servers:
        one.stop()


@pytest.fixture
def life(urls: tuple[str, str], tmp_path: Path) -> Life:
    one = Life(Client(urls[0]), tmp_path, f"shop{next(_numbers)}", open_target(urls[1]))
    one.target = Immutable(one.target.connection, pace=Pace(rate=1000, burst=1000))
    return one


def test_the_last_that_fits_wins_and_names_win_over_all() -> None:
    found = parse_policies(["keep-target=Deployment/shop/*", "adopt=Deployment/shop/web", "overwrite"])
    assert found.of(WEB).policy is Policy.ADOPT
    assert found.of(Ref("apps", "Deployment", "shop", "api")).policy is Policy.KEEP_TARGET
    assert found.of(Ref("", "Service", "shop", "web")).policy is Policy.OVERWRITE
    assert parse_policies([]).of(WEB).policy is Policy.FAIL
    assert parse_policies(found.texts()[1::2]) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("force", "names no policy"),
        ("overwrite=web", "names no object"),
        ("overwrite=", "names no object"),
        ("overwrite:helm", "only adopt names managers"),
        ("adopt:", "only adopt names managers"),
        ("adopt:kube-controller-manager", "goes on writing"),
    ],
)
def test_what_is_no_policy(text: str, said: str) -> None:
    with pytest.raises(BadPolicy, match=said):
        parse_choice(text)


def test_what_may_hold_data_is_deleted_by_its_full_name_only() -> None:
    claim, thing = Ref("", "PersistentVolumeClaim", "shop", "data"), Ref("acme.example", "Database", "shop", "main")
    kinds = (Ref("", "Namespace", "", "shop"), Ref("", "PersistentVolume", "", "pv-1"), claim, thing)
    crd = Ref("apiextensions.k8s.io", "CustomResourceDefinition", "", "things.example.org")
    plain = parse_policies(["recreate"])
    assert not any(plain.may_recreate(ref) for ref in (*kinds, crd)) and plain.may_recreate(WEB)
    assert not plain.may_recreate(Ref("apps", "StatefulSet", "shop", "db"), with_claims=True)
    named = parse_policies(["recreate"], [str(claim), str(thing)])
    assert named.may_recreate(claim) and named.may_recreate(thing) and not named.may_recreate(kinds[0])
    with pytest.raises(BadPolicy, match="names many"):
        parse_data("PersistentVolumeClaim/shop/*")


def test_fields_are_left_out_as_a_conflict_names_them() -> None:
    body = {
        "metadata": {"finalizers": ["a/b", "c/d"], "annotations": {"x.y/z": "1", "k": "2"}},
        "spec": {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}], "replicas": 2},
    }
    paths = ['spec.ports[port=80,protocol="TCP"].name', "spec.replicas", 'metadata.annotations["x.y/z"]']
    assert without(body, [*map(parse, paths), parse("metadata.finalizers") / Item((("", "a/b"),))]) == {
        "metadata": {"finalizers": ["c/d"], "annotations": {"k": "2"}},
        "spec": {"ports": [{"port": 80}, {"port": 81, "name": "b"}]},
    }
    assert body["spec"]["replicas"] == 2  # type: ignore[index]


def test_entries_of_another_version_are_nobodys() -> None:
    entries = [
        {"manager": "a", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:spec": {"f:x": {}}}},
        {"manager": "a", "operation": "Update", "apiVersion": "v2", "fieldsV1": {"f:spec": {"f:y": {}}}},
        {"manager": "a", "operation": "Update", "apiVersion": "v1", "subresource": "status", "fieldsV1": {}},
        {"manager": "gke2eks", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:spec": {"f:z": {}}}},
    ]
    found = taken_over({"metadata": {"managedFields": entries}}, lambda manager: manager == "a")
    assert found is not None
    ours, rest = found[0][0], found[0][1:]
    assert ours["fieldsV1"] == {"f:spec": {"f:z": {}, "f:x": {}}} and ours["operation"] == "Apply"
    assert [one["subresource"] for one in rest] == ["status"] and found[1] == ("a",)


@pytest.mark.parametrize(
    ("said", "is_fixed"),
    [
        (f"Invalid value: {'x' * 5000}: field is immutable", True),
        ("Forbidden: pod updates may not change fields other than `spec.containers[*].image`", True),
        ('Invalid value: "field is immutable": must be a number', False),
        ("Invalid value: -1: must be greater than or equal to 0", False),
    ],
)
@pytest.mark.parametrize("secret", [False, True])
def test_what_servers_say_of_fields_that_are_fixed(said: str, is_fixed: bool, secret: bool) -> None:
    status = {"kind": "Status", "message": "it is invalid", "details": {"causes": [{"field": "a", "message": said}]}}
    assert rejected(422, status, secret=secret).fixed is is_fixed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on-conflict", "force"), "Invalid value for '--on-conflict': 'force' names no policy"),
        (("--on-conflict", "adopt:kube-scheduler"), "goes on writing"),
        (("--recreate-data", "PersistentVolumeClaim/shop/data"), "is about --on-conflict recreate"),
        (("--on-conflict", "recreate", "--recreate-data", "*/shop/data"), "names no object"),
    ],
)
def test_slips_on_the_command_line(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["apply", "--context", "prod", *words])
    assert ended.value.code == 2 and said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on-conflict", "recreate"), "release deletes nothing, so it has no recreate"),
        (("--on-conflict", "force"), "Invalid value for '--on-conflict': 'force' names no policy"),
        (("--recreate-data", "Pod/shop/web"), "No such option '--recreate-data'"),
    ],
)
def test_slips_of_a_release(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["release", "--context", "prod", *words])
    assert ended.value.code == 2 and said in " ".join(capsys.readouterr().err.split())
