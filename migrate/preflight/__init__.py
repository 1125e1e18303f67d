"""Judgement of a target before anything is sent: pure functions of what goes and what the target showed."""
