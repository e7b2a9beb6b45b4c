"""A member that cannot keep up makes all the others' writes wait: Galera's flow control. Pure.

Such a member is Synced, and so are the others: what clients notice is slow commits, and nothing else tells who it is.
"""

from dataclasses import dataclass

WINDOW_SECONDS = 30.0
"""What is looked back on. A large transaction, or a backup's lock, holds writes up for a few seconds."""
MUCH = 0.2
"""Part of the window during which writes waited: commits take a quarter longer from there on."""
LITTLE = 0.1
"""What was said is said until they wait less than this: a notice must not come and go."""


WORDS = (
    "makes all writes wait for it, more than a fifth of the time (Galera's flow control): look at its disk, its CPU "
    "limit, and what holds its appliers up; while it lasts, the writer is as slow as this member"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """One look at a server: seconds on any steady clock, and its status variables of flow control."""

    at: float
    paused_ns: int
    """``wsrep_flow_control_paused_ns``: how long its replication was held up, since the server started."""
    pauses_sent: int
    """``wsrep_flow_control_sent``: how often it made the others wait."""
    queued: int
    """``wsrep_local_recv_queue``: write sets that it received and did not apply yet."""


def look_back(looks: tuple[Pace, ...], now: Pace) -> tuple[Pace, ...]:
    """``looks`` and the one of now: as far as the window goes, and from the last start of the server on."""
    before = looks if not looks or looks[-1].paused_ns <= now.paused_ns else ()
    return (*(each for each in before if now.at - each.at <= WINDOW_SECONDS), now)


def holds_up(looks: tuple[Pace, ...], *, before: bool) -> bool:
    """Whether this member makes the others' writes wait, much of the time. ``before``: whether that was said last.

    Half a window is needed to say so. All members of a group are held up together; who does it has asked for a pause in
    this time, or has not been through with its queue at any look (one pause may last).
    """
    first, last = looks[0], looks[-1]
    seconds = last.at - first.at
    if seconds < WINDOW_SECONDS / 2:
        return before
    waited = (last.paused_ns - first.paused_ns) / 1e9 / seconds
    asked = last.pauses_sent > first.pauses_sent or all(each.queued > 0 for each in looks)
    return asked and waited >= (LITTLE if before else MUCH)
