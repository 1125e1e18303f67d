"""external-dns on EKS leaves names to the source until release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate import catalog
from migrate.manifest.places import item_segment
from migrate.manifest.pods import pod_template
from migrate.model.effects import Effect, Flag, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.ref import Ref
from migrate.model.rules import Example, Known, Row, Rule
from migrate.semantics.outside_world import acts_outside, ingress_hosts
from migrate.semantics.running import WORKLOADS

_NOTES = P("metadata", "annotations")
# Up to 0.21, and from 0.22 on (source/annotations/annotations.go): nobody knows yet which one will run on EKS.
_PREFIXES = ("external-dns.alpha.kubernetes.io/", "external-dns.kubernetes.io/")
_NAMES = ("hostname", "internal-hostname")
_FLAG = "--annotation-prefix="
# The one value with which external-dns feels responsible; any other makes it pass the object over.
_ITS_OWN, _HELD = "dns-controller", "held-by-gke2eks"
_DOCS = "https://kubernetes-sigs.github.io/external-dns/latest/docs/annotations/annotations/"
_TABLE = "external-dns.yaml"


def _kind(text: str) -> tuple[str, str]:
    group, _, kind = text.rpartition("/")
    return group, kind


def _held(obj: Object, known: Known) -> Iterator[Effect]:
    rows = known.once("external-dns.kinds", lambda: _by_kind(known.rows(_TABLE)))
    row = rows.get((obj.ref.group, obj.ref.kind))
    if row is None:
        return
    prefixes = known.once("external-dns.prefixes", lambda: _prefixes(known))
    named = [f"{prefix}{name}" for prefix in prefixes for name in _NAMES if f"{prefix}{name}" in obj.annotations]
    if row.fields["passes"] is False:
        if named or obj.ref.kind == "DNSEndpoint":
            yield Flag(
                _NOTES / named[0] if named else P("spec"),
                f"No annotation keeps external-dns from a {obj.ref.kind}: it makes these records as soon as it starts.",
                "Start external-dns on EKS, or create this object there, only when DNS may move.",
                Severity.REVIEW,
            )
        return
    if not named:
        return
    yield from _annotations(obj, row, prefixes)
    if row.fields["passes"] is not True:
        yield Flag(
            _NOTES / named[0],
            f"external-dns before {row.fields['passes']} does not look at the annotation that holds a {obj.ref.kind}.",
            f"Run external-dns {row.fields['passes']} or newer on EKS, or start it only when DNS may move.",
            Severity.REVIEW,
        )


def _annotations(obj: Object, row: Row, prefixes: tuple[str, ...]) -> Iterator[Effect]:
    because = "external-dns passes over what another controller has; DNS stays with the source until release ({})"
    for prefix in prefixes:
        place, said = _NOTES / f"{prefix}controller", obj.annotations.get(f"{prefix}controller", _ITS_OWN)
        if said == _ITS_OWN:
            yield Set(place, _HELD, because.format(row.where))
        elif said != _HELD:
            yield Flag(
                place,
                f"This annotation names {said} already, so external-dns passes this object over, as on the source.",
                "Nothing; the annotation stays, at release as well.",
                Severity.INFO,
            )


def _by_kind(rows: tuple[Row, ...]) -> Mapping[tuple[str, str], Row]:
    return {_kind(text): row for row in rows for text in row.fields["kinds"]}


def _prefixes(known: Known) -> tuple[str, ...]:
    """The prefixes of annotations that some external-dns reads: its own, and those that the source's was told."""
    found = dict.fromkeys(_PREFIXES)
    for kind in sorted(WORKLOADS):
        for obj in known.all(*kind):
            told = (word for _, words in _arguments(obj) for word in words if word.startswith(_FLAG))
            found.update(dict.fromkeys(word.removeprefix(_FLAG) for word in told if word.endswith("/")))
    return tuple(found)


def _arguments(obj: Object) -> Iterator[tuple[Path, list[str]]]:
    """Each container's args that are text, and where they stand."""
    pod = pod_template(obj)
    for at, container in pod.items("containers") if pod else ():
        args = container.get("args")
        if pod and isinstance(args, list):
            place = Path((*pod.path, "spec", "containers", item_segment("containers", pod.spec["containers"], at)))
            yield place / "args", [word for word in args if isinstance(word, str)]


def _told(words: list[str], flag: str, default: str) -> list[str]:
    """The values of a flag, or its default."""
    return [word.removeprefix(flag) for word in words if word.startswith(flag)] or [default]


def _instances(known: Known) -> Mapping[Ref, Object]:
    """Every external-dns that goes along."""

    def is_it(obj: Object) -> bool:
        row = acts_outside(obj, known) if known.migrates(obj.ref) else None
        return row is not None and row.fields["program"] == "external-dns"

    def all_of_it() -> Mapping[Ref, Object]:
        return {obj.ref: obj for kind in sorted(WORKLOADS) for obj in known.all(*kind) if is_it(obj)}

    return known.once("external-dns.instances", all_of_it)


def _same_owner(obj: Object, known: Known) -> Iterator[Effect]:
    """With the source's owner id, `sync` takes away the records of everything that is held or not there yet."""
    for place, words in _arguments(obj) if obj.ref in _instances(known) else ():
        if _told(words, "--policy=", "sync")[-1] == "sync":
            owner = _told(words, "--txt-owner-id=", "default")[-1]
            yield Flag(
                place,
                f"With --policy=sync and the owner {owner} of the source, external-dns on EKS deletes the records of "
                "all that is held there, or not there yet.",
                "Give it --policy=upsert-only with an override until the source is gone, or a --txt-owner-id of its "
                "own: it then leaves the source's records alone, at release too, unless they are deleted there or "
                f"handed over with --migrate-from-txt-owner={owner} (0.20 or newer).",
            )


def _hosts_in_specs(known: Known) -> Iterator[Flag]:
    """External-dns needs no annotation where the spec names hosts: say so once, if it is in use."""
    users = [str(obj.ref) for obj in _readers_of_ingresses(known)]
    judged = [f"{prefix}{name}" for prefix in _prefixes(known) for name in (*_NAMES, "controller")]
    names = sorted(
        {
            host
            for obj in (known.all("networking.k8s.io", "Ingress") if users else ())
            if known.migrates(obj.ref) and not any(key in obj.annotations for key in judged)
            for host in ingress_hosts(obj)
        }
    )
    if names:
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        yield Flag(
            P(),
            "Where external-dns reads Ingresses it needs no annotation, and takes their hosts over as soon as it "
            f"starts: {', '.join(names[:10])}{more}.",
            f"Release {users[0]} only when DNS may move, or start it with an --annotation-filter.",
        )


def _readers_of_ingresses(known: Known) -> Iterator[Object]:
    for obj in _instances(known).values():
        sources = [one for _, words in _arguments(obj) for one in _told(words, "--source=", "ingress")]
        if not sources or "ingress" in sources:
            yield obj


RULES: tuple[Rule, ...] = (
    Rule(
        id="RUN002",
        title="DNS stays with the source",
        what="What has a hostname for external-dns gets an annotation that makes external-dns pass it over; release "
        "takes it off. The annotation is written for the versions before and after 0.22.",
        why="An external-dns on EKS points the name to the new load balancer as soon as it runs, before anything is "
        "ready there.",
        docs=_DOCS,
        area="running",
        severity=Severity.INFO,
        kinds=frozenset(_kind(text) for row in catalog.rule_tables()[_TABLE] for text in row.fields["kinds"]),
        do="Nothing until you cut over; then release.",
        effects=_held,
        gke="external-dns.alpha.kubernetes.io/hostname: shop.example.com",
        eks=f"the same, and external-dns.alpha.kubernetes.io/controller: {_HELD}",
        change="overrides in gke2eks.yaml",
        example=Example(
            before={"metadata": {"annotations": {f"{_PREFIXES[0]}hostname": "shop.example.com"}}},
            after={
                "metadata": {
                    "annotations": {
                        f"{_PREFIXES[0]}hostname": "shop.example.com",
                        f"{_PREFIXES[0]}controller": _HELD,
                        f"{_PREFIXES[1]}controller": _HELD,
                    }
                }
            },
        ),
    ),
    Rule(
        id="RUN003",
        title="Two instances of external-dns",
        what="Nothing is changed; an external-dns that would delete the source's records is named, and so are hosts of "
        "Ingresses that it takes over without an annotation.",
        why="With one owner id, both instances think that all records are theirs. The hosts of Ingresses are read from "
        "their rules.",
        docs="https://kubernetes-sigs.github.io/external-dns/latest/docs/registry/txt/",
        area="running",
        severity=Severity.REVIEW,
        kinds=WORKLOADS,
        do="Give the second instance an owner id of its own, and release it only when DNS may move.",
        effects=_same_owner,
        gke="args: [--source=ingress, --policy=sync, --txt-owner-id=gke]",
        eks="unchanged, held until release, and named in a finding",
        change="overrides and waivers in gke2eks.yaml",
        cluster=_hosts_in_specs,
    ),
)
