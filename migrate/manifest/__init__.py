"""Hands: paths, pod templates, references, wave order and YAML text, in and out; no judgement here."""
