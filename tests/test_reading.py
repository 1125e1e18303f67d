"""Reading: everything read is an object or is named as left out, and no secret value gets past the reader."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest

from migrate.errors import BadInput
from migrate.manifest.kinds import CLUSTER_SCOPED, NAMESPACED
from migrate.model.ref import Ref
from migrate.reading import Reading, Redactor, read

KEY = b"a fixed key for tests"
GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good, namespace: shop}\n"
CANARY = "canary-Zx9-hunter2"


def load(*sources: str, stdin: bytes = b"", needles: tuple[str, ...] = ()) -> Reading:
    return read(sources, stdin=lambda: stdin, needles=needles, hash_key=KEY)


def piped(text: str | bytes, **rest: Any) -> Reading:
    return load("-", stdin=text if isinstance(text, bytes) else text.encode(), **rest)


def config(body: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\n{body}\n"


LEFT_OUT = {
    "cloud build": ("steps: [{name: gcr.io/x}]", "Cloud Build"),
    "compose": ("services: {web: {image: nginx}}", "docker-compose"),
    "skaffold": ("apiVersion: skaffold/v4beta1\nkind: Config\nmetadata: {name: x}", "Skaffold"),
    "kustomization": ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization", "kustomization"),
    "kustomization without version": ("kind: Kustomization\nresources: [a.yaml]", "kustomization"),
    "kustomization without kind": ("resources: [a.yaml]", "kustomization"),
    "kubeconfig": ("apiVersion: v1\nkind: Config\nclusters: []", "kubeconfig"),
    "no kind": ("replicas: 3", "no kind"),
    "helm": ("{{- if .Values.on }}\nkind: Pod\n{{- end }}", "Helm template"),
    "helm name": (config('metadata: {name: "{{ .Release.Name }}-x"}'), "Helm template"),
    "scalar": ("just words", "not a mapping"),
    "list": ("[1, 2]", "not a mapping"),
    "no metadata": (config("data: {}"), "no metadata"),
    "metadata text": (config("metadata: words"), "metadata is not a mapping"),
    "no name": (config("metadata: {}"), "name is empty"),
    "empty name": (config('metadata: {name: ""}'), "name is empty"),
    "number name": (config("metadata: {name: 12}"), "name is not a text"),
    "list name": (config("metadata: {name: [a]}"), "name is not a text"),
    "long name": (config(f"metadata: {{name: {'a' * 254}}}"), "longer than 253"),
    "traversal": (config("metadata: {name: ../../etc/passwd}"), "'/'"),
    "dots": (config("metadata: {name: ..}"), "'..'"),
    "namespace traversal": (config("metadata: {name: a, namespace: ../b}"), "namespace contains"),
    "number namespace": (config("metadata: {name: a, namespace: 7}"), "namespace is not a text"),
    "number version": ("apiVersion: 1\nkind: Pod\nmetadata: {name: a}", "apiVersion is not a text"),
    "version traversal": ("apiVersion: ../v1\nkind: Pod\nmetadata: {name: a}", "apiVersion is not"),
    "kind traversal": ("apiVersion: v1\nkind: ../Pod\nmetadata: {name: a}", "kind is not"),
    "number kind": ("apiVersion: v1\nkind: 3\nmetadata: {name: a}", "kind is not"),
    "generateName": (config("metadata: {generateName: job-}"), "only generateName"),
    "no version": ("kind: Pod\nmetadata: {name: a}", "no apiVersion"),
    "unparsable": ("a: [1\nb: }", "cannot be parsed: column"),
    "tag": (config("metadata: {name: a}\ndata: !!python/object/apply:os.system [id]"), "tag"),
    "deep": ("[" * 5000, "nested"),
    "deep json": ('{"a":' * 900 + "1" + "}" * 900, "nested"),
    "alias bomb": (
        "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(12)),
        "alias",
    ),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_bad_document_is_left_out_and_its_neighbour_is_read(case: str) -> None:
    text, reason = LEFT_OUT[case]
    snapshot = piped(f"{GOOD}---\n{text}\n").snapshot
    assert [str(one.ref) for one in snapshot.objects] == ["ConfigMap/shop/good"]
    assert len(snapshot.left_out) == 1, snapshot.left_out
    assert reason in snapshot.left_out[0].reason
    assert snapshot.left_out[0].fix
    assert snapshot.left_out[0].line >= 5
    assert snapshot.documents == 2


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x00\x01\x02kind: Pod", "binary"),
        (gzip.compress(GOOD.encode() * 99)[:-20], "cut off"),
        (b"\x1f\x8b\x08\x00 nonsense nonsense", "gzip data"),
        (b"a: \xff\xfe\xfa", "not UTF-8"),
        (b"\xff\xfea", "not UTF-16"),
    ],
)
def test_bad_bytes_are_bad_input_with_a_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(BadInput) as caught:
        piped(raw)
    assert caught.value.code == 3
    assert "nothing could be read" in caught.value.what
    assert reason in caught.value.details[0]
    assert caught.value.next


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("zipped", [False, True])
def test_encodings(encoding: str, zipped: bool) -> None:
    raw = GOOD.encode(encoding)
    assert len(piped(gzip.compress(raw) if zipped else raw).snapshot.objects) == 1


def test_null_and_empty_parts_are_survived() -> None:
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: null\n"
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: b, labels: null, annotations: 3}\nspec: {containers: {}}\n"
        "---\napiVersion: v1\nkind: Secret\nmetadata: {name: c}\ndata: [1]\nstringData: null\n---\n\n---\n# nothing\n"
    )
    snapshot = piped(text).snapshot
    assert len(snapshot.objects) == snapshot.documents == 3
    assert snapshot.objects[-1].body["spec"] is None
    assert snapshot.notes == ("without a namespace, taken to be in 'default': 3 objects",)


def test_lists_are_unwrapped_with_places() -> None:
    inner = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}
    typed = {"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [{"metadata": {"name": "d"}}]}
    body = {"apiVersion": "v1", "kind": "List", "items": [inner, typed, 7]}
    snapshot = piped(json.dumps(body)).snapshot
    assert [str(one.ref) for one in snapshot.objects] == ["ConfigMap/n/a", "Deployment/default/d"]
    assert [one.origin for one in snapshot.objects] == ["<stdin>:1 items[0]", "<stdin>:1 items[1].items[0]"]
    assert snapshot.left_out[0].reason.startswith("items[2]: not a mapping")
    assert snapshot.documents == 3


def test_namespaces() -> None:
    text = (
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, namespace: odd}\n"
        "---\napiVersion: x.example/v1\nkind: Thing\nmetadata: {name: b}\n"
        "---\napiVersion: y.example/v1\nkind: Other\nmetadata: {name: c}\n"
        "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: others.y.example}\n"
        "spec: {group: y.example, scope: Namespaced, names: {kind: Other}}\n"
    )
    refs = [one.ref for one in piped(text).snapshot.objects]
    assert Ref("", "Namespace", "", "a") in refs
    assert Ref("x.example", "Thing", "", "b") in refs
    assert Ref("y.example", "Other", "default", "c") in refs
    assert not CLUSTER_SCOPED & NAMESPACED


def test_two_bodies_for_one_identity() -> None:
    snapshot = piped(f"{GOOD}---\n{GOOD}---\n{GOOD}data: {{a: b}}\n").snapshot
    assert snapshot.duplicates == ((snapshot.objects[0].ref, "<stdin>:1", "<stdin>:9"),)
    assert "data" not in snapshot.objects[0].body
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: %s}\n"
    assert len(piped(secret % "one" + "---\n" + secret % "two").snapshot.duplicates) == 1


def test_directories_files_and_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yml").write_text(GOOD)
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(b'{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}}'))
    (tmp_path / "values.yaml").write_text("image: nginx\n")
    (tmp_path / "README.md").write_text("words")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    snapshot = load(str(tmp_path), str(tmp_path / "sub" / "a.yml"), "missing.yaml", "bad\0name").snapshot
    assert [str(one.ref) for one in snapshot.objects] == ["ConfigMap/shop/good", "Node/n"]
    reasons = {Path(one.source).name: one.reason for one in snapshot.left_out}
    assert reasons["missing.yaml"] == reasons["gone.yaml"] == "cannot be read: No such file or directory"
    assert "Helm values" in reasons["values.yaml"]
    assert "bad\0name" in reasons
    assert "1 file in directories" in snapshot.notes[0]


def test_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        load(str(tmp_path))


def test_our_own_labels_are_stripped() -> None:
    labels = "labels: {gke2eks/UNDECIDED!: x, keep: me}"
    body = piped(config(f"metadata: {{name: a, {labels}}}")).snapshot.objects[0].body
    assert body["metadata"]["labels"] == {"keep": "me"}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, **more}


def planted() -> list[dict[str, Any]]:
    """Secrets, and objects that carry a Secret, each with the canary in another place."""
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(secret(stringData={"p": CANARY}))}
    meta = {"name": "s", "namespace": "n"}
    docker = json.dumps({"auths": {f"https://user:{CANARY}@gcr.io/v1/": {"auth": b64(f"u:{CANARY}")}}})
    return [
        secret(data={"p": b64(CANARY)}),
        secret(stringData={"p": CANARY}),
        secret(data={"p": CANARY, "q": 7, "r": None, "s": {"t": CANARY}}),
        secret(data={"p": b64(b64(CANARY))}, spec={"copy": CANARY}),
        secret(data={".dockerconfigjson": b64(docker)}, type="kubernetes.io/dockerconfigjson"),
        secret(data={}, metadata={**meta, "annotations": applied}),
        secret(data={"p": b64(CANARY)}, metadata={**meta, "annotations": {"tool/copy": f"x {CANARY}"}}),
        {**secret(stringData={"p": CANARY}), "kind": "secret"},
        {**secret(stringData={"p": CANARY}), "apiVersion": "v1beta1"},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**meta, "annotations": applied}},
        {"apiVersion": "w.example/v1", "kind": "Work", "metadata": meta, "spec": [secret(data={"p": b64(CANARY)})]},
    ]


@pytest.mark.parametrize("number", range(11))
def test_no_canary_survives(number: int) -> None:
    reading = piped(json.dumps(planted()[number]))
    kept = repr(reading)
    assert len(reading.snapshot.objects) == 1
    for form in (CANARY, b64(CANARY), b64(b64(CANARY)), b64(f"u:{CANARY}"), CANARY.encode().hex()):
        assert form not in kept


@pytest.mark.parametrize("value", [f"*{CANARY}", f"!{CANARY} x", f"'{CANARY}", f"{CANARY}: a: b", f"@{CANARY}"])
def test_a_parse_error_does_not_quote_a_secret(value: str) -> None:
    text = f"{GOOD}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  p: {value}\n"
    reading = piped(text)
    assert CANARY not in repr(reading)
    assert len(reading.snapshot.left_out) == 1


def test_what_is_remembered_of_a_secret() -> None:
    key_file = json.dumps({"type": "service_account", "project_id": "acme-prod"})
    auths = json.dumps({"auths": {"https://index.docker.io/v1/": {}, "gcr.io": {}}})
    body = secret(type="Opaque", data={"k": b64(key_file), "c": b64(auths)}, stringData={"p": "x" * 32})
    reading = piped(json.dumps(body), needles=("acme-prod", "gcr.io", "absent"))
    kept = reading.snapshot.objects[0].body
    assert kept["data"]["p"] == "(secret, 32 bytes, key p)"
    assert "stringData" not in kept
    assert kept["gke2eksFacts"] == {
        "registries": ["gcr.io", "index.docker.io"],
        "googleKey": True,
        "needles": ["acme-prod", "gcr.io"],
        "googleCredentials": {"k": "service_account"},
    }
    digest = hmac.new(KEY, b"x" * 32, hashlib.sha256).hexdigest()
    key_id = hashlib.sha256(KEY).hexdigest()[:8]
    assert reading.observed[0]["ref"] == "Secret/n/s"
    assert reading.observed[0]["keys"]["p"] == {"bytes": 32, "hmac": digest, "key_id": key_id}
    again = piped(json.dumps(kept))
    assert again.snapshot.objects[0].body["data"] == kept["data"]
    assert again.observed == ()


def test_real_cluster(shared: Path) -> None:
    started = time.process_time()
    reading = load(str(shared / "corpus" / "gke-cluster.json.gz"))
    assert time.process_time() - started < 0.6
    assert len(reading.snapshot.objects) == reading.snapshot.documents == 2639
    assert reading.snapshot.left_out == ()
    assert reading.snapshot.duplicates == ()


def test_real_manifests(shared: Path) -> None:
    folder = shared / "corpus" / "manifests"
    snapshot = load(str(folder)).snapshot
    named = {one.source for one in snapshot.left_out} | {one.origin.rpartition(":")[0] for one in snapshot.objects}
    named |= {origin.rpartition(":")[0] for _, *both in snapshot.duplicates for origin in both}
    files = [path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml", ".json")]
    assert len(snapshot.objects) > 400
    assert all(one.reason and one.fix for one in snapshot.left_out)
    unnamed = [str(path) for path in files if str(path) not in named]
    for path in unnamed:  # either the same objects are elsewhere too, or there is nothing but comments
        try:
            assert load(path).snapshot.left_out == ()
        except BadInput as error:
            assert error.details == (), path


@pytest.mark.parametrize("kind", ["Secret", "SECRET", " secret ", "\u017fecret", "Sec\u0072et"])
def test_a_secret_inside_a_custom_kind_is_found_however_it_is_spelt(kind: str) -> None:
    inner = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "s"}, "data": {"p": "a2FuYXJpZW52b2dlbA=="}}
    outer = {"apiVersion": "work.example.io/v1", "kind": "Work", "metadata": {"name": "w"}}
    kept = Redactor([], b"k" * 32).redact({**outer, "spec": {"manifests": [inner]}}).body
    assert "a2FuYXJpZW52b2dlbA" not in str(kept) and "(secret, 13 bytes, key p)" in str(kept)


def test_a_value_that_is_longer_in_bytes_than_in_characters_is_taken_out_of_annotations() -> None:
    value = "\U0001f600" * 8
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "annotations": {"copy": value}}}
    kept = Redactor([], b"k" * 32).redact({**body, "stringData": {"p": value}}).body
    assert value not in str(kept)
