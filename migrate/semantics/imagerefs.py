"""Names of images by the grammar of registries (github.com/distribution/reference): parsed whole, never searched."""

from __future__ import annotations

import re
from dataclasses import dataclass

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?\Z")
_REST = re.compile(rf"(?P<path>{_PATH})(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?(?:@(?P<digest>[^@]+))?\Z")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}\Z")
# The algorithms that runtimes know, and how many hex digits each has.
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_LONGEST_PATH = 255
# A path, a host, a tag and a digest never come near this; a text of a megabyte is not looked at.
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A reference as it was written: `str(parse(text)) == text`. `domain`, `tag`, `digest` are '' when not there."""

    domain: str
    path: str
    tag: str
    digest: str

    def __str__(self) -> str:
        return f"{self.domain}/{self.path}{self.suffix}" if self.domain else f"{self.path}{self.suffix}"

    @property
    def suffix(self) -> str:
        """What follows the name: ':1.2@sha256:…'."""
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def host(self) -> str:
        """The registry in lower case; 'docker.io' when none is written."""
        host = self.domain.lower().removesuffix(":443")
        return "docker.io" if host in ("", "index.docker.io") else host

    @property
    def repository(self) -> str:
        """The path as the registry knows it: 'library/nginx' for 'nginx'."""
        official = self.host == "docker.io" and "/" not in self.path
        return f"library/{self.path}" if official else self.path

    @property
    def moves(self) -> bool:
        """Tell whether the name may mean another image tomorrow by habit: no tag, or 'latest', and no digest."""
        return not self.digest and self.tag in ("", "latest")


def parse(text: str) -> ImageRef | None:
    """Read a reference as Docker and containerd do; None for what is no image."""
    if len(text) > _LONGEST or _IDENTIFIER.match(text):
        return None
    head, slash, rest = text.partition("/")
    # Only what cannot be a path is a host: a dot, a port, localhost, or a capital letter.
    is_host = bool(slash) and ("." in head or ":" in head or head == "localhost" or head.lower() != head)
    domain, remainder = (head, rest) if is_host else ("", text)
    if domain and not _DOMAIN.match(domain):
        return None
    found = _REST.match(remainder)
    if found is None or len(found["path"]) > _LONGEST_PATH:
        return None
    digest = found["digest"] or ""
    if digest and not _known_digest(digest):
        return None
    return ImageRef(domain, found["path"], found["tag"] or "", digest)


def _known_digest(text: str) -> bool:
    algorithm, _, digits = text.partition(":")
    return len(digits) == _DIGITS.get(algorithm, -1) and re.fullmatch(r"[a-f0-9]+", digits) is not None
