"""gke2eks.yaml: what only a person knows. Read strictly, never written."""

from migrate.workspace.decisions.file import load, parse
from migrate.workspace.decisions.said import (
    Answer,
    AnswerSpec,
    Decisions,
    Flavour,
    Override,
    Scalar,
    Waiver,
    expired,
    matches,
)

__all__ = [
    "Answer",
    "AnswerSpec",
    "Decisions",
    "Flavour",
    "Override",
    "Scalar",
    "Waiver",
    "expired",
    "load",
    "matches",
    "parse",
]
