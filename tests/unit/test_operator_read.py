"""What the operator reads of Kubernetes' objects, in words that fit a line."""

from typing import Any

import pytest

from trireme.core.reconcile.seen import PodSeen
from trireme.operator.read import arbitrator_away, pods_seen

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
    spread = "1 node(s) didn't match pod topology spread constraints (missing required label)"
    assert pending(f"0/1 nodes are available: {spread}.").endswith(spread), "no reason is cut in two"


def container(name: str, state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "ready": "running" in state, "state": state, **more}


def seen(statuses: list[dict[str, Any]], before: list[dict[str, Any]] | None = None) -> PodSeen:
    pod: dict[str, Any] = {
        "metadata": {"name": "demo-2", "uid": "u"},
        "status": {
            "phase": "Running",
            "containerStatuses": statuses,
            "initContainerStatuses": before or [],
        },
    }
    return pods_seen("demo", [pod])[2]


RUNS = container("mariadb", {"running": {}})
ENDED = {"terminated": {"exitCode": 2, "reason": "Error"}}
CRASHES = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}}
NO_IMAGE = {"waiting": {"reason": "ErrImagePull", "message": "there is no image abc"}}


def test_a_container_that_is_not_the_servers_is_named() -> None:
    waits = container("mariadb", {"waiting": {"reason": "PodInitializing"}})
    before = container("before", CRASHES, lastState=ENDED)
    found = seen([waits], [before]).trouble
    assert found == "container before: CrashLoopBackOff: ended with exit status 2 (Error)"
    assert seen([container("mariadb", NO_IMAGE)]).trouble == "ErrImagePull: there is no image abc"


@pytest.mark.parametrize(
    ("state", "why", "never"),
    [
        (NO_IMAGE, "ErrImagePull: there is no image abc", True),
        (CRASHES, "CrashLoopBackOff: back-off 20s", False),
        (ENDED, "Error: ended with exit status 2 (Error)", False),
        ({"terminated": {"exitCode": 0, "reason": "Completed"}}, "it ended", False),
        ({"waiting": {"reason": "ContainerCreating"}}, "ContainerCreating", False),
    ],
)
def test_a_container_beside_the_servers_that_is_not_ready(
    state: dict[str, Any], why: str, never: bool
) -> None:
    found = seen([RUNS, container("aside", state)])
    assert (found.trouble, found.beside) == ("", f"container aside is not ready ({why})")
    assert found.beside_never is never
    both = seen([RUNS, container("aside", state), container("other", NO_IMAGE)])
    assert both.beside_never, "what never starts is said first"


def test_one_that_runs_and_is_not_ready() -> None:
    found = seen([RUNS, {"name": "aside", "ready": False, "state": {"running": {}}}])
    assert (found.beside, found.beside_never) == ("container aside is not ready (it runs)", False)


# --- the arbitrator ------------------------------------------------------------------------------------------------


def arbitrators(state: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": "arbitrator"}
    return {
        "metadata": {"name": "demo-arbitrator-x", "labels": labels, **metadata},
        "status": {"phase": "Pending", "containerStatuses": [container("garbd", state)]},
    }


def deployment(ready: int, **status: Any) -> dict[str, Any]:
    return {"status": {"readyReplicas": ready, **status}}


FORBIDDEN = {
    "type": "ReplicaFailure",
    "status": "True",
    "message": "no PriorityClass with name high was found",
}


@pytest.mark.parametrize(
    ("found", "pods", "why"),
    [
        (deployment(1), [], ""),
        (None, [], "it has no pod yet"),
        (deployment(0), [arbitrators({"running": {}})], "it is not in the group yet"),
        (
            deployment(0),
            [arbitrators(NO_IMAGE)],
            "container garbd: ErrImagePull: there is no image abc",
        ),
        (deployment(0, conditions=[FORBIDDEN]), [], "no PriorityClass with name high was found"),
        (deployment(0), [arbitrators(NO_IMAGE, deletionTimestamp="now")], "it has no pod yet"),
    ],
)
def test_an_arbitrator_that_is_away(found: dict[str, Any] | None, pods: list[Any], why: str) -> None:
    assert arbitrator_away(found, pods) == why
