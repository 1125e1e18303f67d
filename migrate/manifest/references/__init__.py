"""What an object names: other objects, keys in them, and pods by their labels; and the graph of it all. Pure."""

from migrate.manifest.references.edges import references
from migrate.manifest.references.graph import Checked, Graph
from migrate.manifest.references.words import Chosen, Dangling, Defined, Reference, Target

__all__ = ["Checked", "Chosen", "Dangling", "Defined", "Graph", "Reference", "Target", "references"]
