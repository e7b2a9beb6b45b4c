"""What makes an object invalid, kind by kind, in the words of Kubernetes. Pure functions of one or two objects."""
