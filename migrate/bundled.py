"""Where the bundled data folders are: inside the installed package, or beside it in a checkout."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def folder(name: str) -> Traversable:
    inside = files("migrate") / name
    return inside if inside.is_dir() else Path(__file__).parent.parent / name
