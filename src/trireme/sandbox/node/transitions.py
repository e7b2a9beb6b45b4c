"""How a container's state changes with what happens to it. Pure."""

from dataclasses import replace
from datetime import datetime

from trireme.sandbox.node.decide import current_streak
from trireme.sandbox.node.interface import Timing
from trireme.sandbox.node.prober import FIELDS, Kind
from trireme.sandbox.node.runtime import Ended
from trireme.sandbox.node.state import Container, Running, Terminated, Waiting
from trireme.sandbox.store.interface import Object

DEFAULT_GRACE_SECONDS = 30


def attempted(container: Container, timing: Timing) -> Container:
    """What it is while it is being started: a restart counts from here on."""
    again = container.latest_end is not None
    return Container(
        container.name,
        container.init,
        last=container.latest_end,
        restarts=container.restarts + again,
        streak=current_streak(container, timing) + again,
    )


def running(container: Container, spec: Object, container_id: str, now: datetime) -> Container:
    """``container`` is an attempted one. Without probes it counts as started and ready at once."""
    started = not spec.get(FIELDS["Startup"])
    return replace(
        container,
        state=Running(now, container_id),
        started=started,
        ready=started and not container.init and not spec.get(FIELDS["Readiness"]),
    )


def not_started(container: Container, why: str, now: datetime) -> Container:
    """``container`` is an attempted one whose command was never reached."""
    return replace(container, state=Terminated(128, "StartError", why, now, now, ""))


def refused(container: Container, reason: str, message: str, retry_at: datetime) -> Container:
    """An image is refused as by a registry: ErrImagePull at first, ImagePullBackOff from then on."""
    known = container.state.reason if isinstance(container.state, Waiting) else ""
    if reason == "ErrImagePull" and known in ("ErrImagePull", "ImagePullBackOff"):
        reason = "ImagePullBackOff"
    return replace(container, state=Waiting(reason, message, retry_at))


def backing_off(container: Container, message: str, until: datetime) -> Container:
    """One that cannot even start says why instead of how long it waits."""
    end = container.latest_end
    reason = "CrashLoopBackOff"
    if end is not None and end.reason == "StartError":
        reason, message = "RunContainerError", end.message
    return replace(container, state=Waiting(reason, message, until), last=end)


def ended(container: Container, how: Ended, message: str, now: datetime) -> Container:
    state = container.state
    assert isinstance(state, Running)
    code, reason = how.exit_code, "Completed" if how.exit_code == 0 else "Error"
    if how.start_failure:
        code, reason = 128, "StartError"
        message = f"the sandbox could not start the container: {how.start_failure}"
    return replace(
        container,
        state=Terminated(code, reason, message, state.started_at, now, state.container_id),
        ready=container.init and code == 0,
        started=False,
        unhealthy="",
        stopping=False,
    )


def judged(container: Container, spec: Object, kind: Kind, ok: bool) -> Container:
    """A probe's verdict."""
    if container.stopping or not isinstance(container.state, Running):
        return container
    if kind == "Readiness":
        return replace(container, ready=ok)
    if not ok:
        return replace(container, unhealthy=_failed(kind), ready=False)
    if kind == "Startup":
        return replace(container, started=True, ready=not spec.get(FIELDS["Readiness"]))
    return container


def grace_seconds(container: Container, pod: Object, spec: Object) -> float:
    """What it gets to end by itself: its probe's own period if that has one, else the pod's."""
    kinds: tuple[Kind, ...] = ("Startup", "Liveness")
    for kind in kinds:
        own = (spec.get(FIELDS[kind]) or {}).get("terminationGracePeriodSeconds")
        if container.unhealthy == _failed(kind) and own is not None:
            return float(own)
    return float(pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS))


def _failed(kind: Kind) -> str:
    return f"failed {kind.lower()} probe"
