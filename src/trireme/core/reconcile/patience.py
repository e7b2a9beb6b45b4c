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


@dataclass(frozen=True, slots=True)
class Held:
    """An Event that is said if what it is about lasts, and since when it is kept back."""

    event: Event
    since: float


def say(
    new: Iterable[Event], held: Held | None, status: Mapping[str, Any], now: float
) -> tuple[list[Event], Held | None]:
    """What to say now of the ``new`` Events and the ``held`` one, and what to keep back. To be asked at every look."""
    said = []
    for event in new:
        if event.reason is Reason.NOT_READY and _passes(status):
            held = Held(event, now)
        elif event.reason is Reason.READY and held is not None:
            held = None
        else:
            said.append(event)
    if held is not None and now - held.since >= PATIENCE_SECONDS:
        said.append(held.event)
        held = None
    return said, held


def _passes(status: Mapping[str, Any]) -> bool:
    """As it does for a moment in what is planned, by the operator or by the members among themselves."""
    moves = by_type(status)["Ready"].get("reason") == "WriterMoves"
    return moves or status.get("phase") in PLANNED


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
