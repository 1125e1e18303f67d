"""Images in ECR that pods of the plan name. Other registries are not asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.aws import Aws, Blind, Repository
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.preflight.aws_words import blind, users, who
from migrate.preflight.references_words import few
from migrate.semantics.going import Going
from migrate.semantics.imagerefs import parse
from migrate.semantics.registries import is_ecr, places

IMAGE = "PRE127"
_HOST = re.compile(r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.")
_NOT_PULLED = "their pods wait with ImagePullBackOff"


def checks(going: Going, seen: Seen, aws: Aws) -> Iterator[Check]:
    """PRE127: repositories and images are there, a digest by digest, which a kubelet prefers to the tag beside it."""
    wanted = _wanted(going)
    if not wanted:
        return
    found = aws.images({repository: frozenset(ids) for repository, ids in wanted.items()})
    named = users((repr(repository), ref) for repository, ids in wanted.items() for r in ids.values() for ref in r)
    reasons: dict[Blind, list[Repository]] = {}
    here: list[Repository] = []
    for repository, answer in found.items():
        if isinstance(answer, Blind):
            reasons.setdefault(answer, []).append(repository)
        elif answer is None:
            yield _no_repository(repository, wanted[repository], named[repr(repository)], aws)
        elif missing := sorted(set(wanted[repository]) - answer):
            yield _no_image(repository, missing, wanted[repository], aws)
        else:
            here.append(repository)
    for no, some in reasons.items():
        refs = who(named, [repr(one) for one in some])
        yield blind(IMAGE, f"The images in {few(one.name for one in some)}.", no, *refs)
    if here:
        n = sum(len(wanted[one]) for one in here)
        said = "The image that they name is" if n == 1 else f"The {n:,} images that they name are"
        refs = who(named, [repr(one) for one in here])
        yield passed(IMAGE, f"{said} in ECR: {few(one.name for one in here)}.", *refs)


def _wanted(going: Going) -> dict[Repository, dict[str, set[Ref]]]:
    """{repository: {':tag' or '@digest': who names it}}."""
    found: dict[Repository, dict[str, set[Ref]]] = {}
    for ref, body in going.bodies.items():
        for _, text in places(Object(ref, body)):
            image = parse(text)
            host = _HOST.match(image.host) if image and is_ecr(image.host) else None
            if image and host:
                repository = Repository(host["account"], host["region"], image.repository)
                id = f"@{image.digest}" if image.digest else f":{image.tag or 'latest'}"
                found.setdefault(repository, {}).setdefault(id, set()).add(ref)
    return found


def _no_repository(repository: Repository, ids: dict[str, set[Ref]], refs: tuple[Ref, ...], aws: Aws) -> Check:
    make = aws.here.command(f"ecr create-repository --repository-name {repository.name}", repository.region)
    fix = f"{make}, then copy {few(sorted(ids))} there; images.tsv says from where."
    return _missing(f"{_called(repository)} is not there.", fix, repository, refs, aws)


def _no_image(repository: Repository, missing: list[str], ids: dict[str, set[Ref]], aws: Aws) -> Check:
    refs = tuple(sorted({ref for id in missing for ref in ids[id]}))
    fix = "copy it there (crane copy SOURCE TARGET keeps the digest); images.tsv says from where."
    return _missing(f"{_called(repository)} does not have {few(missing)}.", fix, repository, refs, aws)


def _missing(what: str, fix: str, repository: Repository, refs: tuple[Ref, ...], aws: Aws) -> Check:
    """Missing, unless a pull-through cache fetches it when it is first pulled: nobody knows whether that will do."""
    cached = aws.cached(repository)
    if isinstance(cached, Blind):
        return blind(IMAGE, f"{what} Whether a pull-through cache fetches it.", cached, *refs)
    if cached:
        why = "a pull-through cache rule fetches it at its first pull, and only then it shows whether it is there"
        return unknown(IMAGE, what, why, "pull it once, then run preflight again.", *refs)
    return finding(IMAGE, what, fix, *refs, because=_NOT_PULLED, severity=Severity.BLOCKER)


def _called(repository: Repository) -> str:
    return f"The repository {repository.name} of {repository.account} in {repository.region}"
