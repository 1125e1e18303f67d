"""What AWS publishes (mappings/aws.yaml), held against a planned object: an oracle that no rule reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from migrate import catalog

COLUMNS = frozenset({"what", "of", "key", "value", "flavours", "source"})
_PREFIX = "service.beta.kubernetes.io/"
_OURS = re.compile(
    r"service\.beta\.kubernetes\.io/(aws-load-balancer-|load-balancer-source-ranges$|actions\.)"
    r"|(.*\.)?elbv2\.k8s\.aws/|eks\.amazonaws\.com/|alb\.ingress\.kubernetes\.io/",
)
_AWS_NAME = re.compile(r"\.aws(/|$|\.com)|amazonaws\.com")
# The annotations that hold `key=value,key=value`, and what the keys are.
_LISTS = {
    f"{_PREFIX}aws-load-balancer-attributes": "lb-attribute",
    f"{_PREFIX}aws-load-balancer-target-group-attributes": "target-group-attribute",
    f"{_PREFIX}aws-load-balancer-listener-attributes": "listener-attribute",
}
_WITH_PARAMETERS = {
    "StorageClass": "provisioner",
    "VolumeAttributesClass": "driverName",
    "VolumeSnapshotClass": "driver",
}


@cache
def table() -> tuple[catalog.Row, ...]:
    """The rows, with the line of each."""
    return catalog.rows(catalog.text("aws.yaml"), "mappings/aws.yaml", COLUMNS)


def strangers(body: Mapping[str, Any], flavour: str) -> list[str]:
    """Every AWS-looking key or value of an object that AWS does not publish for this flavour. Placeholders are fine."""
    return [f"{place}: {why}" for place, why in _walk(body, flavour)]


def _walk(body: Mapping[str, Any], flavour: str) -> Iterator[tuple[str, str]]:
    kind = str(body.get("kind"))
    metadata, spec = _map(body.get("metadata")), _map(body.get("spec"))
    for field, what in (("annotations", "annotation"), ("labels", "label")):
        for key, value in _map(metadata.get(field)).items():
            if _OURS.match(str(key)):
                yield from _judge(flavour, f"metadata.{field}[{key}]", what, kind, str(key), value)
                yield from _pairs(flavour, f"metadata.{field}[{key}]", str(key), value)
    if kind == "Service" and "loadBalancerClass" in spec and _AWS_NAME.search(str(spec["loadBalancerClass"])):
        place = "spec.loadBalancerClass"
        yield from _judge(flavour, place, "loadbalancer-class", kind, place, spec["loadBalancerClass"])
    if kind in _WITH_PARAMETERS:
        yield from _class(body, kind, flavour)
    if kind == "PersistentVolume":
        yield from _volume(spec, flavour)
    for at, template in enumerate(_list(spec.get("volumeClaimTemplates"))):
        for place, why in _walk({**_map(template), "kind": "PersistentVolumeClaim"}, flavour):
            yield f"spec.volumeClaimTemplates[{at}].{place}", why


def _class(body: Mapping[str, Any], kind: str, flavour: str) -> Iterator[tuple[str, str]]:
    field = _WITH_PARAMETERS[kind]
    driver = str(body.get(field))
    if not _AWS_NAME.search(driver):
        return
    what, key = ("provisioner", "provisioner") if kind == "StorageClass" else ("csi-driver", "driver")
    yield from _judge(flavour, field, what, kind, key, driver)
    for key, value in _map(body.get("parameters")).items():
        if str(key).startswith("csi.storage.k8s.io/") and key != "csi.storage.k8s.io/fstype":
            continue  # read by the sidecars of Kubernetes, whatever the driver
        yield from _judge(flavour, f"parameters[{key}]", "parameter", f"{kind} {driver}", str(key), value)
    for term in _list(body.get("allowedTopologies")):
        for expression in map(_map, _list(_map(term).get("matchLabelExpressions"))):
            yield from _topology(flavour, "allowedTopologies", driver, expression)


def _volume(spec: Mapping[str, Any], flavour: str) -> Iterator[tuple[str, str]]:
    csi = _map(spec.get("csi"))
    driver = str(csi.get("driver"))
    if not _AWS_NAME.search(driver):
        return
    yield from _judge(flavour, "spec.csi.driver", "csi-driver", "PersistentVolume", "driver", driver)
    for key, value in _map(csi.get("volumeAttributes")).items():
        yield from _judge(flavour, f"spec.csi.volumeAttributes[{key}]", "volume-attribute", driver, str(key), value)
    required = _map(_map(spec.get("nodeAffinity")).get("required"))
    for term in map(_map, _list(required.get("nodeSelectorTerms"))):
        for expression in map(_map, _list(term.get("matchExpressions"))):
            yield from _topology(flavour, "spec.nodeAffinity", driver, expression)
    if driver == "s3.csi.aws.com":
        for option in _list(spec.get("mountOptions")):
            key, _, value = str(option).strip().removeprefix("--").replace("=", " ", 1).partition(" ")
            yield from _judge(flavour, f"spec.mountOptions[{option}]", "mount-option", driver, key, value.strip())


def _topology(flavour: str, place: str, driver: str, expression: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    key = str(expression.get("key"))
    for value in _list(expression.get("values")) or [None]:
        yield from _judge(flavour, f"{place}[{key}]", "topology-key", driver, key, value)


def _pairs(flavour: str, place: str, key: str, value: Any) -> Iterator[tuple[str, str]]:
    what = next((what for name, what in _LISTS.items() if key == name or key.startswith(f"{name}.")), None)
    if what is None or _open(value):
        return
    for pair in str(value).split(","):
        name, _, said = pair.partition("=")
        yield from _judge(flavour, f"{place} {name.strip()}", what, None, name.strip(), said.strip())


def _judge(flavour: str, place: str, what: str, of: str | None, key: str, value: Any) -> Iterator[tuple[str, str]]:
    known = [row.fields for row in table() if row.fields["what"] == what and _of(row.fields, of) and _is(row, key)]
    here = [fields for fields in known if flavour in fields["flavours"]]
    if not known:
        yield place, f"no {what} that AWS publishes"
    elif not here:
        yield place, f"AWS publishes it, but not for {flavour}"
    elif not _open(value) and not any(
        isinstance(value, str) and re.fullmatch(fields["value"], value, re.DOTALL) for fields in here
    ):
        elsewhere = any(isinstance(value, str) and re.fullmatch(fields["value"], value) for fields in known)
        yield place, f"{value!r} is {'not for ' + flavour if elsewhere else 'no value that AWS publishes'}"


def _of(fields: Mapping[str, Any], of: str | None) -> bool:
    """A driver's row counts for its driver; the rows of csi-driver count for every kind."""
    return fields["what"] == "csi-driver" or fields.get("of") == of


def _is(row: catalog.Row, key: str) -> bool:
    return re.fullmatch(re.escape(row.fields["key"]).replace(r"\*", ".+"), key) is not None


def _open(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("UNDECIDED: ")


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
