"""A server's no to one object, in the words of a person who has to do something about it."""

from __future__ import annotations

from migrate.cluster.outcome import Cause, Reason, Rejected
from migrate.model.ran import Clash

_AGAIN = "then run the same command again."
_FIXED = (
    "keep what is there by an override and plan again, or let it be deleted and made anew (--on-conflict recreate)."
)
_FIX: dict[Reason, str] = {
    Reason.INVALID: "correct it by an override in gke2eks.yaml, plan again, and apply.",
    Reason.FORBIDDEN: "get the right (gke2eks access target prints it), " + _AGAIN,
    Reason.ESCALATION: "have somebody apply it who may grant this (gke2eks access target), or --exclude it.",
    Reason.QUOTA: "raise the ResourceQuota, " + _AGAIN,
    Reason.POD_SECURITY: "lower the level of the namespace or change the pod, " + _AGAIN,
    Reason.ADMISSION: "change what the message names, " + _AGAIN,
    Reason.WEBHOOK: "change what the webhook asks for, " + _AGAIN,
    Reason.WEBHOOK_DOWN: "see why the webhook's backend does not answer (its pods, its Service), " + _AGAIN,
    Reason.WEBHOOK_NO_DRY_RUN: "ask the webhook's owner; without dry runs nobody can tell before.",
    Reason.POLICY: "change what the policy asks for, " + _AGAIN,
    Reason.NO_NAMESPACE: "apply the Namespace, too, or make it, " + _AGAIN,
    Reason.NAMESPACE_ENDING: "wait until the namespace is gone, " + _AGAIN,
    Reason.UNSERVED: "install what defines this kind on the target, or leave it out (--exclude), " + _AGAIN,
    Reason.TOO_LARGE: "make the object smaller; servers take about 1.5 MB.",
    Reason.THROTTLED: "wait until the server has less to do, " + _AGAIN,
}


def why_of(no: Rejected) -> str:
    """What the server said, and the fields that it named."""
    named = "; ".join(f"{one.field}: {one.message}" for one in no.faults if one.field not in no.message)
    return f"{no.message} ({named})" if named else no.message


def fix_of(no: Rejected) -> str:
    """What to do about it; always a sentence."""
    if no.fixed:
        return _FIXED
    return _FIX.get(no.reason, "run the same command again; if it says so again, see the server's logs.")


def clash(cause: Cause) -> Clash:
    """The conflict as a report shows it."""
    return Clash(str(cause.path), cause.manager, cause.theirs, cause.ours)
