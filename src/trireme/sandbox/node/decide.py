"""What to do next for a pod, as a pure function of its containers' states: the kubelet's rules."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trireme.sandbox.node.interface import Timing
from trireme.sandbox.node.state import Container, RestartPolicy, Running, Terminated, Waiting


@dataclass(frozen=True, slots=True)
class View:
    """A pod at one moment. ``deadline`` is from activeDeadlineSeconds."""

    now: datetime
    containers: tuple[Container, ...]
    restart_policy: RestartPolicy = "Always"
    terminating: bool = False
    deadline: datetime | None = None
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True, slots=True)
class Start:
    name: str


@dataclass(frozen=True, slots=True)
class BackOff:
    """Show that ``name`` waits ``seconds`` from its end, until ``until``."""

    name: str
    seconds: float
    until: datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """End a running container in order."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Nothing runs any more: clean up and let the object go."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The pod will never run again."""

    succeeded: bool
    reason: str = ""
    message: str = ""


Action = Start | BackOff | Stop | Remove | Finish


@dataclass(frozen=True, slots=True)
class Decision:
    """``wake_at``: decide again then, if nothing happens before."""

    actions: tuple[Action, ...] = ()
    wake_at: datetime | None = None


def decide(view: View) -> Decision:
    """Every action is for a container that is not being acted on yet, so that deciding twice is harmless."""
    if view.terminating:
        return _stop_all(view, Remove(), "the pod is being deleted")
    if view.deadline is not None and view.now >= view.deadline:
        late = Finish(
            False, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"
        )
        return _stop_all(view, late, late.message)
    inits = [container for container in view.containers if container.init]
    apps = [container for container in view.containers if not container.init]
    begun = any(not isinstance(app.state, Waiting) or app.last for app in apps)
    pending = next((init for init in inits if not init.succeeded), None)
    if pending is not None and not (begun and _over(apps, view)):
        return _with_deadline(_next_init(pending, view), view)
    if _over(apps, view):
        return Decision((Finish(all(app.succeeded for app in apps)),))
    return _with_deadline(_merge([_next(app, view) for app in apps]), view)


def backoff_seconds(streak: int, timing: Timing) -> float:
    """The first restart is at once; then ``first_backoff``, doubling up to ``longest_backoff``."""
    if streak == 0:
        return 0.0
    return float(min(timing.longest_backoff, timing.first_backoff * 2.0 ** min(streak - 1, 30)))


def current_streak(container: Container, timing: Timing) -> int:
    """The restarts in a row that still count: a long run forgives them."""
    end = container.latest_end
    ran = (end.finished_at - end.started_at).total_seconds() if end else 0.0
    return 0 if ran >= timing.backoff_reset else container.streak


def _next_init(init: Container, view: View) -> Decision:
    if isinstance(init.state, Terminated) and view.restart_policy == "Never":
        return Decision((Finish(False),))
    return _next(init, view)


def _next(container: Container, view: View) -> Decision:
    match container.state:
        case Waiting(retry_at=None):
            return Decision((Start(container.name),))
        case Waiting(retry_at=datetime() as due):
            return Decision((Start(container.name),)) if view.now >= due else Decision(wake_at=due)
        case Running() if container.unhealthy and not container.stopping:
            return Decision((Stop(container.name, container.unhealthy),))
        case Terminated(finished_at=end) if _restarts(container, view):
            seconds = backoff_seconds(current_streak(container, view.timing), view.timing)
            due = end + timedelta(seconds=seconds)
            if view.now >= due:
                return Decision((Start(container.name),))
            return Decision((BackOff(container.name, seconds, due),), due)
        case _:
            return Decision()


def _restarts(container: Container, view: View) -> bool:
    if view.restart_policy == "Always":
        return not (container.init and container.succeeded)
    return view.restart_policy == "OnFailure" and not container.succeeded


def _over(apps: list[Container], view: View) -> bool:
    """Every container has ended for good."""
    return all(isinstance(app.state, Terminated) and not _restarts(app, view) for app in apps)


def _stop_all(view: View, then: Remove | Finish, why: str) -> Decision:
    running = [container for container in view.containers if isinstance(container.state, Running)]
    if not running:
        return Decision((then,))
    return Decision(tuple(Stop(container.name, why) for container in running if not container.stopping))


def _merge(decisions: list[Decision]) -> Decision:
    actions = tuple(action for decision in decisions for action in decision.actions)
    wakes = [decision.wake_at for decision in decisions if decision.wake_at is not None]
    return Decision(actions, min(wakes, default=None))


def _with_deadline(decision: Decision, view: View) -> Decision:
    wakes = [moment for moment in (decision.wake_at, view.deadline) if moment is not None]
    return Decision(decision.actions, min(wakes, default=None))
