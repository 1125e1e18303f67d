"""A fake AWS account for tests: what `aws_fake` answers, and beside it moto's own answers to what preflight asks.

Whoever signs with the key SEED talks to moto itself, to put things there; everybody else may only ask what
`migrate.cluster.aws` names in ACTIONS, and is told AccessDenied for what a test denies. moto lacks Pod Identity, quotas
of load balancers and pull-through cache rules: those are answered here.
"""

import io
import json
import re
from typing import Any
from urllib.parse import parse_qs

import boto3
from aws_fake import _SCOPE, WHO, FakeAws
from werkzeug import Request, Response

from migrate.cluster.aws import ACTIONS

SEED = "AKIASEEDSEEDSEEDSEED"
ISSUER = "https://oidc.eks.us-east-2.amazonaws.com/id/0123456789ABCDEF"
_REST = (
    ("eks", re.compile(r"/clusters/[^/]+/pod-identity-associations"), "ListPodIdentityAssociations"),
    ("eks", re.compile(r"/clusters/[^/]+/pod-identity-associations/(?P<id>[^/]+)"), "DescribePodIdentityAssociation"),
    ("eks", re.compile(r"/clusters/[^/]+"), "DescribeCluster"),
    ("elasticfilesystem", re.compile(r"/2015-02-01/file-systems"), "DescribeFileSystems"),
)
_BY_CODE = {"ec2": "UnauthorizedOperation", "iam": "AccessDenied", "elasticloadbalancing": "AccessDenied"}


class FakeAccount(FakeAws):
    """`denied` are IAM actions; `asked` are those that were asked for, with their region."""

    def __init__(self) -> None:
        super().__init__()
        self.denied: set[str] = set()
        self.silent = False  # say no without saying to whom, as many services do
        self.asked: list[tuple[str, str]] = []
        self.associations: dict[str, dict[str, str]] = {}
        self.quotas: dict[str, float] = {}  # of the account; AWS's default is 50
        self.cache_rules: list[str] = []

    def seed(self, service: str, region: str = "us-east-2") -> Any:
        """A client that puts things into moto."""
        keys = {"aws_access_key_id": SEED, "aws_secret_access_key": "x", "aws_session_token": None}
        return boto3.client(service, region_name=region, endpoint_url=self.url, **keys)

    def _answer(self, environ: dict[str, Any], start: Any) -> Any:
        request = Request(environ)
        body = request.get_data()
        environ["wsgi.input"] = io.BytesIO(body)
        match = _SCOPE.search(request.headers.get("Authorization", ""))
        if match is None:
            return super()._answer(environ, start)
        key, region, service = match.groups()
        if key == SEED:
            return self._moto(environ, start)
        operation, id = _operation(request, service, body)
        action = f"{service}:{operation}"
        self.asked.append((action, region))
        if action in self.denied:
            return _denied(service, action, self.silent)(environ, start)
        own = self._own(operation, id, body)
        if own is not None:
            return own(environ, start)
        if operation in ("DescribeCluster", "GetCallerIdentity"):
            return super()._answer(environ, start)
        assert action in ACTIONS and action.partition(":")[2].startswith(("Get", "List", "Describe")), action
        return self._moto(environ, start)

    def _own(self, operation: str, id: str, body: bytes) -> Response | None:
        if operation == "ListPodIdentityAssociations":
            return _json({"associations": [_short(one) for one in self.associations.values()]})
        if operation == "DescribePodIdentityAssociation":
            return _json({"association": self.associations[id]})
        if operation == "DescribePullThroughCacheRules":
            return _json({"pullThroughCacheRules": [{"ecrRepositoryPrefix": one} for one in self.cache_rules]})
        code = json.loads(body)["QuotaCode"] if operation.endswith("ServiceQuota") else ""
        if operation == "GetAWSDefaultServiceQuota":
            return _json({"Quota": {"QuotaCode": code, "Value": 50.0}})
        if operation == "GetServiceQuota":
            if code not in self.quotas:
                return _json({"__type": "NoSuchResourceException", "Message": "none"}, 400)
            return _json({"Quota": {"QuotaCode": code, "Value": self.quotas[code]}})
        return None


def _operation(request: Request, service: str, body: bytes) -> tuple[str, str]:
    target = request.headers.get("X-Amz-Target", "")
    if target:
        return target.rpartition(".")[2], ""
    if request.method == "GET":
        for known, path, name in _REST:
            found = path.fullmatch(request.path)
            if known == service and found:
                return name, found.groupdict().get("id", "")
    return parse_qs(body.decode()).get("Action", [f"{request.method} {request.path}"])[0], ""


def _denied(service: str, action: str, silent: bool) -> Response:
    """As AWS words it; each protocol has its own form."""
    text = f"User: {WHO} is not authorized to perform: {action} because no identity-based policy allows it"
    text = "You are not authorized to perform this operation." if silent else text
    code = _BY_CODE.get(service, "AccessDeniedException")
    if service not in _BY_CODE:
        return _json({"__type": code, "message": text}, 400, {"x-amzn-ErrorType": code})
    error = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    form = f"<Response><Errors>{error}</Errors></Response>" if service == "ec2" else None
    return Response(form or f"<ErrorResponse>{error}</ErrorResponse>", 403, content_type="text/xml")


def _short(one: dict[str, str]) -> dict[str, str]:
    return {key: one[key] for key in ("namespace", "serviceAccount", "associationId")}


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(value), status, headers or {}, content_type="application/x-amz-json-1.1")
