"""What a run of apply or release came to, as a terminal shows it: failures first, then one line of counts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migrate.errors import EXIT_CODES, INTERRUPTED, STOPPED
from migrate.model.journal import Outcome
from migrate.model.objects import MISSING
from migrate.model.ran import Clash, Ran, Report, Settling
from migrate.model.ref import Ref
from migrate.render import since
from migrate.render.ink import Paper
from migrate.render.policies import override, settled
from migrate.render.times import duration, moment
from migrate.render.words import by_namespace, namespace, number, plural, safe, sentence, short, shown

WORDS = {one: one.value.replace("_", " ") for one in Outcome}
_SMALL = 40  # below, lists of objects do not fold
_LONGEST = 400  # characters of a value in a conflict; a ConfigMap may hold a megabyte
_COMMAND = re.compile(r"(?:kubectl|aws|helm) \S")
_BEHIND = "it would only wait for "
# What a reason begins with, and its sign.
_SIGNS = (("it waits for an answer", "?"), ("it is moved by hand", "@"), ("it is blocked", "x"))


@dataclass(frozen=True, slots=True)
class Words:
    """What only the command line knows: the command to run again, that of release, and where the journal is."""

    again: str
    release: str
    journal: str


def summary(report: Report, words: Words, *, width: int = 100, color: bool = False, unicode: bool = True) -> str:
    """The page at the end of a run."""
    paper = Paper(width, color, unicode)
    small = len(report.results) < _SMALL
    paper.add(f"{safe(report.target)}   plan {digest(report.plan)}", 2, "Target  ")
    _resumed(paper, report)
    refused = frozenset(report.refused)
    bad = [one for one in report.results if one.action is Outcome.FAILED or _open(one) or one.ref in refused]
    behind = _behind(report.results)
    for one in sorted(bad, key=lambda one: (one.action is not Outcome.FAILED, one.wave, one.ref)):
        entry(paper, one, behind.get(one.ref, ()), "refused" if one.ref in refused else "")
    told = frozenset(ref for refs in behind.values() for ref in refs) | refused
    for group in _groups(report.results, told):
        _group(paper, group, [ref for root in group.refs for ref in behind.get(root, ())], small)
    settled(paper, [one for one in report.results if one.policy])
    settling(paper, report.settling)
    _ends(paper, report, words)
    return paper.text()


def digest(text: str) -> str:
    """'sha256:7c1e 09b2 44d8': the beginning, in groups that can be compared by eye."""
    sort, _, rest = safe(text).rpartition(":")
    groups = " ".join(rest[at : at + 4] for at in range(0, min(len(rest), 12), 4))
    return f"{sort}:{groups}" if sort else groups


def entry(paper: Paper, one: Ran, skipped: Sequence[Ref] = (), word: str = "") -> None:
    """One object that did not go well: what, why, the fields in question, what to do. It never folds."""
    said = f"{namespace(one.ref)}: {short(one.ref)}  {word or WORDS[one.action]}"
    paper.add(f"{said}    {sentence(one.message).removesuffix('.')}".rstrip(), 2, paper.paint("x", "x") + " ")
    for line in one.because.splitlines():
        label, text = _labelled(one.ref, line)
        paper.add(safe(text), 6, f"{label:<7}")
    for clash in one.conflicts:
        _clash(paper, clash)
    _next(paper, one.fix)
    for clash in one.conflicts[:3]:
        if text := override(one.ref, clash):
            paper.add(text, 6, "keep theirs   ")
    if one.conflicts:
        paper.add(f"--exclude {safe(shlex.quote(str(one.ref)))}", 6, "leave it out  ")
    for space, refs in by_namespace(skipped).items():
        where = "" if space == one.ref.namespace else f"{safe(space) or 'cluster'}: "
        paper.add(where + ", ".join(map(short, refs)), 6, "skipped because of it: ")


def settling(paper: Paper, found: Sequence[Settling], most: int = 3) -> None:
    """What is not ready yet, the longest wait first."""
    if not found:
        return
    stops = sum(one.stops for one in found)
    behind = f"{plural(stops, 'object waits', 'objects wait')} behind" if stops else "stops nothing"
    paper.add(f"still settling ({behind})", 2)
    ordered = sorted(found, key=lambda one: (-one.seconds, one.ref))
    for one in ordered[:most]:
        where = f"{namespace(one.ref)}: {short(one.ref)}"
        paper.add(f"{where}  waits for {safe(one.waits_for)}", 8, f"{duration(one.seconds):>6}  ")
    if len(found) > most:
        paper.add(f"and {number(len(found) - most)} more", 8)


def _next(paper: Paper, fix: str) -> None:
    """What to do. A command stands in a line of its own, unbroken and without a full stop: it is there to be copied."""
    lines = fix.splitlines()
    for at, line in enumerate(lines):
        lead = "next   " if at == 0 else " " * 7
        if _COMMAND.match(line):
            paper.block([safe(line)], 6, lead)
        else:
            paper.add(sentence(line), 6, lead)


def _labelled(ref: Ref, line: str) -> tuple[str, str]:
    """What pods say, what events say, and all else, each under its own name."""
    if line.startswith("event "):
        return "event", line.removeprefix("event ")
    pod = re.match(r"([a-z0-9.-]+): ", line)
    return ("pods", line) if pod and pod[1].startswith(f"{ref.name}-") else ("why", line)


def _clash(paper: Paper, clash: Clash) -> None:
    paper.add(safe(clash.path) or "the object", 6)
    paper.add(safe(clash.manager), 8, "manager  ")
    paper.add(_value(clash.theirs, "not known"), 8, "theirs   ")
    paper.add(_value(clash.ours, "removed"), 8, "ours     ")


def _value(value: object, missing: str) -> str:
    text = shown(value, missing)
    if value is MISSING or len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}… ({number(len(text))} characters; -o json shows all)"


def _open(one: Ran) -> bool:
    """Tell whether fields of it belong to others still, and nobody said what to do."""
    return bool(one.conflicts) and not one.policy


def _resumed(paper: Paper, report: Report) -> None:
    if not report.resumed or report.stopped:
        return
    going = sum(one.action is not Outcome.LEFT_OUT for one in report.results) + report.untried
    there = report.counts[Outcome.UNCHANGED]
    verb = "is" if there == 1 else "are"
    of = f"{number(there)} of {plural(going, 'object')} {verb} there and unchanged."
    paper.add(f"Going on from {moment(report.resumed)}: {of}", 2)


def _behind(results: Iterable[Ran]) -> dict[Ref, tuple[Ref, ...]]:
    """What was skipped, by the object that it is named after in the reason, however far away that is."""
    skipped = {one.ref: one for one in results if one.action is Outcome.SKIPPED}
    names = {str(one.ref): one.ref for one in results}
    near = {ref: _named(one, names) for ref, one in skipped.items()}
    found: dict[Ref, list[Ref]] = {}
    for ref in skipped:
        root, seen = near[ref], {ref}
        while root in skipped and root not in seen:
            seen.add(root)
            root = near[root]
        if root is not None:
            found.setdefault(root, []).append(ref)
    return {root: tuple(sorted(refs)) for root, refs in found.items()}


def _named(one: Ran, names: dict[str, Ref]) -> Ref | None:
    """The first other object whose whole name stands in the reason."""
    for word in f"{one.message} {one.because}".split():
        ref = names.get(word.strip(":,.;'\"()"))
        if ref is not None and ref != one.ref:
            return ref
    return None


@dataclass(frozen=True, slots=True)
class _Group:
    """Objects with one outcome and one reason; `about` is what their reasons add."""

    action: Outcome
    reason: str
    refs: tuple[Ref, ...]
    about: tuple[str, ...]
    fixes: tuple[str, ...]


def _groups(results: Iterable[Ran], told: frozenset[Ref]) -> list[_Group]:
    """Left out and skipped objects, and remarks about others, by reason. `told` stand below what they wait for."""
    found: dict[tuple[Outcome, str], list[Ran]] = {}
    for one in results:
        reason = one.message or one.because
        if not reason or one.conflicts or one.policy or one.action in (Outcome.FAILED, Outcome.HELD) or one.ref in told:
            continue
        head = f"{_BEHIND}others" if reason.startswith(_BEHIND) else reason.partition(": ")[0]
        found.setdefault((one.action, head), []).append(one)
    rows = [_made(action, head, of) for (action, head), of in found.items()]
    order = {Outcome.LEFT_OUT: 0, Outcome.SKIPPED: 1}
    return sorted(rows, key=lambda row: (order.get(row.action, 2), -len(row.refs), row.reason))


def _made(action: Outcome, head: str, found: Sequence[Ran]) -> _Group:
    found = sorted(found, key=lambda one: one.ref)
    reasons = [one.message or one.because for one in found]
    about = () if head.startswith(_BEHIND) else tuple(dict.fromkeys(r.partition(": ")[2] for r in reasons))
    refs = tuple(one.ref for one in found)
    fixes = () if head.startswith(_BEHIND) else tuple(dict.fromkeys(one.fix for one in found if one.fix))
    return _Group(action, head, refs, tuple(filter(None, about)), fixes)


def _group(paper: Paper, group: _Group, skipped: Sequence[Ref], small: bool) -> None:
    sign = next((sign for start, sign in _SIGNS if group.reason.startswith(start)), "-")
    sign = sign if group.action in (Outcome.LEFT_OUT, Outcome.SKIPPED) else "!"
    only = f": {group.about[0]}" if len(group.about) == 1 else ""
    head = f"{number(len(group.refs))} {WORDS[group.action]}: {safe(group.reason + only).removesuffix('.')}"
    paper.add(head, 2, paper.paint(sign, sign) + " ")
    _places(paper, group.refs, "", small)
    if len(group.about) > 1:
        more = f" and {number(len(group.about) - 3)} more" if len(group.about) > 3 else ""
        paper.add(safe(", ".join(group.about[:3]) + more), 6, "for    ")
    for fix in group.fixes[:3]:
        _next(paper, fix)
    if len(group.fixes) > 3:
        paper.add(f"and {number(len(group.fixes) - 3)} more", 13)
    _places(paper, sorted(skipped), f"skipped because of {'it' if len(group.refs) == 1 else 'them'}: ", small)


def _places(paper: Paper, refs: Sequence[Ref], label: str, small: bool) -> None:
    """Objects below their namespaces; many fold after the third."""
    kept = refs if small or len(refs) <= 4 else refs[:3]
    for space, found in by_namespace(kept).items():
        paper.add(", ".join(map(short, found)), 6, f"{label}{safe(space) or 'cluster'}: ")
    if len(kept) < len(refs):
        paper.add(f"and {number(len(refs) - len(kept))} more", 6)


def _ends(paper: Paper, report: Report, words: Words) -> None:
    counts = [f"{WORDS[one]} {number(n)}" for one in Outcome if (n := report.counts[one])]
    if report.stopped:
        counts += [f"not yet tried {number(report.untried)}"] if report.untried else []
        paper.add("   ".join(counts), 2, paper.paint("Stopped.", "bold") + "  ", f"journal: {safe(words.journal)}")
        if report.exit != INTERRUPTED:
            why, _, fix = report.stopped.partition("\n")
            paper.add(sentence(why), 2, "why    ")
            if fix:
                paper.add(sentence(fix), 2, "next   ")
        half = "Nothing is half written." if report.exit == INTERRUPTED else "What is not known is read again first."
        paper.add(f"{half} To go on: {safe(words.again)}", 2)
    else:
        head = "Done." if report.exit == 0 else "Done, but look."
        text = "   ".join(counts) or "nothing to do"
        paper.add(text, 2, paper.paint(head, "bold") + "  ", duration(report.seconds))
    if not report.written:
        paper.add("No object was written.", 2)
    if report.counts[Outcome.HELD] and words.release and not report.stopped:
        paper.add(f"What is held starts with: {safe(words.release)}", 2)
    if report.since is not None and not report.stopped:
        since.after(paper, report.since, words.again)
    if report.exit:
        paper.add(f"exit {report.exit}: {_why(report)}")


def _why(report: Report) -> str:
    """An exit code in words."""
    if report.exit in (INTERRUPTED, STOPPED):
        return EXIT_CODES[report.exit]
    bad = (Outcome.FAILED, Outcome.SKIPPED, Outcome.LEFT_OUT)
    said = [f"{number(n)} {WORDS[one]}" for one in bad if (n := report.counts[one])]
    return ", ".join(said) or EXIT_CODES.get(report.exit, "see above")
