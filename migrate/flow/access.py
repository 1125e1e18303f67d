"""The rights that a plan needs on the target, printed for an admin: YAML to apply, with what it means on top."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from migrate.cluster.port import Target
from migrate.flow.access_more import beside_plain, some
from migrate.flow.reviewed import reviewed
from migrate.flow.rights import rights_for
from migrate.flow.view import View
from migrate.manifest import text
from migrate.model.objects import Body
from migrate.model.selection import EVERYTHING, Selection
from migrate.semantics.going import Going, going
from migrate.semantics.more_rights import NO_MORE, More
from migrate.semantics.plurals import Plurals
from migrate.semantics.target_rights import Need, namespaces, needed, plurals_of
from migrate.semantics.target_role import ROLE, all_of, bound, makes_pods, powers, roles, without

_ALWAYS = ("default", "kube-node-lease", "kube-public", "kube-system")
_WIDTH = 98


def access_target(
    workspace: Path,
    *,
    today: date,
    select: Selection = EVERYTHING,
    target: Target | None = None,
    eks: str = "",
    everywhere: bool = False,
    more: More = NO_MORE,
) -> str:
    """What `gke2eks access target` prints. Without a target, names of resources come from the plan and from tables.

    `eks` is region/cluster for the command that lets somebody in; `everywhere` asks for one ClusterRole; `more` is
    what the rights shall be enough for beside preflight, apply and release.
    """
    agreed = reviewed(workspace, today=today)
    plan = agreed.plan
    goes = going(plan, select=select)  # what arrives held is sent by apply or by release: the same rights
    view = View(target) if target is not None else None
    served = view.kinds() if view is not None else ()
    there = {ref.name for ref in view.of("", "Namespace").bodies} if view is not None else set()
    plurals = plurals_of(goes, served)
    needs = rights_for(goes, view) if view is not None else needed(goes, plurals)
    extra = beside_plain(workspace, agreed, goes, more, needs, plurals, view=view, select=select)
    objects = access_objects(needs, plurals, there=there, everywhere=everywhere, more=extra.needs)
    asked = f"asked of {target.name}" if target is not None else "from the plan alone, without asking a target"
    head = [
        f"What gke2eks preflight, apply and release need on the target for this plan, {asked}.",
        f"Plan {plan.digest}, {len(goes.steps)} objects.",
        "",
        *_meaning(goes, needs, workspace, select, everywhere=everywhere),
        *extra.lines,
        *_guessed((*needs, *extra.needs), plurals),
        *_how(eks),
    ]
    return "\n".join([*_comments(head), *(f"---\n{text.dump(one).rstrip()}" for one in objects)])


def access_objects(
    needs: Sequence[Need],
    plurals: Plurals,
    *,
    there: Iterable[str] = (),
    everywhere: bool = False,
    more: Iterable[Need] = (),
) -> tuple[Body, ...]:
    """What an admin applies: the namespaces that are not `there`, bare, then roles and bindings to the group."""
    made = set() if everywhere else {*namespaces(needs)} - {*there, *_ALWAYS}
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(made)]
    granted = roles(needs, plurals, everywhere=everywhere, more=more)
    return (*spaces, *(one for role in granted for one in (role, bound(role))))


def _meaning(goes: Going, needs: Sequence[Need], workspace: Path, select: Selection, *, everywhere: bool) -> list[str]:
    """Say whether this makes an admin, because of which objects, and how to do without."""
    found, pods = powers(goes, needs, everywhere=everywhere), makes_pods(goes)
    why = [f"- {power.why} ({some(power.refs)})" for power in found]
    if everywhere and pods:
        why.append("- pods in every namespace: they may use any ServiceAccount. Without --cluster-wide it may not.")
    lines = ["It makes nobody an admin of the target by what is in the plan."]
    if why:
        lines = ["IT MAKES AN ADMIN of the target of whoever has it, because it may write", *why]
    if found:
        left_out = without(goes, {ref for power in found for ref in power.refs})
        options = " ".join(f"--exclude {shlex.quote(one)}" for one in left_out)
        given = f" {select.as_options()}" if select else ""
        lines += [
            "Without these objects it does not. Then an admin applies them; the others leave them out:",
            f"  gke2eks access target -w {shlex.quote(str(workspace))}{given} {options}",
            "and the same --exclude for preflight, apply and release.",
        ]
    if not everywhere and (spaces := all_of(needs)):
        lines += [
            f"It may have every right within {some(spaces)}: roles there grant more than it has (escalate).",
        ]
    if pods:
        lines += [
            "Whoever may make pods in a namespace may use its Secrets and ServiceAccounts, and the nodes too, unless "
            "the namespace's PodSecurity level forbids privileged pods. No role can change that.",
        ]
    return [*lines, ""]


def _guessed(needs: Iterable[Need], plurals: Plurals) -> list[str]:
    kinds = sorted({(need.group, need.kind) for need in needs if not need.for_checks})
    found = [f"{plurals.of(*kind)}.{kind[0]}" for kind in kinds if not plurals.sure(*kind)]
    if not found:
        return []
    return [f"Guessed from the names of kinds: {', '.join(found)}. Name a target that serves them to be sure.", ""]


def _how(eks: str) -> list[str]:
    region, _, cluster = eks.partition("/")
    named = f"--region {region} --cluster-name {cluster}" if eks else "--cluster-name CLUSTER"
    return [
        f"An admin applies this, and then puts somebody into the group {ROLE}. On EKS:",
        "  kubectl apply -f THIS-FILE",
        f"  aws eks create-access-entry {named} --principal-arn ARN --kubernetes-groups {ROLE}",
        "(update-access-entry where there is an entry; name its other groups again, too). Elsewhere put a User or a "
        "ServiceAccount in place of the Group below.",
        "Rules with list alone are for checks of preflight: without one of them a check could not look.",
    ]


def _comments(lines: Iterable[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        # A command stays whole, so that it can be copied.
        indent = "  " if line.startswith("- ") else ""
        wrapped = [line] if line.startswith("  ") else _wrapped(line, indent)
        found += [f"# {one}".rstrip() for one in wrapped or [""]]
    return found


def _wrapped(line: str, indent: str) -> list[str]:
    """Names of options and objects stay whole, too."""
    return textwrap.wrap(line, _WIDTH, subsequent_indent=indent, break_on_hyphens=False)
