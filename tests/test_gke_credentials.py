"""The kinds of credentials that google-auth finds, each against servers of our own; and what is said when one fails."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gke_fake import NAME, TOKEN, FakeGoogle, refused
from gke_fake import alone_fixture as alone_fixture
from gke_fake import google_fixture as google_fixture
from rig.faults import Proxy
from rig.faults.canned import Canned

from migrate.cluster.gke import OVERRIDE, connect
from migrate.errors import REFUSED

IAM = "/iam/serviceAccounts/r@acme.iam:generateAccessToken"


@pytest.fixture
def federated(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Credentials files of each kind, and the servers that Google has for them: sts, iamcredentials, oauth2."""
    token = {"access_token": f"{TOKEN}1", "expires_in": 3600, "token_type": "Bearer"}
    token["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token"
    acting = {"accessToken": f"{TOKEN}2", "expireTime": "2036-01-01T00:00:00Z"}
    answers: dict[str, Any] = {"/sts": said(200, token), IAM: said(200, acting), "/projects/1": said(403, {})}
    with Canned(answers) as servers:
        monkeypatch.setattr("google.auth.iam._IAM_ENDPOINT", f"{servers.url}{IAM}")
        monkeypatch.setattr("google.auth.external_account._CLOUD_RESOURCE_MANAGER", f"{servers.url}/projects/")
        monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{google.url}/token")
        (tmp_path / "subject").write_text("eyJhbGciOi.eyJzdWIi.c2ln")
        user = {"type": "authorized_user", "client_id": "x", "client_secret": "hunter2", "refresh_token": "1//0gabcd"}
        pool = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"
        outside = {
            "type": "external_account",
            "audience": pool,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{servers.url}/sts",
            "credential_source": {"file": str(tmp_path / "subject")},
        }
        path = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/r@acme.iam:generateAccessToken"
        acting_as = {"type": "impersonated_service_account", "service_account_impersonation_url": path}
        yield {
            "user": user,
            "outside": outside,
            "outside, as a service account": outside | {"service_account_impersonation_url": f"{servers.url}{IAM}"},
            "impersonated": acting_as | {"source_credentials": user},
            "answers": answers,
        }


def said(code: int, body: Any) -> list[bytes]:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return [head.encode() + data]


def use(monkeypatch: pytest.MonkeyPatch, folder: Path, info: Any) -> None:
    (folder / "credentials.json").write_text(json.dumps(info))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "credentials.json"))


KINDS = {"user": 1, "outside": 1, "outside, as a service account": 2, "impersonated": 2}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_credentials_file(
    federated: dict[str, Any], google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    use(monkeypatch, tmp_path, federated[kind])
    found = connect(NAME)
    assert found.token() == f"{TOKEN}{KINDS[kind]}"
    assert google.authorizations == [f"Bearer {TOKEN}{KINDS[kind]}"]


def test_the_file_of_gcloud_is_found(
    federated: dict[str, Any], google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    (tmp_path / "gcloud").mkdir()
    (tmp_path / "gcloud" / "application_default_credentials.json").write_text(json.dumps(federated["user"]))
    assert connect(NAME).token() == f"{TOKEN}1"


@pytest.mark.parametrize(
    ("kind", "server", "what", "following"),
    [
        ("outside", "/sts", "does not accept the identity", "audience"),
        ("outside, as a service account", IAM, "may not act as", "serviceAccountTokenCreator"),
        ("impersonated", IAM, "may not act as", "serviceAccountTokenCreator"),
    ],
)
def test_identities_that_google_does_not_take(
    federated: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: str,
    server: str,
    what: str,
    following: str,
) -> None:
    refusal = {"error": "invalid_grant"} if server == "/sts" else {"error": {"code": 403, "message": "denied"}}
    federated["answers"][server] = said(403, refusal)
    use(monkeypatch, tmp_path, federated[kind])
    error = refused()
    assert error.code == REFUSED and what in error.what and following in error.next


def test_identities_that_are_not_there(
    federated: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "subject").unlink()
    use(monkeypatch, tmp_path, federated["outside"])
    assert "is not there" in refused().what
    program = {"executable": {"command": "echo hunter2", "timeout_millis": 5000}}
    use(monkeypatch, tmp_path, federated["outside"] | {"credential_source": program})
    assert "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1" in refused().next


def test_the_certificates_of_the_company(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A proxy that opens TLS: the token server and the API over REST believe REQUESTS_CA_BUNDLE."""
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda _: None)
    with Proxy(google.url, tls=True) as proxy:
        account = json.loads((tmp_path / "account.json").read_text()) | {"token_uri": f"{proxy.url}/token"}
        (tmp_path / "account.json").write_text(json.dumps(account))
        monkeypatch.setenv(OVERRIDE, proxy.url)
        assert "token server cannot be reached" in refused().what
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(proxy.ca))
        assert connect(NAME).token() == f"{TOKEN}1"


GRPC = """
from google.auth.credentials import AnonymousCredentials
from google.cloud.container_v1 import ClusterManagerClient
api = ClusterManagerClient(credentials=AnonymousCredentials(), client_options={"api_endpoint": "container.invalid"})
try:
    api.get_cluster(name="projects/a/locations/b/clusters/c", retry=None, timeout=5)
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(("name", "used"), [("https_proxy", True), ("HTTPS_PROXY", False)])
def test_grpc_knows_the_proxy_in_small_letters_only(name: str, used: bool) -> None:
    """That is why the messages and docs/export.md write https_proxy."""
    clean = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    with Canned({}) as proxy:
        command = [sys.executable, "-c", GRPC]
        environment = clean | {name: proxy.url}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout == "ServiceUnavailable\n"
        assert any(head.startswith(b"CONNECT container.invalid:443 ") for head in proxy.heard) == used
