"""The agent: PID 1 of a database pod. observe -> decide (trireme.core) -> act -> report, in one loop."""
