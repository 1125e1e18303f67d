"""Secret values beside the snapshot: only who should can read them, only with their own snapshot, nowhere in clear."""

from __future__ import annotations

import base64
import shutil
import stat
import subprocess
import traceback
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import orjson
import pyrage
import pytest
from export_help import exported, kubeconfig, run
from pyrage import x25519
from rig.http import Client

from migrate.errors import BadInput, BadWorkspace, Error
from migrate.flow import practice
from migrate.flow.plan import make_plan
from migrate.flow.secret_values import SecretValues, from_file
from migrate.model.ref import Ref
from migrate.workspace import secret_file
from migrate.workspace.folder import open_workspace
from migrate.workspace.secret_file import NAME, Held, recipients

CANARY = "kanarienvogel-7c1f-vermilion"
REF = Ref("", "Secret", "shop", "s")
HELD = Held("Opaque", {"p": base64.b64encode(CANARY.encode()).decode()})


def forms(text: str = CANARY) -> list[bytes]:
    raw = text.encode()
    once = base64.b64encode(raw)
    found = [raw, once, base64.b64encode(once), base64.urlsafe_b64encode(raw), raw.hex().encode(), raw[::-1]]
    return [form.rstrip(b"=")[:-1] for form in found]


def in_clear(folder: Path) -> list[str]:
    return [
        f"{path.name}: {form!r}"
        for path in folder.rglob("*")
        if path.is_file()
        for form in forms()
        if form in path.read_bytes()
    ]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A workspace with a snapshot of one reading."""
    ws = open_workspace(tmp_path / "out")
    ws.snapshot.mkdir()
    (ws.snapshot / "facts.json").write_bytes(orjson.dumps({"digest": "d1", "read_at": "t1"}))
    return ws.path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "me.txt"
    mine = x25519.Identity.generate()
    file.write_text(f"# created: today\n# public key: {mine.to_public()}\n{mine}\n")
    return file


def public(key: Path) -> str:
    return key.read_text().split("public key: ")[1].splitlines()[0]


def seal(out: Path, to: str, digest: str = "d1", read_at: str = "t1") -> None:
    secret_file.seal(open_workspace(out), digest, read_at, {REF: HELD}, recipients([to]))


def test_there_and_back(out: Path, key: Path) -> None:
    seal(out, public(key))
    found = secret_file.unseal(open_workspace(out), [key])
    assert found == {REF: HELD} and CANARY not in repr(found) and HELD.data["p"] not in repr(found)
    assert stat.S_IMODE((out / NAME).stat().st_mode) == 0o600 and not in_clear(out)
    values = from_file(out, [key])
    assert repr(values) == f"SecretValues(1 Secrets from {NAME})"


def test_several_recipients_and_files(out: Path, key: Path, tmp_path: Path) -> None:
    other = x25519.Identity.generate()
    file = tmp_path / "team.txt"
    file.write_text(f"# the team\n\n{other.to_public()}\n  {public(key)}\n")
    assert len(recipients([str(file)])) == 2 and len(recipients([])) == 0
    seal(out, str(file))
    (tmp_path / "other").write_text(str(other))
    for identities in ([key], [tmp_path / "other"], [tmp_path / "other", key]):
        assert secret_file.unseal(open_workspace(out), identities)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
@pytest.mark.parametrize("sort", [["ed25519"], ["rsa", "-b", "2048"]], ids=["ed25519", "rsa"])
def test_keys_of_ssh(out: Path, tmp_path: Path, sort: list[str]) -> None:
    file = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", *sort, "-N", "", "-f", file], check=True)
    seal(out, str(tmp_path / "id.pub"))
    assert secret_file.unseal(open_workspace(out), [file]) == {REF: HELD}
    seal(out, (tmp_path / "id.pub").read_text())
    assert secret_file.unseal(open_workspace(out), [file])


def test_a_key_that_is_too_long_for_a_file_is_a_key() -> None:
    """Most RSA keys have a slash early enough in their base64; some have none, and no file can have such a name."""
    with pytest.raises(BadInput, match="is no recipient of age"):
        secret_file.recipients(["ssh-rsa " + "A" * 400])


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_an_ssh_key_with_a_passphrase(out: Path, key: Path, tmp_path: Path) -> None:
    seal(out, public(key))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "words", "-f", tmp_path / "id"], check=True)
    assert "protected by a passphrase" in refused(out, tmp_path / "id").what


def refused(out: Path, *keys: Path) -> Error:
    with pytest.raises(Error) as caught:
        secret_file.unseal(open_workspace(out), keys)
    bad = caught.value
    assert bad.next and bad.__suppress_context__ | (bad.__context__ is None)
    return bad


def test_identities_that_do_not_open_it(out: Path, key: Path, tmp_path: Path) -> None:
    assert f"there is no {NAME}" in refused(out, key).what
    seal(out, public(key))
    wrong = tmp_path / "wrong"
    secret = str(x25519.Identity.generate())
    wrong.write_text(secret)
    assert "none of the identities opens" in refused(out, wrong).what
    assert "none of the identities opens" in refused(out).what
    for text, said in [
        ("", "holds no identity"),
        (secret[:-4], "is no identity of age"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "is no identity of age"),
        ("age-encryption.org/v1\n-> scrypt", "is itself encrypted"),
    ]:
        wrong.write_text(text)
        bad = refused(out, wrong)
        assert said in bad.what and isinstance(bad, BadInput)
        assert secret[:-4] not in repr((bad, bad.what, bad.next, bad.details))
    wrong.write_bytes(b"\xff\xfe")
    assert "is not a text" in refused(out, wrong).what
    assert "cannot be read" in refused(out, tmp_path / "absent").what


def test_a_file_that_is_damaged_or_of_another(out: Path, key: Path) -> None:
    seal(out, public(key))
    whole = (out / NAME).read_bytes()
    for text in (whole[:-1], whole[:30], b"", whole[:-1] + bytes([whole[-1] ^ 1]), whole + b"x"):
        (out / NAME).write_bytes(text)
        bad = refused(out, key)
        assert isinstance(bad, BadWorkspace) and "it is damaged" in bad.what
    for digest, read_at in (("d2", "t1"), ("d1", "t2")):
        seal(out, public(key), digest, read_at)
        assert "belongs to another snapshot" in refused(out, key).what
    for body in (b"{", b"[]", orjson.dumps({"format": "gke2eks.secrets/v1"})):
        (out / NAME).write_bytes(pyrage.encrypt(body, [x25519.Recipient.from_str(public(key))]))
        assert "cannot be understood" in refused(out, key).what
    (out / NAME).write_bytes(pyrage.encrypt(b'{"format": "x"}', [x25519.Recipient.from_str(public(key))]))
    assert "another version" in refused(out, key).what
    seal(out, public(key))
    (out / "snapshot" / "facts.json").unlink()
    assert "cannot be understood" in refused(out, key).what


def test_recipients_that_are_none(tmp_path: Path) -> None:
    secret = str(x25519.Identity.generate())
    file = tmp_path / "file"
    for text, said in [
        ("age1zzz", "--age-recipient age1zzz is no recipient"),
        ("", "is empty"),
        ("ssh-ed25519 AAAA", "is no recipient"),
        ("ecdsa.pub", "cannot be read"),
        (secret, "holds a private key"),
        (secret.lower(), "holds a private key"),
    ]:
        with pytest.raises(BadInput, match=said) as caught:
            recipients([text])
        assert secret[20:] not in repr(caught.value) + caught.value.next
    for text, said in [(f"# {secret[:9]}\n", "names no recipient"), ("age1x", "file:1"), (secret, "a private key")]:
        file.write_text(text)
        with pytest.raises(BadInput, match=said):
            recipients([str(file)])


@pytest.fixture
def url(repo: Path) -> Iterator[str]:
    running = practice.start([str(repo / "examples" / "gke-cluster.json")], stdin=lambda: b"", port=0)
    meta = {"name": "canary", "namespace": "default"}
    value = base64.b64encode(CANARY.encode()).decode()
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": meta, "data": {"p": value}}
    Client(running.server.url).create(secret)
    yield running.server.url
    running.server.stop()


def test_an_export_keeps_them_or_takes_them_away(url: str, key: Path, tmp_path: Path) -> None:
    config, out = kubeconfig(tmp_path, url), tmp_path / "out"
    state = {"XDG_STATE_HOME": str(tmp_path)}
    exported(config, out)
    first = (out / "snapshot" / "objects.jsonl").read_bytes()
    assert not (out / NAME).exists()
    done = run("--debug", "export", "--kubeconfig", config, "-w", out, "--age-recipient", public(key), **state)
    assert done.returncode == 0, done.stderr
    assert f"Secret values: {out / NAME}, encrypted" in done.stdout
    assert not in_clear(out) and not any(form.decode() in done.stdout + done.stderr for form in forms())
    assert (out / "snapshot" / "objects.jsonl").read_bytes() == first  # outside every digest
    values = secret_file.unseal(open_workspace(out), [key])
    held = values[Ref("", "Secret", "default", "canary")]
    assert base64.b64decode(held.data["p"]).decode() == CANARY and len(values) > 3
    # A refused export leaves all of it as it was; a good one without the option takes it away.
    with pytest.raises(BadInput, match="age1no is no recipient"):
        exported(config, out, age_recipients=["age1no"])
    assert secret_file.unseal(open_workspace(out), [key])
    exported(config, out)
    assert not (out / NAME).exists()


def test_a_plan_of_files_takes_them_away(url: str, key: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported(kubeconfig(tmp_path, url), out, age_recipients=[public(key)])
    assert isinstance(from_file(out, [key]), SecretValues)
    make_plan([], out, stdin=lambda: b"", today=date(2026, 1, 1))
    assert (out / NAME).exists() and not in_clear(out)
    file = tmp_path / "more.json"
    file.write_text('{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}')
    make_plan([str(file)], out, stdin=lambda: b"", today=date(2026, 1, 1), hash_key_file=tmp_path / "key")
    assert not (out / NAME).exists()


def test_an_encryption_that_fails_says_nothing(out: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when the library quotes what it was given; and an older file does not pass for the new one."""
    seal(out, public(key))

    def fails(data: bytes, keys: object) -> bytes:
        raise ValueError(data)

    monkeypatch.setattr(pyrage, "encrypt", fails)
    with pytest.raises(BadInput, match="cannot be encrypted") as caught:
        seal(out, public(key))
    shown = "".join(traceback.format_exception(caught.value))
    assert not any(form.decode() in shown for form in forms()) and HELD.data["p"] not in shown
    assert not (out / NAME).exists()
