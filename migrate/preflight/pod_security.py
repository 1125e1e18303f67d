"""PRE075: pods that the Pod Security level of their Namespace would refuse.

A workload is never refused for its pods: it is stored, and its controller fails to make them, which only events tell.
So a dry run of the workload says nothing but a remark; this reads its pod template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from migrate.manifest.pods import PodTemplate, pod_template
from migrate.manifest.references.edges import pod_of
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref
from migrate.preflight.pod_security_controls import BASELINE, LEVELS, PRIVILEGED, RESTRICTED, Control, violations
from migrate.semantics.going import Going

PODS = "PRE075"
ENFORCE = "pod-security.kubernetes.io/enforce"
VERSION = "pod-security.kubernetes.io/enforce-version"
_PINNED = re.compile(r"v1\.(\d+)\Z")


@dataclass(frozen=True, slots=True)
class Level:
    """What a Namespace enforces once the plan is applied. `minor` is the version whose controls count."""

    level: str
    minor: int
    pinned: str = ""

    def __str__(self) -> str:
        return f"{self.level}{f' as of {self.pinned}' if self.pinned else ''}"


def checks(going: Going, seen: Seen) -> Iterator[Check]:
    """Judge every pod template that goes by the level of its Namespace; Namespaces with the same result in one."""
    templates = {ref: template for ref, body in going.bodies.items() if (template := _template(ref, body))}
    if not templates:
        return
    spaces: dict[str, list[Ref]] = {}
    for ref in templates:
        spaces.setdefault(ref.namespace, []).append(ref)
    levels, unseen = _levels(going, seen, spaces)
    free = [ref for space, found in levels.items() if found.level == PRIVILEGED for ref in spaces[space]]
    if free:
        count = sum(found.level == PRIVILEGED for found in levels.values())
        said = "1 Namespace enforces" if count == 1 else f"{count:,} Namespaces enforce"
        yield passed(PODS, f"{said} no Pod Security level.", *free)
    for space, found in levels.items():
        if found.level != PRIVILEGED:
            yield from _space(space, found, {ref: templates[ref] for ref in spaces[space]}, going)
    if unseen:
        yield unknown(
            PODS,
            f"Pod Security levels of {_few(sorted(unseen))}: whether pods would be refused there.",
            seen.of("", "Namespace").why,
            "grant list on namespaces, or see yourself: kubectl get namespaces -L " + ENFORCE,
            *(ref for space in unseen for ref in spaces[space]),
        )


def level_of(labels: Body, newest: int) -> Level:
    """Read a Namespace's labels as the server does: the version is the server's own unless an older one is pinned."""
    level = labels.get(ENFORCE, PRIVILEGED)
    pinned = _PINNED.match(str(labels.get(VERSION, "")))
    minor = min(int(pinned[1]), newest) if pinned else newest
    # The server takes a level that it does not know for the strictest.
    return Level(level if level in LEVELS else RESTRICTED, minor, pinned[0] if pinned else "")


def _template(ref: Ref, body: Body) -> PodTemplate | None:
    obj = Object(ref, body)
    known = pod_template(obj)
    if known is not None:
        return known
    custom = pod_of(obj)
    if custom is None:
        return None
    path, spec, labels = custom
    return PodTemplate(path, {"labels": labels}, spec)


def _levels(going: Going, seen: Seen, spaces: Iterable[str]) -> tuple[Mapping[str, Level], frozenset[str]]:
    shown = seen.of("", "Namespace")
    newest = int(seen.minor.partition(".")[2])
    found: dict[str, Level] = {}
    unseen: set[str] = set()
    for space in sorted(spaces):
        ref = Ref("", "Namespace", "", space)
        planned = Object(ref, going.bodies.get(ref, {})).labels
        if shown.why and ENFORCE not in planned:
            unseen.add(space)
        else:
            found[space] = level_of({**Object(ref, shown.bodies.get(ref, {})).labels, **planned}, newest)
    return found, frozenset(unseen)


def _space(space: str, level: Level, templates: Mapping[Ref, PodTemplate], going: Going) -> Iterator[Check]:
    broken: dict[tuple[str, ...], list[tuple[Ref, tuple[tuple[Control, tuple[str, ...]], ...]]]] = {}
    fine: list[Ref] = []
    for ref, template in templates.items():
        found = violations(template, level.level, level.minor)
        if found:
            broken.setdefault(tuple(_name(one) for one, _ in found), []).append((ref, found))
        else:
            fine.append(ref)
    if fine:
        yield passed(PODS, f"Namespace {space} enforces {level}, and takes these pods.", *fine)
    for names, bad in broken.items():
        refs = [ref for ref, _ in bad]
        yield finding(
            PODS,
            f"Namespace {space} enforces {level}: pods of {_few([ref.short for ref in refs])} would be refused "
            f"({', '.join(names)}).",
            _fix(space, level, [(templates[ref], found) for ref, found in bad], going),
            *refs,
            because=_because(bad),
            severity=Severity.BLOCKER,
        )


def _because(bad: list[tuple[Ref, tuple[tuple[Control, tuple[str, ...]], ...]]]) -> str:
    ref, found = bad[0]
    who = "; ".join(f"{_name(one)}: {_few(list(names))}" for one, names in found)
    if all((ref.group, ref.kind) == ("", "Pod") for ref, _ in bad):
        return f"in {ref.short}: {who}."
    return f"the workload itself is taken, and its pods are refused, which only its events tell. In {ref.short}: {who}."


def _fix(
    space: str,
    level: Level,
    bad: list[tuple[PodTemplate, tuple[tuple[Control, tuple[str, ...]], ...]]],
    going: Going,
) -> str:
    wanted = list(dict.fromkeys(one.fix for _, found in bad for one, _ in found))
    weaker = BASELINE if level.level == RESTRICTED else PRIVILEGED
    if any(violations(template, weaker, level.minor) for template, _ in bad):
        weaker = PRIVILEGED
    by_us = ENFORCE in Object(ref := Ref("", "Namespace", "", space), going.bodies.get(ref, {})).labels
    how = (
        f"override the label {ENFORCE} of Namespace/{space} with {weaker}"
        if by_us
        else f"kubectl label namespace {space} {ENFORCE}={weaker} --overwrite"
    )
    return f"by overrides in gke2eks.yaml, give the pods {'; '.join(wanted)}. Or let the Namespace take them: {how}"


def _name(one: Control) -> str:
    return one.name.removesuffix(" (restricted)")


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
