"""What the operator reads of Kubernetes' objects, in words that fit a line."""

from typing import Any

from trireme.operator.read import pods_seen

SCHEDULER = (
    "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match pod anti-affinity rules, "
    "3 node(s) had volume node affinity conflict. preemption: 0/3 nodes are available: 3 Preemption is not helpful "
    "for scheduling."
)


def pending(message: str) -> str:
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    pod: dict[str, Any] = {
        "metadata": {"name": "demo-2", "uid": "u"},
        "spec": {},
        "status": {"phase": "Pending", "conditions": [unscheduled]},
    }
    return pods_seen("demo", [pod])[2].trouble


def test_a_pod_that_no_node_takes_says_so_shortly() -> None:
    """A drain's pod: the scheduler's own sentence was 250 characters of every condition and Event."""
    assert pending("0/3 nodes are available: 3 node(s) were unschedulable. preemption: none.") == (
        "no node takes its pod: 0/3 nodes are available: 3 node(s) were unschedulable"
    )
    assert pending(
        "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: "
        "3 Preemption is not helpful for scheduling."
    ) == ("no node takes its pod: 0/3 nodes are available: 3 Insufficient cpu")
    long = pending(SCHEDULER)
    assert long.startswith(
        "no node takes its pod: 0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s)"
    )
    assert long.endswith("…") and len(long) < 130
