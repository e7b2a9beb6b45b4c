"""What the answer to a label says: whether Kubernetes leads clients to the pod."""

from typing import Any

import pytest

from trireme.adapters.pod_label import is_ready

PODS: dict[str, tuple[dict[str, Any], bool]] = {
    "ready": ({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, True),
    "its containers are, its gates are not": (
        {
            "status": {
                "conditions": [
                    {"type": "ContainersReady", "status": "True"},
                    {"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady"},
                ]
            }
        },
        False,
    ),
    "nobody knows": ({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, False),
    "scheduled just now": ({"status": {"conditions": [{"type": "PodScheduled", "status": "True"}]}}, False),
    "without a status": ({}, False),
}


@pytest.mark.parametrize("name", PODS)
def test_is_ready(name: str) -> None:
    pod, expected = PODS[name]
    assert is_ready(pod) is expected
