"""Runtime parity of images: whether the same bits run on both sides, by the digests that the kubelets report.

A registry may differ, a digest may not. What a runtime calls imageID is `repository@digest` of what was pulled; without
a repository it is the id of an image that was loaded by hand, which says nothing about one that was pulled.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from migrate.differ.parity_around import POD, Around
from migrate.differ.parity_words import HELD, Check, Sides, Verdict, not_listed, was_seen
from migrate.differ.parity_workloads import live_pods, pods_unseen
from migrate.manifest.pods import CONTAINERS, pod_template
from migrate.model.objects import Body, Object
from migrate.semantics.imagerefs import parse
from migrate.semantics.readiness_words import as_list, as_map, spec, status

_PREFIXES = ("docker-pullable://", "docker://")
_SHORT = len("sha256:") + 12
_STATUSES = ("initContainerStatuses", "containerStatuses")


def images(sides: Sides) -> Iterator[Check]:
    """One check for each container that is planned; what a webhook of one side adds is not compared."""
    for name in _written(sides, sides.plan):
        check = f"image {name}"
        yield Check(check, partial(_shown, name), partial(_judge, name), needs=(POD,))


def _shown(name: str, side: Around) -> str | None:
    found = _running(name, side)
    return ", ".join(sorted(found)) if found else None


def _judge(name: str, sides: Sides) -> Verdict:
    if sides.is_held:
        return None, f"{HELD}: nothing runs yet"
    if pods_unseen(sides.target):
        return None, "the target counts its pods and shows none"
    here = _running(name, sides.target)
    if not here:
        return None, "could not compare: no container on the target has reported a digest"
    planned, before = (_written(sides, body).get(name, "") for body in (sides.plan, sides.there))
    pinned = _digest(planned)
    if sides.planned is not None and _renamed(planned, before):
        return _as_planned(pinned, here)
    if pinned and pinned == _digest(before) and _pins(name, sides.target) == {pinned}:
        return True, ""  # each kubelet checks what it pulls by digest, whatever it then reports
    why = _unknown(sides)
    if why:
        return None, f"could not compare: {why}"
    there = _running(name, sides.source)
    if not there:
        return None, f"could not compare: no digest was reported {sides.on_source}, and a tag alone says nothing"
    if here <= there:
        return True, ""
    if {one.startswith("id ") for one in here} != {one.startswith("id ") for one in there}:
        return None, "could not compare: one side has the id of an image that was loaded, the other a digest"
    other = ", ".join(map(_short, sorted(here - there)))
    return False, f"other bits than {sides.on_source}: {other}, there {', '.join(map(_short, sorted(there)))}"


def _as_planned(pinned: str, here: frozenset[str]) -> Verdict:
    """The plan names another image on purpose: only its own digest can be held against what runs."""
    if not pinned:
        return None, "could not compare: the plan names another image than the source, by a tag"
    if here == {pinned}:
        return True, "the image that the plan names"
    # A runtime may report the digest of one platform where the plan pins the list of all.
    return None, f"could not compare: the plan pins {_short(pinned)}, the target reports another digest"


def _unknown(sides: Sides) -> str:
    source = sides.source
    if source.why or not was_seen(source):
        return source.why or "it was not seen on the source"
    unread = not_listed(source, (POD,))
    return unread or ("its pods were not read on the source" if pods_unseen(source) else "")


def _renamed(planned: str, before: str) -> bool:
    """Tell whether the plan changes more of the image than its registry: its last name, tag or digest."""
    one, other = parse(planned), parse(before)
    if one is None or other is None:
        return bool(before) and planned != before
    return (one.path.rpartition("/")[2], one.suffix) != (other.path.rpartition("/")[2], other.suffix)


def _written(sides: Sides, body: Body) -> dict[str, str]:
    """{container: image} of the pod template of an object of this kind."""
    template = pod_template(Object(sides.ref, body))
    items = [one for key in CONTAINERS[:2] for _, one in template.items(key)] if template else []
    return {str(one.get("name")): str(one.get("image", "")) for one in items}


def _pins(name: str, side: Around) -> set[str]:
    """The digests that the specs of live pods name; '' for a pod that names none."""
    return {
        _digest(str(one.get("image", "")))
        for pod in live_pods(side)
        for key in CONTAINERS[:2]
        for one in map(as_map, as_list(spec(pod).get(key)))
        if one.get("name") == name
    }


def _digest(image: str) -> str:
    found = parse(image)
    return found.digest if found else ""


def _running(name: str, side: Around) -> frozenset[str]:
    """What containers of this name report: 'sha256:…' of what was pulled, 'id sha256:…' of what was loaded."""
    found = set()
    for pod in live_pods(side):
        for key in _STATUSES:
            for one in map(as_map, as_list(status(pod).get(key))):
                if one.get("name") == name:
                    found.add(_reported(str(one.get("imageID") or "")))
    return frozenset(found - {""})


def _reported(image_id: str) -> str:
    text = image_id
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    _, at, digest = text.rpartition("@")
    if not digest.startswith("sha"):
        return ""
    return digest if at else f"id {digest}"


def _short(digest: str) -> str:
    return digest[: _SHORT + (3 if digest.startswith("id ") else 0)]
