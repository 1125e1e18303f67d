"""Pictures: pure functions from a plan to text and JSON. They compute nothing but layout."""
