"""Random faults against a sandbox under write load, round after round: ``python -m tests.soak``."""
