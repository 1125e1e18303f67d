"""What preflight says of a caller's rights, and how few questions it asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from rights_plans import ALL, CONFIG, a_binding, a_plan, a_role, rules

from migrate.cluster.outcome import Applied, Reason, Rejected
from migrate.errors import Refused
from migrate.flow.rights import rights
from migrate.model.checks import Check, Shown, Status
from migrate.model.effects import Severity
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.semantics.going import Going
from migrate.semantics.grants import allows, grants


class Server:
    """A target that answers by rules; `whole`: it can list them all. What was asked is counted."""

    def __init__(self, have: Mapping[str, str], *, whole: bool = True, tried: Any = None) -> None:
        self.have, self.whole, self.tried = have, whole, tried
        self.asked: list[tuple[str, ...]] = []
        self.listed: list[str] = []
        self.name = "prod"

    def rules(self, namespace: str) -> tuple[list[Any], bool]:
        self.listed.append(namespace)
        found = rules(", ".join(filter(None, [self.have.get(""), self.have.get(namespace)])))
        return ([] if not self.whole else found), self.whole

    def may(self, verb: str, group: str, resource: str, namespace: str = "", name: str = "") -> bool:
        self.asked.append((verb, resource, namespace, name))
        found = rules(", ".join(filter(None, [self.have.get(""), self.have.get(namespace) if namespace else None])))
        return allows(grants(found), verb, group, resource, name)

    def dry_run(self, body: Body) -> Any:
        return self.tried or Rejected(Reason.ESCALATION, "more than you have")


class Looked:
    """What a check sees of that target."""

    name, minor = "prod", "1.36"

    def __init__(self, *spaces: str) -> None:
        self.spaces = spaces

    def kinds(self) -> tuple[Kind, ...]:
        return (Kind("", "v1", "configmaps", "ConfigMap", True), Kind("", "v1", "nodes", "Node", False))

    def of(self, group: str, kind: str) -> Shown:
        return Shown({Ref("", "Namespace", "", name): {} for name in self.spaces})


ENOUGH = (
    '{apiGroups: [""], resources: [namespaces, configmaps], verbs: [get, list]},'
    '{apiGroups: [""], resources: [nodes], verbs: [list]}'
)
WRITES = '{apiGroups: [""], resources: [configmaps], verbs: [create, patch]}'


def judged(server: Any, goes: Going, *spaces: str) -> list[Check]:
    return list(rights(server, goes, Looked(*spaces)))


@pytest.mark.parametrize("whole", [True, False], ids=["RBAC alone", "a cloud's authorizer, too"])
def test_who_has_enough_passes(whole: bool) -> None:
    server = Server({"": ENOUGH, "shop": WRITES}, whole=whole)
    checks = judged(server, a_plan(CONFIG), "shop")
    assert {check.status for check in checks} == {Status.PASS}
    assert [check.id for check in checks] == ["PRE050", "PRE051", "PRE054"]
    # Who can list all rights is asked nothing else.
    assert bool(server.asked) != whole and len(server.listed) == 2


def test_an_admin_is_asked_once_whatever_the_number_of_namespaces() -> None:
    goes = a_plan(*(CONFIG.replace("shop", f"n{number}") for number in range(50)))
    server = Server({"": ALL}, whole=False)
    assert {check.status for check in judged(server, goes, *(f"n{n}" for n in range(50)))} == {Status.PASS}
    assert len(server.asked) == 7 and len(server.listed) == 1


def test_what_is_missing_is_named_with_its_objects() -> None:
    goes = a_plan(CONFIG, CONFIG.replace("shop", "data"), CONFIG.replace("ConfigMap", "Service"))
    server = Server({"": ENOUGH.replace("configmaps", "configmaps, services"), "data": WRITES})
    (check,) = [check for check in judged(server, goes, "shop", "data") if check.status is not Status.PASS]
    assert (check.id, check.severity) == ("PRE051", Severity.BLOCKER)
    assert check.message == "The caller may not create and patch configmaps, services in shop."
    assert [str(ref) for ref in check.refs] == ["ConfigMap/shop/a", "Service/shop/a"]
    assert "gke2eks access target" in check.fix and check.because == "2 objects would be refused"


def test_what_only_checks_need_is_no_blocker() -> None:
    less = ENOUGH.replace("resources: [nodes]", "resources: []")
    checks = {check.id: check for check in judged(Server({"": less, "shop": WRITES}), a_plan(CONFIG), "shop")}
    assert checks["PRE054"].status is Status.UNKNOWN and "nodes" in checks["PRE054"].message
    assert checks["PRE050"].status is Status.PASS
    checks = {check.id: check for check in judged(Server({"": ENOUGH, "shop": WRITES}), a_plan(CONFIG))}
    assert checks["PRE055"].status is Status.UNKNOWN and "in default" in checks["PRE055"].message


@pytest.mark.parametrize(
    ("tried", "status"),
    [
        (Rejected(Reason.ESCALATION, "…"), Status.FINDING),
        (Applied(True, {}), Status.PASS),  # the caller holds all of it
        (Rejected(Reason.ABSENT, "no such role"), Status.UNKNOWN),
    ],
)
def test_escalate_and_bind_are_judged_by_a_dry_run(tried: Any, status: Status) -> None:
    have = {"": ALL.replace('verbs: ["*"]', "verbs: [get, list, create, patch]")}
    goes = a_plan(a_role('{apiGroups: [""], resources: [pods], verbs: [delete]}'), a_binding("r"))
    checks = {check.id: check for check in judged(Server(have, tried=tried), goes)}
    assert (checks["PRE052"].status, checks["PRE053"].status) == (status, status)
    if status is Status.FINDING:
        assert "clusterroles.rbac.authorization.k8s.io r" in checks["PRE052"].message
        assert "--exclude" in checks["PRE052"].fix


def test_a_target_that_answers_no_such_question() -> None:
    class Silent(Server):
        def rules(self, namespace: str) -> tuple[list[Any], bool]:
            raise Refused("not served", "…")

    (check,) = judged(Silent({}), a_plan(CONFIG))
    assert (check.id, check.status, check.because) == ("PRE059", Status.UNKNOWN, "not served")
