"""Google credentials that would be carried to AWS: files in Secrets and ConfigMaps, and variables that name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.manifest import pods
from migrate.manifest.credentials import sort_of
from migrate.manifest.places import item_segment
from migrate.model.effects import Effect, Flag, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.ref import Ref
from migrate.model.rules import Known, Rule
from migrate.semantics import keyfiles

_VARIABLES = frozenset(
    {
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_KEYFILE_JSON",
        "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
        "GOOGLE_CREDENTIALS",
    }
)
_HOLDERS = frozenset({("", "Secret"), ("", "ConfigMap")})
# Logins of registries have a rule of their own; a key file is the password in them.
_PULL = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
_FIXES = {
    "external_account": "Where a pod still calls Google, write it anew for the OIDC issuer of the EKS cluster (a "
    "provider in the workload identity pool); else give the pod's ServiceAccount an IAM role and take it out.",
    "hmac": "Copy the data to S3 (DataSync), give the ServiceAccount of those pods an IAM role, take id and secret out "
    "together, then delete the HMAC key in Google Cloud.",
}
_FIX = (
    "Give the ServiceAccount of those pods an IAM role, take variable, mount, volume and this key out together, then "
    "delete the key in Google Cloud. Where a pod still calls Google, federate the EKS cluster in its place."
)


_INLINE = (
    "Give the ServiceAccount of the pod an IAM role, take the variable out, then delete the key in Google Cloud: "
    "whoever may read the manifest has it. Where the pod still calls Google, federate the EKS cluster in its place."
)


def _key_files(obj: Object, known: Known) -> Iterator[Effect]:
    if obj.body.get("type") in _PULL:
        return
    found = keyfiles.credentials(obj)
    binary = keyfiles.credentials(obj, "binaryData") if obj.ref.kind == "ConfigMap" else {}
    for place, key, sort in (
        *((P("data", key), key, sort) for key, sort in found.items()),
        *((P("binaryData", key), key, sort) for key, sort in binary.items()),
    ):
        open_text = " in the clear" if obj.ref.kind == "ConfigMap" and sort != "external_account" else ""
        yield Flag(
            place,
            f"{key} is {keyfiles.SORTS[sort]}; it would go along to AWS{open_text}: "
            f"{keyfiles.words(keyfiles.readers(obj.ref, known))}.",
            _FIXES.get(sort, _FIX),
            Severity.REVIEW,
        )
    facts = obj.body.get(keyfiles.FACTS)
    if not found and isinstance(facts, Mapping) and facts.get("googleKey") is True and obj.ref.kind == "Secret":
        # A snapshot that an older version wrote knows that there is one, and not where.
        yield Flag(
            P("data"),
            f"One of these values is {keyfiles.SORTS['service_account']}; it would go along to AWS: "
            f"{keyfiles.words(keyfiles.readers(obj.ref, known))}.",
            _FIX,
            Severity.REVIEW,
        )


def _variables(obj: Object, known: Known) -> Iterator[Effect]:
    template = pods.pod_template(obj)
    if template is None:
        yield from _keys(obj)
        return
    for kind in pods.CONTAINERS:
        for at, container in template.items(kind):
            place = Path((*template.path, "spec", kind, item_segment(kind, template.spec[kind], at), "env"))
            yield from _of_container(obj, template, container, place, known)


def _of_container(
    obj: Object, template: pods.PodTemplate, container: Mapping[str, Any], place: Path, known: Known
) -> Iterator[Effect]:
    listed = container.get("env")
    if not isinstance(listed, list):
        return
    for index, item in enumerate(listed):
        name = item.get("name") if isinstance(item, Mapping) else None
        value = item.get("value") if isinstance(item, Mapping) else None
        sort = sort_of(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else ""
        if sort and isinstance(name, str):
            yield Flag(
                place / item_segment("env", listed, index) / "value",
                f"{name} holds {keyfiles.SORTS[sort]}, written out in the manifest; it would go along to AWS.",
                _FIXES.get(sort, _INLINE),
                Severity.REVIEW,
            )
            continue
        if not isinstance(name, str) or name not in _VARIABLES:
            continue
        yield Flag(
            place / item_segment("env", listed, index) / "name",
            f"{name} {_leads(obj, template, container, item, known)}.",
            "When the pod calls AWS only, give its ServiceAccount an IAM role and take out the variable, the mount, "
            "the volume and what it holds, all together; while it still calls Google, keep all of them.",
            Severity.REVIEW,
        )


def _leads(
    obj: Object, template: pods.PodTemplate, container: Mapping[str, Any], item: Mapping[str, Any], known: Known
) -> str:
    """Follow a variable to what it names: the file, the mount, the volume, the Secret."""
    source = item.get("valueFrom")
    chosen = source.get("secretKeyRef") if isinstance(source, Mapping) else None
    if isinstance(chosen, Mapping) and isinstance(chosen.get("name"), str):
        ref = Ref("", "Secret", obj.ref.namespace, chosen["name"])
        return f"holds {_what(ref, str(chosen.get('key')), known)}"
    value = item.get("value")
    if not isinstance(value, str) or not value:
        return "gives the application a login of Google"
    if not value.startswith("/"):
        return "gives the application a login of Google, written out in the manifest"
    mount = _mount(container, value)
    if mount is None:
        return f"names {value}, a login of Google that no volume of the container brings"
    name, path = str(mount.get("name")), str(mount["mountPath"])
    volume = next((one for _, one in template.items("volumes") if one.get("name") == name), {})
    rest = value[len(path.rstrip("/")) :].lstrip("/")
    sub = mount.get("subPath")
    file = "/".join(part for part in (sub if isinstance(sub, str) else "", rest) if part)
    refs = [
        _what(Ref("", kind, obj.ref.namespace, holder), _key(file, items), known)
        for kind, holder, items in keyfiles.sources(volume)
    ]
    holds = f", which holds {' and '.join(refs)}" if refs else ""
    return f"names {value}, a login of Google: volume {name}, mounted at {path}{holds}"


def _what(ref: Ref, key: str, known: Known) -> str:
    holder = known.find(ref)
    if holder is None:
        return f"{ref} (not read)"
    sort = keyfiles.credentials(holder).get(key, "")
    return f"{key} of {ref}" + (f" ({keyfiles.SORTS[sort]})" if sort else "") if key else str(ref)


def _key(file: str, items: Any) -> str:
    for one in items if isinstance(items, list) else ():
        if isinstance(one, Mapping) and one.get("path") == file:
            return str(one.get("key"))
    return file


def _mount(container: Mapping[str, Any], file: str) -> Mapping[str, Any] | None:
    """The mount with the longest path that the file is under."""
    listed = container.get("volumeMounts")
    over = [
        one
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, Mapping)
        and isinstance(path := one.get("mountPath"), str)
        and f"{file}/".startswith(f"{path.rstrip('/')}/")
    ]
    return max(over, key=lambda one: len(one["mountPath"].rstrip("/")), default=None)


def _keys(obj: Object) -> Iterator[Effect]:
    """Variables that a pod takes from a whole ConfigMap or Secret."""
    data = obj.body.get("data")
    named = [key for key in data if key in _VARIABLES] if isinstance(data, Mapping) else []
    said = keyfiles.credentials(obj) if named else {}
    for key in named:
        if key not in said:
            yield Flag(
                P("data", key),
                f"{key} tells applications where a login of Google is.",
                "When they call AWS only, take it out together with what it names; while they still call Google, keep "
                "both.",
                Severity.REVIEW,
            )


RULES: tuple[Rule, ...] = (
    Rule(
        id="IDN003",
        title="Google credentials in Secrets and ConfigMaps",
        what="Values that hold a key file, a login or a federation of Google are named, with the pods that read them. "
        "Of a Secret the reader keeps which key it is, and no value.",
        why="A key file works from anywhere until somebody deletes it. On AWS an IAM role needs none.",
        docs="https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes",
        area="identity",
        severity=Severity.REVIEW,
        kinds=_HOLDERS,
        do="Give pods IAM roles, or federate the EKS cluster with Google; then delete the key.",
        effects=_key_files,
        gke='data: {key.json: {"type": "service_account", …}}',
        eks="kept, and named in a finding",
        change="overrides in gke2eks.yaml",
    ),
    Rule(
        id="IDN004",
        title="Variables that name Google credentials",
        what="GOOGLE_APPLICATION_CREDENTIALS and its kin are named together with mount, volume and Secret, and so is a "
        "variable of any name that has a key written out.",
        why="They are four parts of one thing. One of them alone breaks the pod, or leaves a key behind.",
        docs="https://cloud.google.com/docs/authentication/application-default-credentials",
        area="identity",
        severity=Severity.REVIEW,
        kinds=pods.KINDS | _HOLDERS,
        do="Take all parts out together when the application calls AWS only.",
        effects=_variables,
        gke="env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /var/secrets/google/key.json}]",
        eks="kept, and named in a finding",
        change="overrides in gke2eks.yaml",
    ),
)
