"""What --on-conflict does and says on a real server, each in a namespace of its own."""

from __future__ import annotations

from apply_scenes import APPLY, Place, Scene, config, two_managers
from apply_stage import Json, deployment, obj

ANEW = f"{APPLY} --wait none --on-conflict recreate"
RELEASE = f"{APPLY.replace(' apply ', ' release ')} --source-stopped --wait none --on-conflict overwrite"


def by_helm(p: Place) -> None:
    p.plan(config(p.space, mode="fast"))
    p.client.apply(obj("Namespace", p.space), manager="platform")
    p.theirs(config(p.space, mode="slow", old="o"), "helm")


def scaled(p: Place) -> None:
    p.applied(deployment(p.space, replicas=2))
    p.theirs(deployment(p.space, replicas=5), "kube-controller-manager")


def other_selector(p: Place) -> None:
    p.client.apply(obj("Namespace", p.space), manager="platform")
    p.theirs(deployment(p.space), "kubectl")
    other = deployment(p.space)
    for labels in (other["spec"]["selector"]["matchLabels"], other["spec"]["template"]["metadata"]["labels"]):
        labels["tier"] = "front"
    p.plan(other)


def without_the_right(p: Place) -> None:
    other_selector(p)
    p.user({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create", "patch"]})


def edited_while_held(p: Place) -> None:
    p.plan(deployment(p.space, replicas=2))
    code, said = p.stage.quiet(f"{APPLY} --wait none --hold")
    assert code == 0, said
    edited = deployment(p.space, containers=[{"name": "web", "image": "example.com/web:2"}])
    del edited["spec"]["replicas"]
    p.theirs(edited, "kubectl-edit")


def a_claim(p: Place) -> None:
    p.plan(claim(p.space, "gp3"))
    p.client.apply(obj("Namespace", p.space), manager="platform")
    p.theirs(claim(p.space, "gp2"), "kubectl")


def claim(space: str, name: str) -> Json:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": name}
    return obj("PersistentVolumeClaim", "data", space, spec=spec)


CONFLICTS = (
    Scene("Overwritten", two_managers, f"{APPLY} --on-conflict overwrite", 0, "shop-over"),
    Scene(
        "Kept as the target has it",
        two_managers,
        f"{APPLY} --on-conflict overwrite --on-conflict 'keep-target=ConfigMap/shop-*/*'",
        0,
        "shop-keep",
    ),
    Scene("Adopted", by_helm, f"{APPLY} --on-conflict adopt:helm", 0, "shop-adopt"),
    Scene("A controller's field is not taken", scaled, f"{APPLY} --on-conflict overwrite", space="shop-scaled"),
    Scene("Deleted and made anew: before the question", other_selector, ANEW, 0, "shop-ask", "err"),
    Scene("Deleted and made anew", other_selector, ANEW, 0, "shop-anew"),
    Scene("Without the right to delete", without_the_right, ANEW, 4, "shop-delete"),
    Scene("Settled at release", edited_while_held, RELEASE, 0, "shop-release"),
    Scene("A claim is not deleted", a_claim, ANEW, space="shop-claim"),
)
