"""The file as a whole: from its text to decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path as FilePath

from pydantic import ValidationError

from migrate.errors import BadDecisions
from migrate.model.path import parse as parse_path
from migrate.model.selection import parse_selection
from migrate.workspace.decisions.answers import collect
from migrate.workspace.decisions.hints import unknown, value_spot
from migrate.workspace.decisions.keys import File, explain
from migrate.workspace.decisions.said import Answer, AnswerSpec, Decisions, Override, Waiver, expired
from migrate.workspace.marks import NOTHING_PLANNED, Source, read


def load(path: FilePath, known_answers: Mapping[str, AnswerSpec], today: date | None = None) -> Decisions:
    """Read the user's file; an absent one means the defaults. `today` judges waivers. Raises BadDecisions."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return Decisions(file=str(path))
    except UnicodeDecodeError as bad:
        raise BadDecisions(
            f"{path}: not UTF-8 at byte {bad.start + 1}", f"save it as UTF-8. {NOTHING_PLANNED}"
        ) from None
    except OSError as bad:
        why = bad.strerror or str(bad)
        raise BadDecisions(f"{path}: cannot be read", f"make it a readable file. {NOTHING_PLANNED}", [why]) from None
    return parse(text, str(path), known_answers, today)


def parse(text: str, name: str, known_answers: Mapping[str, AnswerSpec], today: date | None = None) -> Decisions:
    """Read a decisions file. A waiver whose last day is before `today` is an error, too. Raises BadDecisions."""
    source = read(text, name)
    heads = {group.partition(".")[0] for group in known_answers}
    own = {key: value for key, value in source.value.items() if key in File.model_fields}
    answers: dict[tuple[str, ...], Answer] = {}
    for key, value in source.value.items():
        if key in own:
            continue
        if key not in heads:
            raise unknown(source, (key,), [*File.model_fields, *sorted(heads)])
        collect(source, (key,), value, known_answers, answers)
    # An empty key such as `overlays:` says nothing, like an absent one.
    keys = {key: value for key, value in own.items() if value is not None}
    try:
        file = File.model_validate(keys)
    except ValidationError as bad:
        raise explain(source, bad.errors()) from None
    found = _decisions(source, file, answers)
    if today is not None:
        _refuse_expired(source, found.waivers, today)
    return found


def _decisions(source: Source, file: File, answers: Mapping[tuple[str, ...], Answer]) -> Decisions:
    overrides = tuple(
        Override(each.ref, parse_path(each.path), each.value, each.reason, source.where(("overrides", n, "ref")))
        for n, each in enumerate(file.overrides)
    )
    waivers = tuple(
        Waiver(
            each.rule,
            each.ref or "",
            each.reason,
            date.fromisoformat(each.expires),
            source.where(("waivers", n, "rule")),
        )
        for n, each in enumerate(file.waivers)
    )
    return Decisions(
        flavour=file.flavour,
        source_name=file.source.name,
        answers=answers,
        select=parse_selection(**file.select.model_dump()),
        overlays=tuple(file.overlays),
        overrides=overrides,
        waivers=waivers,
        file=source.name,
    )


def _refuse_expired(source: Source, waivers: Sequence[Waiver], today: date) -> None:
    for n, waiver in enumerate(waivers):
        if expired(waiver, today):
            raise source.error(
                value_spot(source, ("waivers", n, "expires")),
                f"the waiver of {waiver.rule} expired on {waiver.expires.isoformat()}",
                "this day is over",
                "look at the finding again: write a later day with a reason, or take the waiver out.",
            )
