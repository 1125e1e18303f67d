"""The projection: only what we sent counts, and all of what we sent."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migrate.workspace.journal_projection import project

Json = dict[str, Any]


def deployment(**pod: Any) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"template": {"spec": pod}},
    }


def pod(body: Json) -> Any:
    return body["spec"]["template"]["spec"]


MAIN = {"name": "main", "image": "a:1", "ports": [{"containerPort": 53}]}
LIVE = {
    "name": "main",
    "image": "a:1",
    "ports": [{"containerPort": 53, "protocol": "TCP"}],
    "imagePullPolicy": "Always",
}


def test_defaults_and_what_others_wrote_do_not_matter() -> None:
    sent = deployment(containers=[MAIN])
    live = deployment(containers=[{"name": "sidecar", "image": "s"}, LIVE], restartPolicy="Always")
    live["metadata"] |= {"uid": "u", "resourceVersion": "7", "labels": {"theirs": "x"}, "managedFields": []}
    live["status"] = {"replicas": 1}
    assert project(live, sent) == sent == project(sent, sent)


@pytest.mark.parametrize(
    ("sent", "live"),
    [
        ({"containers": [MAIN]}, {"containers": [{**LIVE, "image": "a:2"}]}),
        ({"containers": [MAIN]}, {"containers": [{**LIVE, "name": "other"}]}),
        ({"containers": [MAIN]}, {"containers": []}),
        ({"containers": [MAIN]}, {}),
        ({"containers": [MAIN]}, {"containers": None}),
        ({"containers": [MAIN]}, {"containers": [{**LIVE, "ports": [{"containerPort": 53, "protocol": "UDP"}]}]}),
        ({"initContainers": [{"name": "a"}, {"name": "b"}]}, {"initContainers": [{"name": "b"}, {"name": "a"}]}),
        ({"containers": [MAIN]}, {"containers": [LIVE, LIVE]}),  # the server lets an update leave two of a name
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "a"}, {"key": "b"}]}),  # one value: nobody adds
        ({"tolerations": []}, {"tolerations": [{"key": "b"}]}),
        ({"nodeSelector": {"a": "b"}}, {"nodeSelector": {"a": "b", "c": "d"}}),
        ({"nodeSelector": {}}, {"nodeSelector": {"c": "d"}}),
        ({"hostNetwork": True}, {"hostNetwork": 1}),
        ({"volumes": [{"name": "v", "emptyDir": {}}]}, {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}),
    ],
)
def test_what_we_sent_does(sent: Json, live: Json) -> None:
    assert repr(project(deployment(**live), deployment(**sent))) != repr(
        project(deployment(**sent), deployment(**sent))
    )


@pytest.mark.parametrize(
    ("sent", "live"),
    [
        ({"nodeSelector": {}, "tolerations": [], "hostname": None}, {}),
        ({"hostname": None}, {"hostname": "theirs"}),  # null is not sent
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "a", "operator": "Equal"}]}),
        ({"volumes": [{"name": "v", "emptyDir": {}}]}, {"volumes": [{"name": "w"}, {"name": "v", "emptyDir": {}}]}),
        (
            {"containers": [{"name": "a", "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]}]},
            {
                "containers": [
                    {
                        "name": "a",
                        "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "x", "apiVersion": "v1"}}}],
                    }
                ]
            },
        ),
    ],
)
def test_what_a_server_drops_or_adds_is_no_difference(sent: Json, live: Json) -> None:
    assert project(deployment(**live), deployment(**sent)) == project(deployment(**sent), deployment(**sent))


def test_an_empty_struct_is_something() -> None:
    sent = deployment(volumes=[{"name": "v", "emptyDir": {}}])
    assert pod(project(sent, sent)) == {"volumes": [{"name": "v", "emptyDir": {}}]}
    assert pod(project(deployment(volumes=[{"name": "v"}]), sent)) == {"volumes": [{"name": "v"}]}


def test_a_selector_that_selects_all_stays() -> None:
    policy: Json = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}}}
    closed: Json = {**policy, "spec": {"podSelector": {"matchLabels": {"a": "b"}}}}
    assert project(closed, policy) == closed  # somebody narrowed it


def test_quantities_are_as_written() -> None:
    sent, live = (deployment(containers=[{"name": "a", "resources": {"limits": {"cpu": c}}}]) for c in ("1000m", "1"))
    assert project(live, sent) == live


def test_service_ports_by_number_and_protocol() -> None:
    def service(*ports: Json) -> Json:
        return {"apiVersion": "v1", "kind": "Service", "spec": {"ports": list(ports)}}

    sent = service({"port": 53, "protocol": "UDP"}, {"port": 53})
    live = service({"port": 53, "protocol": "UDP", "nodePort": 1}, {"port": 53, "protocol": "TCP", "nodePort": 2})
    assert project(live, sent) == sent


def test_a_set_has_no_order() -> None:
    def made(*finalizers: str) -> Json:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"finalizers": list(finalizers)}}

    assert project(made("c", "b", "a"), made("a", "b")) == project(made("a", "b"), made("b", "a"))
    assert project(made("a"), made("a", "b")) != project(made("a", "b"), made("a", "b"))


def test_a_secret_is_compared_as_servers_keep_it() -> None:
    sent = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA==", "b": "eQ=="}, "stringData": {"a": "z"}}
    live = {
        "apiVersion": "v1",
        "kind": "Secret",
        "data": {"a": "eg==", "b": "eQ==", "theirs": "eA=="},
        "type": "Opaque",
    }
    assert project(live, sent) == {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eg==", "b": "eQ=="}}
    assert project(live, sent) == project(sent, sent)


def test_custom_kinds_are_taken_as_they_are() -> None:
    sent: Json = {
        "apiVersion": "acme.example/v1",
        "kind": "Shop",
        "spec": {"a": None, "b": [], "c": [{"x": 1}], "d": {}},
    }
    live: Json = {**sent, "spec": {**sent["spec"], "c": [{"x": 1, "default": 2}], "more": 1}}
    assert project(live, sent) == sent == project(sent, sent)
    assert project({**live, "spec": {**live["spec"], "c": [{"x": 1}, {"x": 2}]}}, sent) != sent


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "a", "b"]), inner),
    max_leaves=12,
)
FIELDS = ["containers", "volumes", "nodeSelector", "tolerations", "affinity", "imagePullSecrets"]
PODS = st.dictionaries(st.sampled_from(FIELDS), JSONS)
KINDS = st.sampled_from([("apps/v1", "Deployment"), ("acme.example/v1", "Shop")])


@example(("apps/v1", "Deployment"), {"volumes": [None]}, {"volumes": []})
@example(("apps/v1", "Deployment"), {"containers": [{"name": None}]}, {"containers": [{"name": None}]})
@example(("apps/v1", "Deployment"), {"nodeSelector": {"a": "b"}}, {"nodeSelector": {}})
@given(KINDS, PODS, PODS)
def test_any_two_bodies(kind: tuple[str, str], live: Json, sent: Json) -> None:
    """Never an error, never a change of what was given, and projecting once more says the same."""
    given = [{**deployment(**one), "apiVersion": kind[0], "kind": kind[1]} for one in (live, sent)]
    before = copy.deepcopy(given)
    once = project(*given)
    assert given == before
    assert project(once, given[1]) == once
