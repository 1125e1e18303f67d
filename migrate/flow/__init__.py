"""Stories: one module per verb, straight-line code joining windows and core. Nothing prints here."""
