"""Shapes: make a bare control plane look like GKE or EKS. Data in YAML with its sources, and code that loads it."""
