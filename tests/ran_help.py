"""Reports of a run, and what is known before one, as tests of what is printed want them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.journal import Outcome
from migrate.model.ran import Clash, Ran, Report
from migrate.model.ref import Ref
from migrate.render import ran

API = Ref("apps", "Deployment", "shop", "api")
HPA = Ref("autoscaling", "HorizontalPodAutoscaler", "shop", "api")
BUDGET = Ref("policy", "PodDisruptionBudget", "other", "api")
FLAGS = Ref("", "ConfigMap", "shop", "flags")
WEB = Ref("", "Service", "shop", "web")
WORDS = ran.Words("gke2eks apply -w out --eks us-east-2/prod", "gke2eks release -w out --eks us-east-2/prod", "out/j")
FAILED = Ran(
    API,
    Outcome.FAILED,
    6,
    "after 10 min 00 s it still waits for 2 of 3 pods",
    "api-6f-jk: container api: ImagePullBackOff: no repository shop/api\nevent Failed: no repository\nno nodes",
    "copy the image, then run the same command again.",
)
CONFLICT = Ran(
    FLAGS,
    Outcome.LEFT_OUT,
    3,
    "kubectl-edit owns fields that the plan would change; nothing of it was written",
    fix="take the field out of their hands.",
    conflicts=(Clash("data.color", "kubectl-edit", "blue", "green"),),
)


def many(action: Outcome, amount: int, message: str = "", fix: str = "") -> tuple[Ran, ...]:
    refs = (Ref("", "ConfigMap", "shop", f"{action.value}-{n}") for n in range(amount))
    return tuple(Ran(ref, action, 3, message.format(n=n), fix=fix) for n, ref in enumerate(refs))


def report(*results: Ran, **more: Any) -> Report:
    given: dict[str, Any] = {"settling": (), "seconds": 252.0, "exit": 0, "written": len(results), **more}
    return Report("apply", "us-east-2/prod", "sha256:7c1e09b244d8ffff", results, **given)


def shown(found: Report, **more: Any) -> str:
    return ran.summary(found, WORDS, **more)


@dataclass(frozen=True)
class Who:
    name: str = "us-east-2/prod"
    account: str = "111122223333"
    version: str = "1.36"
    flavour: str = "standard"
    uid: str = "9f02c1e4-aaaa"


@dataclass(frozen=True)
class Prepared:
    command: str = "apply"
    source: object = ()
    source_name: str = "GKE prod, us-central1"
    target: Who = Who()
    digest: str = "sha256:7c1e09b244d8ffff"
    objects: int = 750
    wave_count: int = 9
    held: int = 5
    left_out: Mapping[str, int] | None = None
    folded: int = 23
    refused: tuple[Ran, ...] = ()
    notes: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    resumed: str = ""
    since: Any = None
    prunes: bool = False


PREPARED: Any = Prepared(left_out={"wait for an answer": 61, "by hand": 18, "blocked": 18})
