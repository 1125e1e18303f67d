"""What must not run twice: where the pods of each workload may run until release."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.effects import Effect, Flag, Question, Run, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Known, Rule
from migrate.semantics.running import HELD, WORKLOADS, is_complete, running


def _runs(obj: Object, known: Known) -> Iterator[Effect]:
    found = running(obj, known)
    yield Run(found.runs, found.because)
    if found.answered and found.risky:
        yield Flag(
            P(),
            f"gke2eks.yaml lets this run on both clusters, and {found.risky}.",
            "Stop it on the source before you apply, or take the answer out.",
            Severity.REVIEW,
        )
    if found.runs == HELD and found.asked:
        yield Flag(
            P(),
            f"It is held, and the API server asks it because of {found.asked}: what that is about may be refused on "
            "EKS until it runs.",
            "Create objects of its kinds after release, or let it run on both sides.",
            Severity.REVIEW,
        )
    if is_complete(obj):
        yield Flag(
            P(),
            "This Job is complete on the source; on EKS it would do its work once more at release.",
            f"Leave it out (--exclude {obj.ref}) unless it shall run again.",
            Severity.REVIEW,
        )
    if found.runs != HELD or found.answered:
        return
    detail = f" {found.detail}" if found.detail else ""
    yield Flag(
        P(),
        f"Held until release: {found.because}.{detail}",
        f"Nothing, or answer both for {obj.ref} under runs in gke2eks.yaml if two of it do no harm.",
        Severity.INFO,
        Question(
            key=("runs", str(obj.ref)),
            group="runs",
            title="Which workloads must not run on both clusters at once?",
            until="It arrives on EKS without pods, and starts at release.",
            example=HELD,
            blocks=False,
        ),
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="RUN001",
        title="Held until release",
        what="Jobs and CronJobs, workloads that no Service leads to, that act on something outside of the cluster, "
        "that elect a leader or that have data on the source, arrive without running pods. Manifests do not change.",
        why="Between apply and release both clusters are there. What waits for requests may run twice; what finds its "
        "work by itself would do it twice.",
        docs="https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#job-creation",
        area="running",
        severity=Severity.INFO,
        kinds=WORKLOADS,
        do="Look through what is held; answer both for what may run on both sides.",
        effects=_runs,
        gke="kind: CronJob",
        eks="unchanged, created at release",
        change="runs.<Kind/namespace/name>: held or both, in gke2eks.yaml",
    ),
)
