"""From a client's body to a commit: read, default, admit, validate, own, store."""
