"""Secret values beside the snapshot, encrypted with age: for an apply that cannot ask the source any more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from migrate.errors import BadInput, BadWorkspace
from migrate.model.ref import Ref
from migrate.workspace.folder import Workspace, sync_folder, write_atomic

NAME = "snapshot-secrets.age"
FORMAT = "gke2eks.secrets/v1"
_PRIVATE = re.compile(r"AGE-SECRET-KEY-|AGE-PLUGIN-|-----BEGIN", re.IGNORECASE)
_AGE_HEADERS = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")


@dataclass(frozen=True, slots=True, repr=False)
class Held:
    """One Secret's type and its values as an API server gives them, in no repr."""

    type: str
    data: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Held({len(self.data)} values)"


Values = Mapping[Ref, Held]


class Recipients:
    """Who may decrypt."""

    def __init__(self, keys: Sequence[Any]) -> None:
        self._keys = tuple(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def encrypt(self, data: bytes) -> bytes:
        """Give the age file that each of them can open."""
        import pyrage

        try:
            return bytes(pyrage.encrypt(data, self._keys))
        except Exception as bad:
            # A foreign library's error may quote what it was given.
            said = f"the Secret values cannot be encrypted ({type(bad).__name__})"
            raise BadInput(said, "try other recipients.") from None


def recipients(texts: Iterable[str]) -> Recipients:
    """Read recipients: age1…, ssh-ed25519 …, ssh-rsa …, or the name of a file with one on each line. Raises BadInput.

    No private key that was given by mistake is repeated in an error.
    """
    found: list[Any] = []
    for text in texts:
        word = text.strip()
        if _PRIVATE.search(word):
            _refuse_private("--age-recipient")
        if word.startswith(("age1", "ssh-")) and not _is_file(word):
            found.append(_recipient(word, f"--age-recipient {word}"))
        elif not word:
            raise BadInput("--age-recipient is empty", "give age1…, an SSH public key, or a file with some.")
        else:
            found += _recipients_of(Path(word))
    return Recipients(found)


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except OSError:  # a name that no file can have: keys are long
        return False


def _recipients_of(file: Path) -> list[Any]:
    lines = _lines(_bytes(file, "--age-recipient"), file, "--age-recipient")
    if any(_PRIVATE.search(line) for _, line in lines):
        _refuse_private(f"the file of recipients {file}")
    found = [_recipient(line, f"{file}:{number}") for number, line in lines]
    if not found:
        raise BadInput(f"{file} names no recipient", "write age1… or an SSH public key on a line of its own.")
    return found


def _refuse_private(where: str) -> None:
    said = f"{where} holds a private key"
    raise BadInput(said, "give the public one: age-keygen -y prints it; of an SSH key it is in the file .pub.")


def _recipient(text: str, where: str) -> Any:
    from pyrage import RecipientError, ssh, x25519

    try:
        return ssh.Recipient.from_str(text) if text.startswith("ssh-") else x25519.Recipient.from_str(text)
    except (RecipientError, ValueError):
        raise BadInput(
            f"{where} is no recipient of age",
            "give age1… as age-keygen -y prints it, or the public part of an ed25519 or RSA key of SSH; keys of "
            "plugins and ecdsa keys are not understood.",
        ) from None


def seal(ws: Workspace, digest: str, read_at: str, values: Values, to: Recipients) -> None:
    """Write the file in place of an older one, for the snapshot of this digest and time."""
    place = ws.inside(NAME)
    body = {"format": FORMAT, "snapshot": digest, "read_at": read_at, "secrets": [_row(*one) for one in values.items()]}
    try:
        write_atomic(place, to.encrypt(orjson.dumps(body)), mode=0o600)
    except BaseException:
        remove(ws)  # what is there belongs to another snapshot
        raise


def remove(ws: Workspace) -> None:
    """Take the file away: the snapshot that it belonged to is no more."""
    place = ws.inside(NAME)
    if place.exists() or place.is_symlink():
        place.unlink()
        sync_folder(ws.path)


def unseal(ws: Workspace, files: Sequence[Path]) -> dict[Ref, Held]:
    """Decrypt the values of the workspace's snapshot. Raises BadInput about keys, BadWorkspace about the file."""
    keys = [key for file in files for key in identities(file)]
    try:
        sealed = ws.inside(NAME).read_bytes()
    except FileNotFoundError:
        raise BadInput(
            f"there is no {NAME} in {ws.path}",
            "export with --age-recipient, or name the source, so that the values are read from there.",
        ) from None
    except OSError as bad:
        raise _unusable(f"it cannot be read: {bad.strerror}") from None
    try:
        found = orjson.loads(decrypted(sealed, keys))
        if found["format"] != FORMAT:
            raise _unusable("another version of gke2eks wrote it")
        if [found["snapshot"], found["read_at"]] != _snapshot(ws):
            raise _unusable("it belongs to another snapshot than the one that is here")
        return dict(_entry(row) for row in found["secrets"])
    except (OSError, ValueError, KeyError, TypeError):
        # Said without what is in it: these errors quote the text.
        raise _unusable("what is in it cannot be understood") from None


def decrypted(sealed: bytes, keys: Sequence[Any], name: str = NAME) -> bytes:
    """Open an age file. Raises BadInput when no key fits, BadWorkspace when it is damaged."""
    import pyrage

    try:
        return bytes(pyrage.decrypt(sealed, keys))
    except pyrage.DecryptError as bad:
        if "matching keys" in str(bad):
            fix = "give --age-identity the file whose public part export was given as --age-recipient."
            raise BadInput(f"none of the identities opens {name}", fix) from None
    raise _unusable("it is damaged")


def identities(file: Path) -> list[Any]:
    """Read the identities of a file. Raises BadInput."""
    from pyrage import IdentityError, ssh, x25519

    data = _bytes(file, "--age-identity")
    if data.startswith(_AGE_HEADERS):
        raise BadInput(
            f"the identity {file} is itself encrypted",
            f"decrypt it into a pipe: --age-identity <(age -d {file}), or use an identity without a passphrase.",
        )
    try:
        if b"-----BEGIN" in data:
            return [ssh.Identity.from_buffer(data)]
        found = [x25519.Identity.from_str(line) for _, line in _lines(data, file, "--age-identity")]
    except (IdentityError, ValueError) as bad:
        if "decrypted first" in str(bad):
            fix = "use a key without a passphrase: nobody is asked for one here."
            raise BadInput(f"the SSH key {file} is protected by a passphrase", fix) from None
        fix = "give a file as age-keygen writes it, or an ed25519 or RSA key of SSH; plugins are not understood."
        raise BadInput(f"{file} is no identity of age", fix) from None
    if not found:
        raise BadInput(f"{file} holds no identity", "give a file as age-keygen writes it.")
    return found


def _lines(data: bytes, file: Path, option: str) -> list[tuple[int, str]]:
    """Lines that say something, with their numbers; # begins a comment."""
    try:
        rows = enumerate(data.decode().splitlines(), 1)
    except UnicodeDecodeError:
        raise BadInput(f"{option} {file} is not a text", "give a file with one key on each line.") from None
    return [(number, line.strip()) for number, line in rows if line.strip() and not line.lstrip().startswith("#")]


def _bytes(file: Path, option: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as bad:
        why = bad.strerror or "it cannot be opened"
        raise BadInput(f"{option} {file} cannot be read: {why}", "name a file that you may read.") from None


def _snapshot(ws: Workspace) -> list[str]:
    facts = orjson.loads((ws.snapshot / "facts.json").read_bytes())
    return [facts["digest"], facts["read_at"]]


def _row(ref: Ref, held: Held) -> dict[str, Any]:
    return {"ref": ref.as_dict(), "type": held.type, "data": held.data}


def _entry(row: Mapping[str, Any]) -> tuple[Ref, Held]:
    return Ref(**row["ref"]), Held(row["type"], row["data"])


def _unusable(why: str) -> BadWorkspace:
    fix = "export again with --age-recipient, or name the source, so that the values are read from there."
    return BadWorkspace(f"{NAME} cannot be used: {why}", fix)
