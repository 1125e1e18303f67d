"""Discovery, names and labels, dry runs, namespaces, definitions of custom kinds."""

import pytest

from contract.servers import CRDS, GROUP, Json, Space, config_map, custom, definition, eventually, is_status

KEY = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def test_api_and_groups(space: Space) -> None:
    assert space.client.read("/api").body["versions"] == ["v1"]
    groups = {one["name"]: one for one in space.client.read("/apis").body["groups"]}
    assert groups["apps"]["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert {"batch", "networking.k8s.io", "storage.k8s.io", "rbac.authorization.k8s.io", GROUP} <= groups.keys()
    apps = space.client.read("/apis/apps").body
    assert (apps["kind"], apps["name"], apps["versions"]) == ("APIGroup", "apps", groups["apps"]["versions"])


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("/api/v1", {"name": "configmaps", "singularName": "configmap", "namespaced": True, "kind": "ConfigMap"}),
        ("/api/v1", {"name": "nodes", "singularName": "node", "namespaced": False, "kind": "Node"}),
        ("/apis/apps/v1", {"name": "deployments/status", "singularName": "", "namespaced": True, "kind": "Deployment"}),
        (f"/apis/{GROUP}/v1", {"name": "frees", "singularName": "free", "namespaced": True, "kind": "Free"}),
        (f"/apis/{GROUP}/v1", {"name": "frees/status", "singularName": "", "namespaced": True, "kind": "Free"}),
    ],
)
def test_resources(space: Space, path: str, row: Json) -> None:
    found = space.client.read(path).body
    assert (found["kind"], f"/{found['groupVersion']}") == (
        "APIResourceList",
        path.replace("/apis", "").replace("/api", ""),
    )
    (one,) = (one for one in found["resources"] if one["name"] == row["name"])
    assert one.items() >= row.items()
    verbs = {"get", "patch", "update"} | (set() if "/" in row["name"] else {"create", "delete", "list", "watch"})
    assert verbs <= set(one["verbs"])


def test_short_names(space: Space) -> None:
    rows = {one["name"]: one for one in space.client.read("/api/v1").body["resources"]}
    assert (rows["configmaps"]["shortNames"], rows["services"]["shortNames"]) == (["cm"], ["svc"])


def test_version_and_health(space: Space) -> None:
    version = space.client.read("/version").body
    assert version["gitVersion"].startswith(f"v{version['major']}.{version['minor']}.")
    assert [space.client.read(path).body for path in ("/healthz", "/readyz", "/livez")] == ["ok"] * 3


@pytest.mark.parametrize(
    "path", ["/api/v1/foos", "/apis/apps/v7", "/apis/apps/v1beta1/deployments", "/apis/apps/v1/foos/x"]
)
def test_a_resource_that_is_not_served_is_404(space: Space, path: str) -> None:
    answer = space.client.read(path)
    assert is_status(answer, 404, "NotFound")
    assert answer.message == "the server could not find the requested resource"


@pytest.mark.parametrize("path", ["/apis/foo.bar", "/apis/foo.bar/v1", "/apis/foo.bar/v1/foos", "/foo"])
def test_a_group_that_is_not_served_is_404_without_a_status(space: Space, path: str) -> None:
    answer = space.client.read(path)
    assert (answer.code, answer.body) == (404, "404 page not found\n")


def test_a_subresource_that_does_not_exist_is_404(space: Space) -> None:
    space.client.post(space.maps(), config_map("a"))
    assert is_status(space.client.read(f"{space.maps('a')}/status"), 404, "NotFound")
    assert is_status(space.client.read(f"{space.maps('a')}/foo"), 404, "NotFound")


def test_the_label_of_an_undecided_manifest_is_422(space: Space) -> None:
    """What keeps a placeholder out of every cluster."""
    labels = {"gke2eks/UNDECIDED!": "x"}
    body = custom("Free", "a") | {"metadata": {"name": "a", "labels": labels}}
    for answer in (
        space.client.post(space.maps(), config_map("a", labels=labels)),
        space.client.lay(space.maps("a"), config_map("a", labels=labels)),
        space.client.lay(space.maps("a"), config_map("a", labels=labels), dryRun="All"),
        space.client.lay(space.free("a"), body),
    ):
        assert is_status(answer, 422, "Invalid")
        assert answer.causes == {("metadata.labels", f'Invalid value: "gke2eks/UNDECIDED!": {KEY}')}
    assert space.client.read(space.maps("a")).code == 404
    said = 'ConfigMap "a" is invalid: metadata.labels: Invalid value: "gke2eks/UNDECIDED!": name part must'
    assert space.client.post(space.maps(), config_map("a", labels=labels)).message.startswith(said)


def test_the_label_is_refused_on_a_patch(space: Space) -> None:
    space.client.post(space.maps(), config_map("a"))
    patch = {"metadata": {"labels": {"gke2eks/SECRET-FROM-SOURCE!": ""}}}
    assert is_status(space.client.change(space.maps("a"), patch), 422, "Invalid")


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"labels": {"-b": "c"}}, "metadata.labels"),
        ({"labels": {"a": "x y"}}, "metadata.labels"),
        ({"labels": {"a": "x" * 64}}, "metadata.labels"),
        ({"labels": {"a/b/c": "x"}}, "metadata.labels"),
        ({"labels": {"A_/b": "x"}}, "metadata.labels"),
        ({"labels": {"a" * 64: "x"}}, "metadata.labels"),
        ({"labels": {"/a": "x"}}, "metadata.labels"),
        ({"labels": {"a/": "x"}}, "metadata.labels"),
        ({"annotations": {"a/b/c": "x y"}}, "metadata.annotations"),
        ({"annotations": {"a!": "x"}}, "metadata.annotations"),
        ({"finalizers": ["xy"]}, "metadata.finalizers[0]"),
        ({"name": "B_x"}, "metadata.name"),
        ({"name": "b" * 254}, "metadata.name"),
        ({"name": "a..b"}, "metadata.name"),
        ({"name": ""}, "metadata.name"),
    ],
)
def test_metadata_that_no_server_takes_is_422(space: Space, metadata: Json, field: str) -> None:
    answer = space.client.post(space.maps(), {"metadata": {"name": "a", **metadata}})
    assert is_status(answer, 422, "Invalid")
    assert {where for where, _ in answer.causes} == {field}


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"a": "", "example.com/A_b.c-d": "x" * 63}},
        {"annotations": {"Example.com/a": "any thing\n"}},
        {"name": "a.b-c.1"},
        {"name": "b" * 253},
    ],
)
def test_metadata_that_servers_take(space: Space, metadata: Json) -> None:
    assert space.client.post(space.maps(), {"metadata": {"name": "a", **metadata}}).code == 201


def test_every_fault_is_named(space: Space) -> None:
    answer = space.client.post(space.maps(), config_map("B_x", labels={"a!": "b"}))
    assert answer.message.startswith('ConfigMap "B_x" is invalid: [metadata.name: Invalid value: "B_x": ')
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == ["metadata.name", "metadata.labels"]


@pytest.mark.parametrize(
    ("name", "said"), [("a.b", "must not contain dots"), ("a" * 64, "must be no more than 63 char")]
)
def test_namespaces_have_short_names(space: Space, name: str, said: str) -> None:
    answer = space.client.post("/api/v1/namespaces", {"metadata": {"name": name}})
    assert is_status(answer, 422, "Invalid")
    assert any(field == "metadata.name" and said in message for field, message in answer.causes)


def test_roles_may_have_colons(space: Space) -> None:
    path, body = "/apis/rbac.authorization.k8s.io/v1/clusterroles", {"metadata": {"name": f"{space.name}:x.Y"}}
    assert space.client.post(path, body).code == 201
    assert space.client.read(f"{path}/{space.name}:x.Y").meta["name"] == f"{space.name}:x.Y"
    assert is_status(space.client.post(path, {"metadata": {"name": "a/b"}}), 422, "Invalid")


def test_a_dry_run_leaves_no_trace(space: Space) -> None:
    client, path = space.client, space.free("a")
    for made in (
        client.post(space.free(), custom("Free", "a", spec={"x": 1}), dryRun="All"),
        client.lay(path, custom("Free", "a", spec={"x": 1}), dryRun="All"),
    ):
        assert made.code == 201 and made.meta["uid"] and "resourceVersion" not in made.meta
        assert client.read(path).code == 404
    before = client.lay(path, custom("Free", "a", spec={"x": 1})).body
    version = client.read(space.free()).meta["resourceVersion"]
    assert client.lay(path, custom("Free", "a", spec={"y": 1}), dryRun="All").body["spec"] == {"y": 1}
    assert client.change(path, {"spec": {"z": 1}}, dryRun="All").meta["generation"] == 2
    assert client.put(path, {**before, "spec": {"w": 1}}, dryRun="All").body["spec"] == {"w": 1}
    assert client.drop(path, dryRun="All").code == 200
    assert client.read(path).body == before
    with client.events(space.free(), seconds=1, resourceVersion=version) as events:
        assert list(events) == []


def test_a_dry_run_meets_the_same_refusals(space: Space) -> None:
    client = space.client
    client.lay(space.maps("a"), config_map("a", {"k": "1"}))
    assert is_status(client.post(space.maps(), config_map("a"), dryRun="All"), 409, "AlreadyExists")
    conflict = client.lay(space.maps("a"), config_map("a", {"k": "2"}), "two", dryRun="All")
    assert is_status(conflict, 409, "Conflict")
    assert client.lay(space.maps("a"), config_map("a", {"k": "2"}), "two", dryRun="All", force=True).code == 200
    assert client.read(space.maps("a")).body["data"] == {"k": "1"}


def test_dry_run_takes_only_all(space: Space) -> None:
    answer = space.client.post(space.maps(), config_map("a"), dryRun="x")
    assert is_status(answer, 422, "Invalid")
    assert answer.causes == {("dryRun", 'Unsupported value: ["x"]: supported values: "All"')}


def test_a_namespace_is_made_alive(space: Space) -> None:
    found = space.client.read(f"/api/v1/namespaces/{space.name}")
    assert found.meta["labels"] == {"kubernetes.io/metadata.name": space.name}
    assert found.body["spec"] == {"finalizers": ["kubernetes"]}
    assert found.body["status"] == {"phase": "Active"}


def test_system_namespaces_stay(space: Space) -> None:
    there = {one["metadata"]["name"] for one in space.client.read("/api/v1/namespaces").body["items"]}
    assert {"default", "kube-system", "kube-public", "kube-node-lease"} <= there
    answer = space.client.drop("/api/v1/namespaces/default")
    assert is_status(answer, 403, "Forbidden")
    assert answer.message == 'namespaces "default" is forbidden: this namespace may not be deleted'


def test_a_definition_brings_its_kind_and_takes_it_along(space: Space) -> None:
    client = space.client
    body = definition("Brief", {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    assert client.post(CRDS, body).code == 201
    eventually(lambda: client.read(f"/apis/{GROUP}/v1/briefs").code == 200)
    found = client.read(f"{CRDS}/briefs.{GROUP}").body["status"]
    assert {one["type"]: one["status"] for one in found["conditions"]} == {
        "NamesAccepted": "True",
        "Established": "True",
    }
    assert found["storedVersions"] == ["v1"]
    path = space.path("briefs", "a", "custom")
    assert client.lay(path, custom("Brief", "a", spec={"x": 1})).code == 201
    assert client.drop(f"{CRDS}/briefs.{GROUP}").code == 200
    eventually(lambda: client.read(path).code == 404 and client.read(f"{CRDS}/briefs.{GROUP}").code == 404, 30)


def test_custom_kinds_need_a_namespace_that_exists(space: Space) -> None:
    answer = space.client.post(f"/apis/{GROUP}/v1/namespaces/never-made/frees", custom("Free", "x"))
    assert is_status(answer, 404, "NotFound")
    assert answer.message == 'namespaces "never-made" not found'
