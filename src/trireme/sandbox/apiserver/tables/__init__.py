"""What ``kubectl get`` prints: the columns of each kind, as the server computes them."""
