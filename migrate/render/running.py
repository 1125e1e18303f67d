"""Where workloads run until release, in a few lines: how many are held and why, how many run on both clusters."""

from __future__ import annotations

from collections import Counter

from migrate.model.plan import Plan
from migrate.render.words import number, plural, sentence

WORDS = {"held": "held until release", "both": "on both clusters"}
_MOST = 6


def lines(plan: Plan) -> list[str]:
    """A headline, and a line for each reason to hold; nothing when there are no workloads."""
    held = Counter(step.runs_because for step in plan.steps if step.runs == "held")
    both = sum(step.runs == "both" for step in plan.steps)
    if not held and not both:
        return []
    total = held.total()
    head = f"{plural(total, 'workload is', 'workloads are')} held until release, {number(both)} "
    head += f"{'runs' if both == 1 else 'run'} on both clusters{':' if held else '.'}"
    ordered = sorted(held.items(), key=lambda item: (-item[1], item[0]))
    shown = ordered[:_MOST] if len(ordered) > _MOST + 1 else ordered
    rest = ordered[len(shown) :]
    found = [head, *(f"{number(count)}: {sentence(because)}" for because, count in shown)]
    if rest:
        found.append(f"{number(sum(count for _, count in rest))} for {plural(len(rest), 'more reason')}.")
    return found
