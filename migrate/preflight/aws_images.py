"""Images in ECR that pods of the plan name. Other registries are not asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.aws import Aws, Blind, Repository
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.preflight.aws_words import Users, blind, users, who
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
    named = users((_shown(one, id), ref) for one, ids in wanted.items() for id, refs in ids.items() for ref in refs)
    reasons: dict[Blind, list[str]] = {}
    here: list[str] = []
    missing: list[tuple[Repository, list[str], bool]] = []
    for one, answer in found.items():
        if isinstance(answer, Blind):
            reasons.setdefault(answer, []).extend(_shown(one, id) for id in wanted[one])
            continue
        gone = sorted(id for id in wanted[one] if answer is None or id not in answer)
        here += [_shown(one, id) for id in wanted[one] if id not in gone]
        missing += [(one, gone, answer is None)] if gone else []
    for no, images in reasons.items():
        yield blind(IMAGE, f"The images {few(images)}.", no, *who(named, images))
    yield from _missing(missing, named, aws)
    if here:
        said = "This image is" if len(here) == 1 else f"These {len(here):,} images are"
        yield passed(IMAGE, f"{said} in ECR: {few(sorted(here))}.", *who(named, here))


def _missing(missing: list[tuple[Repository, list[str], bool]], named: Users, aws: Aws) -> Iterator[Check]:
    """Missing, unless a pull-through cache fetches it when it is first pulled: nobody knows whether that will do."""
    surely: list[str] = []
    make: list[str] = []
    for one, ids, bare in missing:
        images = [_shown(one, id) for id in ids]
        cached = aws.cached(one)
        what = f"ECR does not have {few(images)}."
        if isinstance(cached, Blind):
            yield blind(IMAGE, f"{what} Whether a pull-through cache fetches it.", cached, *who(named, images))
        elif cached:
            why = "a pull-through cache rule fetches it at its first pull, and only then it shows whether it is there"
            yield unknown(IMAGE, what, why, "pull it once, then run preflight again.", *who(named, images))
        else:
            surely += images
            command = aws.here.command(f"ecr create-repository --repository-name {one.name}", one.region)
            make += [command] if bare else []
    if surely:
        said = "this image" if len(surely) == 1 else f"these {len(surely):,} images"
        first = f"make the repositories ({few(make, most=20, between='; ')}), then " if make else ""
        fix = f"{first}copy {said} there (crane copy SOURCE TARGET keeps the digest); images.tsv says from where."
        what, refs = f"ECR does not have {said}: {few(surely)}.", who(named, surely)
        yield finding(IMAGE, what, fix, *refs, because=_NOT_PULLED, severity=Severity.BLOCKER)


def _wanted(going: Going) -> dict[Repository, dict[str, set[Ref]]]:
    """{repository: {':tag' or '@digest': who names it}}."""
    found: dict[Repository, dict[str, set[Ref]]] = {}
    for ref, body in going.bodies.items():
        for _, text in places(Object(ref, body)):
            image = parse(text)
            host = _HOST.match(image.host) if image and is_ecr(image.host) else None
            if image and host:
                repository = Repository(host["account"], host["region"], image.repository, image.host)
                id = f"@{image.digest}" if image.digest else f":{image.tag or 'latest'}"
                found.setdefault(repository, {}).setdefault(id, set()).add(ref)
    return found


def _shown(repository: Repository, id: str) -> str:
    return f"{repository.host}/{repository.name}{id}"
