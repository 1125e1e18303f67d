"""A GKE cluster by its name: which endpoint, and tokens that stay fresh."""

import subprocess
import sys
import threading
from datetime import timedelta
from typing import Any

import pytest
from gke_fake import CA, NAME, TOKEN, FakeGoogle, ends, refused, sample
from gke_fake import alone_fixture as alone_fixture
from gke_fake import google_fixture as google_fixture
from google.cloud import container_v1 as gke

from migrate.cluster import gke as window
from migrate.cluster.gke import Tokens, connect, split
from migrate.errors import BAD_INPUT, REFUSED, BadInput, Refused

# Names and endpoints of the API


@pytest.mark.parametrize("name", [NAME, "example.com:shop/us-central1-a/c", "123456789/us-central1/a-1"])
def test_a_name_has_three_parts(name: str) -> None:
    assert "/".join(split(name)) == name


@pytest.mark.parametrize("name", ["", "shop", "a/b", "a/b/c/d", "A B/europe-west1/shop", f"{NAME}\n", "acme//shop"])
def test_a_malformed_name_is_told_the_right_form(name: str) -> None:
    error = refused(name)
    assert error.code == BAD_INPUT
    assert "project/location/cluster" in error.next


def test_the_path_of_a_cluster_is_told_its_name() -> None:
    path = "https://container.googleapis.com/v1/projects/acme-prod/zones/europe-west1/clusters/shop"
    assert refused(path).next == f"Write {NAME}."


@pytest.mark.parametrize("endpoint", ["http://container.example.com", "http://10.0.0.1:80"])
def test_no_token_is_sent_in_clear(google: FakeGoogle, endpoint: str) -> None:
    error = refused(endpoint=endpoint)
    assert error.code == BAD_INPUT and "in clear" in error.what
    assert not google.requests and not google.tokens_given


@pytest.mark.parametrize("endpoint", ["ftp://x", "https://", "https://me:hunter2@x", "https://x:port", "https://x/v1"])
def test_an_endpoint_that_is_no_address(endpoint: str) -> None:
    error = refused(endpoint=endpoint)
    assert isinstance(error, BadInput) and "hunter2" not in str(error)


def test_the_endpoint_given_beats_the_variable(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(window.OVERRIDE, "https://nowhere.invalid/")
    assert connect(NAME, endpoint=google.url + "/").facts.name == "shop"
    assert google.requests == [("GET", "/v1/projects/acme-prod/locations/europe-west1/clusters/shop")]


def test_google_itself_is_asked_over_grpc() -> None:
    from google.auth.credentials import AnonymousCredentials

    ours: Any = window.client(AnonymousCredentials())
    assert (ours.transport.kind, ours.transport.host) == ("grpc", "container.googleapis.com:443")


def test_google_is_loaded_only_when_needed() -> None:
    code = "import sys, migrate.cluster.gke; print('google.auth' in sys.modules, 'grpc' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


# Endpoints of the cluster


@pytest.mark.parametrize(
    ("config", "endpoint", "url", "ca"),
    [
        (ends(dns=True), "dns", "https://gke-1.europe-west1.gke.goog", None),
        (ends(dns=True, ip=False), "dns", "https://gke-1.europe-west1.gke.goog", None),
        (ends(dns=False), "public", "https://203.0.113.10", CA),
        (ends(dns=False, public=False), "private", "https://10.0.0.2", CA),
        (gke.ControlPlaneEndpointsConfig(), "public", "https://203.0.113.10", CA),
    ],
)
def test_the_endpoint(google: FakeGoogle, config: Any, endpoint: str, url: str, ca: bytes | None) -> None:
    google.clusters = [sample(control_plane_endpoints_config=config)]
    found = connect(NAME)
    assert (found.endpoint, found.url, found.ca) == (endpoint, url, ca)
    assert found.token() == f"{TOKEN}1"
    assert TOKEN not in repr(found) and "Tokens" not in repr(found)
    error = found.unreachable("timed out")
    assert error.code == REFUSED and NAME in error.what and "timed out" in error.what


def test_an_old_private_cluster(google: FakeGoogle) -> None:
    old = gke.PrivateClusterConfig(enable_private_endpoint=True, private_endpoint="10.1.0.2")
    google.clusters = [
        sample(
            control_plane_endpoints_config=gke.ControlPlaneEndpointsConfig(),
            private_cluster_config=old,
            endpoint="10.1.0.2",
        )
    ]
    assert (connect(NAME).endpoint, connect(NAME).url) == ("private", "https://10.1.0.2")


def test_what_to_do_when_only_a_private_endpoint_is_there(google: FakeGoogle) -> None:
    google.clusters = [sample(control_plane_endpoints_config=ends(dns=False, public=False))]
    error = connect(NAME).unreachable("timed out")
    assert "private address only" in error.details[0]
    assert "inside the cluster's network" in error.next and error.next.endswith(
        "gcloud container clusters update shop --location europe-west1 --project acme-prod --enable-dns-access"
    )


def test_what_to_do_when_the_address_is_guarded(google: FakeGoogle) -> None:
    google.clusters = [sample(control_plane_endpoints_config=ends(dns=False, guarded=True))]
    assert "authorised networks" in connect(NAME).unreachable("timed out").next


@pytest.mark.parametrize(
    ("changed", "what", "following"),
    [
        ({"control_plane_endpoints_config": ends(dns=False, ip=False)}, "open to nobody", "--enable-dns-access"),
        (
            {"control_plane_endpoints_config": ends(dns=False, ip=False), "status": "PROVISIONING"},
            "being created",
            "Wait",
        ),
        ({"master_auth": gke.MasterAuth()}, "certificate", "container.clusters.get"),
        ({"master_auth": gke.MasterAuth(cluster_ca_certificate="not base64!")}, "certificate", "nothing is sent"),
    ],
)
def test_no_way_in(google: FakeGoogle, changed: dict[str, Any], what: str, following: str) -> None:
    google.clusters = [sample(**changed)]
    error = refused()
    assert error.code == REFUSED and what in error.what and following in error.next


# Tokens


def test_one_thread_renews_for_all(google: FakeGoogle) -> None:
    found = connect(NAME)
    assert google.tokens_given == 1
    tokens = found.token
    assert isinstance(tokens, Tokens)
    tokens._credentials.expiry -= timedelta(hours=2)
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(found.token())) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert got == [f"{TOKEN}2"] * 8 and google.tokens_given == 2


def test_a_token_near_its_end_is_renewed_and_kept_when_that_fails(google: FakeGoogle) -> None:
    google.token_seconds = 60
    found = connect(NAME)
    before = google.tokens_given
    assert found.token() == f"{TOKEN}{before + 1}"
    google.token_answer = (400, {"error": "invalid_grant"})
    assert found.token() == f"{TOKEN}{before + 1}"
    tokens = found.token
    assert isinstance(tokens, Tokens)
    tokens._credentials.expiry -= timedelta(hours=2)
    with pytest.raises(Refused, match="expired"):
        found.token()
