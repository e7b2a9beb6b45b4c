"""The sandbox's objects: one versioned set, watches on it, and a journal that survives ``kill -9``."""
