"""Google credentials in Secrets and ConfigMaps: what each is, and which pods read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest import pods
from migrate.manifest.credentials import FOUND, sort_of
from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.model.rules import Known

FACTS = "gke2eksFacts"
# The `type` of a credential file, and what the file is.
SORTS: Mapping[str, str] = {
    "service_account": "a key of a Google service account, which never expires by itself",
    "external_account": "a configuration of Workload Identity Federation, which trusts tokens of the old cluster",
    "authorized_user": "the Google login of a person, with a token that does not expire",
    "impersonated_service_account": "a Google login that acts as a service account",
    "hmac": "the id of an HMAC key of Cloud Storage, whose secret is beside it",
}


def credentials(obj: Object, field: str = "data") -> Mapping[str, str]:
    """The keys of a Secret or ConfigMap that hold a Google credential, and its `type`. Of a Secret the reader's facts
    say it: no value is here. `field` is data, or binaryData of a ConfigMap."""
    data = obj.body.get(field)
    if obj.ref.kind == "Secret":
        facts = obj.body.get(FACTS)
        kept = facts.get(FOUND) if isinstance(facts, Mapping) else None
        names = data if isinstance(data, Mapping) else {}
        return {
            key: sort
            for key, sort in (kept.items() if isinstance(kept, Mapping) else ())
            if key in names and isinstance(sort, str) and sort in SORTS
        }
    found = {
        key: sort_of(value.encode("utf-8", "surrogatepass"))
        for key, value in (data.items() if isinstance(data, Mapping) else ())
        if isinstance(key, str) and isinstance(value, str)
    }
    return {key: sort for key, sort in found.items() if sort}


@dataclass(frozen=True, slots=True)
class Reader:
    """A workload that reads a Secret or ConfigMap; `how` is 'mounts' or 'reads'."""

    ref: Ref
    how: str


def readers(of: Ref, known: Known) -> tuple[Reader, ...]:
    """Who reads a Secret or ConfigMap among the workloads that go along."""
    return known.once("keyfiles.readers", lambda: _all_readers(known)).get(of, ())


def words(found: tuple[Reader, ...]) -> str:
    """'Deployment/a/b mounts it and Job/a/c reads it'; at most three by name."""
    if not found:
        return "nothing that was read mounts it"
    named = [f"{one.ref} {one.how} it" for one in found[:3]]
    if len(found) > 3:
        named.append(f"{len(found) - 3} more do")
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))


def _all_readers(known: Known) -> Mapping[Ref, tuple[Reader, ...]]:
    found: dict[Ref, dict[Reader, None]] = {}
    for group, kind in sorted(pods.KINDS):
        for obj in known.all(group, kind):
            template = pods.pod_template(obj) if known.migrates(obj.ref) else None
            for what, name, how in _read(template) if template is not None else ():
                found.setdefault(Ref("", what, obj.ref.namespace, name), {})[Reader(obj.ref, how)] = None
    return {ref: tuple(who) for ref, who in found.items()}


def _read(template: pods.PodTemplate) -> Iterator[tuple[str, str, str]]:
    for _, volume in template.items("volumes"):
        for what, name, _ in sources(volume):
            yield what, name, "mounts"
    for container in (one for kind in pods.CONTAINERS for _, one in template.items(kind)):
        for item in _maps(container.get("env")):
            value = item.get("valueFrom")
            for field, what in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
                name = _text(value.get(field), "name") if isinstance(value, Mapping) else ""
                if name:
                    yield what, name, "reads"
        for item in _maps(container.get("envFrom")):
            for field, what in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
                if name := _text(item.get(field), "name"):
                    yield what, name, "reads"


def sources(volume: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Secrets and ConfigMaps of a volume: kind, name, and its `items`."""
    for what, holder in _holders(volume):
        name = _text(holder, "secretName") or _text(holder, "name")
        if name:
            yield what, name, holder.get("items")


def _holders(volume: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    projected = volume.get("projected")
    inside = _maps(projected.get("sources")) if isinstance(projected, Mapping) else []
    for one in (volume, *inside):
        for field, what in (("secret", "Secret"), ("configMap", "ConfigMap")):
            holder = one.get(field)
            if isinstance(holder, Mapping):
                yield what, holder


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _text(holder: Any, key: str) -> str:
    value = holder.get(key) if isinstance(holder, Mapping) else None
    return value if isinstance(value, str) else ""
