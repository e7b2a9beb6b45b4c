"""One machine that runs Trireme's manifests as plain processes: an emulated Kubernetes, for trying and testing.

It emulates what Trireme uses and refuses the rest. Agent and operator never import it.
"""
