"""The lines of the journal: one JSON object each, numbered, with a checksum as its last member."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from migrate.errors import BadWorkspace
from migrate.model.journal import (
    SCHEMA,
    Action,
    End,
    Fingerprint,
    Header,
    Intent,
    Note,
    Outcome,
    Record,
    Result,
    Said,
)
from migrate.model.ref import Ref

NAME = "journal.jsonl"
_KINDS = {Header: "run", Intent: "intent", Result: "result", Note: "note", End: "end"}
_SUM = b',"sum":"'
_TAIL = len(_SUM) + 8 + len(b'"}')


@dataclass(frozen=True, slots=True)
class Lines:
    """What a file holds: records by number in order, where the last good line ends, what follows it or was twice."""

    records: tuple[tuple[int, Record], ...]
    end: int
    torn: int
    repeated: int


def line(number: int, record: Record) -> bytes:
    """Give the line of a record. Fields that say nothing are left out."""
    row = {"n": number, "is": _KINDS[type(record)], **_row(record)}
    text = orjson.dumps(row)[:-1]
    return b'%s,"sum":"%08x"}\n' % (text, zlib.crc32(text))


def scan(data: bytes) -> Lines:
    """Read all lines. Raises BadWorkspace for a bad line before good ones: no kill and no full disk does that."""
    records: list[tuple[int, Record]] = []
    sums: dict[int, bytes] = {}
    at, count, repeated = 0, 0, 0
    while (stop := data.find(b"\n", at)) >= 0:
        text, count = data[at:stop], count + 1
        if not _whole(text):
            break
        row = orjson.loads(text)
        number, mark = row["n"], text[-_TAIL:]
        if sums.get(number) == mark:
            repeated += 1
        elif not records and row["is"] != "run":
            raise _broken(count, "no run starts here")
        elif records and number <= records[-1][0]:
            raise _broken(count, f"number {number} comes after number {records[-1][0]}")
        else:
            sums[number] = mark
            records.append((number, _record(row, count)))
        at = stop + 1
    if any(_whole(text) for text in data[at:].split(b"\n")[:-1]):
        raise _broken(count, "it is cut or changed, and good lines follow")
    return Lines(tuple(records), at, len(data) - at, repeated)


def _whole(text: bytes) -> bool:
    body, tail = text[:-_TAIL], text[-_TAIL:]
    return tail == b'%s%08x"}' % (_SUM, zlib.crc32(body)) and body.startswith(b'{"n":')


def _row(record: Record) -> dict[str, Any]:
    if isinstance(record, Header):
        return {"schema": record.schema, **{k: v for k, v in asdict(record).items() if k != "schema"}}
    if isinstance(record, End):
        return {"exit": record.exit}
    row: dict[str, Any] = {"ref": record.ref.as_dict()}
    if isinstance(record, Intent):
        row |= {"action": record.action, "sent": record.sent, "uid": record.uid, "before": record.before}
    elif isinstance(record, Result):
        row |= {"outcome": record.outcome, "intent": record.intent, "uid": record.uid, "version": record.version}
        row |= {"sent": record.sent, "seen": record.seen, "made": record.made}
    else:
        row |= {"said": record.said, "originals": dict(record.originals)}
    return {key: value for key, value in row.items() if value or key == "ref"}


def _record(row: Mapping[str, Any], count: int) -> Record:
    sort = row.get("is")
    said = {key: value for key, value in row.items() if key not in ("n", "is", "sum")}
    if sort == "run" and said.get("schema") != SCHEMA:
        raise BadWorkspace(
            f"{NAME} was written by another version of gke2eks ({said.get('schema')})",
            "use that version, or move the file away: what is on the target is then read from there.",
        )
    try:
        if sort == "run":
            return Header(**{**said, "target": Fingerprint(**said["target"])})
        if sort == "end":
            return End(**said)
        ref = Ref(**said.pop("ref"))
        if sort == "intent":
            return Intent(ref, Action(said.pop("action")), said.pop("sent", ""), **said)
        if sort == "result":
            return Result(ref, Outcome(said.pop("outcome")), **said)
        if sort == "note":
            return Note(ref, Said(said.pop("said")), **said)
    except (KeyError, TypeError, ValueError) as bad:
        raise _broken(count, f"{type(bad).__name__}: {bad}") from None
    raise _broken(count, f"a record of the sort {sort!r}")


def _broken(count: int, why: str) -> BadWorkspace:
    return BadWorkspace(
        f"{NAME}:{count} cannot be read",
        "move the file away and run the same command again: what is on the target is then read from there.",
        [why],
    )
