"""A fake of Google for tests: the Container API over REST and a token server, both at one port of 127.0.0.1.

Its clusters are `container_v1` messages, so that a field that Google does not have cannot be in them. It knows two
requests, get and list of clusters; everything else is answered 405 and kept in `requests`.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.cloud import container_v1 as gke

from migrate.cluster.gke import OVERRIDE, connect
from migrate.errors import Error

NAME = "acme-prod/europe-west1/shop"
CA = b"-----BEGIN CERTIFICATE-----\nZmFrZQ==\n-----END CERTIFICATE-----\n"
WHO = "reader@acme-prod.iam.gserviceaccount.com"
TOKEN = "ya29.fake-token-"
_PATH = re.compile(r"/v1/projects/([^/]+)/locations/([^/]+)/clusters(?:/([^/]+))?")
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}


class FakeGoogle:
    """`with FakeGoogle(clusters) as google:` … `google.environment(folder)` makes programs talk to it."""

    def __init__(self, *clusters: gke.Cluster, project: str = "acme-prod") -> None:
        self.clusters, self.project = list(clusters), project
        self.requests: list[tuple[str, str]] = []
        self.authorizations: list[str] = []
        self.tokens_given = 0
        self.token_seconds = 3600
        self.token_answer: tuple[int, dict[str, Any]] | None = None  # instead of a token
        self.missing_zones: list[str] = []
        self._refusals: dict[str, tuple[int, dict[str, Any]]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "FakeGoogle":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def refuse(self, what: str, code: int, message: str, reason: str = "", **metadata: str) -> None:
        """Answer `what` ("get" or "list") with an error as Google writes it. {authorization} is the request's."""
        error: dict[str, Any] = {"code": code, "message": message, "status": _STATUS.get(code, "UNAVAILABLE")}
        if reason:
            info = {"reason": reason, "domain": "googleapis.com", "metadata": metadata}
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo"} | info]
        self._refusals[what] = (code, {"error": error})

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables for a process: this API, credentials that only this token server takes, and no others."""
        account = {"type": "service_account", "client_email": WHO, "private_key": _key(), "private_key_id": "1"}
        account |= {"project_id": self.project, "client_id": "1", "token_uri": f"{self.url}/token"}
        (folder / "account.json").write_text(json.dumps(account))
        return {
            "GOOGLE_APPLICATION_CREDENTIALS": str(folder / "account.json"),
            OVERRIDE: self.url,
        } | no_credentials(folder)

    def answer(self, path: str, authorization: str) -> tuple[int, Any]:
        match = _PATH.fullmatch(path)
        if not match:
            return 404, {"error": {"code": 404, "message": "no such method", "status": "NOT_FOUND"}}
        if not authorization.startswith("Bearer "):
            return 401, {"error": {"code": 401, "message": "no credentials", "status": "UNAUTHENTICATED"}}
        project, location, name = match.groups()
        if refusal := self._refusals.get("get" if name else "list"):
            return refusal[0], json.loads(
                json.dumps(refusal[1]).replace("{authorization}", authorization.replace('"', ""))
            )
        if project != self.project:
            message = f"Permission denied on resource project {project}."
            return 403, {"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED"}}
        found = [one for one in self.clusters if location in ("-", one.location)]
        if not name:
            return 200, gke.ListClustersResponse(clusters=found, missing_zones=self.missing_zones)
        for one in found:
            if one.name == name:
                return 200, one
        return 404, {"error": {"code": 404, "message": f"Not found: {path[4:]}.", "status": "NOT_FOUND"}}

    def token(self) -> tuple[int, dict[str, Any]]:
        if self.token_answer:
            return self.token_answer
        self.tokens_given += 1
        token = f"{TOKEN}{self.tokens_given}"
        return 200, {"access_token": token, "expires_in": self.token_seconds, "token_type": "Bearer"}


def no_credentials(folder: Path) -> dict[str, str]:
    """Variables for a process that shall not find the credentials of the machine it runs on."""
    hidden = {"CLOUDSDK_CONFIG": str(folder / "gcloud"), "HOME": str(folder), "NO_GCE_CHECK": "true"}
    return hidden | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def sample(**other: Any) -> gke.Cluster:
    """A regional Standard cluster with two pools; `other` replaces fields."""
    return gke.Cluster(**{**_sample(), **other})


def _sample() -> dict[str, Any]:
    spot = gke.NodePool(
        name="spot",
        version="1.33.4-gke.1172000",
        locations=["europe-west1-c", "europe-west1-b"],
        autoscaling=gke.NodePoolAutoscaling(enabled=True, total_min_node_count=1, total_max_node_count=24),
        config=gke.NodeConfig(
            machine_type="g2-standard-8",
            spot=True,
            disk_type="pd-ssd",
            disk_size_gb=200,
            image_type="UBUNTU_CONTAINERD",
            labels={"team": "ml", "a": "1"},
            accelerators=[gke.AcceleratorConfig(accelerator_type="nvidia-l4", accelerator_count=1)],
            taints=[
                gke.NodeTaint(key="team", value="ml", effect="NO_SCHEDULE"),
                gke.NodeTaint(key="drain", value="", effect="PREFER_NO_SCHEDULE"),
            ],
        ),
    )
    main = gke.NodePool(
        name="main",
        version="1.33.4-gke.1172000",
        locations=["europe-west1-b"],
        autoscaling=gke.NodePoolAutoscaling(enabled=True, min_node_count=0, max_node_count=5),
        config=gke.NodeConfig(
            machine_type="e2-standard-4",
            disk_type="pd-balanced",
            disk_size_gb=100,
            image_type="COS_CONTAINERD",
            workload_metadata_config=gke.WorkloadMetadataConfig(mode="GKE_METADATA"),
        ),
    )
    on, off = {"enabled": True}, {"disabled": True}
    return {
        "name": "shop",
        "location": "europe-west1",
        "locations": ["europe-west1-c", "europe-west1-b"],
        "status": "RUNNING",
        "endpoint": "203.0.113.10",
        "current_master_version": "1.33.4-gke.1172000",
        "network": "prod",
        "subnetwork": "prod-west1",
        "master_auth": gke.MasterAuth(
            cluster_ca_certificate=base64.b64encode(CA).decode(), password="hunter2", client_key="c2VjcmV0"
        ),
        "release_channel": gke.ReleaseChannel(channel="REGULAR"),
        "workload_identity_config": gke.WorkloadIdentityConfig(workload_pool="acme-prod.svc.id.goog"),
        "network_config": gke.NetworkConfig(
            network="projects/acme-prod/global/networks/prod",
            subnetwork="projects/acme-prod/regions/europe-west1/subnetworks/prod-west1",
            datapath_provider="ADVANCED_DATAPATH",
            default_enable_private_nodes=True,
            gateway_api_config=gke.GatewayAPIConfig(channel="CHANNEL_STANDARD"),
        ),
        "control_plane_endpoints_config": ends(dns=False),
        "addons_config": gke.AddonsConfig(
            http_load_balancing=gke.HttpLoadBalancing(),
            horizontal_pod_autoscaling=gke.HorizontalPodAutoscaling(**off),
            gce_persistent_disk_csi_driver_config=gke.GcePersistentDiskCsiDriverConfig(**on),
            gcs_fuse_csi_driver_config=gke.GcsFuseCsiDriverConfig(**on),
            config_connector_config=gke.ConfigConnectorConfig(),
        ),
        "secret_manager_config": gke.SecretManagerConfig(**on),
        "node_pools": [spot, main],
    }


def ends(
    *, dns: bool, ip: bool = True, public: bool = True, guarded: bool = False, private: str = "10.0.0.2"
) -> gke.ControlPlaneEndpointsConfig:
    """Endpoints: DNS open or closed, IP addresses at all, one that is public, only for authorised networks."""
    kind = gke.ControlPlaneEndpointsConfig
    guard = gke.MasterAuthorizedNetworksConfig(enabled=guarded)
    addresses = {"public_endpoint": "203.0.113.10"} if public and ip else {}
    addresses |= {"private_endpoint": private} if ip else {}
    return kind(
        dns_endpoint_config=kind.DNSEndpointConfig(endpoint="gke-1.europe-west1.gke.goog", allow_external_traffic=dns),
        ip_endpoints_config=kind.IPEndpointsConfig(
            enabled=ip, enable_public_endpoint=public, authorized_networks_config=guard, **addresses
        ),
    )


def _handler(google: FakeGoogle) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            google.requests.append(("GET", path))
            google.authorizations.append(self.headers.get("Authorization", ""))
            self._send(*google.answer(path, self.headers.get("Authorization", "")))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/token":
                return self._send(*google.token())
            google.requests.append(("POST", self.path))
            return self._send(405, {"error": {"code": 405, "message": "this fake only reads", "status": "X"}})

        do_PUT = do_DELETE = do_PATCH = do_POST

        def _send(self, code: int, body: Any) -> None:
            data = (json.dumps(body) if isinstance(body, dict) else type(body).to_json(body)).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@cache
def _key() -> str:
    """A private key made for this run; nobody else has ever seen it."""
    from cryptography.hazmat.primitives import serialization as kinds
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = key.private_bytes(kinds.Encoding.PEM, kinds.PrivateFormat.PKCS8, kinds.NoEncryption())
    return plain.decode()


@pytest.fixture(name="alone")
def alone_fixture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's credentials, and no patience."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", OVERRIDE, "APPENGINE_RUNTIME", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in no_credentials(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("google.auth.compute_engine._metadata._NO_GCE_CHECK", True)
    monkeypatch.setattr("migrate.cluster.gke.PATIENCE", 1.0)


@pytest.fixture(name="google")
def google_fixture(alone: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeGoogle]:
    """A fake Google with one cluster, found by its environment variables."""
    with FakeGoogle(sample()) as fake:
        for name, value in fake.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        yield fake


def refused(name: str = NAME, **more: Any) -> Error:
    """What connect says; never with a token in it, and always with a next step."""
    with pytest.raises(Error) as caught:
        connect(name, **more)
    error = caught.value
    said = " ".join((error.what, error.next, *error.details))
    assert error.__suppress_context__ or error.__context__ is None  # no SDK exception in a traceback
    assert TOKEN not in said and "eyJ" not in said and "Bearer" not in said
    assert error.next.endswith((".", "--enable-dns-access", "acme-prod"))
    return error
