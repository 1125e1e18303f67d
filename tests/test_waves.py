"""The order of writes, with a reason per row."""

from __future__ import annotations

import random

from migrate.manifest.kinds import CLUSTER_SCOPED, NAMESPACED
from migrate.manifest.waves import WAVES, level_of, title, wave_of, waves
from migrate.model.objects import Object
from migrate.model.ref import Ref, group_of

CRD = "apiextensions.k8s.io/v1 CustomResourceDefinition"
# What the issue asks for, first things first.
ORDER = (
    "v1 Namespace",
    CRD,
    "v1 ResourceQuota",
    "v1 Secret",
    "v1 PersistentVolumeClaim",
    "v1 Service",
    "apps/v1 Deployment",
    "policy/v1 PodDisruptionBudget",
    "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration",
    "example.com/v1 Thing",
)


def a_ref(what: str, name: str = "me", space: str = "ns") -> Ref:
    version, kind = what.split()
    group = group_of(version)
    cluster = (group, kind) in CLUSTER_SCOPED
    return Ref(group, kind, "" if cluster else space, name)


def test_the_order_of_the_issue() -> None:
    refs = [a_ref(what) for what in ORDER]
    shuffled = random.Random(1).sample(refs, len(refs))
    assert waves(shuffled) == tuple((ref,) for ref in refs)
    assert [title(wave) for wave in waves(shuffled)] == [wave.title for wave in WAVES]
    assert waves([]) == ()


def test_each_row_has_a_reason_and_each_kind_one_row() -> None:
    kinds = [(row.group, kind) for wave in WAVES for row in wave.rows for kind in row.kinds.split()]
    assert len(kinds) == len(set(kinds))
    # A row with a slip in it would put its kind among the custom resources, in silence.
    assert set(kinds) - CLUSTER_SCOPED - NAMESPACED <= {("eks.amazonaws.com", "IngressClassParams")}
    assert all(row.why and not row.why.endswith(".") for wave in WAVES for row in wave.rows)
    assert len({wave.title for wave in WAVES}) == len(WAVES)


def test_custom_kinds_come_last_and_unknown_built_in_kinds_with_the_workloads() -> None:
    last, workloads = len(WAVES) - 1, wave_of(a_ref("apps/v1 Deployment"))
    assert wave_of(a_ref("gateway.networking.k8s.io/v1 HTTPRoute")) == last
    assert wave_of(a_ref("argoproj.io/v1alpha1 Rollout")) == last
    assert wave_of(a_ref("certificates.k8s.io/v1 CertificateSigningRequest")) == workloads
    assert wave_of(a_ref("snapshot.storage.k8s.io/v1 VolumeSnapshot")) == wave_of(a_ref("v1 PersistentVolumeClaim"))


def test_a_service_that_asks_for_a_number_comes_before_those_that_take_any() -> None:
    def service(**spec: object) -> Object:
        return Object(Ref("", "Service", "shop", "a"), {"apiVersion": "v1", "kind": "Service", "spec": spec})

    port = {"port": 80}
    first = [
        service(ports=[port, {"port": 443, "nodePort": 31080}]),
        service(clusterIP="10.0.0.7", ports=[port]),
        service(healthCheckNodePort=30500, ports=[port]),
    ]
    any_ = [service(ports=[port]), service(clusterIP="None", ports=[port]), service(clusterIP=""), service(ports=None)]
    assert {level_of(one) for one in first} == {level_of(any_[0]) - 1} and len({level_of(one) for one in any_}) == 1
    claim = Object(Ref("", "PersistentVolumeClaim", "shop", "a"), {})
    workload = Object(Ref("apps", "Deployment", "shop", "a"), {})
    assert level_of(claim) < level_of(first[0]) < level_of(any_[0]) < level_of(workload)
