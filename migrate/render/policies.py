"""What --on-conflict did, as a terminal shows it: by policy, each object by name, whose fields, and both values."""

from __future__ import annotations

import json
from collections.abc import Sequence

from migrate.model.objects import MISSING
from migrate.model.ran import Clash, Ran
from migrate.model.ref import Ref
from migrate.render.ink import Paper
from migrate.render.words import namespace, number, plain, plural, safe, sentence, short, shown

_DID = {
    "adopt": "adopted: their fields are ours now",
    "overwrite": "overwritten: our values, in fields that others owned",
    "keep-target": "left as the target has it, in these fields; the plan says otherwise",
    "recreate": "DELETED and made anew",
}
_FIELDS = 4  # of one object; -o json has all
_LONG = 60
_LONGEST = 400  # characters of an override; a ConfigMap may hold a megabyte


def settled(paper: Paper, found: Sequence[Ran]) -> None:
    """The objects of each policy. What was deleted is named to the last, of the others the first ten."""
    for policy, did in _DID.items():
        some = [one for one in found if one.policy == policy]
        if not some:
            continue
        paper.add(f"{plural(len(some), 'object')} {did}", 2, "! ")
        kept = some if policy == "recreate" else some[:10]
        for one in kept:
            said = f"  {sentence(one.message).removesuffix('.')}" if one.message else ""
            paper.add(f"{namespace(one.ref)}: {short(one.ref)}{said}", 6)
            for clash in one.conflicts[:_FIELDS]:
                paper.add(_field(policy, clash), 8)
                if policy == "keep-target" and (text := override(one.ref, clash)):
                    paper.add(text, 10, "for good   ")
            if len(one.conflicts) > _FIELDS:
                paper.add(f"and {number(len(one.conflicts) - _FIELDS)} more fields", 8)
        if len(kept) < len(some):
            paper.add(f"and {number(len(some) - len(kept))} more; -o json has all", 6)


def override(ref: Ref, clash: Clash) -> str:
    """What to write into gke2eks.yaml to plan what the other manager says; '' where that cannot be said, or is long."""
    if clash.theirs is MISSING or (ref.kind, ref.group) == ("Secret", ""):
        return ""
    row = {"ref": str(ref), "path": clash.path, "value": plain(clash.theirs), "reason": f"{clash.manager} owns it"}
    text = json.dumps(row, ensure_ascii=False)
    return f"overrides: [{safe(text)}] in gke2eks.yaml, then plan again" if len(text) <= _LONGEST else ""


def _field(policy: str, clash: Clash) -> str:
    there, planned = _short(clash.theirs), _short(clash.ours)
    how = f"{there} stays, planned {planned}" if policy == "keep-target" else f"{there} -> {planned}"
    return f"{safe(clash.path)}  {how}  ({safe(clash.manager)})"


def _short(value: object) -> str:
    text = shown(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"
