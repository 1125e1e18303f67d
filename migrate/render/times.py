"""Durations and moments as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from migrate.render.words import safe


def duration(seconds: float) -> str:
    """'42 s', '3 min 10 s', '1 h 05 min'."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def about(seconds: float) -> str:
    """A guess, rounded up: 'about 20 s', 'about 4 min', 'about 1 h 10 min'."""
    if seconds <= 50:
        return f"about {max(10, math.ceil(seconds / 10) * 10)} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    tens = math.ceil(minutes / 10) * 10
    return f"about {tens // 60} h {tens % 60:02} min"


def moment(text: str) -> str:
    """'23 Nov 2026, 07:14 UTC' of an ISO time; what is none stays as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return safe(text)
    at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"  # %b would follow the locale


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
