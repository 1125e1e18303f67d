"""Which objects a person means: each word of the grammar, each refusal, and two laws."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from shlex import split
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from migrate.errors import BadDecisions
from migrate.flow.plan import ANSWERS, read_decisions
from migrate.manifest.kinds import is_cluster_scoped
from migrate.model.labels import of_map, of_selector, parse_labels
from migrate.model.objects import Object
from migrate.model.ref import Ref, group_of
from migrate.model.selection import BadSelection, Selection, parse_selection
from migrate.workspace.decisions import parse


def obj(text: str, version: str = "v1", labels: dict[str, Any] | None = None, **more: Any) -> Object:
    """'Deployment/shop/api' as an object; 'Namespace/shop' is of cluster scope."""
    kind, *place = text.split("/")
    namespace, name = place if len(place) == 2 else ("", place[0])
    metadata = {
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        **({"labels": labels} if labels else {}),
    }
    body = {"apiVersion": version, "kind": kind, "metadata": metadata, **more}
    return Object(Ref(group_of(version), kind, namespace, name), body)


API = obj("Deployment/shop/api", "apps/v1", {"app": "api", "tier": "front"})
WEB = obj("Deployment/team-a/web", "apps/v1", {"app": "web"})
JOB = obj("Job/team-b/once", "batch/v1")
SPACE = obj("Namespace/shop")
ROLE = obj("ClusterRole/reader", "rbac.authorization.k8s.io/v1")
CERT = obj("Certificate/shop/tls", "cert-manager.io/v1")
KNATIVE = obj("Service/shop/fn", "serving.knative.dev/v1")
SERVICE = obj("Service/shop/api")
POLICY = obj("NetworkPolicy/shop/deny", "networking.k8s.io/v1")
INGRESS = obj("IngressClass/alb", "networking.k8s.io/v1")
ALL = (API, WEB, JOB, SPACE, ROLE, CERT, KNATIVE, SERVICE, POLICY, INGRESS)
SHOP = (API, SPACE, CERT, KNATIVE, SERVICE, POLICY)

SELECTED: list[tuple[dict[str, list[str]], tuple[Object, ...]]] = [
    ({}, ALL),
    ({"labels": [""]}, ALL),
    ({"namespaces": ["shop"]}, SHOP),
    ({"namespaces": ["team-*"]}, (WEB, JOB)),
    ({"namespaces": ["team-?"]}, (WEB, JOB)),
    ({"namespaces": ["team-[a]"]}, (WEB,)),
    ({"namespaces": ["team-a", "team-b"]}, (WEB, JOB)),
    ({"namespaces": ["team"]}, ()),
    ({"namespaces": ["*"]}, tuple(one for one in ALL if one not in (ROLE, INGRESS))),
    ({"namespaces": ["none"]}, ()),
    ({"kinds": ["Deployment"]}, (API, WEB)),
    ({"kinds": ["deployment"]}, (API, WEB)),
    ({"kinds": ["deployments"]}, (API, WEB)),
    ({"kinds": ["Deployment.apps"]}, (API, WEB)),
    ({"kinds": ["deployments.apps"]}, (API, WEB)),
    ({"kinds": ["Deployment.extensions"]}, ()),
    ({"kinds": ["Service"]}, (KNATIVE, SERVICE)),
    ({"kinds": ["services.serving.knative.dev"]}, (KNATIVE,)),
    ({"kinds": ["networkpolicies"]}, (POLICY,)),
    ({"kinds": ["ingressclasses"]}, (INGRESS,)),
    ({"kinds": ["Job", "Certificate"]}, (JOB, CERT)),
    ({"kinds": ["Depl"]}, ()),
    ({"namespaces": ["shop"], "kinds": ["Deployment"]}, (API,)),
    ({"namespaces": ["shop"], "kinds": ["ClusterRole"]}, (ROLE,)),
    ({"namespaces": ["shop"], "kinds": ["Deployment", "ClusterRole"]}, (API, ROLE)),
    ({"labels": ["app=api"]}, (API,)),
    ({"labels": ["app==api"]}, (API,)),
    ({"labels": ["app in (api, web)"]}, (API, WEB)),
    ({"labels": ["app notin (api)", "app"]}, (WEB,)),
    ({"labels": ["app!=api,app"]}, (WEB,)),
    ({"labels": ["app"]}, (API, WEB)),
    ({"labels": ["!app"]}, tuple(one for one in ALL if one not in (API, WEB))),
    ({"labels": ["app,tier=front"]}, (API,)),
    ({"labels": ["app", "tier=front"]}, (API,)),
    ({"labels": ["tier!=front"]}, tuple(one for one in ALL if one is not API)),
    ({"labels": ["app="]}, ()),
    ({"only": ["Deployment/shop/api"]}, (API,)),
    ({"only": ["Deployment/shop/a*"]}, (API,)),
    ({"only": ["Deployment/*/*"]}, (API, WEB)),
    ({"only": ["Deployment.apps/shop/api"]}, (API,)),
    ({"only": ["Deployment/api"]}, ()),
    ({"only": ["ClusterRole/reader"]}, (ROLE,)),
    ({"only": ["Certificate.cert-manager.io/shop/tls"]}, (CERT,)),
    ({"only": ["Certificate/shop/tls"]}, ()),
    ({"only": ["Service/shop/*"]}, (SERVICE,)),
    ({"only": ["Service.serving.knative.dev/shop/*"]}, (KNATIVE,)),
    ({"only": ["Deployment/shop/api", "Job/team-b/once"]}, (API, JOB)),
    ({"namespaces": ["shop"], "only": ["ClusterRole/reader"]}, (ROLE,)),
    ({"exclude": ["Deployment/shop/api"]}, tuple(one for one in ALL if one is not API)),
    ({"exclude": ["Deployment/*/*"]}, tuple(one for one in ALL if one not in (API, WEB))),
    ({"namespaces": ["shop"], "exclude": ["Namespace/shop"]}, tuple(one for one in SHOP if one is not SPACE)),
    ({"only": ["Deployment/*/*"], "exclude": ["Deployment/shop/a*"]}, (WEB,)),
    ({"kinds": ["Deployment"], "labels": ["tier"], "namespaces": ["s*"]}, (API,)),
]


@pytest.mark.parametrize(("said", "expected"), SELECTED, ids=[str(said) for said, _ in SELECTED])
def test_what_is_selected(said: dict[str, list[str]], expected: tuple[Object, ...]) -> None:
    selection = parse_selection(**said)
    assert [str(one.ref) for one in ALL if selection.matches(one)] == [str(one.ref) for one in expected]


REFUSED = [
    ("namespaces", "!shop", "is no namespace"),
    ("namespaces", "Shop", "is no namespace"),
    ("namespaces", "shop,team", "is no namespace"),
    ("namespaces", "", "is no namespace"),
    ("namespaces", "a" * 64, "is no namespace"),
    ("labels", "a=b,", "expected a condition after the last comma"),
    ("labels", "a b", "expected =, !=, in or notin after 'a', not 'b'"),
    ("labels", "a in b", "expected a list in parentheses after 'in'"),
    ("labels", "a in (b", "expected a list in parentheses after 'in'"),
    ("labels", "a notin", "expected a list in parentheses after 'notin'"),
    ("labels", "a=b c=d", "expected a comma before 'c=d'"),
    ("labels", "=b", "expected a label's name"),
    ("labels", ",a", "expected a label's name"),
    ("labels", "!", "expected a label's name"),
    ("labels", "a/b/c=d", "expected a label's name"),
    ("labels", "a=b/c", "expected a label's value"),
    ("labels", "a=-b", "expected a label's value"),
    ("labels", f"a={'b' * 64}", "expected a label's value"),
    ("labels", "a>1", "expected no comparison of numbers"),
    ("kinds", "", "is no kind"),
    ("kinds", "Deployment/api", "is no kind"),
    ("kinds", "Dep*", "is no kind"),
    ("kinds", "Deployment.v1.apps", "names a version"),
    ("kinds", "Service.v1", "names a version"),
    ("only", "api", "write Kind/namespace/name"),
    ("only", "deployment/shop/api", "write Kind/namespace/name"),
    ("only", "Deployment/shop/api/x", "write Kind/namespace/name"),
    ("only", "Deployment/shop/", "write Kind/namespace/name"),
    ("exclude", "shop/api", "write Kind/namespace/name"),
    ("exclude", "Deployment/shop/a b", "write Kind/namespace/name"),
]


@pytest.mark.parametrize(("option", "text", "expected"), REFUSED)
def test_what_is_refused_is_named(option: str, text: str, expected: str) -> None:
    with pytest.raises(BadSelection) as caught:
        parse_selection(**{option: [text]})
    assert expected in str(caught.value) and repr(text) in str(caught.value)
    assert isinstance(caught.value, ValueError) and caught.value.expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ("a in ()", {"a": ""}, True),
        ("a in (,b)", {"a": "c"}, False),
        ("a notin (b)", {}, True),
        ("example.com/a=b", {"example.com/a": "b"}, True),
        (" a = b , c ", {"a": "b", "c": ""}, True),
        ("in in (in)", {"in": "in"}, True),
        ("a==", {"a": ""}, True),
        ("a", {"a": None}, True),
        ("a=b", {"a": ["b"]}, False),
    ],
)
def test_labels_are_read_as_kubectl_does(text: str, labels: dict[str, Any], holds: bool) -> None:
    assert (
        all(one.holds({k: v for k, v in labels.items() if not isinstance(v, list)}) for one in parse_labels(text))
        is holds
    )


def test_selectors_of_objects() -> None:
    expressions = [
        {"key": "a", "operator": "In", "values": ["b", 7]},
        {"key": "c", "operator": "Exists"},
        7,
        {"key": 7},
    ]
    found = of_selector({"matchLabels": {"x": "y", "n": 7}, "matchExpressions": expressions})
    assert [(one.key, one.operator) for one in found] == [("x", "in"), ("a", "in"), ("c", "exists")]
    assert of_selector(None) == of_map([]) == of_selector({"matchExpressions": 7}) == ()
    assert not of_selector({"matchExpressions": [{"key": "a", "operator": "Odd"}]})[0].holds({"a": "b"})


_NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
_KINDS = st.sampled_from([("apps/v1", "Deployment"), ("v1", "Namespace"), ("v1", "Secret"), ("a.b/v1", "Widget")])


@st.composite
def _objects(draw: st.DrawFn) -> Object:
    version, kind = draw(_KINDS)
    space = "" if is_cluster_scoped(group_of(version), kind) else f"{draw(_NAMES)}/"
    labels = draw(st.dictionaries(_NAMES, st.one_of(_NAMES, st.none(), st.integers()), max_size=2))
    return obj(f"{kind}/{space}{draw(_NAMES)}", version, labels)


@given(_objects())
def test_selecting_all_is_everything(one: Object) -> None:
    assert Selection().matches(one) and not Selection()
    star = f"{one.ref.kind}{f'.{one.ref.group}' if one.ref.group else ''}/{'*/' if one.ref.namespace else ''}*"
    assert parse_selection(only=[star], namespaces=["*"], kinds=[one.ref.kind]).matches(one)


@given(_objects(), st.lists(st.sampled_from(["namespaces", "kinds", "only"])))
def test_exclude_wins(one: Object, asked: list[str]) -> None:
    kind = f"{one.ref.kind}.{one.ref.group}" if one.ref.group else one.ref.kind
    text = f"{kind}/{one.ref.namespace}/{one.ref.name}" if one.ref.namespace else f"{kind}/{one.ref.name}"
    more = {"namespaces": ["*"], "kinds": [one.ref.kind], "only": [text]}
    selection = parse_selection(exclude=[text], **{key: more[key] for key in asked})
    assert not selection.matches(one) and not selection.takes_along(one.ref) and selection


def test_options_go_over_the_file() -> None:
    file = parse_selection(namespaces=["shop"], labels=["app=a"], exclude=["Job/a/b"])
    said = parse_selection(namespaces=["team"], exclude=["Job/c/d"])
    both = said.over(file)
    assert both == parse_selection(namespaces=["team"], labels=["app=a"], exclude=["Job/a/b", "Job/c/d"])
    assert Selection().over(file) == file


def test_the_file_speaks_the_same_grammar(tmp_path: Path) -> None:
    said = {"namespaces": ["team-*"], "labels": ["app in (a, b)"], "kinds": ["jobs"], "only": ["Job/*/*"]}
    (tmp_path / "gke2eks.yaml").write_text(f"select: {said}\n")
    decided, _ = read_decisions(tmp_path, today=date(2026, 11, 23), flavour=None)
    assert decided.select == parse_selection(**said)


@pytest.mark.parametrize(
    ("key", "text", "hint"),
    [
        ("namespaces", "'!shop'", "write a name, or a glob with"),
        ("labels", "a in b", "expected a list in parentheses"),
        ("kinds", "Dep*", "write Kind, Kind.group or a plural"),
        ("only", "api", "write Kind/namespace/name"),
        ("exclude", "api", "write Kind/namespace/name"),
    ],
)
def test_a_mistake_in_the_file_names_its_place(key: str, text: str, hint: str) -> None:
    with pytest.raises(BadDecisions) as caught:
        parse(f"select:\n  {key}: [{text}]\n", "gke2eks.yaml", ANSWERS)
    assert caught.value.what.startswith("gke2eks.yaml:2:") and hint in "\n".join(caught.value.details)


@pytest.mark.parametrize("said", [said for said, _ in SELECTED], ids=[str(said) for said, _ in SELECTED])
def test_a_selection_is_written_and_read_back(said: dict[str, list[str]]) -> None:
    selection = parse_selection(**said)
    assert parse_selection(**selection.texts()) == selection
    words = split(selection.as_options())
    named = {"-n": "namespaces", "-l": "labels", "--kind": "kinds", "--only": "only", "--exclude": "exclude"}
    again: dict[str, list[str]] = {}
    for option, text in zip(words[::2], words[1::2], strict=True):
        again.setdefault(named[option], []).append(text)
    assert parse_selection(**again) == selection


SPELLED = {
    "namespaces": ("-n", "--namespace"),
    "labels": ("-l", "--selector"),
    "kinds": ("--kind",),
    "only": ("--only",),
    "exclude": ("--exclude",),
}


@pytest.mark.parametrize("verb", ["plan", "export"])
@pytest.mark.parametrize(("key", "text", "expected"), REFUSED)
def test_a_mistake_in_an_option_names_the_option(
    verb: str, key: str, text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is opened: neither the workspace nor a kubeconfig."""
    from migrate.cli.main import cli

    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    out = tmp_path / "out"
    for option in SPELLED[key]:
        done = CliRunner().invoke(cli, [verb, option, text, "-w", str(out)], terminal_width=1000)
        assert done.exit_code == 2 and not out.exists()
        assert f"Invalid value for {' / '.join(repr(one) for one in SPELLED[key])}: {text!r}" in done.output
        assert expected in done.output
        assert ("without commas" in done.output) is ("," in text and key != "labels")


def test_the_commands_share_the_grammar() -> None:
    from migrate.cli.export import command as export
    from migrate.cli.plan import command as plan

    def declared(command: Any) -> list[tuple[str, Any]]:
        names = {option for spelled in SPELLED.values() for option in spelled}
        return [(one.opts, one.help) for one in command.params if names & set(one.opts)]

    assert declared(export) == declared(plan) and len(declared(plan)) == len(SPELLED)
    assert [tuple(opts) for opts, _ in declared(plan)] == list(SPELLED.values())
