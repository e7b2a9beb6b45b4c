"""Decisions. Pure functions of immutable snapshots: no I/O, no clock, no randomness, no logging."""
