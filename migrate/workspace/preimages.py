"""What an object was before apply changed it, kept for a rollback: a file for each object and run, in undo/.

The file is on disk before the journal names it, and the journal before the request is sent. A Secret is in no file in
clear: it is encrypted with age, or not kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from migrate.errors import BadInput, BadWorkspace
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.workspace.folder import Workspace, write_atomic
from migrate.workspace.secret_file import Recipients, decrypted, identities

FOLDER = "undo"
FORMAT = "gke2eks.undo/v1"
_SEALED = ".age"


@dataclass(frozen=True, slots=True)
class PreImage:
    """An object as it was. `why` is not '' where that cannot be read, and `fix` what to do about it."""

    body: Body = field(default_factory=dict, repr=False)
    uid: str = ""
    why: str = ""
    fix: str = ""


def is_secret(ref: Ref) -> bool:
    return (ref.group, ref.kind) == ("", "Secret")


def keep(ws: Workspace, run: str, ref: Ref, body: Body, to: Recipients | None = None) -> str:
    """Write what an object is, and give the name to put into the intent. Without recipients a Secret is a ValueError.

    A second call for the same run and object writes nothing: what was kept first is what was there before.
    Raises BadWorkspace.
    """
    if is_secret(ref) and not to:
        raise ValueError(f"{ref} may not be written in clear")
    about = hashlib.sha256(orjson.dumps(ref.as_dict())).hexdigest()[:24]
    name = f"{FOLDER}/{run}/{ref.kind.lower()}-{about}.json{_SEALED if is_secret(ref) else ''}"
    place = ws.inside(name)
    if place.exists():
        return name
    meta = body.get("metadata")
    uid = str(meta.get("uid") or "") if isinstance(meta, dict) else ""
    data = orjson.dumps({"format": FORMAT, "ref": ref.as_dict(), "uid": uid, "body": body}, default=dict)
    try:
        write_atomic(place, to.encrypt(data) if is_secret(ref) and to else data, mode=0o600, dir_mode=0o700)
    except OSError as bad:
        raise BadWorkspace(
            f"what {ref} is now cannot be kept for a rollback",
            "make room or mend the disk, then run the same command again.",
            [bad.strerror or str(bad)],
        ) from None
    return name


def look(ws: Workspace, name: str, ref: Ref, keys: Sequence[Path] = ()) -> PreImage:
    """Read it back. `keys` are files of age identities. What cannot be read says why; a wrong key raises BadInput."""
    try:
        place = ws.inside(name)
        if Path(FOLDER) not in Path(name).parents:
            return _lost("the journal names a file that is none of ours")
        data = place.read_bytes()
        if name.endswith(_SEALED):
            if not keys:
                return PreImage(why="its values before are encrypted", fix="give --age-identity FILE.")
            data = decrypted(data, [key for file in keys for key in identities(file)], name)
        found = orjson.loads(data)
        if found["format"] != FORMAT or found["ref"] != ref.as_dict():
            return _lost(f"{name} is not about it")
        return PreImage(found["body"], found["uid"])
    except FileNotFoundError:
        return _lost(f"{name} is gone")
    except BadInput:
        raise
    except (BadWorkspace, OSError, ValueError, KeyError, TypeError):
        # Said without what is in it: these errors quote the text.
        return _lost(f"{name} cannot be read")


def _lost(why: str) -> PreImage:
    return PreImage(why=f"what it was before is lost: {why}", fix="put it right by hand.")
