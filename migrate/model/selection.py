"""Which objects a person means. One grammar for every command and for `select:` in gke2eks.yaml."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import translate
from functools import cache
from typing import TYPE_CHECKING

from migrate.model.labels import BadLabels, Requirements, hold, parse_labels
from migrate.model.ref import Ref

if TYPE_CHECKING:
    from migrate.model.objects import Object  # a snapshot, in there, remembers a selection

_NAMESPACE = re.compile(r"[a-z0-9*?\[\]-]+\Z")
_KIND = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\.([a-z0-9][a-z0-9.-]*))?\Z")
_REF = re.compile(r"([A-Z][A-Za-z0-9]*)(?:\.([a-z0-9][a-z0-9.-]*))?/([^/\s]+)(?:/([^/\s]+))?\Z")
_VERSION = re.compile(r"v[0-9]+((alpha|beta)[0-9]+)?(\.|\Z)")


class BadSelection(ValueError):
    """A text that selects nothing sensible; the message names the text and what is expected."""

    def __init__(self, text: str, what: str, expected: str) -> None:
        super().__init__(f"{text!r} {what}: {expected}")
        self.expected = expected


@dataclass(frozen=True, slots=True)
class KindName:
    """A kind as people write it: Deployment, deployments, Certificate.cert-manager.io. No group means every group."""

    text: str
    word: str
    group: str | None

    def matches(self, ref: Ref) -> bool:
        """Tell whether this names the object's kind."""
        return self.group in (None, ref.group) and self.word in _names(ref.kind)


@cache
def _names(kind: str) -> frozenset[str]:
    """A kind in lower case, and the plurals that it may have: without discovery nobody knows which."""
    word = kind.lower()
    return frozenset({word, f"{word}s", f"{word}es"} | ({f"{word[:-1]}ies"} if word.endswith("y") else set()))


@dataclass(frozen=True, slots=True)
class RefPattern:
    """Kind/namespace/name, or Kind/name for cluster scope. Namespace and name may hold globs: * ? [ab]."""

    text: str
    kind: str
    group: str | None
    namespace: str
    name: str

    def matches(self, ref: Ref) -> bool:
        """Tell whether this names the object. A kind without a group is the one that prints without a group."""
        if self.kind != ref.kind or (self.group != ref.group if self.group else "." in ref.short.partition("/")[0]):
            return False
        return _glob(self.name, ref.name) and (
            _glob(self.namespace, ref.namespace)
            if self.namespace and ref.namespace
            else self.namespace == ref.namespace
        )


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(translate(text))


def _glob(pattern: str, text: str) -> bool:
    return pattern == text or _pattern(pattern).match(text) is not None


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected: every condition that was given must hold, and `exclude` wins. Empty: everything.

    With `namespaces`, an object of cluster scope is selected when its kind or the object itself is asked for, or when
    it is the Namespace; the others come along when something selected needs them (`takes_along`).
    """

    namespaces: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    kinds: tuple[KindName, ...] = ()
    only: tuple[RefPattern, ...] = ()
    exclude: tuple[RefPattern, ...] = ()
    requirements: Requirements = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return bool(self.namespaces or self.labels or self.kinds or self.only or self.exclude)

    def excludes(self, ref: Ref) -> bool:
        """Tell whether the object is taken out by name."""
        return any(pattern.matches(ref) for pattern in self.exclude)

    def matches(self, obj: Object) -> bool:
        """Tell whether the object is selected for its own sake."""
        ref = obj.ref
        if self.excludes(ref):
            return False
        if self.kinds and not any(kind.matches(ref) for kind in self.kinds):
            return False
        if self.only and not any(pattern.matches(ref) for pattern in self.only):
            return False
        return self._in_namespaces(ref) and hold(self.requirements, obj.labels)

    def takes_along(self, ref: Ref) -> bool:
        """Tell whether an object that is not selected itself comes along if something selected needs it."""
        asked = self.kinds or self.only
        return bool(self.namespaces) and not ref.namespace and not asked and not self.excludes(ref)

    def _in_namespaces(self, ref: Ref) -> bool:
        if not self.namespaces:
            return True
        if not ref.namespace and (ref.group, ref.kind) != ("", "Namespace"):
            return bool(self.kinds or self.only)  # it was asked for: that test came before
        space = ref.namespace or ref.name
        return any(_glob(pattern, space) for pattern in self.namespaces)

    def over(self, other: Selection) -> Selection:
        """Lay this selection over another: what it says replaces, exclusions add up."""
        return replace(
            self,
            namespaces=self.namespaces or other.namespaces,
            labels=self.labels or other.labels,
            requirements=self.requirements if self.labels else other.requirements,
            kinds=self.kinds or other.kinds,
            only=self.only or other.only,
            exclude=tuple(dict.fromkeys((*other.exclude, *self.exclude))),
        )

    def texts(self) -> dict[str, list[str]]:
        """Give what a person wrote, by the parameters of `parse_selection`, which reads it back."""
        return {
            "namespaces": list(self.namespaces),
            "labels": list(self.labels),
            "kinds": [kind.text for kind in self.kinds],
            "only": [pattern.text for pattern in self.only],
            "exclude": [pattern.text for pattern in self.exclude],
        }

    def as_options(self) -> str:
        """Give it as a person would type it after a command, quoted for a shell; '' for everything."""
        words = [word for key, texts in self.texts().items() for text in texts for word in (OPTIONS[key], text)]
        return shlex.join(words)


EVERYTHING = Selection()

# How each part is spelled on the command line; the keys are the parameters of parse_selection and of `select:`.
OPTIONS = {"namespaces": "-n", "labels": "-l", "kinds": "--kind", "only": "--only", "exclude": "--exclude"}


def parse_selection(
    *,
    namespaces: Iterable[str] = (),
    labels: Iterable[str] = (),
    kinds: Iterable[str] = (),
    only: Iterable[str] = (),
    exclude: Iterable[str] = (),
) -> Selection:
    """Read a selection from options or from the decisions file. Raises BadSelection."""
    texts = tuple(text for text in labels if text.strip())  # to kubectl, an empty -l is none
    return Selection(
        namespaces=tuple(parse_namespace(text) for text in namespaces),
        labels=texts,
        kinds=tuple(parse_kind(text) for text in kinds),
        only=tuple(parse_ref(text) for text in only),
        exclude=tuple(parse_ref(text) for text in exclude),
        requirements=tuple(requirement for text in texts for requirement in parse_selector(text)),
    )


def parse_namespace(text: str) -> str:
    """Check the name of a namespace, or a glob of it. Raises BadSelection."""
    if not _NAMESPACE.match(text) or len(text) > 63:
        raise BadSelection(text, "is no namespace", "write a name, or a glob with * ? [ab], such as 'team-*'")
    return text


def parse_selector(text: str) -> Requirements:
    """Read a label selector as kubectl's -l. Raises BadSelection."""
    try:
        return parse_labels(text)
    except BadLabels as bad:
        raise BadSelection(text, "is no label selector", bad.expected) from None


def parse_kind(text: str) -> KindName:
    """Read a kind: Deployment, deployments, Certificate.cert-manager.io. Raises BadSelection."""
    found = _KIND.match(text)
    if not found:
        raise BadSelection(text, "is no kind", "write Kind, Kind.group or a plural, such as deployments")
    if found[2] and _VERSION.match(found[2]):
        raise BadSelection(text, "names a version", "write Kind.group without it, such as Deployment.apps")
    return KindName(text, found[1].lower(), found[2])


def parse_ref(text: str) -> RefPattern:
    """Read a reference: Kind/namespace/name, or Kind/name for cluster scope. Raises BadSelection."""
    found = _REF.match(text)
    if not found:
        raise BadSelection(text, "names no object", "write Kind/namespace/name, or Kind/name for cluster scope")
    kind, group, first, second = found.groups()
    return RefPattern(text, kind, group, first if second else "", second or first)
