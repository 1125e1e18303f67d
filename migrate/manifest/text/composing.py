"""The C parser, told to leave the meaning of scalars to us, and kept from nesting too deeply."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from migrate.manifest.text.document import MAX_DEPTH
from migrate.manifest.text.refusal import Refused

PLAIN, QUOTED, _MAP, _SEQ = "?", "!", "map", "seq"
_STEEP: Final = re.compile(r"^[ \t?:-]{40}", re.MULTILINE)


class Loader(yaml.CSafeLoader):
    """The C parser without PyYAML's own idea of what a bare word means."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """Only note how a node was written; the meaning is decided in nodes.Builder."""
        if kind is yaml.ScalarNode:
            return PLAIN if implicit[0] else QUOTED
        return _MAP if kind is yaml.MappingNode else _SEQ


class PatientLoader(yaml.composer.Composer, Loader):
    """The slower composer, for texts that use an anchor's name again: allowed, but the C one refuses it."""

    def __init__(self, stream: str) -> None:
        """Set up the C parser and the Python composer above it."""
        Loader.__init__(self, stream)
        yaml.composer.Composer.__init__(self)

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Forget an anchor that is about to be set anew."""
        event: Any = self.peek_event()
        if type(event) is not yaml.AliasEvent:
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)


def check_depth(chunk: str) -> None:
    """Refuse deep nesting before the C parser recurses into it; cheap bound first, then the flat event stream."""
    # A block level costs a column (two levels at most share one), a flow level costs a bracket.
    if not _STEEP.search(chunk) and chunk.count("[") + chunk.count("{") < 59:
        return
    loader = Loader(chunk)
    depth = 0
    try:
        while (event := loader.get_event()) is not None:
            kind = type(event)
            if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                depth += 1
                if depth > MAX_DEPTH:
                    raise Refused(event.start_mark, f"nested more than {MAX_DEPTH} levels deep", "deep")
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                depth -= 1
    finally:
        loader.dispose()
