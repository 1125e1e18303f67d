"""Clusters that nobody would write: odd names, missing maps, planted Google keys; strategies for the laws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from migrate.manifest.text import load_all
from migrate.model.objects import Object, Snapshot
from migrate.model.ref import Ref, group_of

NAMES = st.one_of(
    st.sampled_from(["a", "web-0", "gp3", "standard", "standard-rwo", "premium-rwo", "own", "x.y.z", "0", "true", "é"]),
    st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,8}[a-z0-9])?", fullmatch=True).filter(lambda name: ".." not in name),
)
SPACES = st.sampled_from(["default", "shop", "kube-system", "a-b", "0"])
KINDS = (
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("v1", "PersistentVolumeClaim"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "Deployment"),
    ("v1", "ConfigMap"),
    ("acme.example/v1", "Widget"),
    ("acme.example/v1beta1", "Service"),
)
INNOCENT_KEYS = ("app", "example.com/team", "a.b/c", 'odd "key"', "note", "prometheus.io/scrape", "gke", "x[0]", "")
GOOGLE_KEYS = (
    "iam.gke.io/gcp-service-account",
    "cloud.google.com/neg",
    "cloud.google.com/neg-status",
    "cloud.google.com/backend-config",
    "cloud.google.com/load-balancer-type",
    "networking.gke.io/load-balancer-type",
    "networking.gke.io/internal-load-balancer-allow-global-access",
    "controller.autoneg.dev/neg",
)
CLEANED_KEYS = ("kubectl.kubernetes.io/last-applied-configuration", "pv.kubernetes.io/bind-completed")
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
PLANTED_KEYS = st.integers(0, 99).map(lambda n: f"x.gke.io/planted-{n}")
GOOGLE_VALUES = ("api@acme.iam.gserviceaccount.com", "gs://bucket/x", "gcr.io/acme/api:1", "eu-docker.pkg.dev/a/b/c:1")
INNOCENT_VALUES = ("", "true", "x", "0", "über", "a\nb", '{"exposed_ports": {}}')
GOOGLE_PROVISIONERS = ("pd.csi.storage.gke.io", "kubernetes.io/gce-pd", "filestore.csi.storage.gke.io")
OTHER_PROVISIONERS = ("ebs.csi.aws.com", "example.com/nfs", "")
# What a schema forbids and a file may say all the same.
MALFORMED = st.sampled_from([None, 0, 1.5, True, "text", [], ["a", None], {}, {"a": None}])


def _optional(fields: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict(fields))


def _objects(*, google: bool, malformed: bool) -> st.SearchStrategy[dict[str, Any]]:
    """One object's body. Without `google` there is nothing for a rule to do; without `malformed` it is well-formed."""

    def nasty(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(good, good, good, good, MALFORMED) if malformed else good

    keys = st.sampled_from(INNOCENT_KEYS)
    values = st.sampled_from(INNOCENT_VALUES)
    if google:
        keys = st.one_of(keys, st.sampled_from((*GOOGLE_KEYS, *CLEANED_KEYS, DEFAULT_CLASS)), PLANTED_KEYS)
        values = st.one_of(values, st.sampled_from(GOOGLE_VALUES))
    notes = nasty(st.dictionaries(keys, nasty(values), max_size=4))
    provisioners = st.sampled_from(GOOGLE_PROVISIONERS + OTHER_PROVISIONERS if google else OTHER_PROVISIONERS)
    # A class that is absent or of GKE's own gives a rule something to do only beside the class of that meaning.
    classes = nasty(st.one_of(st.just(""), NAMES)) if google else st.one_of(st.just(""), NAMES)
    claim = nasty(_optional({"storageClassName": classes, "accessModes": st.just(["ReadWriteOnce"])}))
    container = nasty(
        _optional({"name": st.sampled_from(["c", "d"]), "image": nasty(values), "env": nasty(st.just([]))})
    )
    template = nasty(
        _optional(
            {
                "metadata": nasty(_optional({"annotations": notes, "labels": notes})),
                "spec": nasty(_optional({"containers": nasty(st.lists(container, max_size=2)), "nodeSelector": notes})),
            }
        )
    )
    claims = nasty(
        st.lists(nasty(_optional({"metadata": nasty(_optional({"name": values})), "spec": claim})), max_size=2)
    )
    parameters = nasty(
        st.dictionaries(
            st.sampled_from(["type", "fstype", "replication-type", "encrypted", "iops", "labels", "x.y/z"]),
            nasty(
                st.sampled_from(["pd-ssd", "pd-balanced", "pd-standard", "none", "regional-pd", "ext4", "true", "gp3"])
            ),
            max_size=3,
        )
    )
    port = nasty(_optional({"port": st.sampled_from([80, 443, "80"]), "protocol": values, "name": values}))
    # A plain LoadBalancer means something else on EKS: it is no innocent object.
    types = st.sampled_from(["LoadBalancer", "ClusterIP", "ExternalName"] if google else ["ClusterIP", "ExternalName"])
    service = _optional({"type": types, "ports": nasty(st.lists(port, max_size=2)), "selector": notes})
    workload = {"template": template, "replicas": nasty(st.just(1))}
    tops: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "Service": {"spec": nasty(service)},
        "ServiceAccount": {"secrets": nasty(st.just([{"name": "a"}])), "automountServiceAccountToken": st.booleans()},
        "PersistentVolumeClaim": {"spec": claim},
        "StorageClass": {
            "provisioner": nasty(provisioners),
            "parameters": parameters,
            "reclaimPolicy": values,
        },
        "StatefulSet": {"spec": nasty(_optional({**workload, "volumeClaimTemplates": claims}))},
        "Deployment": {"spec": nasty(_optional(workload))},
        "ConfigMap": {"data": notes},
        "Widget": {"spec": nasty(notes), "status": notes} if google else {"spec": nasty(notes)},
    }

    def build(version: str, kind: str) -> st.SearchStrategy[dict[str, Any]]:
        # Keys that a rule knows on this kind come often, or most examples would only reach the sweep.
        known = {"Service": GOOGLE_KEYS[1:3], "ServiceAccount": GOOGLE_KEYS[:1], "StorageClass": (DEFAULT_CLASS,)}
        own = notes
        if google and kind in known:
            own = st.one_of(
                st.dictionaries(st.sampled_from(known[kind]), st.sampled_from(("true", *GOOGLE_VALUES)), min_size=1),
                notes,
            )
        always = {"provisioner": st.sampled_from(GOOGLE_PROVISIONERS)} if google and kind == "StorageClass" else {}
        scoped = {} if kind == "StorageClass" else {"namespace": SPACES}
        metadata = st.fixed_dictionaries(
            {"name": NAMES, **scoped},
            optional={"annotations": own, "labels": notes, "finalizers": nasty(st.just([]))},
        )
        fixed = {"apiVersion": st.just(version), "kind": st.just(kind), "metadata": metadata}
        found = st.fixed_dictionaries(fixed, optional=tops[kind])
        if not always:
            return found
        rest = {key: value for key, value in tops[kind].items() if key not in always}
        return st.one_of(st.fixed_dictionaries({**fixed, **always}, optional=rest), found)

    return st.one_of([build(version, kind) for version, kind in KINDS])


def _ref(body: Mapping[str, Any]) -> Ref:
    metadata = body["metadata"]
    return Ref(group_of(body["apiVersion"]), body["kind"], metadata.get("namespace", ""), metadata["name"])


def snapshot_of(bodies: Iterable[Mapping[str, Any]]) -> Snapshot:
    objects = tuple(sorted((Object(_ref(body), body) for body in bodies), key=lambda obj: obj.ref))
    return Snapshot(objects, documents=len(objects))


@cache
def _lists(google: bool, malformed: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(_objects(google=google, malformed=malformed), min_size=1, max_size=6, unique_by=_ref)


@st.composite
def _snapshots(draw: st.DrawFn, google: bool, malformed: bool = True) -> Snapshot:
    """A cluster of one to six objects."""
    return snapshot_of(draw(_lists(google, malformed)))


@cache
def _known_objects() -> list[dict[str, Any]]:
    """Objects that some rule has an opinion about: the inputs of tests/cases and tests/coverage."""
    here = Path(__file__).parent
    found = [d.body for case in sorted((here / "cases").iterdir()) for d in load_all((case / "input.yaml").read_text())]
    for file in sorted((here / "coverage").glob("*.yaml")):
        found += [body for entry in yaml.load(file.read_text(), yaml.CSafeLoader) for body in entry["objects"]]
    return [body for body in found if isinstance(body.get("metadata"), dict) and body["metadata"].get("name")]


# What the reader insists on.
_IDENTITY = {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace")}


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        # Identity stays: the reader lets nothing else through.
        if (*at, key) not in {
            ("apiVersion",),
            ("kind",),
            ("metadata",),
            ("metadata", "name"),
            ("metadata", "namespace"),
        }:
            yield (*at, key)
        yield from _places(inner, (*at, key))


def _changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    out = dict(value) if isinstance(value, dict) else list(value)
    if len(at) == 1 and new is None:
        del out[at[0]]
    else:
        out[at[0]] = _changed(out[at[0]], at[1:], new)
    return out


@st.composite
def _damaged(draw: st.DrawFn) -> Snapshot:
    """One to three objects that rules know, each with up to two places taken out or replaced by something odd."""
    bodies = []
    for body in draw(st.lists(st.sampled_from(_known_objects()), min_size=1, max_size=3)):
        for _ in range(draw(st.integers(0, 2))):
            places = list(_places(body))
            if places:
                body = _changed(body, draw(st.sampled_from(places)), draw(MALFORMED))
        bodies.append(body)
    return snapshot_of({_ref(body): body for body in bodies}.values())


ANY = st.one_of(_snapshots(google=True), _damaged())
INNOCENT = st.one_of(_snapshots(google=False), _snapshots(google=False, malformed=False))
