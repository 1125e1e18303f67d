"""What a workload does outside of its cluster: programs by table, and the hosts that it is told to call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.pods import CONTAINERS, PodTemplate, pod_template
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref
from migrate.model.rules import Known, Row

_NAME = "app.kubernetes.io/name"
_TABLE = "outside-world.yaml"


@dataclass(frozen=True, slots=True)
class _Program:
    """A row, its patterns compiled; None is a column that was not written."""

    row: Row
    images: re.Pattern[str] | None
    labels: re.Pattern[str] | None
    says: re.Pattern[str] | None
    files: re.Pattern[str] | None


def acts_outside(obj: Object, known: Known) -> Row | None:
    """The row of the program that this workload runs; None for one that the table does not know."""
    pod = pod_template(obj)
    if pod is None:
        return None
    programs = known.once("outside world", lambda: tuple(map(_program, known.rows(_TABLE))))
    containers = [one for name in CONTAINERS for _, one in pod.items(name)]
    images = [_repository(one["image"]) for one in containers if isinstance(one.get("image"), str)]
    names = [str(labels.get(_NAME)) for labels in (obj.labels, pod.labels) if _NAME in labels]
    said = [_command(one) for one in containers]
    for program in programs:
        named = _any(program.images, images, full=False) or _any(program.labels, names, full=True)
        if not named and (program.images or program.labels):
            continue
        if program.says and not _any(program.says, said, full=False):
            continue
        if program.files and not _in_files(program.files, obj, pod, known):
            continue
        return program.row
    return None


def _program(row: Row) -> _Program:
    def one(column: str) -> re.Pattern[str] | None:
        found = row.fields.get(column)
        listed = found if isinstance(found, list) else [found] if found else []
        return re.compile("|".join(f"(?:{text})" for text in listed)) if listed else None

    # (?m) must stand at the very beginning: the only column with lines says it there, and is one pattern.
    files = row.fields.get("files")
    return _Program(row, one("images"), one("labels"), one("says"), re.compile(files) if files else None)


def _any(pattern: re.Pattern[str] | None, texts: Iterable[str], *, full: bool) -> bool:
    return pattern is not None and any((pattern.fullmatch if full else pattern.search)(text) for text in texts)


def _repository(image: str) -> str:
    """'quay.io/argoproj/argocd' of 'quay.io/argoproj/argocd:v2.9@sha256:…'."""
    name = image.partition("@")[0]
    return name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name


def _command(container: Body) -> str:
    lists = [container.get("command"), container.get("args")]
    return " ".join(word for one in lists if isinstance(one, list) for word in one if isinstance(word, str))


def _in_files(pattern: re.Pattern[str], obj: Object, pod: PodTemplate, known: Known) -> bool:
    texts = list(_files(obj, pod, known))
    return not texts or any(pattern.search(text) for text in texts)


def _files(obj: Object, pod: PodTemplate, known: Known) -> Iterator[str]:
    """The texts of the ConfigMaps that a pod mounts."""
    for _, volume in pod.items("volumes"):
        sources = _map(volume.get("projected")).get("sources")
        for source in (volume, *(sources if isinstance(sources, list) else ())):
            found = _map(_map(source).get("configMap"))
            name = found.get("name")
            read = known.find(Ref("", "ConfigMap", obj.ref.namespace, name)) if isinstance(name, str) else None
            if read is not None:
                yield from (text for text in _map(read.body.get("data")).values() if isinstance(text, str))


def _map(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}


def ingress_hosts(obj: Object) -> Iterator[str]:
    """The hosts in the rules of an Ingress."""
    rules: Any = obj.spec.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        host = rule.get("host") if isinstance(rule, Mapping) else None
        if isinstance(host, str) and host:
            yield host


# A host is believed only where a name says that one stands here; prose, schemas and dashboards are full of links.
_KEY = re.compile(
    r"(?:^|[_.\-a-z])(?:host|hostname|hosts|url|uri|endpoint|endpoints|server|servers|addr|address|broker|brokers"
    r"|bootstrap|dsn|issuer|webhook|upstream|smtp|relay)s?$",
    re.IGNORECASE,
)
_LINE = re.compile(
    r"^[ \t]*(?:-[ \t]+)?[\"']?([A-Za-z][\w.-]{0,80})[\"']?[ \t]*[:=][ \t]*[\"']?(\S.{0,400})$", re.MULTILINE
)
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}"
_LOGIN = r"(?:[^\s/@\"']{0,200}@)?"
_URL = re.compile(rf"[a-z][a-z0-9+.-]{{1,20}}://{_LOGIN}({_HOST})(?![a-z0-9.-]*[a-z0-9-])", re.IGNORECASE)
_PLAIN = re.compile(rf"({_HOST})\.?(?::[0-9]{{1,5}})?(?:/\S*)?", re.IGNORECASE)
# Names that no public DNS has, that documentation is written with, or that other rules speak about.
_NOT_OUTSIDE = re.compile(
    r"(^|\.)(svc|cluster\.local|local|localhost|localdomain|internal|invalid|test|example|lan|intranet"
    r"|example\.(com|org|net)|google\.com|google-analytics\.com|googletagmanager\.com|gstatic\.com|recaptcha\.net"
    r"|googleapis\.com|gcr\.io|pkg\.dev|sql\.goog|w3\.org)$"
)
_LONGEST = 100_000


def hosts(obj: Object, spaces: frozenset[str]) -> Iterator[str]:
    """Hosts outside of the cluster that the environment of a workload, or a ConfigMap, names. `spaces`: namespaces."""
    for key, text in _said(obj):
        if _KEY.search(key):
            yield from _outside(text, spaces)


def _said(obj: Object) -> Iterator[tuple[str, str]]:
    """(name, value) as programs are told them: variables, flags, keys of ConfigMaps, and lines in those."""
    pod = pod_template(obj)
    for container in (one for name in CONTAINERS for _, one in pod.items(name)) if pod else ():
        env = container.get("env")
        for one in env if isinstance(env, list) else ():
            if isinstance(one, Mapping) and isinstance(one.get("name"), str) and isinstance(one.get("value"), str):
                yield one["name"], one["value"]
        for word in _command(container).split():
            name, is_pair, value = word.partition("=")
            if is_pair:
                yield name.lstrip("-"), value
    if (obj.ref.group, obj.ref.kind) == ("", "ConfigMap"):
        for key, text in _map(obj.body.get("data")).items():
            if isinstance(key, str) and isinstance(text, str):
                yield key, text if "\n" not in text else ""
                yield from _LINE.findall(text[:_LONGEST]) if "\n" in text else ()


def _outside(text: str, spaces: frozenset[str]) -> Iterator[str]:
    found = _URL.findall(text)
    if not found:
        parts = [part.strip().strip("\"'") for part in text.split(",")]
        found = [whole[1] for part in parts if (whole := _PLAIN.fullmatch(part))]
    for host in (name.lower() for name in found):
        # 'redis.shop' is the Service redis in the namespace shop.
        if not _NOT_OUTSIDE.search(host) and not (host.count(".") == 1 and host.rpartition(".")[2] in spaces):
            yield host
