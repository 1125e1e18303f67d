"""What is named is there: among what goes, or on the target; down to keys and ports."""

from __future__ import annotations

import pytest
from preflight_admission_help import Fake, bad, goes, one

from migrate.model.checks import Check, Status
from migrate.model.effects import Severity
from migrate.model.listing import Kind
from migrate.model.ref import Ref
from migrate.model.selection import RefPattern, Selection
from migrate.preflight import references
from migrate.preflight.references_there import There
from migrate.semantics.going import Going

SPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: NAME}}
spec:
  serviceAccountName: ACCOUNT
  containers:
  - name: main
    ports: [{name: http, containerPort: 8080}]
    env:
    - {name: A, valueFrom: {secretKeyRef: {name: db, key: password}}}
    - {name: B, valueFrom: {secretKeyRef: {name: maybe, key: x, optional: true}}}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: db}
data: {password: eA==}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: alb
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: PORT}}}]}}]
"""
CLASS = """
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: alb}
"""


def pod(name: str = "web", account: str = "default") -> str:
    return POD.replace("NAME", name).replace("ACCOUNT", account)


def all_of(*texts: str) -> str:
    return "\n---\n".join(texts)


def checked(planned: Going, target: Fake | None = None) -> list[Check]:
    return list(references.checks(planned, target or Fake()))


def test_what_goes_along_is_there_and_the_target_is_not_even_asked() -> None:
    target = Fake()
    found = checked(goes(all_of(SPACE, pod(), SECRET)), target)
    assert bad(found) == [] and {check.id for check in found} == {"PRE060", "PRE061", "PRE062"}
    # `default` is made by Kubernetes; it is asked for because a plan seldom has it.
    assert set(target.asked) == {"ServiceAccount"}


def test_what_is_on_the_target_is_there() -> None:
    assert bad(checked(goes(pod()), Fake(all_of(SPACE, SECRET)))) == []


def test_one_finding_for_each_missing_thing_with_all_who_name_it() -> None:
    found = one(checked(goes(all_of(SPACE, pod("a"), pod("b")))))
    assert (found.id, found.severity) == ("PRE060", Severity.BLOCKER)
    assert found.message == "Secret/shop/db neither goes nor is on the target, and 2 Pods name it."
    assert [ref.name for ref in found.refs] == ["a", "b"]
    assert found.because == "pods that name it wait for it and do not start."


def test_a_key_that_is_missing_is_told_from_an_object_that_is() -> None:
    found = one(checked(goes(all_of(SPACE, pod(), SECRET.replace("password", "pass")))))
    assert found.id == "PRE061"
    assert found.message == "Secret/shop/db has no key password, and Pod/shop/web names it."
    assert found.because.startswith("it has pass;")


def managed(manager: str) -> str:
    fields = "{f:data: {f:password: {}}}"
    entry = f"{{manager: {manager}, operation: Apply, fieldsType: FieldsV1, fieldsV1: {fields}}}"
    return SECRET.replace("{name: db}", f"{{name: db, managedFields: [{entry}]}}")


@pytest.mark.parametrize(("manager", "there"), [("helm", True), ("gke2eks", False)])
def test_a_key_on_the_target_counts_if_others_sent_it(manager: str, there: bool) -> None:
    """What we sent and the plan no longer has, goes with our next apply."""
    planned = goes(all_of(SPACE, pod(), SECRET.replace("password", "pass")))
    assert (bad(checked(planned, Fake(managed(manager)))) == []) is there


def test_what_is_being_deleted_is_not_there() -> None:
    ending = SECRET.replace("{name: db}", "{name: db, deletionTimestamp: '2026-01-01T00:00:00Z'}")
    found = one(checked(goes(all_of(SPACE, pod())), Fake(ending)))
    assert found.because.startswith("Secret/shop/db is on the target and is being deleted")
    space = SPACE.replace("{name: shop}", "{name: shop, deletionTimestamp: '2026-01-01T00:00:00Z'}")
    found = one(checked(goes(pod()), Fake(all_of(space, SECRET))))
    assert (found.id, found.severity) == ("PRE062", Severity.BLOCKER)


def test_what_is_left_out_is_not_there_and_the_finding_says_so() -> None:
    without = Selection(exclude=(RefPattern("Secret/shop/db", "Secret", None, "shop", "db"),))
    found = one(checked(goes(all_of(SPACE, pod(), SECRET), select=without)))
    assert "this selection leaves it out" in found.because and found.fix == "select it too, or apply it first."


def test_what_waits_for_something_left_out_does_not_go_either() -> None:
    planned = goes(all_of(SPACE, SECRET, pod()), blocked=("db",))
    assert {ref.kind for ref in planned.left_out} == {"Pod", "Secret"} and bad(checked(planned)) == []


def test_a_service_whose_pods_are_left_out_says_so() -> None:
    deployment = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a}]}}}
"""
    found = one(checked(goes(all_of(SPACE, SERVICE, deployment), blocked=("app",))))
    assert (found.id, found.severity) == ("PRE065", Severity.REVIEW)
    assert found.message == "Service/shop/web selects pods of workloads that do not go."
    assert found.because.startswith("Deployment/shop/app is left out of this run: it is blocked")


def test_what_may_not_be_listed_is_unknown_and_named() -> None:
    found = one(checked(goes(all_of(SPACE, pod())), Fake(silent=("Secret",))))
    assert found.status is Status.UNKNOWN and "Secret/shop/db" in found.message
    assert found.because == "the caller may not list Secret"
    planned = goes(all_of(SPACE, pod(), SECRET.replace("password", "pass")))
    found = one(checked(planned, Fake(silent=("Secret",))))
    assert found.status is Status.UNKNOWN and "the key password of Secret/shop/db" in found.message


def test_a_missing_account_refuses_pods_but_not_the_one_that_kubernetes_makes() -> None:
    found = one(checked(goes(all_of(SPACE, pod(account="api"), SECRET))))
    assert found.message.startswith("ServiceAccount/shop/api") and found.because == "pods that name it are refused."


def test_a_secret_that_what_goes_makes_at_run_time_is_no_finding() -> None:
    external = """
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db}
"""
    assert bad(checked(goes(all_of(SPACE, pod(), external)))) == []
    other = goes(all_of(SPACE, pod(), external.replace("{name: db}", "{name: other}")))
    served = (Kind("external-secrets.io", "v1", "externalsecrets", "ExternalSecret", True, ("list",)),)
    found = one(checked(other, Fake(served=served)))
    assert found.severity is Severity.REVIEW and "an operator makes it" in found.because
    nobody = one(checked(other, Fake()))  # a kind that the target does not take, as those of GKE
    assert nobody.severity is Severity.BLOCKER and "operator" not in nobody.because


@pytest.mark.parametrize(
    ("port", "wrong"), [("{number: 80}", ""), ("{name: http}", ""), ("{number: 8080}", "8080"), ("{name: web}", "web")]
)
def test_ports_of_services_that_are_named(port: str, wrong: str) -> None:
    found = bad(checked(goes(all_of(SPACE, SECRET, pod(), SERVICE, CLASS, INGRESS.replace("PORT", port)))))
    assert [check.message for check in found] == (
        [f"Service/shop/web has no port {wrong}, and Ingress/shop/web names it."] if wrong else []
    )


def test_an_action_of_an_alb_ingress_is_no_service() -> None:
    action = INGRESS.replace("PORT", "{name: use-annotation}")
    assert bad(checked(goes(all_of(SPACE, CLASS, action)))) == []


def test_ports_of_containers_that_go_by_a_name() -> None:
    found = one(checked(goes(all_of(SPACE, SECRET, pod(), SERVICE.replace("targetPort: http", "targetPort: web")))))
    assert found.id == "PRE064" and found.because.startswith("the ports of Pod/shop/web are called http;")
    probe = pod().replace("    env:", "    livenessProbe: {httpGet: {port: health}}\n    env:")
    found = one(checked(goes(all_of(SPACE, SECRET, probe))))
    assert found.id == "PRE064" and "asks the port health" in found.message


def test_a_class_is_found_among_what_goes_on_the_target_or_in_a_volume() -> None:
    claim = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {storageClassName: fast}
"""
    fast = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}"
    volume = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv}\nspec: {storageClassName: fast}"
    assert bad(checked(goes(all_of(SPACE, claim, fast)))) == []
    assert bad(checked(goes(all_of(SPACE, claim)), Fake(fast))) == []
    assert bad(checked(goes(all_of(SPACE, claim, volume)))) == []
    found = one(checked(goes(all_of(SPACE, claim))))
    assert found.severity is Severity.BLOCKER and found.because == "claims that name it get no volume."


def test_a_claim_without_a_class_needs_a_default() -> None:
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce]}"
    mark = "annotations: {storageclass.kubernetes.io/is-default-class: 'true'}"
    default = f"apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: gp3, {mark}}}"
    found = one(checked(goes(all_of(SPACE, claim)), Fake(default.replace("'true'", "'false'"))))
    assert (found.id, found.severity) == ("PRE066", Severity.BLOCKER)
    assert bad(checked(goes(all_of(SPACE, claim)), Fake(default))) == []
    assert bad(checked(goes(all_of(SPACE, claim, default)))) == []
    assert bad(checked(goes(all_of(SPACE, claim.replace("spec: {", "spec: {storageClassName: '', "))))) == []
    found = one(checked(goes(all_of(SPACE, claim)), Fake(silent=("StorageClass",))))
    assert found.status is Status.UNKNOWN


def test_selectors_that_find_nothing_are_one_finding() -> None:
    other = SERVICE.replace("name: web}", "name: two}").replace("app: web", "app: two")
    found = one(checked(goes(all_of(SPACE, SERVICE, other))))
    assert found.message.startswith("2 Services select pods that nothing makes")
    assert "app=web in shop" in found.because and len(found.refs) == 2
    assert bad(checked(goes(all_of(SPACE, SERVICE)), Fake(all_of(pod(), SECRET)))) == []
    assert one(checked(goes(all_of(SPACE, SERVICE)), Fake(silent=("Pod",)))).status is Status.UNKNOWN


def test_no_value_of_a_secret_is_said() -> None:
    canary = SECRET.replace("password: eA==", "pass: Y2FuYXJ5")
    planned, target = goes(all_of(SPACE, pod())), Fake(canary)
    assert "pass" in (found := one(checked(planned, target))).because and "Y2FuYXJ5" not in repr(found)
    there = There(planned, target).find(Ref("", "Secret", "shop", "db"))
    assert there.there and "Y2FuYXJ5" not in repr(there)
