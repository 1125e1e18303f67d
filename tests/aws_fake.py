"""A fake of AWS for tests: moto's server over HTTP at a port of 127.0.0.1, wrapped where it has gaps.

moto knows clusters by name and region; what it leaves out of DescribeCluster (computeConfig, accessConfig, vpcId …) is
laid over its answer, after boto3's own model of EKS has agreed that such fields exist. Only what the tool asks for is
answered: everything else is 405 and kept in `requests`.
"""

import base64
import functools
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import botocore.session
import pytest
from botocore.validate import ParamValidator
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.eks import utils
from moto.eks.models import eks_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from migrate.cluster.eks import connect
from migrate.errors import Error

NAME = "us-east-2/prod"
CA = b"-----BEGIN CERTIFICATE-----\nZmFrZQ==\n-----END CERTIFICATE-----\n"
KEY, SECRET, SESSION = "AKIAFAKEFAKEFAKEFAKE", "canary/secret+key", "canary-session-token"
WHO = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/ann"
URL = "https://0123456789ABCDEF.gr7.us-east-2.eks.amazonaws.com"
_SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/([\w-]+)/(\w+)/aws4_request")
# moto reads the list of partitions anew for each cluster that is made, which takes longer than all else.
utils.Session = functools.cache(utils.Session)
_READS = {("GET", "/clusters"): "ListClusters", ("POST", "/"): "GetCallerIdentity"}


class FakeAws:
    """`with FakeAws() as aws:` … `aws.environment(folder)` makes programs talk to it."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []  # (operation or "METHOD path", region)
        self.session_tokens: list[str] = []
        self.caller = WHO
        self._over: dict[tuple[str, str], dict[str, Any]] = {}
        self._refusals: list[tuple[str, tuple[str, ...], str, str, int]] = []
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "FakeAws":
        eks_backends.reset()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, name: str = "prod", region: str = "us-east-2", **other: Any) -> None:
        """Create a cluster. `other` replaces fields of what DescribeCluster says; None takes one away."""
        role = f"arn:aws:iam::{ACCOUNT}:role/eks"
        eks_backends[ACCOUNT][region].create_cluster(name, role, {"subnetIds": ["subnet-1", "subnet-2"]}, "1.36")
        self.change(name, region, **other)

    def change(self, name: str = "prod", region: str = "us-east-2", **other: Any) -> None:
        fields = _sample() | other
        report = ParamValidator().validate({k: v for k, v in fields.items() if v is not None}, _shape())
        assert not report.has_errors(), report.generate_report()
        self._over[region, name] = fields

    def refuse(self, operation: str, code: str, message: str, *, status: int = 400, regions: str = "") -> None:
        """Answer an operation ("*": each) as AWS says no, everywhere or in some regions, separated by blanks."""
        self._refusals.append((operation, tuple(regions.split()), code, message, status))

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables for a process: this AWS, keys that nobody else takes, and no others."""
        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": SESSION}
        return keys | {"AWS_ENDPOINT_URL": self.url} | no_credentials(folder)

    def _answer(self, environ: dict[str, Any], start: Any) -> Any:
        request = Request(environ)
        match = _SCOPE.search(request.headers.get("Authorization", ""))
        region, service = (match[2], match[3]) if match else ("", "")
        described = re.fullmatch(r"/clusters/([^/]+)", request.path) if request.method == "GET" else None
        operation = "DescribeCluster" if described else _READS.get((request.method, request.path), "")
        self.requests.append((operation or f"{request.method} {request.path}", region))
        self.session_tokens.append(request.headers.get("X-Amz-Security-Token", ""))
        for wanted, regions, code, message, status in self._refusals:
            if wanted in ("*", operation) and (not regions or region in regions):
                return _refusal(service, code, message, status)(environ, start)
        if not operation or not match:
            return _refusal(service, "AccessDenied", "this fake only reads", 405)(environ, start)
        if operation == "GetCallerIdentity":
            return Response(_identity(self.caller), content_type="text/xml")(environ, start)
        if region not in eks_backends[ACCOUNT]:  # moto would fail
            return _refusal(service, "ResourceNotFoundException", "no such cluster", 404)(environ, start)
        if not described:
            return self._moto(environ, start)
        answer = Response.from_app(self._moto, environ)
        if answer.status_code == 200:
            over = self._over.get((region, described[1]), {})
            cluster = {k: v for k, v in (answer.get_json()["cluster"] | over).items() if v is not None}
            answer = Response(json.dumps({"cluster": cluster}), content_type="application/json")
        return answer(environ, start)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@functools.cache
def _shape() -> Any:
    """What boto3's own model says of a cluster; it is half a megabyte to read."""
    return botocore.session.get_session().get_service_model("eks").shape_for("Cluster")


def _refusal(service: str, code: str, message: str, status: int) -> Response:
    if service == "sts":
        text = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        return Response(text, status, content_type="text/xml")
    return Response(json.dumps({"message": message}), status, {"x-amzn-ErrorType": code}, "application/json")


def _identity(arn: str) -> str:
    result = f"<Arn>{arn}</Arn><UserId>AROAFAKE:ann</UserId><Account>{ACCOUNT}</Account>"
    result = f"<GetCallerIdentityResult>{result}</GetCallerIdentityResult>"
    return f'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{result}</GetCallerIdentityResponse>'


def _sample() -> dict[str, Any]:
    return {
        "endpoint": URL,
        "certificateAuthority": {"data": base64.b64encode(CA).decode()},
        "platformVersion": "eks.7",
        "resourcesVpcConfig": vpc(),
        "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"},
        "computeConfig": {"enabled": False},
    }


def vpc(*, public: bool = True, cidrs: tuple[str, ...] = ("0.0.0.0/0",)) -> dict[str, Any]:
    return {
        "subnetIds": ["subnet-1", "subnet-2"],
        "vpcId": "vpc-0a1b2c",
        "endpointPublicAccess": public,
        "endpointPrivateAccess": True,
        "publicAccessCidrs": list(cidrs) if public else [],
    }


def review(token: str, cluster: str, *, hosts: tuple[str, ...], secret: str = SECRET) -> dict[str, str]:
    """Judge a token as aws-iam-authenticator does, and as STS would: its signature is computed anew from the parts.

    The parameters of the request. AssertionError says what is wrong. Written from AWS's description of Signature
    Version 4, not with boto3, which has signed.
    """
    assert token.startswith("k8s-aws-v1.") and "=" not in token and len(token) <= 4096
    encoded = token.removeprefix("k8s-aws-v1.")
    url = urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
    assert (url.scheme, url.path) == ("https", "/") and url.netloc in hosts, url.netloc
    pairs = parse_qsl(url.query, keep_blank_values=True, strict_parsing=True)
    found = dict(pairs)
    assert len(found) == len(pairs)
    allowed = {"Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires"}
    assert set(found) <= allowed | {"X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders"}
    assert found["Action"] == "GetCallerIdentity" and found["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert found["X-Amz-SignedHeaders"].split(";") == ["host", "x-k8s-aws-id"]
    assert 0 < int(found["X-Amz-Expires"]) <= 60
    _, day, region, service, last = found["X-Amz-Credential"].split("/")
    assert (service, last) == ("sts", "aws4_request") and found["X-Amz-Date"].startswith(day)
    query = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(pairs) if k != "X-Amz-Signature")
    headers = f"host:{url.netloc}\nx-k8s-aws-id:{cluster}\n\nhost;x-k8s-aws-id"
    canonical = f"GET\n/\n{query}\n{headers}\n{hashlib.sha256(b'').hexdigest()}"
    scope = f"{day}/{region}/sts/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{found['X-Amz-Date']}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (day, region, "sts", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    assert hmac.new(key, text.encode(), hashlib.sha256).hexdigest() == found["X-Amz-Signature"], "signature"
    return found


def no_credentials(folder: Path) -> dict[str, str]:
    """Variables for a process that shall not find the credentials of the machine it runs on."""
    files = {"AWS_CONFIG_FILE": str(folder / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials")}
    rest = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(folder), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return files | rest


@pytest.fixture(name="without_aws")
def without_aws_fixture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's credentials, and no patience."""
    import os

    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in no_credentials(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("migrate.cluster.eks.TRIES", 1)


@pytest.fixture(name="aws")
def aws_fixture(without_aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeAws]:
    """A fake AWS with one cluster, found by its environment variables."""
    with FakeAws() as fake:
        fake.add()
        for name, value in fake.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        yield fake


def refused(name: str = NAME, **more: Any) -> Error:
    """What connect says; never with a secret in it, and always with a next step."""
    with pytest.raises(Error) as caught:
        connect(name, **more)
    error = caught.value
    said = " ".join((error.what, error.next, *error.details))
    assert error.__suppress_context__ or error.__context__ is None  # no SDK exception in a traceback
    assert "canary" not in said and "k8s-aws-v1" not in said and KEY not in said, said
    assert error.what.endswith(".") and error.next
    return error
