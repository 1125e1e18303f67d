"""A comparison as JUnit XML, for the readers of GitLab, Jenkins and GitHub.

GitLab shows `classname` and `name` of a test case and only the text of its failure, and drops a second case with the
same name; Jenkins keeps one failure of a case. So names are unique, and one text says everything. No times: nothing
here was timed, and the same comparison must give the same bytes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from migrate.model.comparison import Class, Comparison, Delta, Parity
from migrate.model.ref import Ref
from migrate.render.compared_words import (
    bad,
    counts_line,
    has_values,
    labelled,
    looked,
    owned,
    to_show,
    verdict,
)
from migrate.render.words import number, plural, safe, sentence

_REST = "objects without a difference"
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case. `failed` is the class of the worst delta, `skipped` why nobody could look."""

    space: str
    name: str
    text: str = ""
    failed: str = ""
    skipped: str = ""


Suites = Mapping[str, Iterable[tuple[str, str, str]]]
"""Further suites by name: cases of (namespace, name, why it failed, '' where it did not)."""


def junit(
    comparison: Comparison,
    chosen: Comparison | None = None,
    refs: Iterable[Ref] = (),
    more: Suites | None = None,
) -> str:
    """Write the XML: a case for each object and for each look at what runs; ends with a newline.

    `refs` are the objects that were compared; without them, those without a difference share one case. A look that
    differs is a failed case, though the exit code does not count it; one that nobody could take is skipped. `more` is
    what else was asked for.
    """
    chosen = comparison if chosen is None else chosen
    objects = _objects(comparison, chosen, tuple(refs))
    runtime = [_look(one) for one in sorted(chosen.runtime, key=lambda one: (one.ref.namespace, one.ref, one.check))]
    root = ElementTree.Element("testsuites")
    said = [verdict(comparison), counts_line(comparison), *(sentence(note) for note in comparison.notes)]
    _suite(root, "gke2eks.diff", objects, "\n".join(said))
    suites = {"gke2eks.runtime": runtime}
    for name, found in (more or {}).items():
        suites[name] = [_Case(space, title, why, "failed" if why else "") for space, title, why in found]
    for name, cases in suites.items():
        if cases:
            _suite(root, name, cases, "")
    _totals(root, "gke2eks diff", [*objects, *(one for cases in suites.values() for one in cases)])
    del root.attrib["skipped"]  # the schema of Jenkins knows it for suites only
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _objects(comparison: Comparison, chosen: Comparison, refs: Sequence[Ref]) -> list[_Case]:
    """Objects in the order of their names: readers that show a list show it like this."""
    deltas = to_show(chosen, True)
    # An object whose fault was filtered out has no case: without it, it would look as if it had passed.
    hidden = to_show(comparison, False).keys() - to_show(chosen, False).keys()
    known = sorted({*refs, *deltas} - hidden, key=lambda ref: (ref.namespace, ref))
    cases = [_object(comparison, ref, deltas.get(ref, ())) for ref in known]
    if not refs and chosen is comparison:
        rest = comparison.objects - sum(any(one.kind is not Class.EXTRA for one in of) for of in deltas.values())
        if rest > 0:
            # The name has no number in it: readers match cases of two runs by name.
            cases.append(_Case("", _REST, plural(rest, "object")))
    # Jenkins takes a report without any case for a broken build.
    return cases or [_Case("", _REST, plural(0, "object"))]


def _object(comparison: Comparison, ref: Ref, deltas: Sequence[Delta]) -> _Case:
    faults = [one for one in deltas if bad(comparison, one.kind)]
    if not faults:
        kinds = Counter(one.kind for one in deltas)
        text = ", ".join(f"{kind.value} {number(count)}" for kind, count in kinds.items())
        return _Case(ref.namespace, str(ref), text)
    lines = [line for one in faults for line in _fault(one)]
    lines += [f"next  {safe(line)}" for fix in dict.fromkeys(one.fix for one in faults) for line in fix.splitlines()]
    return _Case(ref.namespace, str(ref), "\n".join(lines), faults[0].kind.value)


def _fault(one: Delta) -> list[str]:
    lines = [f"{one.kind.value}  {safe(str(one.path))}".rstrip()]
    if has_values(one):
        labels, found = labelled(one)
        values = zip(labels, (found.left, found.right), strict=True)
        lines += [f"  {label:<9}{text}" for label, text in values if label and text]
        lines += [f"    {line}" for line in found.lines]
    if owner := owned(one.owner):
        lines.append(f"  owner    {owner}")
    if one.because:
        lines.append(f"  why      {sentence(one.because)}")
    return lines


def _look(one: Parity) -> _Case:
    name, message = f"{one.ref} {one.check}", safe(one.message)
    if one.ok is None:
        return _Case(one.ref.namespace, name, skipped=message or "could not look")
    text = "\n".join(filter(None, (looked(one), message)))
    return _Case(one.ref.namespace, name, text, "" if one.ok else "differs")


def _suite(root: ElementTree.Element, name: str, cases: Sequence[_Case], text: str) -> None:
    suite = ElementTree.SubElement(root, "testsuite")
    _totals(suite, name, cases)
    seen: dict[tuple[str, str], int] = {}
    for one in cases:
        place = f"{name}.{_xml(safe(one.space)) or 'cluster'}"
        title = _xml(safe(one.name))
        seen[place, title] = seen.get((place, title), 0) + 1
        again = f" ({seen[place, title]})" if seen[place, title] > 1 else ""
        case = ElementTree.SubElement(suite, "testcase", classname=place, name=title + again, time="0")
        if one.failed:
            first = _xml(one.text).partition("\n")[0]
            ElementTree.SubElement(case, "failure", message=first, type=one.failed).text = _xml(one.text)
        elif one.skipped:
            ElementTree.SubElement(case, "skipped", message=_xml(one.skipped)).text = _xml(one.skipped)
        elif one.text:
            ElementTree.SubElement(case, "system-out").text = _xml(one.text)
    if text:
        ElementTree.SubElement(suite, "system-out").text = _xml(text)


def _totals(element: ElementTree.Element, name: str, cases: Sequence[_Case]) -> None:
    element.set("name", name)
    element.set("tests", str(len(cases)))
    element.set("failures", str(sum(bool(one.failed) for one in cases)))
    element.set("errors", "0")
    element.set("skipped", str(sum(bool(one.skipped) for one in cases)))
    element.set("time", "0")


def _xml(text: str) -> str:
    """Characters that XML 1.0 cannot hold, not even escaped, become words."""
    return _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
