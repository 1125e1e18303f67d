"""What a text says about Google Cloud: mappings/dependencies.yaml as patterns, and what they find in an object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from migrate.errors import BadMapping
from migrate.manifest import pods
from migrate.manifest.credentials import is_file
from migrate.model.objects import Object
from migrate.model.path import Path
from migrate.model.rules import Row
from migrate.semantics.textplaces import Line, Place, Sort, lines, places, texts

TABLE = "dependencies.yaml"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
PRIVATE = rf"(?:(?:10\.{_OCTET}|192\.168|172\.(?:1[6-9]|2[0-9]|3[01]))\.{_OCTET}\.{_OCTET})(?![0-9])"
_HINT = re.compile(r"1(?:0\.[0-9]+|92\.168|72\.(?:1[6-9]|2[0-9]|3[01]))\.[0-9]+\.[0-9]")
_IP = re.compile(PRIVATE)
_LOGIN = re.compile(r"//[^@/\s]*@")
_SHOWN, _NEAR, _LONG = 80, 80, 400
# In these places a text is an address and nothing else; a name such as `cidr` says no more about it.
_PLAIN = frozenset({"google-vip", "google-lb", "metadata", "internal-dns", "private-address", "cloud-sql"})


@dataclass(frozen=True, slots=True)
class Service:
    """A row, ready to search."""

    name: str
    rule: str
    fields: Mapping[str, Any]
    patterns: Mapping[str, tuple[re.Pattern[str], ...]]
    unless: re.Pattern[str] | None
    company: re.Pattern[str] | None

    def said(self, column: str) -> str:
        """A column as text."""
        return str(self.fields.get(column) or "")


@dataclass(frozen=True, slots=True)
class Hit:
    """One place that names a service: the field, the line in it (0 when it has one only), its keys, what was seen."""

    path: Path
    line: int
    keys: str
    service: Service
    seen: str


@dataclass(frozen=True, slots=True)
class Local:
    """A proxy beside the reader of a text: whose it is, and the ports that it listens on."""

    service: Service
    ports: frozenset[str]


@dataclass(frozen=True, slots=True)
class Table:
    """All services in the order of the table, and one cheap test for all."""

    services: tuple[Service, ...]
    needles: tuple[str, ...]

    def suspicious(self, text: str) -> bool:
        """Tell cheaply whether a text in lower case may hold anything. A regular expression of them all is slower."""
        return any(needle in text for needle in self.needles) or _HINT.search(text) is not None

    def named(self, name: str) -> Service | None:
        """The service of this name."""
        return next((one for one in self.services if one.name == name), None)


def table(rows: Iterable[Row]) -> Table:
    """Prepare the table. Raises BadMapping for a row that cannot be searched with."""
    services: list[Service] = []
    needles: set[str] = set()
    for row in rows:
        try:
            services.append(_prepared(row))
            needles |= {str(needle).lower() for needle in row.fields["needles"] if needle}
        except (re.error, TypeError, AttributeError) as error:
            raise BadMapping(f"{row.where}: a pattern cannot be used: {error}", "correct the row.") from None
    # A needle that holds another one finds nothing that the shorter one would not.
    short = [one for one in sorted(needles) if not any(other != one and other in one for other in needles)]
    return Table(tuple(services), tuple(short))


def _prepared(row: Row) -> Service:
    fields = row.fields
    return Service(
        str(fields["service"]),
        str(fields["rule"]),
        fields,
        {place: tuple(map(_compiled, found)) for place, found in fields["patterns"].items()},
        _compiled(fields["unless"]) if "unless" in fields else None,
        _compiled(fields["with"]) if "with" in fields else None,
    )


def _compiled(text: Any) -> re.Pattern[str]:
    return re.compile(str(text).replace("PRIVATE", PRIVATE), re.IGNORECASE)


_LOCAL = r"(?:127\.0\.0\.1|localhost|\[::1\])"
_LOCAL_URL = re.compile(
    rf"(?:postgres|mysql|mariadb|sqlserver|mssql|cockroach)[a-z0-9+:]*//(?:[^@/\s]*@)?{_LOCAL}(?![\w.-])", re.I
)
_LOCAL_PORT = re.compile(rf"(?<![\w.-]){_LOCAL}(?::|\s+)([0-9]{{2,5}})(?![0-9])", re.I)
_LOCAL_ONLY = re.compile(rf"[\"']?{_LOCAL}[\"']?,?", re.I)
_LOCAL_WORD = re.compile(rf"(?:^|[\s;\"'])(?:host|server)\s*=\s*{_LOCAL}(?![\w.-])", re.I)
_LOCAL_FLAG = re.compile(rf"(?<!\S)(?:-h\s?|--host[= ]){_LOCAL}(?![\w.-])", re.I)
_BASE = re.compile(r"db|sql|pg|postgres|database|jdbc|datasource|maria", re.I)


def scan(
    obj: Object, found: Table, local: Local | None = None, own: Mapping[str, str] | None = None
) -> tuple[Hit, ...]:
    """Every place of an object that names a service of Google. `own` are ClusterIPs, which have a row of their own."""
    parts = texts(obj)
    if not any(parts.values()):
        return ()
    try:
        dumped = orjson.dumps(parts, option=orjson.OPT_NON_STR_KEYS).decode().lower()
    except (TypeError, ValueError):
        dumped = ""
    if dumped and local is None and not found.suspicious(dumped):
        return ()
    hits = [hit for place in places(obj) if not _login(obj, place) for hit in _place(place, found, local, dumped)]
    named = {(hit.path[:-1], hit.service.name) for hit in hits if hit.path[-1:] == ("value",)}
    hits = [h for h in hits if h.path[-1:] != ("name",) or (h.path[:-1], h.service.name) not in named]
    return tuple(_own(hit, found, own or {}) for hit in hits)


def _login(obj: Object, place: Place) -> bool:
    """Tell whether a text is a credential file of Google: the rules about identity name it (IDN003, IDN004)."""
    kind = (obj.ref.group, obj.ref.kind)
    known = place.path[:1] == ("data",) if kind == ("", "ConfigMap") else place.path[-1:] == ("value",)
    return known and (kind == ("", "ConfigMap") or kind in pods.KINDS) and is_file(place.text)


def _own(hit: Hit, found: Table, own: Mapping[str, str]) -> Hit:
    ip = _IP.search(hit.seen) if hit.service.name in ("private-address", "memorystore") else None
    service = found.named("cluster-ip") if ip and ip.group() in own else None
    if ip is None or service is None:
        return hit
    return Hit(hit.path, hit.line, hit.keys, service, f"{ip.group()} ({own[ip.group()]})")


def _place(place: Place, found: Table, local: Local | None, dumped: str) -> Iterator[Hit]:
    if place.sort is Sort.IMAGE:
        for service in found.services:
            if any(pattern.search(place.text) for pattern in service.patterns.get("image", ())):
                yield Hit(place.path, 0, "", service, _shown(place.text))
                return
        return
    if place.sort is Sort.NAME:
        for service in found.services:
            if any(pattern.fullmatch(place.name) for pattern in service.patterns.get("name", ())):
                yield Hit(place.path, 0, "", service, place.name)
                return
        return
    many = "\n" in place.text.rstrip("\n")
    if many and local is None and not found.suspicious(place.text.lower()):
        return
    for line in lines(place):
        if local is None and not found.suspicious(f'{line.keys}\0"{line.text}"'.lower()):
            continue
        for service, seen in _line(place, line, found, local, dumped):
            yield Hit(place.path, line.number if many else 0, line.keys if many else "", service, seen)


def _line(place: Place, line: Line, found: Table, local: Local | None, dumped: str) -> Iterator[tuple[Service, str]]:
    taken: list[tuple[int, int]] = []
    said: set[str] = set()
    for service in found.services:
        if service.name in said or (place.sort is Sort.ADDRESS and service.name not in _PLAIN):
            continue
        if service.company is not None and not service.company.search(dumped):
            continue
        hit = _free(service, place, line, taken) or _keyed(service, place, line, said)
        if hit is not None:
            said.add(service.name)
            yield service, hit
    if local is not None and local.service.name not in said and _is_local(line, local):
        yield local.service, "127.0.0.1, where its proxy listens"


def _free(service: Service, place: Place, line: Line, taken: list[tuple[int, int]]) -> str | None:
    """The first match of a service in a line that no earlier row has taken."""
    seen = None
    for column in ("text", "command"):
        if column == "command" and not _is_script(place):
            continue
        for pattern in service.patterns.get(column, ()):
            for match in pattern.finditer(line.text):
                start, end = match.span()
                if any(start < stop and begin < end for begin, stop in taken):
                    continue
                # What one row calls innocent is not for a more general one to name.
                taken.append((start, end))
                if service.unless is not None and service.unless.search(_around(place, line, start, end)):
                    continue
                seen = seen or _shown(match.group())
    return seen


def _around(place: Place, line: Line, start: int, end: int) -> str:
    if place.sort is Sort.ADDRESS:
        return ""
    near = line.text if len(line.text) <= _LONG else line.text[max(0, start - _NEAR) : end + _NEAR]
    return near if line.number > 1 or line.keys == "" else f"{near} {line.keys}"


def _is_script(place: Place) -> bool:
    """Tell whether lines of a text may be run: a command, or a text of many lines that is no prose."""
    prose = place.name.lower().endswith((".md", ".html", ".htm", ".txt", ".css"))
    return place.sort is Sort.COMMAND or (not prose and "\n" in place.text)


def _keyed(service: Service, place: Place, line: Line, said: set[str]) -> str | None:
    """What the keys of a line, or its pairs of key and value, say."""
    for keys, value in line.pairs:
        last = keys.rpartition(".")[2]
        # The name of a variable is a place of its own, and one name belongs to one row.
        free = keys and f"name {last}" not in said and place.sort is not Sort.COMMAND and place.path[-1:] != ("value",)
        if free and any(pattern.fullmatch(last) for pattern in service.patterns.get("name", ())):
            said.add(f"name {last}")
            return last
        for pattern in service.patterns.get("pair", ()):
            match = pattern.search(f"{keys}={value.strip()}")
            if match and not (service.unless is not None and service.unless.search(keys)):
                ip = _IP.search(match.group())
                if service.name == "memorystore" and "private-address" not in said and ip:
                    said.add("private-address")
                return ip.group() if ip else _shown(f"{last}={value.strip()}" if last else value.strip())
    keys = line.keys
    for pattern in service.patterns.get("key", ()):
        if keys and pattern.search(keys) and not pattern.search(keys.rpartition(".")[0]):
            return _shown(keys)
    return None


def _is_local(line: Line, local: Local) -> bool:
    port = _LOCAL_PORT.search(line.text)
    if port is not None:
        return port[1] in local.ports
    if _LOCAL_URL.search(line.text) or _LOCAL_WORD.search(line.text):
        return True
    if _LOCAL_FLAG.search(line.text) and _BASE.search(line.text):
        return True
    return any(_LOCAL_ONLY.fullmatch(value.strip()) and _BASE.search(keys) for keys, value in line.pairs)


def _shown(text: str) -> str:
    """What may be shown of a text: no login, no query, not too long."""
    plain = _LOGIN.sub("//…@", " ".join(text.split())).partition("?")[0].partition(" #")[0].rstrip("= ")
    return plain if len(plain) <= _SHOWN else f"{plain[: _SHOWN - 1]}…"
