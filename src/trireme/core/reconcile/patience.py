"""What comes right by itself within seconds is no Event: warnings that need nobody teach people to ignore them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trireme.core.reconcile.actions import ClusterPhase
from trireme.core.reconcile.events import Event, Reason, by_type

PATIENCE_SECONDS = 10.0
"""A planned hand-over leaves clients without a writer for less than a second, mostly."""
FORGOTTEN_SECONDS = 60.0
"""A refusal after so long without one is another story. Longer than the pause between two attempts."""
PLANNED = (
    ClusterPhase.SCALING,
    ClusterPhase.UPDATING,
    ClusterPhase.UPGRADING,
    ClusterPhase.SWITCHING_OVER,
    ClusterPhase.REBUILDING,
    ClusterPhase.HIBERNATING,
)
_ASPECTS = {Reason.NOT_READY: "Ready", Reason.BLOCKED: "Progressing", Reason.DATA_AT_RISK: "DataAtRisk"}
"""The condition whose message is said."""


Held = Mapping[Reason, float]
"""What is kept back, and since when: it is said if it lasts."""


def say(new: Iterable[Event], held: Held, status: Mapping[str, Any], now: float) -> tuple[list[Event], Held]:
    """What to say now of the ``new`` Events and the ``held`` ones, and what to keep back. To be asked at every look."""
    said, kept = [], dict(held)
    for event in new:
        if _may_pass(event.reason, status):
            kept[event.reason] = now
        elif event.reason is Reason.READY and Reason.NOT_READY in kept:
            del kept[Reason.NOT_READY]
        else:
            said.append(event)
    for reason in (Reason.BLOCKED, Reason.DATA_AT_RISK):
        if reason in kept and not _may_pass(reason, status):
            del kept[reason]
            if reason is Reason.DATA_AT_RISK and by_type(status)["DataAtRisk"]["status"] == "True":
                said.append(Event(reason, by_type(status)["DataAtRisk"]["message"]))
    lasting = [reason for reason, since in kept.items() if now - since >= PATIENCE_SECONDS]
    said += [Event(reason, by_type(status)[_ASPECTS[reason]]["message"]) for reason in lasting]
    return said, {reason: since for reason, since in kept.items() if reason not in lasting}


def _may_pass(reason: Reason, status: Mapping[str, Any]) -> bool:
    if reason is Reason.NOT_READY:
        return _passes(status)
    if reason is Reason.BLOCKED:
        return _starts(status)
    return reason is Reason.DATA_AT_RISK and by_type(status)["DataAtRisk"].get("reason") == "OneCopy"


def _passes(status: Mapping[str, Any]) -> bool:
    """As it does for a moment in what is planned, by the operator or by the members among themselves."""
    moves = by_type(status)["Ready"].get("reason") == "WriterMoves"
    return moves or status.get("phase") in PLANNED


def _starts(status: Mapping[str, Any]) -> bool:
    """A pod does not start, mostly as the scheduler has not seen its new claim yet, or makes room for it."""
    stuck = by_type(status)["Progressing"].get("reason") == "Stuck"
    return stuck and status.get("phase") != ClusterPhase.BLOCKED


@dataclass(frozen=True, slots=True)
class Refusals:
    """Of one kind of action: since when it is refused, and when it was last."""

    since: float
    last: float

    @property
    def lasts(self) -> bool:
        return self.last - self.since >= PATIENCE_SECONDS


def refused(before: Refusals | None, now: float) -> Refusals:
    """With one more."""
    if before is None or now - before.last > FORGOTTEN_SECONDS:
        return Refusals(now, now)
    return Refusals(before.since, now)
