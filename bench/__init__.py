"""``python -m bench``: Trireme against hand-made floors, in the same run, on the same machine."""
