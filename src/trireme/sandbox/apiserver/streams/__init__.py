"""Long-lived connections into pods: logs, exec, port-forward, proxy."""
