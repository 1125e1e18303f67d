"""Images that are named outside of `image`: in args and variables, in ConfigMaps, in custom resources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from migrate.manifest import pods
from migrate.manifest.places import item_segment, strings
from migrate.model.effects import Effect, Flag, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.rules import Known, Rule
from migrate.semantics.registries import GOOGLE_HOST, Verb, judge

# A registry of Google's, a slash, and what may stand in a reference or a template of one; not inside of another name.
_NAME = re.compile(
    r"(?<![A-Za-z0-9._/@-])(?:[a-z-]+://)?((?:(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev)(?::443)?"
    r"/[A-Za-z0-9._/:@${}()<>-]*)"
)
# `--docker-server=eu.gcr.io`: a host that is the value of something. In prose a host is only a word.
_HOST_VALUE = re.compile(r"(?<==)((?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev)(?![A-Za-z0-9._:/-])")
# Policies that look at the images of pods: one that knows Google's registries only lets nobody start.
_POLICIES = ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy")
_WEB = re.compile(r"https?://")
_HOST_IN = re.compile(r"gcr\.io/|-docker\.pkg\.dev/")
# What a text goes on with behind a name.
_ENDS = ".:/)}>$@-"
_FEW, _LINES = 4, 19
_STAYS = "Nothing if everybody may pull it."
_CHEAP = re.compile(rb"gcr\.io|-docker\.pkg\.dev")


def _texts(obj: Object, known: Known) -> Iterator[Effect]:
    for place, text in _places(obj):
        yield from _named(place, text, known)
    yield from _files(obj, known)


def _places(obj: Object) -> Iterator[tuple[Path, str]]:
    if obj.ref.group == "" and obj.ref.kind == "ConfigMap":
        data = obj.body.get("data")
        for key, value in data.items() if isinstance(data, dict) else ():
            # A value that is one name is read as a variable; longer texts are files, and told line by line.
            if isinstance(key, str) and isinstance(value, str) and len(value.split()) == 1:
                yield P("data", key), value
        return
    template = pods.pod_template(obj)
    if template is not None:
        yield from _of_pods(template)
    elif "." in obj.ref.group and _read(obj) and _cheap(obj):
        for place, text, is_key in strings(obj.body):
            if place[0] not in ("metadata", "status") and not is_key:
                yield place, text


def _of_pods(template: pods.PodTemplate) -> Iterator[tuple[Path, str]]:
    for kind in pods.CONTAINERS:
        for at, container in template.items(kind):
            here = Path((*template.path, "spec", kind, item_segment(kind, template.spec[kind], at)))
            for name in ("command", "args"):
                for index, text in enumerate(_list(container.get(name))):
                    if isinstance(text, str):
                        yield here / name / index, text
            env = _list(container.get("env"))
            for index, one in enumerate(env):
                if isinstance(one, dict) and isinstance(one.get("value"), str):
                    yield here / "env" / item_segment("env", env, index) / "value", one["value"]


def _read(obj: Object) -> bool:
    return not obj.ref.group.endswith(".k8s.io") or obj.ref.kind in _POLICIES


def _cheap(obj: Object) -> bool:
    try:
        return _CHEAP.search(orjson.dumps(obj.body, option=orjson.OPT_NON_STR_KEYS)) is not None
    except TypeError:
        return True  # Integers and texts that JSON does not take; looking is slower, not wrong.


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _files(obj: Object, known: Known) -> Iterator[Effect]:
    """Programs and configurations in ConfigMaps: one finding for each, with the lines."""
    data = obj.body.get("data") if obj.ref.group == "" and obj.ref.kind == "ConfigMap" else None
    for key, value in data.items() if isinstance(data, dict) else ():
        if not isinstance(key, str) or not isinstance(value, str) or not _HOST_IN.search(value):
            continue
        if len(value.split()) == 1:
            continue
        lines: dict[str, int] = {}
        for number, line in enumerate(value.splitlines(), 1):
            for found in _NAME.finditer(line):
                lines.setdefault(found[1].rstrip(_ENDS), number)
        if lines:
            stay = all(judge(name, known).verb is Verb.STAY for name in lines)
            said = f"{_where(sorted(set(lines.values())), key)} what is in a registry of Google: "
            names = [_on_eks(name, known) for name in lines]
            more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
            said = f"{said}{', '.join(names[:_FEW])}{more}."
            yield Flag(P("data", key), said, _STAYS, Severity.INFO) if stay else _flag(P("data", key), said)


def _where(numbers: list[int], key: str) -> str:
    shown = [str(number) for number in numbers[:_LINES]] + ["more"] * (len(numbers) > _LINES)
    words = " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
    return f"Lines {words} of {key} name" if len(numbers) > 1 else f"Line {words} of {key} names"


def _on_eks(name: str, known: Known) -> str:
    judged = judge(name, known)
    if judged.verb is Verb.STAY:
        return f"{name} (which stays there)"
    return f"{name} ({judged.target} on EKS)" if judged.target and not judged.open else name


def _named(place: Path, text: str, known: Known) -> Iterator[Effect]:
    if GOOGLE_HOST.match(text):
        yield _flag(place, f"{text} is a registry of Google, and nodes of EKS have no login there.")
        return
    for host in _HOST_VALUE.finditer(text):
        yield _flag(place, f"{host[1]} is a registry of Google, and nodes of EKS have no login there.")
    for found in _NAME.finditer(text):
        if _WEB.match(found.group()):
            yield _flag(place, f"{found.group()} is a registry of Google, and nodes of EKS have no login there.")
            continue
        name = found[1].rstrip(_ENDS)
        judged = judge(name, known)
        if judged.verb is Verb.STAY:
            said = f"{name} is an image in a registry of Google that stays there."
            yield Flag(place, said, _STAYS, Severity.INFO)
        elif judged.verb in (Verb.COPY, Verb.REPLACE) and not judged.open:
            yield _flag(place, f"{name} is in a registry of Google; on EKS it is {judged.target}.")
        else:
            yield _flag(place, f"{name} is in a registry of Google, and nodes of EKS have no login there.")


def _flag(place: Path, said: str) -> Flag:
    return Flag(place, said, "Set this text with an override in gke2eks.yaml, and copy what it names.", Severity.REVIEW)


RULES: tuple[Rule, ...] = (
    Rule(
        id="IMG006",
        title="Images named in texts",
        what="Nothing is changed; images of Google's registries in args, variables, ConfigMaps and custom resources "
        "are named, with what they are on EKS.",
        why="Programs that start pods take images from there (runners, builders, operators); how they read the text, "
        "no rule can know.",
        docs="https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_EKS.html",
        area="images",
        severity=Severity.REVIEW,
        kinds=frozenset(),
        do="Set the text with an override.",
        effects=_texts,
        gke="args: [--runner-image=gcr.io/acme-prod/runner:3]",
        eks="unchanged, and named in a finding",
        change="overrides in gke2eks.yaml",
    ),
)
