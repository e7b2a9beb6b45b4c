"""The controllers that Trireme's manifests need.

Each decides by a pure function of objects; one runner drives them all.
"""
