"""A cluster in memory, for the demo, for practice and for tests: loopback HTTP, no judgement, nothing on disk.

What it does, it does as a real API server does (tests/contract runs on both); everything else answers 501.
"""

from migrate.practice.cluster import Cluster
from migrate.practice.server import Server

__all__ = ["Cluster", "Server"]
