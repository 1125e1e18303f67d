"""YAML text in and out, with kubectl's meaning: the only place that reads or writes YAML."""

from migrate.manifest.text.document import MAX_DEPTH, MAX_NODES, Document, Kind, ParseError
from migrate.manifest.text.reading import load_all
from migrate.manifest.text.writing import dump

__all__ = ["MAX_DEPTH", "MAX_NODES", "Document", "Kind", "ParseError", "dump", "load_all"]
