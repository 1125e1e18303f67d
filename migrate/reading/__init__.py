"""Bytes become objects and left-out documents here; secret values go no further, and nothing is judged."""

from migrate.reading.objects import Reading, read

__all__ = ["Reading", "read"]
