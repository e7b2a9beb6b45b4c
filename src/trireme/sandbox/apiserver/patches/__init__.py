"""The three patch formats as pure functions: old object and patch in, new object out."""
