"""Where images go: Google's registries are told from those that only look alike, and no value leaves a Secret."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from migrate.catalog import Row, rule_tables
from migrate.errors import BadMapping
from migrate.flow.plan import tables
from migrate.model.decided import Decided
from migrate.model.effects import Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.plan import Plan
from migrate.model.ref import Ref
from migrate.planner import Neighbours, digest, plan
from migrate.reading import read
from migrate.render.document import plan_document
from migrate.render.explain import explain
from migrate.render.images import images_tsv
from migrate.semantics.registries import Verb, is_ecr, is_google, judge

SHA = "sha256:" + "f" * 64
ECR = "111122223333.dkr.ecr.us-east-1.amazonaws.com"


def _known(**answers: Any) -> Neighbours:
    said = {("images", *key.split("__")): value for key, value in answers.items()}
    return Neighbours([], {}, Decided(answers=said), rule_tables())


INNOCENT = [
    *("notgcr.io/acme/api:1", "my-gcr.io.example.com/acme/api", "gcr.io.example.com/x", "example.com/gcr.io/api:1"),
    *(
        "docker.pkg.dev/acme/x",
        "us-docker.pkg.dev.example.com/a/b/c",
        "quay.io/a/b",
        "nginx",
        "acme/gcr.io:1",
        "gcr.io",
    ),
    *("us-python.pkg.dev/acme/wheels/x", "a.b.gcr.io/x/y", "gcr.io:5000/acme/api"),
]


@pytest.mark.parametrize("text", INNOCENT)
def test_names_that_only_look_like_googles_are_innocent(text: str) -> None:
    assert judge(text, _known()).verb is Verb.NONE


def _plan(spec: Any, **decided: Any) -> Plan:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "spec": spec}
    snapshot = read(["-"], stdin=lambda: orjson.dumps(body), needles=(), hash_key=b"k").snapshot
    return plan(snapshot, tables(), Decided(**decided))


def test_innocent_texts_yield_nothing() -> None:
    env = [{"name": f"V{i}", "value": text} for i, text in enumerate(["see gcr.io", "mygcr.io", *INNOCENT[:3]])]
    made = _plan({"containers": [{"name": "c", "image": "notgcr.io/acme/api:1", "env": env, "args": ["gcr.iox/a"]}]})
    assert [f for f in made.findings if f.rule.startswith("IMG") or f.severity is not Severity.INFO] == []
    assert [s.changes for s in made.steps] == [()]


@pytest.mark.parametrize(
    ("text", "verb", "target"),
    [
        ("gcr.io/acme/api:1", Verb.COPY, f"{ECR}/acme/api:1"),
        ("GCR.io:443/acme/api:1", Verb.COPY, f"{ECR}/acme/api:1"),
        ("asia.gcr.io/example.com/proj/api", Verb.COPY, f"{ECR}/example.com/proj/api"),
        ("europe-docker.pkg.dev/acme/eu.gcr.io/api:1", Verb.COPY, f"{ECR}/acme/api:1"),
        ("us-docker.pkg.dev/example.com/proj/us.gcr.io/api:1", Verb.COPY, f"{ECR}/example.com/proj/api:1"),
        ("asia-docker.pkg.dev/acme/gcr.io/api:1", Verb.COPY, f"{ECR}/acme/gcr.io/api:1"),
        ("us-docker.pkg.dev/acme/apps/team/api:1", Verb.COPY, f"{ECR}/acme/apps/team/api:1"),
        ("gcr.io/google-containers/pause:3.1", Verb.REPLACE, "registry.k8s.io/pause:3.1"),
        ("gcr.io/google-containers-x/pause:3.1", Verb.COPY, f"{ECR}/google-containers-x/pause:3.1"),
        (f"k8s.gcr.io/pause@{SHA}", Verb.REPLACE, f"registry.k8s.io/pause@{SHA}"),
        ("us-docker.pkg.dev/google-samples/containers/gke/hello-app:1.0", Verb.STAY, ""),
        ("gcr.io/distroless/base", Verb.STAY, ""),
        ("eu.gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.11.0", Verb.STAY, ""),
        ("asia.gcr.io/google.com/cloudsdktool/google-cloud-cli:stable", Verb.STAY, ""),
        ("asia.gcr.io/google.com/other/tool:1", Verb.COPY, f"{ECR}/google.com/other/tool:1"),
        ("l.gcr.io/google/bazel:1", Verb.COPY, f"{ECR}/google/bazel:1"),
        ("gcr.io/kubebuilder/kube-rbac-proxy:v0.8.0", Verb.STAY, ""),
        ("gcr.io/distroless-x/base", Verb.COPY, f"{ECR}/distroless-x/base"),
        ("us-artifactregistry.gcr.io/gke-release/gke-release/x:1", Verb.STAY, ""),
        ("b.gcr.io/x/y", Verb.STAY, ""),
        ("UNDECIDED: images.registry/acme/api:1", Verb.NONE, ""),
        ("", Verb.NONE, ""),
        ("gcr.io/PROJECT/api", Verb.BROKEN, ""),
    ],
)
def test_where_an_image_goes(text: str, verb: Verb, target: str) -> None:
    found = judge(text, _known(registry=ECR))
    assert (found.verb, found.target) == (verb, target)


def test_the_longest_repository_of_an_answer_wins() -> None:
    known = _known(
        registry=ECR,
        **{"repositories__gcr.io": "stays", "repositories__gcr.io/acme": "a.io/x", "repositories__eu.gcr.io": "b.io"},
    )
    assert judge("gcr.io/acme/api:1", known).target == "a.io/x/api:1"
    assert judge("us-docker.pkg.dev/acme/gcr.io/api:1", known).target == "a.io/x/api:1"
    assert judge("gcr.io/acme-x/api:1", known).verb is Verb.STAY
    assert judge("eu.gcr.io/distroless/x", known).target == "b.io/distroless/x"


@pytest.mark.parametrize(
    ("host", "google", "ecr"),
    [
        *[
            (host, True, False)
            for host in ("gcr.io", "eu.gcr.io", "k8s.gcr.io", "us-east4-docker.pkg.dev", "gcr.io:443")
        ],
        *[(host, False, False) for host in ("notgcr.io", "docker.io", "ghcr.io", "dkr.ecr.us-east-1.amazonaws.com")],
        *[(host, False, True) for host in (ECR, f"{ECR}.cn", f"{ECR}/shop", "111122223333.dkr-ecr.us-east-1.on.aws")],
    ],
)
def test_hosts(host: str, google: bool, ecr: bool) -> None:
    assert (is_google(host), is_ecr(host)) == (google, ecr)


def test_a_name_that_ecr_refuses_is_asked_about() -> None:
    for text in ("gcr.io/acme/a__b:1", "gcr.io/acme/a--b:1", "gcr.io/acme/" + "a" * 250):
        found = judge(text, _known(registry=f"{ECR}/shop"))
        assert found.trouble and found.open[:2] == ("images", "repositories")
        assert judge(text, _known(registry="ghcr.io/lumen")).trouble == ""


def test_the_list_of_images() -> None:
    images = ["gcr.io/acme/api:1", "gcr.io/acme/api:1", f"gcr.io/acme/job:2@{SHA}", f"gcr.io/acme/web@{SHA}", "nginx"]
    spec = {"containers": [{"name": f"c{i}", "image": image} for i, image in enumerate(images)]}
    made = _plan(spec, answers={("images", "registry"): ECR})
    assert images_tsv(made).splitlines() == [
        "source\ttarget\tdigest\tused by",
        f"gcr.io/acme/api:1\t{ECR}/acme/api:1\t\tPod/shop/a",
        f"gcr.io/acme/job:2@{SHA}\t{ECR}/acme/job:2\t{SHA}\tPod/shop/a",
        f"gcr.io/acme/web@{SHA}\t{ECR}/acme/web@{SHA}\t{SHA}\tPod/shop/a",
    ]
    assert f"gcr.io/acme/api:1\t\t\t{made.steps[0].ref}\n" in images_tsv(_plan(spec))
    assert images_tsv(_plan({"containers": [{"name": "c", "image": "nginx"}]})) == ""


@pytest.mark.parametrize(
    "odd", [None, 3, "text", [], [3], {"a": None}, [{"image": 3}], [{"image": None, "env": [3, {}]}]]
)
def test_odd_pods_are_left_alone(odd: Any) -> None:
    spec = {"containers": odd, "volumes": odd, "imagePullSecrets": odd}
    found = {effect for rule in tables().rules if rule.id.startswith("IMG") for effect in _effects(rule, spec)}
    assert found == set()


def _effects(rule: Any, spec: Any) -> list[Any]:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec, "imagePullSecrets": spec}
    return list(rule.effects(Object(Ref("", "Pod", "", "a"), body), _known()))


def test_googles_logins_leave_a_mixed_secret_by_name_and_no_value_is_in_the_plan() -> None:
    logins = {"auths": {host: {"auth": "Y2FuYXJ5OmNhbmFyeQ=="} for host in ("gcr.io", "quay.io")}}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "shop"}}
    body |= {
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": orjson.dumps(logins).decode()},
    }
    snapshot = read(["-"], stdin=lambda: orjson.dumps(body), needles=(), hash_key=b"k").snapshot
    made = plan(snapshot, tables(), Decided())
    document = plan_document(made, {})
    (step,) = document["steps"]
    assert [(one["rule"], one["path"], one["name"], one["argument"]) for one in step["transforms"]] == [
        ("IMG007", 'data[".dockerconfigjson"]', "drop_registry", "gcr.io")
    ]
    assert "Y2FuYXJ5" not in orjson.dumps(document).decode() and step["changes"] == []
    without = replace(made, steps=tuple(replace(one, transforms=()) for one in made.steps))
    assert digest(without) != made.digest == digest(made)
    told = explain(made, found := next(one for one in made.steps if one.transforms), width=200)
    assert "drop_registry gcr.io, when it is applied" in told and "Nothing changes" not in told
    assert "drop_registry" in explain(made, found, P("data")) and "drop_registry" not in explain(made, found, P("type"))


def test_a_row_with_a_verb_that_nobody_knows_is_refused() -> None:
    row = Row({"hosts": ["gcr.io"], "verb": "cpoy", "because": "x"}, "mine/registries.yaml:1")
    known = Neighbours([], {}, Decided(), {"registries.yaml": (row,)})
    with pytest.raises(BadMapping, match=r"mine/registries.yaml:1: unknown verb 'cpoy'"):
        judge("gcr.io/acme/api", known)


def test_a_row_of_the_users_own_wins() -> None:
    mine = Row({"hosts": ["gcr.io"], "under": ["distroless"], "verb": "copy", "because": "x"}, "mine/registries.yaml:1")
    known = Neighbours([], {}, Decided(), {"registries.yaml": (*rule_tables()["registries.yaml"], mine)})
    assert judge("gcr.io/distroless/base", known).verb is Verb.COPY
