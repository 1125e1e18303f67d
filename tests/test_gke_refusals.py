"""What is said when Google says no: what is wrong, what to do next, and never a token."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from gke_fake import TOKEN, WHO, FakeGoogle, refused, sample
from gke_fake import alone_fixture as alone_fixture
from gke_fake import google_fixture as google_fixture
from google.cloud import container_v1 as gke

from migrate.cluster import gke as window
from migrate.cluster.gke_refusals import Wanted, masked
from migrate.errors import REFUSED, Refused

SERVICE = "google.container.v1.ClusterManager"


def test_no_credentials_at_all(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    error = refused()
    assert error.code == REFUSED and "no Google credentials" in error.what
    assert "gcloud auth application-default login" in error.next
    assert not google.requests


@pytest.mark.parametrize("text", [None, "", "{}", '{"type": "service_account", "private_key": "hunter2"}'])
def test_a_credentials_file_that_is_none(
    google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "other.json"))
    if text is not None:
        (tmp_path / "other.json").write_text(text)
    error = refused()
    assert error.code == REFUSED and "other.json" in error.what and "hunter2" not in str(error)
    assert ("no such file" in error.what) == (text is None)


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ((400, {"error": "invalid_grant", "error_description": f"revoked: {TOKEN}9"}), "have expired"),
        ((400, {"error": "invalid_grant", "error_subtype": "invalid_rapt"}), "log in to Google again"),
    ],
)
def test_expired_credentials(google: FakeGoogle, answer: tuple[int, dict[str, Any]], what: str) -> None:
    google.token_answer = answer
    error = refused()
    assert error.code == REFUSED and what in error.what and "Run gcloud auth" in error.next
    assert not google.requests


def test_a_token_server_that_is_not_there(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    account = json.loads((tmp_path / "account.json").read_text()) | {"token_uri": "http://127.0.0.1:1/token"}
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda _: None)
    assert "token server" in refused().what


def test_credentials_that_google_does_not_take(google: FakeGoogle) -> None:
    google.refuse("get", 401, "Request had invalid authentication credentials: {authorization}")
    error = refused()
    assert error.code == REFUSED and "does not accept" in error.what
    assert any("(hidden)" in line for line in error.details)


def test_a_wrong_project(google: FakeGoogle) -> None:
    error = refused("acme-prd/europe-west1/shop")
    assert error.code == REFUSED and "acme-prd" in error.what
    assert "project's ID" in error.next and "container.clusters.get" in error.next
    assert f"Asked as {WHO}." in error.details


@pytest.mark.parametrize(
    ("code", "reason", "what", "following"),
    [
        (403, "CONSUMER_INVALID", "no project acme-prod", "project's ID"),
        (403, "USER_PROJECT_DENIED", "bill their requests to project 42", "set-quota-project acme-prod"),
        (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "not meant for", "cloud-platform"),
        (403, "SECURITY_POLICY_VIOLATED", "VPC Service Controls", "perimeter"),
        (403, "SERVICE_DISABLED", "not enabled in project 42", "gcloud services enable container.googleapis.com"),
        (403, "SOMETHING_NEW", "may not look at", "container.clusters.get"),
        (400, "", "no acme-prod/europe-west1", "location"),
        (418, "", "failed (418)", "again"),
    ],
)
def test_google_gives_a_reason(google: FakeGoogle, code: int, reason: str, what: str, following: str) -> None:
    google.refuse("get", code, "No, {authorization}.", reason, consumer="projects/42")
    error = refused()
    assert error.code == REFUSED and what in error.what and following in error.next
    assert error.details[0].startswith("Google says: No, (hidden)")


def test_an_api_that_is_not_enabled_without_a_reason(google: FakeGoogle) -> None:
    google.refuse("get", 403, "Kubernetes Engine API has not been used in project 42 before or it is disabled.")
    error = refused()
    assert "not enabled in project acme-prod" in error.what and "container.googleapis.com" in error.next


def test_a_cluster_that_is_not_there_names_those_that_are(google: FakeGoogle) -> None:
    google.clusters += [sample(name="api"), sample(name="test", location="europe-west4")]
    error = refused("acme-prod/europe-west1/shpo")
    assert error.code == REFUSED and "no cluster shpo in europe-west1" in error.what
    assert error.details == ("Clusters in europe-west1: api, shop.", "Elsewhere in the project: europe-west4/test.")


def test_a_zonal_cluster_is_found_where_it_is(google: FakeGoogle) -> None:
    google.clusters = [sample(location="europe-west1-b")]
    error = refused()
    assert error.next == "Write acme-prod/europe-west1-b/shop."
    assert error.details[0] == "Clusters in europe-west1: none."


def test_not_there_and_nothing_else_either(google: FakeGoogle) -> None:
    google.clusters = []
    assert "no clusters" in refused().next
    google.missing_zones = ["europe-west1-b"]
    assert any("did not answer" in line for line in refused().details)


def test_not_there_and_nobody_may_list(google: FakeGoogle) -> None:
    google.clusters = []
    google.refuse("list", 403, "no")
    error = refused()
    assert "no cluster shop" in error.what and "container.clusters.list" in error.details[0]
    google.refuse("list", 404, "no such project")
    assert "Google knows no acme-prod/europe-west1" in refused().what


def test_an_api_that_does_not_answer(google: FakeGoogle) -> None:
    google.refuse("get", 503, "later")
    error = refused()
    assert error.code == REFUSED and "does not answer (503)" in error.what
    assert "cannot be reached" in refused(endpoint="http://127.0.0.1:1").what


def test_many_clusters_are_not_all_named(google: FakeGoogle) -> None:
    google.clusters = [sample(name=f"c{number:02}") for number in range(30)]
    assert refused().details[0].endswith("c07 and 22 more.")


@pytest.mark.parametrize(
    "text",
    [
        "Bearer abc.def",
        "token ya29.a0AfB_x",
        "jwt eyJhbGciOi.eyJzdWIi.c2ln",
        "1//0gabcdefgh",
        "-----BEGIN KEY-----\nab",
    ],
)
def test_masked(text: str) -> None:
    assert "(hidden)" in masked(f"said {text} and")
    for part in ("abc", "ya29.a", "eyJh", "0gabc", "\nab"):
        assert part not in masked(text)


def test_masked_is_one_short_line_without_commands_for_terminals() -> None:
    assert masked("a\x1b[31m\n  b", "b") == "a [31m (hidden)"
    assert len(masked("word " * 200)) == 300


def test_grpc_says_the_same(alone: None) -> None:
    """Google's own API is asked over gRPC: a server on this machine that says no in that way."""
    import grpc
    from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerGrpcTransport as Transport

    codes = {"shop": grpc.StatusCode.NOT_FOUND, "no": grpc.StatusCode.PERMISSION_DENIED}

    def get(request: gke.GetClusterRequest, context: Any) -> None:
        context.abort(codes.get(request.name.rpartition("/")[2], grpc.StatusCode.UNAVAILABLE), f"No, {TOKEN}7.")

    def listed(request: gke.ListClustersRequest, context: Any) -> gke.ListClustersResponse:
        return gke.ListClustersResponse(clusters=[sample(name="api")])

    def method(does: Any, request: Any, answer: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(does, request.deserialize, answer.serialize)

    methods = {
        "GetCluster": method(get, gke.GetClusterRequest, gke.Cluster),
        "ListClusters": method(listed, gke.ListClustersRequest, gke.ListClustersResponse),
    }
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            api: Any = gke.ClusterManagerClient(transport=Transport(channel=channel))
            said = {}
            for name in ("shop", "no", "busy"):
                with pytest.raises(Refused) as caught:
                    window._read(api, Wanted("acme-prod", "europe-west1", name), f"{TOKEN}7")
                said[name] = caught.value
    finally:
        server.stop(None)
    assert said["shop"].details[0] == "Clusters in europe-west1: api."
    assert said["no"].details == ("Google says: No, (hidden).",) and "may not look at cluster no" in said["no"].what
    assert "does not answer (503)" in said["busy"].what
