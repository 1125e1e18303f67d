"""The rights that --prune, --on-conflict and rollback need, by the plan and by what the journal knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from migrate.flow.reviewed import Reviewed
from migrate.flow.rollback import writes
from migrate.flow.since import knows, planned_kinds
from migrate.flow.view import View
from migrate.manifest.places import get
from migrate.model.journal import History
from migrate.model.objects import Body, Object
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.model.selection import Selection
from migrate.semantics.going import Going
from migrate.semantics.more_rights import (
    More,
    Undoable,
    beside,
    deletable,
    for_policies,
    for_prune,
    for_rollback,
    inside_namespaces,
    is_definition,
    is_namespace,
)
from migrate.semantics.plurals import Plurals
from migrate.semantics.policy import Policy
from migrate.semantics.since import in_plan, left
from migrate.semantics.target_rights import Need
from migrate.semantics.target_role import JUDGES
from migrate.workspace.folder import Workspace, open_workspace
from migrate.workspace.journal import read_journal
from migrate.workspace.preimages import look

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Beside:
    """Rights beside those of a plain run, and what an admin is told of them."""

    needs: tuple[Need, ...] = ()
    lines: tuple[str, ...] = ()


def beside_plain(
    workspace: Path,
    agreed: Reviewed,
    goes: Going,
    more: More,
    own: Sequence[Need],
    plurals: Plurals,
    *,
    view: View | None,
    select: Selection,
) -> Beside:
    """Give them. `own` is granted anyhow. Nothing is asked of the target but which kinds and namespaces it has."""
    some = replace(select, labels=(), requirements=())  # the journal knows no labels
    ws = open_workspace(workspace)
    past = read_journal(ws)
    needs: list[Need] = []
    lines: list[str] = []
    chosen = for_policies(goes, more.policies)
    needs += chosen
    lines += _of_policies(goes, more, chosen)
    if more.prune:
        gone = [ref for ref in _left(past, agreed) if _selected(some, ref)]
        needs += for_prune(gone, planned_kinds(goes))
        lines += _of_prune(gone)
    if more.rollback:
        found, said = _rollback(ws, past, goes, more, own, plurals, view, some)
        needs += found
        lines += said
    spaces = view.of("", "Namespace") if view is not None else None
    if spaces is not None and not spaces.why:
        # What was in a Namespace that is gone is gone, and a Role needs its Namespace.
        there = {"", *(ref.name for ref in spaces.bodies)}
        needs = [need for need in needs if need.namespace in there]
    elif needs:
        lines.append("A Role whose namespace is not there any more is refused by kubectl; nothing needs it.")
    return Beside(beside(needs, own), (*lines, "") if lines else ())


def _selected(select: Selection, ref: Ref) -> bool:
    return select.matches(Object(ref, {}))


def _left(past: History, agreed: Reviewed) -> Iterator[Ref]:
    """What left the plan, and is of a kind that prune deletes; whether it is there still is not looked up."""
    planned = in_plan(agreed.plan)
    made = {id: ref for id, ref in past.made.items() if ref not in planned and knows(past, ref)}
    unseen = {ref: {"metadata": {"uid": id}} for id, ref in made.items()}
    select = replace(agreed.decided.select, labels=(), requirements=())
    return (one.ref for one in left(made, agreed.plan, select, agreed.snapshot, unseen) if not one.why_kept)


def _of_policies(goes: Going, more: More, needs: Sequence[Need]) -> Iterator[str]:
    chosen = {one.policy for one in more.policies.choices}
    if Policy.ADOPT in chosen:
        refs = [need.refs[0] for need in needs if need.verb == "update"]
        yield (
            f"--on-conflict adopt adds update, by name, of {_many(refs)}: who owns which field is written by an update."
        )
    if Policy.RECREATE in chosen:
        refs = [need.refs[0] for need in needs if need.verb == "delete"]
        yield (
            f"--on-conflict recreate adds DELETE, by name, of {_many(refs)}: of these it deletes and makes anew what "
            "cannot be changed otherwise, named before the question."
        )
        data = [ref for ref in goes.steps if more.policies.of(ref).policy is Policy.RECREATE and ref not in refs]
        if data:
            yield f"Not of {_many(data)}: that may hold data, and --recreate-data names it one by one."
        if tried := sorted({need.name for need in needs if need.verb == "create"}):
            yield (
                f"And create and patch of {some(tried)}: under such a name a new cluster-wide object is tried (a dry "
                "run) before the old one goes."
            )
    if not chosen - {Policy.OVERWRITE, Policy.KEEP_TARGET, Policy.FAIL} and chosen:
        yield f"--on-conflict {', '.join(sorted(chosen))} adds nothing: also what is applied by force asks for patch."


def _of_prune(gone: Sequence[Ref]) -> Iterator[str]:
    if not gone:
        yield (
            "--prune adds nothing: by the journal nothing that may be deleted has left the plan. Print this again when "
            "something has."
        )
        return
    yield (
        f"--prune adds get and DELETE, by name, of {_many(gone)}: apply made it, and it left the plan. And list of "
        "workloads, Ingresses, bindings and accounts: what one of those still names is kept, and without one of these "
        "lists all is."
    )


def _rollback(
    ws: Workspace,
    past: History,
    goes: Going,
    more: More,
    own: Sequence[Need],
    plurals: Plurals,
    view: View | None,
    select: Selection,
) -> tuple[list[Need], list[str]]:
    runs = [run for run in past.runs if writes(run)]
    seen = {ref for run in runs for ref in (*run.made.values(), *run.kept, *run.new, *run.deleted.values())}
    made = [ref for ref in sorted({ref for run in runs for ref in (*run.made.values(), *run.new)}) if knows(past, ref)]
    kept = [{ref: name for ref, name in run.kept.items() if name and knows(past, ref)} for run in runs]
    if not seen:
        return [], ["--rollback adds nothing: the journal knows of no run yet. Print this again after apply."]
    mine = [ref for ref in made if _selected(select, ref)]
    goners = [ref for ref in deletable(mine, more.data) if view is not None or not is_namespace(ref)]
    served = view.kinds() if view is not None else ()
    brought: dict[Ref, tuple[str, str] | None] = {}
    for ref in filter(is_definition, goners):
        body = goes.bodies.get(ref)
        names = [(kind.group, kind.kind) for kind in served if f"{kind.plural}.{kind.group}" == ref.name]
        names += [(str(get(body, P("spec", "group"))), str(get(body, P("spec", "names", "kind"))))] if body else []
        brought[ref] = names[0] if names else None
    done = Undoable(
        seen=sorted(seen),
        made=[ref for ref in goners if brought.get(ref, ()) is not None],
        changed=sorted({ref for names in kept for ref in names if _selected(select, ref)}),
        deleted=sorted({ref for run in runs for ref in run.deleted.values() if _selected(select, ref)}),
        before=tuple(_before(ws, names) for names in kept),
        defined=[kind for kind in brought.values() if kind is not None],
    )
    needs = list(for_rollback(done, own, plurals))
    lines = list(_of_rollback(done, made, mine))
    spaces = [ref for ref in done.made if is_namespace(ref)]
    inside = [kind for kind in served if kind.namespaced and {"list", "delete"} <= set(kind.verbs)]
    needs += inside_namespaces(spaces, {(kind.group, kind.kind) for kind in inside})
    if spaces:
        lines.append(
            f"And list of all kinds within {some([ref.name for ref in spaces])}, SECRETS AND SO THEIR VALUES AMONG "
            "THEM: a Namespace is deleted only when nothing of others is in it. With --exclude 'Namespace/*' it is "
            "not granted, and the Namespaces stay."
        )
    elif any(map(is_namespace, mine)):
        lines.append("The Namespaces stay: which kinds may be in them only the target knows. Name it with --context.")
    if grants := [need for need in needs if need.verb in ("escalate", "bind")]:
        refs = sorted({ref for need in grants for ref in need.refs})
        lines.append(
            f"And escalate or bind, by name, because of {_many(refs)}: who gives a role its rules back grants them. IT "
            "MAY SO GET RIGHTS that it has not, in all namespaces if the role is a ClusterRole."
        )
    if judged := [ref for ref in done.changed if ref.kind in JUDGES and ref not in goes.bodies]:
        lines.append(f"IT MAKES AN ADMIN, too: it may update {_many(judged)}, which sees or changes what others write.")
    return needs, lines


def _before(ws: Workspace, names: Mapping[Ref, str]) -> Mapping[Ref, Body]:
    """What roles and bindings were before; of other kinds nobody asks."""
    some = {ref: look(ws, name, ref) for ref, name in names.items() if ref.group == "rbac.authorization.k8s.io"}
    return {ref: one.body for ref, one in some.items() if not one.why}


def _of_rollback(done: Undoable, made: Sequence[Ref], mine: Sequence[Ref]) -> Iterator[str]:
    yield (
        f"--rollback adds, by the journal, get and DELETE, by name, of {_many(done.made)} that apply and release made, "
        f"and get and update, by name, of {_many(done.changed)} that they changed. Print this again after a later run."
    )
    if done.deleted:
        yield (
            f"And create of the kinds, and update, by name, of {_many(done.deleted)} that prune and recreate deleted: "
            "they are brought back."
        )
    data = [ref for ref in mine if ref not in done.made and not is_namespace(ref) and not is_definition(ref)]
    if data:
        yield f"Not of {_many(data)}: it holds data, or its only copy, and stays unless --delete-data names its kind."
    lost = [ref for ref in mine if is_definition(ref) and ref not in done.made]
    if lost:
        yield f"Not of {_many(lost)}: nobody here knows which kind it defines. Name the target with --context."
    if len(mine) < len(made):
        yield f"Not of {len(made) - len(mine):,} that this selection leaves out: a rollback has no selection."


def _many(refs: Iterable[Ref]) -> str:
    found = sorted(set(refs))
    return f"{len(found):,} object{'' if len(found) == 1 else 's'}" + (f" ({some(found)})" if found else "")


def some(these: Sequence[Ref] | Sequence[str]) -> str:
    """The first few, and how many more."""
    rest = len(these) - _SHOWN
    return ", ".join(map(str, these[:_SHOWN])) + (f" and {rest:,} more" if rest > 0 else "")
