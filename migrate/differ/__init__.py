"""Compares, purely: the target with the plan, Secrets by hashes, the source with its snapshot. No I/O, no clock."""
