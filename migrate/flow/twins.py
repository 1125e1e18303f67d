"""Ask the source what still runs there, right before a release. Reads only, by the lists that an export may read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from migrate.cluster.port import Source
from migrate.errors import BadInput, NotLoggedIn, Refused, Unreachable
from migrate.flow.threads import in_threads
from migrate.flow.view import listed
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.semantics.twins import Twin, keepers, made_by, still_runs, unseen

_THREADS = 4
_POD, _NAMESPACE, _JOB = ("", "Pod"), ("", "Namespace"), ("batch", "Job")
_MAKES_JOBS = frozenset({("batch", "CronJob"), ("keda.sh", "ScaledJob")})
_SCALERS = (("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject"))
_BESIDE = {
    _POD: "whether its pods have ended",
    _JOB: "whether its Jobs have ended",
    **{kind: f"whether a {kind[1]} starts it again" for kind in _SCALERS},
}

Asked = tuple[tuple[str, str], str]
Found = Mapping[Ref, Body] | str
"""What a list had, or why there is none."""


def ask(source: Source, refs: Iterable[Ref], *, uid: str = "") -> Mapping[Ref, Twin]:
    """Look what runs of these on the source. `uid` is that of kube-system of the cluster that was exported, '' for
    unknown: of another cluster everything would look stopped. Raises BadInput, NotLoggedIn, Unreachable.
    """
    wanted = tuple(sorted(set(refs)))
    if not wanted:
        return {}
    kinds = source.kinds()
    doubt = _same_cluster(source, kinds, uid)
    jobs = sorted({one for ref in wanted for one in _lists(ref)})
    lists = dict(in_threads(jobs, lambda job, _over: (job, _list(source, kinds, *job)), min(_THREADS, len(jobs))))
    return {ref: _twin(ref, lists, doubt) for ref in wanted}


def _lists(ref: Ref) -> Iterable[Asked]:
    kinds = [(ref.group, ref.kind), _POD, *_SCALERS]
    kinds += [_JOB] if (ref.group, ref.kind) in _MAKES_JOBS else []
    return [(kind, ref.namespace) for kind in kinds]


def _twin(ref: Ref, lists: Mapping[Asked, Found], doubts: tuple[str, ...]) -> Twin:
    found = lists[(ref.group, ref.kind), ref.namespace]
    if isinstance(found, str):
        return unseen(found)
    seen: dict[tuple[str, str], list[Body]] = {}
    more: list[str] = []
    for (kind, namespace), one in lists.items():
        if namespace == ref.namespace and kind in _BESIDE and (kind != _JOB or (ref.group, ref.kind) in _MAKES_JOBS):
            seen[kind] = [] if isinstance(one, str) else list(one.values())
            more += [f"nobody could look {_BESIDE[kind]}: {one}"] if isinstance(one, str) else []
    live = found.get(ref)
    runs = still_runs(
        live,
        pods=made_by(ref, seen[_POD]),
        jobs=made_by(ref, seen.get(_JOB, ())),
        scalers=[body for kind in _SCALERS for body in seen[kind]],
    )
    return Twin(runs, notes=keepers(live), doubts=(*doubts, *more))


def _list(source: Source, kinds: tuple[Kind, ...], wanted: tuple[str, str], namespace: str) -> Found:
    kind = next((one for one in kinds if (one.group, one.kind) == wanted and one.plural), None)
    if kind is None:
        silent = next((one for one in kinds if one.group == wanted[0] and not one.plural), None)
        return f"the server behind {silent.api_version} does not answer" if silent else {}
    try:
        return listed(source, kind, namespace)
    except (NotLoggedIn, Unreachable):
        raise
    except Refused as no:
        return no.what


def _same_cluster(source: Source, kinds: tuple[Kind, ...], uid: str) -> tuple[str, ...]:
    """Notes about what is not known of the cluster. Raises BadInput when it is another one."""
    if not uid:
        return ("the snapshot does not know its cluster, so nobody could tell whether this is the same one",)
    found = _list(source, kinds, _NAMESPACE, "")
    if isinstance(found, str):
        return (f"nobody could tell whether this is the cluster that was exported: {found}",)
    system = found.get(Ref("", "Namespace", "", "kube-system"), {})
    here = str(system.get("metadata", {}).get("uid") or "")
    if here != uid:
        raise BadInput(
            f"{source.name} is not the cluster that was exported (uid {here or 'unknown'}, not {uid})",
            "name the source that the plan is about: of another cluster everything would look stopped. Nothing was "
            "released.",
        )
    return ()
