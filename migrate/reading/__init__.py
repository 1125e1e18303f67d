"""Bytes become objects and left-out documents here; secret values go no further, and nothing is judged."""

from migrate.reading.live import LiveList
from migrate.reading.objects import Reading, no_garbage_collection, read
from migrate.reading.redact import Redactor

__all__ = ["LiveList", "Reading", "Redactor", "no_garbage_collection", "read"]
