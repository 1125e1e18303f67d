"""Words: frozen dataclasses that every other room speaks. No I/O lives here, and no verbs."""
