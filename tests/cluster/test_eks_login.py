"""The door to EKS on a real API server, which asks a webhook about tokens, as on EKS. What AWS does is a fake's."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aws_fake import NAME, WHO, FakeAws, review
from aws_fake import aws_fixture as aws_fixture
from aws_fake import without_aws_fixture as without_aws_fixture
from rig import flags
from rig.assets import Assets
from rig.controlplane import ControlPlane

from migrate.cluster.eks import connect
from migrate.cluster.kube import KubeSource
from migrate.errors import Forbidden, NotLoggedIn
from migrate.model.listing import Kind

MAPS = ("", "ConfigMap")

REVIEWS: list[str] = []


class Reviewer(BaseHTTPRequestHandler):
    """Knows who signed for the cluster prod, as the authenticator of EKS does; everybody else is nobody."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status: dict[str, Any] = {"authenticated": True, "user": {"username": WHO, "uid": "AROAFAKE"}}
        try:
            review(asked["spec"]["token"], "prod", hosts=("sts.us-east-2.amazonaws.com",))
            REVIEWS.append("yes")
        except AssertionError as wrong:
            status = {"authenticated": False, "error": str(wrong)}
            REVIEWS.append("no")
        data = json.dumps({"apiVersion": asked["apiVersion"], "kind": "TokenReview", "status": status}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def plane(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Reviewer)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    config: Path = tmp_path_factory.mktemp("webhook") / "config.json"
    webhook = {"name": "eks", "cluster": {"server": f"http://127.0.0.1:{server.server_port}/authenticate"}}
    context = {"name": "eks", "context": {"cluster": "eks", "user": "eks"}}
    config.write_text(json.dumps({"clusters": [webhook], "contexts": [context], "current-context": "eks"}))
    more = [f"--authentication-token-webhook-config-file={config}", "--authentication-token-webhook-version=v1"]
    usual = flags.apiserver
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flags, "apiserver", lambda port, controllers: usual(port, controllers) + more)
        with ControlPlane(assets).start(with_controllers=False) as started:
            yield started
    server.shutdown()
    server.server_close()


@pytest.fixture(name="eks")
def eks_fixture(aws: FakeAws, plane: ControlPlane) -> FakeAws:
    """A fake AWS whose clusters prod and other are at the real API server."""
    where = {
        "endpoint": plane.url,
        "certificateAuthority": {"data": base64.b64encode(plane.ca.read_bytes()).decode()},
    }
    aws.change(**where)
    aws.add("other", **where)
    return aws


def allowed(source: KubeSource, kind: Kind) -> bool:
    """The API server hears of a new binding a moment later."""
    for _ in range(100):
        try:
            return bool(list(source.pages(kind)))
        except Forbidden:
            time.sleep(0.1)
    return False


def test_the_api_server_knows_us_by_our_arn(eks: FakeAws, plane: ControlPlane) -> None:
    source = KubeSource(connect(NAME).connection())
    assert source.version()["gitVersion"]
    maps = next(kind for kind in source.kinds() if (kind.group, kind.kind) == MAPS)
    with pytest.raises(Forbidden) as caught:
        list(source.pages(maps))
    assert f'User "{WHO}" cannot list resource "configmaps"' in caught.value.what
    rights = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": WHO}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "ann"}}
    plane.client().create(binding | {"roleRef": rights, "subjects": [user]})
    assert allowed(source, maps)
    assert "yes" in REVIEWS


def test_a_token_for_another_cluster_is_not_taken(eks: FakeAws) -> None:
    source = KubeSource(connect("us-east-2/other").connection())
    with pytest.raises(NotLoggedIn) as caught:
        source.version()
    assert "aws eks create-access-entry --region us-east-2 --cluster-name other" in caught.value.next
    assert REVIEWS[-1] == "no"
