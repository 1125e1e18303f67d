"""Objects with the statuses that real controllers write, and one question about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from migrate.differ.parity import Neighbours, around, parity
from migrate.model.comparison import Parity
from migrate.model.ref import Ref, group_of

Json = dict[str, Any]
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
HOLD = {"gke2eks/hold": '{"spec.replicas":{"was":2}}'}


def body(kind: str, name: str = "web", *, spec: Json | None = None, status: Json | None = None, **more: Any) -> Json:
    """`kind` is 'apps/v1 Deployment'; `owner` makes it owned; no status at all when it is None."""
    version, _, kind = kind.rpartition(" ")
    owner, notes, labels = more.pop("owner", None), more.pop("notes", None), more.pop("labels", None)
    metadata: Json = {"name": name, "namespace": "shop", "uid": f"uid-{kind}-{name}"}
    if owner is not None:
        metadata["ownerReferences"] = [
            {k: owner[k] for k in ("apiVersion", "kind")}
            | {"name": owner["metadata"]["name"], "uid": owner["metadata"].get("uid"), "controller": True}
        ]
    metadata |= {"annotations": notes} if notes else {}
    metadata |= {"labels": labels} if labels else {}
    made = {"apiVersion": version or "v1", "kind": kind, "metadata": metadata, **more}
    return made | ({"spec": spec} if spec is not None else {}) | ({"status": status} if status is not None else {})


def deployment(wanted: int = 2, ready: int = 2, image: str = "g.io/a:1", **more: Any) -> Json:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": image}]}}
    seen = {"observedGeneration": 1, "replicas": wanted, "updatedReplicas": wanted}
    status = seen | {"readyReplicas": ready, "availableReplicas": ready} if wanted else {"observedGeneration": 1}
    made = body("apps/v1 Deployment", spec={"replicas": wanted, "template": template}, status=status, **more)
    made["metadata"]["generation"] = 1
    return made


def pods(owner: Json, *said: Json, image: str = "g.io/a:1") -> list[Json]:
    """A ReplicaSet of the owner and one pod for each container status."""
    made = {"replicas": len(said), "readyReplicas": len(said), "availableReplicas": len(said), "observedGeneration": 1}
    between = body("apps/v1 ReplicaSet", "web-1", spec={"replicas": len(said)}, status=made, owner=owner)
    found = [between]
    for number, one in enumerate(said):
        up = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        status = up | {"containerStatuses": [{"name": "main", "restartCount": 0, "state": {"running": {}}} | one]}
        spec = {"containers": [{"name": "main", "image": image}]}
        labels = {"app": "web"}
        found.append(body("v1 Pod", f"web-1-{number}", spec=spec, status=status, owner=between, labels=labels))
    return found


def ref_of(of: Json) -> Ref:
    cluster = of["kind"] in ("PersistentVolume", "StorageClass")
    return Ref(group_of(of["apiVersion"]), of["kind"], "" if cluster else "shop", of["metadata"]["name"])


def side(*bodies: Json, **more: Any) -> Neighbours:
    return around({ref_of(one): one for one in bodies}, **more)


def ask(
    of: Json, source: Iterable[Json] | Neighbours | None, target: Iterable[Json] | Neighbours | None, **more: Any
) -> dict[str, Parity]:
    """{check: what parity says} of one object."""
    ref = ref_of(of)
    looks = [None if one is None else (one if isinstance(one, Neighbours) else side(*one)) for one in (source, target)]
    before, here = [None if one is None else one.of(ref) for one in looks]
    found = list(parity(ref, before, here, **more))
    assert len({one.check for one in found}) == len(found)
    return {one.check: one for one in found}


def said(of: Parity) -> tuple[Any, Any, bool | None, str]:
    return of.source, of.target, of.ok, of.message
