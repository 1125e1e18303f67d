"""gke2eks: a transpiler for clusters, GKE in, EKS out."""

__version__ = "0.1.0"
