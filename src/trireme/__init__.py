"""Trireme: MariaDB Galera Cluster on Kubernetes that forms itself, and never throws committed data away."""
