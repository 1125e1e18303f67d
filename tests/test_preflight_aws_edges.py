"""What preflight says of addresses, subnets, certificates and quotas in AWS."""

from __future__ import annotations

from datetime import date

import pytest
from aws_account_help import ACCOUNT, PRIVATE, PUBLIC, Memory, address, somewhere_else, subnet
from preflight_target_help import Json, Target, a_going, only, thing

from migrate.flow.aws_checks import aws_checks
from migrate.model.aws import Certificate
from migrate.model.checks import Check, Status
from migrate.model.effects import Severity
from migrate.preflight.aws_certificates import covers

TODAY = date(2026, 11, 23)
LB = "service.beta.kubernetes.io/aws-load-balancer-"
ALB = "alb.ingress.kubernetes.io/"
PUBLIC_FACE = {f"{LB}scheme": "internet-facing"}
PARAMS = "elbv2.k8s.aws/v1beta1 IngressClassParams"
GOOD = (subnet("subnet-1", "a"), subnet("subnet-2", "b"))
ARN = f"arn:aws:acm:us-east-2:{ACCOUNT}:certificate/one"


def service(name: str = "web", status: Json | None = None, **notes: str) -> Json:
    said = {f"{LB}{key.replace('_', '-')}": value for key, value in notes.items()}
    spec = {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb"}
    return thing("v1 Service", name, "shop", spec=spec, notes=said) | ({"status": status} if status else {})


def ingress(name: str = "web", *hosts: str, named: str = "alb", **notes: str) -> Json:
    said = {f"{ALB}{key.replace('_', '-').replace('group-', 'group.')}": value for key, value in notes.items()}
    spec = {"ingressClassName": named, "rules": [{"host": host} for host in hosts]}
    return thing("networking.k8s.io/v1 Ingress", name, "shop", spec=spec, notes=said)


def look(*planned: Json, aws: Memory, on: Target | None = None) -> list[Check]:
    """Without who asks."""
    found = aws_checks(a_going(*planned), on or Target(), aws, today=TODAY, watch=lambda *_: None)
    checks = [one for one in found if one.id != "PRE100"]
    for one in checks:
        assert one.message.endswith(".") and (one.status is Status.PASS or one.fix), one
        assert one.refs, one
    return checks


def bad(checks: list[Check], id: str = "") -> list[Check]:
    return [one for one in checks if one.status is not Status.PASS and (not id or one.id == id)]


def test_nothing_is_asked_that_nobody_names() -> None:
    aws = Memory()
    other = service() | {"spec": {"type": "LoadBalancer", "loadBalancerClass": "acme.dev/lb"}}
    assert look(thing("v1 ConfigMap", "c", "shop"), other, ingress(named="nginx"), aws=aws) == []
    assert aws.asked == []


# Who asks


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/a/b", Status.PASS),
        ("arn:aws:iam::999999999999:user/a", Status.FINDING),
        (None, Status.UNKNOWN),
    ],
)
def test_who_asks(caller: str | None, status: Status) -> None:
    aws = Memory(here=somewhere_else(caller=caller))
    (found,) = aws_checks(a_going(), Target(), aws, today=TODAY, watch=lambda *_: None)
    assert (found.id, found.status) == ("PRE100", status)
    assert status is Status.PASS or "aws sts get-caller-identity --region us-east-2" in found.fix


# Addresses


def test_addresses_that_are_right() -> None:
    asked = service(eip_allocations="eip-1, eip-2", subnets="subnet-1,subnet-2", scheme="internet-facing")
    found = look(asked, aws=Memory(*GOOD, address("eip-1"), address("eip-2")))
    assert not bad(found)
    assert only(found, "PRE105").status is only(found, "PRE106").status is Status.PASS


@pytest.mark.parametrize(
    ("notes", "things", "words"),
    [
        ({"eip_allocations": "eip-1"}, (), "not in us-east-2"),
        ({"eip_allocations": "eip-1"}, (address("eip-1", "eni-9"),), "in use by eni-9"),
    ],
)
def test_addresses_that_are_wrong(notes: dict[str, str], things: tuple[object, ...], words: str) -> None:
    asked = service(**notes, subnets="subnet-1", scheme="internet-facing")
    (found,) = bad(look(asked, aws=Memory(*GOOD, *things)))
    assert (found.id, found.severity) == ("PRE105", Severity.BLOCKER) and words in found.message
    assert found.fix.count("aws ec2 ") == 1


def test_an_address_of_its_own_load_balancer_is_no_finding() -> None:
    asked = service(eip_allocations="eip-1", subnets="subnet-1", scheme="internet-facing")
    up = Target(service(status={"loadBalancer": {"ingress": [{"hostname": "a"}]}}))
    assert not bad(look(asked, aws=Memory(*GOOD, address("eip-1", "eni-9")), on=up))


def test_two_services_cannot_share_an_address() -> None:
    notes = {"eip_allocations": "eip-1", "subnets": "subnet-1", "scheme": "internet-facing"}
    (found,) = bad(look(service("a", **notes), service("b", **notes), aws=Memory(*GOOD, address("eip-1"))))
    assert "more than one Service" in found.message and len(found.refs) == 2


@pytest.mark.parametrize(
    ("notes", "severity", "words"),
    [
        ({"subnets": "subnet-1,subnet-2", "scheme": "internet-facing"}, Severity.BLOCKER, "1 Elastic IP"),
        ({"scheme": "internet-facing"}, Severity.REVIEW, "no subnets"),
        ({"subnets": "subnet-1"}, Severity.BLOCKER, "internal"),
    ],
)
def test_one_address_for_each_subnet(notes: dict[str, str], severity: Severity, words: str) -> None:
    found = only(look(service(eip_allocations="eip-1", **notes), aws=Memory(*GOOD, address("eip-1"))), "PRE106")
    assert (found.status, found.severity) == (Status.FINDING, severity) and words in found.message


# Subnets


def test_subnets_by_tags() -> None:
    aws = Memory(*GOOD, subnet("subnet-3", "a", tags=PRIVATE))
    found = look(service(scheme="internet-facing"), ingress(scheme="internet-facing"), service("in"), aws=aws)
    assert not bad(found, "PRE115") and len([one for one in found if one.id == "PRE115"]) == 2


@pytest.mark.parametrize(
    ("subnets", "words", "severity"),
    [
        ((), f"tagged {PUBLIC}", Severity.REVIEW),
        ((subnet("subnet-1", tags=f"{PUBLIC} kubernetes.io/cluster/other"),), f"tagged {PUBLIC}", Severity.REVIEW),
        ((subnet("subnet-1", "a"), subnet("subnet-2", "a")), "all in us-east-2a", Severity.BLOCKER),
        ((subnet("subnet-1", "a"), subnet("subnet-2", "b", free=7)), "(7 free)", Severity.REVIEW),
        ((subnet("subnet-1", "a", free=0), subnet("subnet-2", "b", free=7)), "(0 free)", Severity.BLOCKER),
    ],
)
def test_subnets_that_will_not_do(subnets: tuple[object, ...], words: str, severity: Severity) -> None:
    found = bad(look(ingress(scheme="internet-facing"), aws=Memory(*subnets)), "PRE115")
    assert words in found[0].message and found[0].severity is severity


@pytest.mark.parametrize(
    ("notes", "face"), [({}, PRIVATE), ({"internal": "true"}, PRIVATE), ({"internal": "false"}, PUBLIC)]
)
def test_the_face_of_a_service(notes: dict[str, str], face: str) -> None:
    assert f"tagged {face}," in only(look(service(**notes), aws=Memory()), "PRE115").message


def test_a_network_load_balancer_needs_but_one_zone() -> None:
    cluster = subnet("subnet-1", tags=f"{PUBLIC} kubernetes.io/cluster/prod kubernetes.io/cluster/other")
    assert not bad(look(service(scheme="internet-facing"), aws=Memory(cluster)))


@pytest.mark.parametrize(
    ("named", "words"),
    [("subnet-1", "names one subnet"), ("subnet-1,subnet-9", "no subnets subnet-9"), ("subnet-1,also-a", "one zone")],
)
def test_subnets_by_name(named: str, words: str) -> None:
    aws = Memory(*GOOD, subnet("subnet-3", "a", name="also-a"))
    assert words in bad(look(ingress(subnets=named), aws=aws))[0].message
    assert not bad(look(ingress(subnets="subnet-2, also-a"), aws=aws))


def test_what_ingress_class_params_say_wins() -> None:
    wish = {"scheme": "internet-facing", "subnets": {"ids": ["subnet-9"]}, "certificateArn": ["arn:aws:acm:x"]}
    params = thing(PARAMS, "p", spec=wish)
    named = {"controller": "ingress.k8s.aws/alb", "parameters": {"apiGroup": "elbv2.k8s.aws", "name": "p"}}
    kind = thing("networking.k8s.io/v1 IngressClass", "edge", spec=named)
    found = bad(look(ingress(named="edge", subnets="subnet-1"), kind, params, aws=Memory(*GOOD)))
    assert {one.id for one in found} == {"PRE110", "PRE116"} and "subnet-9" in only(found, "PRE116").message
    tags = thing(PARAMS, "p", spec={"subnets": {"tags": {"a": ["b"]}}})
    (tagged,) = bad(look(ingress(named="edge"), kind, tags, aws=Memory(*GOOD)))
    assert (tagged.id, tagged.status) == ("PRE115", Status.UNKNOWN)


# Certificates


def certificate(hosts: str, status: str = "ISSUED", ends: str = "2027-06-01", arn: str = ARN, kind: str = "") -> object:
    return Certificate(arn, status, tuple(hosts.split()), date.fromisoformat(ends), kind)


def test_a_certificate_that_is_right() -> None:
    found = look(ingress("web", "a.acme.dev", certificate_arn=ARN), aws=Memory(*GOOD, certificate("*.acme.dev")))
    assert only(found, "PRE110").status is only(found, "PRE111").status is Status.PASS


@pytest.mark.parametrize(
    ("one", "words", "severity"),
    [
        (None, "has no certificates", Severity.BLOCKER),
        (certificate("a.dev", "PENDING_VALIDATION"), "PENDING_VALIDATION", Severity.BLOCKER),
        (certificate("a.dev", ends="2026-12-01"), "ends on 2026-12-01", Severity.REVIEW),
        (certificate("a.dev", ends="2026-11-01"), "ended on 2026-11-01", Severity.BLOCKER),
    ],
)
def test_a_certificate_that_is_wrong(one: object, words: str, severity: Severity) -> None:
    asked = service(ssl_cert=ARN)
    (found,) = bad(look(asked, aws=Memory(subnet("s", tags=PRIVATE), *([one] if one else []))))
    assert (found.id, found.severity) == ("PRE110", severity) and words in found.message and "aws acm" in found.fix


def test_a_certificate_of_another_region() -> None:
    arn = ARN.replace("us-east-2", "eu-west-1")
    aws = Memory(subnet("s", tags=PRIVATE), certificate("a.dev", arn=arn))
    (found,) = bad(look(service(ssl_cert=arn), aws=aws))
    assert "eu-west-1" in found.message and found.severity is Severity.BLOCKER


def test_a_certificate_that_is_not_of_acm_is_not_looked_at() -> None:
    asked = service(ssl_cert=f"arn:aws:iam::{ACCOUNT}:server-certificate/old")
    (found,) = bad(look(asked, aws=Memory(subnet("s", tags=PRIVATE))))
    assert found.status is Status.UNKNOWN and found.because


def test_hosts_that_no_certificate_covers() -> None:
    aws = Memory(*GOOD, certificate("*.acme.dev acme.dev"))
    asked = ingress("web", "acme.dev", "a.b.acme.dev", certificate_arn=ARN, scheme="internet-facing")
    (found,) = bad(look(asked, aws=aws))
    assert found.id == "PRE111" and "covers a.b.acme.dev;" in found.message
    dns = service(ssl_cert=ARN)
    dns["metadata"]["annotations"]["external-dns.alpha.kubernetes.io/hostname"] = "other.dev"
    assert "other.dev" in only(look(dns, aws=aws), "PRE111").message


@pytest.mark.parametrize(
    ("name", "host", "right"),
    [
        ("a.dev", "a.dev", True),
        ("A.dev", "a.DEV.", True),
        ("*.a.dev", "x.a.dev", True),
        ("*.a.dev", "x.y.a.dev", False),
        ("*.a.dev", "a.dev", False),
        ("*.a.dev", ".a.dev", False),
        ("*.a.dev", "*.a.dev", True),
        ("a.dev", "xa.dev", False),
    ],
)
def test_a_wildcard_is_one_label(name: str, host: str, right: bool) -> None:
    assert covers(name, host) is right


def test_an_ingress_finds_certificates_by_its_hosts() -> None:
    https = {"listen_ports": '[{"HTTPS": 443}]', "scheme": "internet-facing"}
    aws = Memory(*GOOD, certificate("*.acme.dev"), certificate("old.dev", "EXPIRED", arn=f"{ARN}2"))
    assert not bad(look(ingress("web", "a.acme.dev", **https), aws=aws))
    (found,) = bad(look(ingress("web", "a.acme.dev", "old.dev", **https), aws=aws))
    assert (found.id, found.severity) == ("PRE112", Severity.BLOCKER) and "covers old.dev." in found.message
    assert "--domain-name old.dev --region us-east-2" in found.fix
    plain = look(ingress("web", "old.dev", scheme="internet-facing"), aws=aws)
    assert not any(one.id == "PRE112" for one in plain)  # HTTP alone needs none


# Quotas


def test_the_quota_counts_what_comes() -> None:
    one, two = ingress("a", group_name="g"), ingress("b", group_name="g")
    private = (subnet("s-1", "a", tags=PRIVATE), subnet("s-2", "b", tags=PRIVATE))
    full = Memory(*private, balancers={"application": 49, "network": 50})
    found = look(one, two, service(), aws=full)
    room = [check for check in found if check.id == "PRE136"]
    assert [check.status for check in room] == [Status.FINDING, Status.PASS]
    assert "--quota-code L-69A177A2 --desired-value 51" in room[0].fix
    up = Target(service(status={"loadBalancer": {"ingress": [{"hostname": "a"}]}}))
    assert not bad(look(one, two, service(), aws=full, on=up))


# Nobody could look


@pytest.mark.parametrize(
    ("method", "ids"),
    [
        ("addresses", {"PRE105"}),
        ("subnets", {"PRE115", "PRE116"}),
        ("certificates", {"PRE110"}),
        ("issued", {"PRE112"}),
        ("balancers", {"PRE136"}),
        ("quota", {"PRE136"}),
    ],
)
def test_what_nobody_may_ask_is_never_a_pass(method: str, ids: set[str]) -> None:
    lb = service(eip_allocations="eip-1", subnets="subnet-1", scheme="internet-facing", ssl_cert=ARN)
    web = ingress("web", "a.acme.dev", listen_ports='[{"HTTPS": 443}]', scheme="internet-facing")
    aws = Memory(*GOOD, address("eip-1"), certificate("*.acme.dev"), denied=[method])
    found = look(lb, web, aws=aws)
    assert {one.id for one in bad(found)} == ids
    assert all((one.status, one.because) == (Status.UNKNOWN, "ann may not look") for one in bad(found))
    assert not any(one.id in ids for one in found if one.status is Status.PASS)
