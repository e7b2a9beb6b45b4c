"""The sandbox's Kubernetes API over HTTPS: what ``kubectl``, the agents and the operator talk to.

It emulates what Trireme uses. What it does not emulate it refuses and names; nothing is silently ignored.
"""
