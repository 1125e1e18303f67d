"""What the caller may do, asked of the API server. A review is created and stored nowhere: it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from migrate.cluster.outcome import Unknown
from migrate.cluster.rejections import rejected
from migrate.cluster.writing import JSON, Answer, Request, encoded
from migrate.errors import Forbidden, Refused

_GROUP = "authorization.k8s.io"
Send = Callable[[Request], Answer | Unknown]


def may(send: Send, verb: str, group: str, resource: str, namespace: str, name: str) -> bool:
    """Ask every authorizer that the server has, those of clouds too. Raises Forbidden, Refused, Unreachable."""
    asked = {"verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name}
    said = {key: value for key, value in asked.items() if value}
    status = _review(send, "SelfSubjectAccessReview", {"resourceAttributes": said})
    return status.get("allowed") is True


def rules(send: Send, namespace: str) -> tuple[list[Any], bool]:
    """The rules in one namespace, and whether these are all: only RBAC can list what it allows."""
    status = _review(send, "SelfSubjectRulesReview", {"namespace": namespace})
    found = status.get("resourceRules")
    return (found if isinstance(found, list) else []), status.get("incomplete") is False


def _review(send: Send, kind: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    body = {"apiVersion": f"{_GROUP}/v1", "kind": kind, "spec": spec}
    path = f"/apis/{_GROUP}/v1/{kind.lower()}s"
    answer = send(Request("POST", path, (), encoded(body), JSON, certain=True))
    assert isinstance(answer, Answer)  # nothing is unknown of a request that changes nothing
    if answer.status < 300:
        status = answer.body.get("status")
        return status if isinstance(status, Mapping) else {}
    no = rejected(answer.status, answer.body)
    if answer.status == 403:
        raise Forbidden(no.message, "bind system:basic-user to system:authenticated again: it lets people ask this.")
    raise Refused(f"{kind}: {no.message}", "run it again.")
