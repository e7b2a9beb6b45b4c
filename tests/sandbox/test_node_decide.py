"""What the node does next for a pod: a table of situations, with no process in sight."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trireme.sandbox.node.decide import (
    BackOff,
    Decision,
    Finish,
    Remove,
    Start,
    Stop,
    View,
    backoff_seconds,
    decide,
)
from trireme.sandbox.node.interface import Timing
from trireme.sandbox.node.state import Container, RestartPolicy, Running, Terminated, Waiting

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def ran(code: int, *, ago: float = 0.0, seconds: float = 1.0) -> Terminated:
    """It ended ``ago`` seconds before NOW after running for ``seconds``."""
    end = NOW - timedelta(seconds=ago)
    return Terminated(code, "Error" if code else "Completed", "", end - timedelta(seconds=seconds), end, "id")


RUNS = Running(NOW - timedelta(seconds=5), "id")
INIT, MAIN, SIDE = Container("init", init=True), Container("main", init=False), Container("side", init=False)
LATE = NOW + timedelta(seconds=7)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


SITUATIONS: dict[str, tuple[View, Decision]] = {
    "a new pod starts every container": (
        View(NOW, (MAIN, SIDE)),
        Decision((Start("main"), Start("side"))),
    ),
    "an init container goes first": (View(NOW, (INIT, MAIN)), Decision((Start("init"),))),
    "while an init container runs nothing else starts": (
        View(NOW, (replace(INIT, state=RUNS), MAIN)),
        Decision(),
    ),
    "a finished init container lets the others start": (
        View(NOW, (replace(INIT, state=ran(0)), MAIN)),
        Decision((Start("main"),)),
    ),
    "a failed init container is started again at once the first time": (
        View(NOW, (replace(INIT, state=ran(1)), MAIN)),
        Decision((Start("init"),)),
    ),
    "a failed init container fails a pod that never restarts": (
        View(NOW, (replace(INIT, state=ran(1)), MAIN), restart_policy="Never"),
        Decision((Finish(False),)),
    ),
    "what runs is left alone": (View(NOW, (replace(MAIN, state=RUNS),)), Decision()),
    "the first restart is at once": (
        View(NOW, (replace(MAIN, state=ran(1)),)),
        Decision((Start("main"),)),
    ),
    "the second restart waits ten seconds from the end": (
        View(NOW, (replace(MAIN, state=ran(1, ago=4), streak=1),)),
        Decision((BackOff("main", 10.0, after(6)),), after(6)),
    ),
    "who waits is not told again": (
        View(NOW, (replace(MAIN, state=Waiting("CrashLoopBackOff", "", LATE), streak=1),)),
        Decision(wake_at=LATE),
    ),
    "who has waited long enough starts": (
        View(LATE, (replace(MAIN, state=Waiting("CrashLoopBackOff", "", LATE), streak=1),)),
        Decision((Start("main"),)),
    ),
    "a long run forgives the restarts before it": (
        View(NOW, (replace(MAIN, state=ran(1, seconds=600), streak=5),)),
        Decision((Start("main"),)),
    ),
    "success is restarted too under Always": (
        View(NOW, (replace(MAIN, state=ran(0)),)),
        Decision((Start("main"),)),
    ),
    "success is final under OnFailure": (
        View(NOW, (replace(MAIN, state=ran(0)),), restart_policy="OnFailure"),
        Decision((Finish(True),)),
    ),
    "failure is final under Never": (
        View(NOW, (replace(MAIN, state=ran(3)), replace(SIDE, state=ran(0))), restart_policy="Never"),
        Decision((Finish(False),)),
    ),
    "a pod is not over while one container runs": (
        View(NOW, (replace(MAIN, state=ran(3)), replace(SIDE, state=RUNS)), restart_policy="Never"),
        Decision(),
    ),
    "an unhealthy container is stopped": (
        View(NOW, (replace(MAIN, state=RUNS, unhealthy="failed liveness probe"),)),
        Decision((Stop("main", "failed liveness probe"),)),
    ),
    "a container is stopped only once": (
        View(NOW, (replace(MAIN, state=RUNS, unhealthy="failed liveness probe", stopping=True),)),
        Decision(),
    ),
    "deletion stops what runs": (
        View(NOW, (replace(MAIN, state=RUNS), replace(SIDE, state=ran(1))), terminating=True),
        Decision((Stop("main", "the pod is being deleted"),)),
    ),
    "deletion starts nothing": (View(NOW, (INIT, MAIN), terminating=True), Decision((Remove(),))),
    "deletion removes when all have ended": (
        View(NOW, (replace(MAIN, state=ran(0)),), terminating=True),
        Decision((Remove(),)),
    ),
    "a deadline to come wakes": (
        View(NOW, (replace(MAIN, state=RUNS),), deadline=LATE),
        Decision(wake_at=LATE),
    ),
    "a deadline that has passed stops what runs": (
        View(LATE, (replace(MAIN, state=RUNS),), deadline=LATE),
        Decision((Stop("main", "Pod was active on the node longer than the specified deadline"),)),
    ),
}


@pytest.mark.parametrize(("view", "expected"), SITUATIONS.values(), ids=SITUATIONS)
def test_situation(view: View, expected: Decision) -> None:
    assert decide(view) == expected


def test_back_off_doubles_to_five_minutes() -> None:
    delays = [backoff_seconds(streak, Timing()) for streak in range(8)]
    assert delays == [0, 10, 20, 40, 80, 160, 300, 300]


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
def test_nothing_is_decided_twice(policy: RestartPolicy) -> None:
    """Deciding on the same view again gives the same answer: a decision has no memory."""
    view = View(
        NOW, (replace(INIT, state=ran(0)), replace(MAIN, state=ran(1), streak=2)), restart_policy=policy
    )
    assert decide(view) == decide(view)
