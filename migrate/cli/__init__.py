"""The command line: one small module per verb. The only room that prints, prompts or exits."""

from __future__ import annotations

from migrate.cli.main import main

__all__ = ["main"]
