"""What rules of RBAC allow, compared as the API server compares them before somebody may grant them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

_ALL = "*"
_MAKES_PODS = frozenset(
    ["pods", "deployments", "statefulsets", "daemonsets", "replicasets", "replicationcontrollers", "jobs", "cronjobs"]
)
_WRITES = frozenset({"create", "update", "patch", _ALL})
_READS = frozenset({"get", "list", "watch", _ALL})
# (resources, verbs): whoever has one of these in every namespace, or in kube-system, can have everything.
_POWERS: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (_MAKES_PODS, _WRITES),  # a pod may use any ServiceAccount of its namespace
    (frozenset({"pods/exec", "pods/attach", "pods/ephemeralcontainers"}), _WRITES | {"get"}),
    (frozenset({"secrets"}), _READS),
    (frozenset({"serviceaccounts/token", "nodes/proxy"}), _WRITES | {"get"}),
    (frozenset({"roles", "clusterroles"}), frozenset({"escalate", "bind", _ALL})),
    (frozenset({"users", "groups", "serviceaccounts", "userextras"}), frozenset({"impersonate", _ALL})),
    (frozenset({"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}), _WRITES),
    (frozenset({"mutatingadmissionpolicies", "apiservices"}), _WRITES),
    (frozenset({"certificatesigningrequests/approval"}), _WRITES),
)


@dataclass(frozen=True, slots=True)
class Grant:
    """One rule. No `names`: all of them. A rule for URLs has neither groups nor resources."""

    verbs: frozenset[str]
    groups: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()

    def _allows(self, one: _One) -> bool:
        if not {_ALL, one.verb} & self.verbs:
            return False
        if one.url:
            return any(url in (_ALL, one.url) or _starts(url, one.url) for url in self.urls)
        if not {_ALL, one.group} & self.groups or not _resource(self.resources, one.resource):
            return False
        return not self.names or one.name in self.names


@dataclass(frozen=True, slots=True)
class _One:
    """The smallest thing that can be asked: one verb on one resource, of one name or '' for all; or on one URL."""

    verb: str
    group: str = ""
    resource: str = ""
    name: str = ""
    url: str = ""


def grants(rules: Any) -> tuple[Grant, ...]:
    """The rules of a Role, a ClusterRole or a review, as a server writes them."""
    return tuple(
        Grant(
            *(_texts(rule.get(key)) for key in ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"))
        )
        for rule in (rules if isinstance(rules, list) else ())
        if isinstance(rule, Mapping)
    )


def allows(have: Iterable[Grant], verb: str, group: str, resource: str, name: str = "") -> bool:
    """Tell whether these rules allow one verb on one resource; without a name: on all of its names."""
    return any(one._allows(_One(verb, group, resource, name)) for one in have)


def covered(wanted: Iterable[Grant], have: Iterable[Grant]) -> bool:
    """Tell whether who has these rules may grant those: each verb on each resource is theirs already."""
    mine = tuple(have)
    return all(any(one._allows(part) for one in mine) for grant in wanted for part in _parts(grant))


def powerful(have: Iterable[Grant]) -> bool:
    """Tell whether these rules, in every namespace or in kube-system, lead to all others."""
    return any(
        _ALL in grant.resources & grant.verbs
        or any(_touches(grant.resources, resources) and grant.verbs & verbs for resources, verbs in _POWERS)
        for grant in have
    )


def _touches(resources: frozenset[str], strong: frozenset[str]) -> bool:
    """`*` is every resource, and its subresources, too."""
    return bool(resources & strong) or _ALL in resources or any(_resource(resources, one) for one in strong)


def _parts(grant: Grant) -> Iterator[_One]:
    yield from (_One(verb, url=url) for verb, url in product(grant.verbs, grant.urls))
    yield from (
        _One(verb, group, resource, name)
        for verb, group, resource, name in product(grant.verbs, grant.groups, grant.resources, grant.names or {""})
    )


def _resource(have: frozenset[str], wanted: str) -> bool:
    _, slash, below = wanted.partition("/")
    return bool({_ALL, wanted} & have) or bool(slash and f"*/{below}" in have)


def _starts(url: str, wanted: str) -> bool:
    return url.endswith(_ALL) and wanted.startswith(url[:-1])


def _texts(value: Any) -> frozenset[str]:
    return frozenset(one for one in (value if isinstance(value, list) else ()) if isinstance(one, str))
