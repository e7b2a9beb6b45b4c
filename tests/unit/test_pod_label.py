"""What the answer to a label says: whether Kubernetes leads clients to the pod."""

from typing import Any

import pytest

from trireme.adapters.pod_label import in_order, is_ready

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


ORDERS: dict[str, tuple[str, dict[str, bool | None], list[str]]] = {
    "a new writer that clients can be led to": ("b=primary a=secondary", {"a": True, "b": True}, ["b", "a"]),
    "one that is not ready yet": ("b=primary a=secondary", {"a": True, "b": False}, ["b"]),
    "a predecessor that is not ready": ("a=secondary b=primary", {"a": False, "b": False}, ["a", "b"]),
    "a predecessor that is gone": ("a=secondary b=primary", {"a": None, "b": True}, ["a", "b"]),
}


@pytest.mark.parametrize("name", ORDERS)
def test_a_label_is_taken_away_only_once_clients_are_led_elsewhere(name: str) -> None:
    """A member was Synced, and its pod not Ready for another second: with the label, clients were refused so long."""
    orders, pods, expected = ORDERS[name]
    changes = [(pod, role) for pod, _, role in (order.partition("=") for order in orders.split())]
    done = list(in_order(changes, lambda pod, _: pods[pod]))
    assert done == [(pod, pods[pod]) for pod in expected]
