"""When the arbitrator's garbd runs: only ever beside a living Primary of its cluster. Pure.

garbd has a vote and no data. It never forms a Primary by itself, and it never is left alone as one: a member that
bootstraps anew would then meet a Primary that has no data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from trireme.api.report import Report
from trireme.core.rivals import main_side
from trireme.core.writer import may_write


class Vote(StrEnum):
    """What to do about garbd."""

    JOIN = "join"
    STAY = "stay"
    WAIT = "wait"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Group:
    """garbd's own word of the group that it is in. Before it is synced it ends itself when a member is lost, and the
    rest of the group is then too small to be Primary (measured)."""

    primary: bool
    size: int
    synced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    answers: Mapping[int, Report]
    silent: int
    """How many were asked and did not answer."""
    running: bool
    """garbd's process lives."""
    group: Group | None = None
    group_name: str = ""
    """Of the group that garbd was started for."""
    now: float = 0.0
    retry_at: float = 0.0
    last_failure: str = ""


@dataclass(frozen=True, slots=True)
class Arbitration:
    vote: Vote
    why: str
    addresses: tuple[str, ...] = ()
    """Of the members to join."""
    group_name: str = ""
    """As they call their group; '' for the cluster's own name."""


def arbitrate(picture: Picture) -> Arbitration:
    primaries = [report for report in picture.answers.values() if report.primary]
    if picture.running:
        return _beside(picture, primaries)
    histories = {report.server.uuid for report in primaries if report.server is not None}
    if len(histories) > 1:
        return Arbitration(
            Vote.WAIT, f"two Primaries live ({', '.join(sorted(histories))}): votes in neither"
        )
    if not primaries:
        return Arbitration(Vote.WAIT, "waits for a Primary: a vote without data never makes one")
    waited_for = [o for o, r in sorted(picture.answers.items()) if r.running and not _serves(r)]
    if waited_for or not any(may_write(report) for report in primaries):
        return Arbitration(Vote.WAIT, "a Primary lives, and gives a state transfer: joins it afterwards")
    if picture.now < picture.retry_at:
        return Arbitration(Vote.WAIT, f"tries again soon: {picture.last_failure}")
    sides = main_side(primaries)
    addresses = tuple(sorted(report.address for report in sides))
    return Arbitration(Vote.JOIN, "a Primary lives: joins it", addresses, sides[0].group_name)


def _serves(report: Report) -> bool:
    return report.server is not None and report.server.synced


def _beside(picture: Picture, primaries: list[Report]) -> Arbitration:
    """Silence says nothing of a member: garbd stays, for its vote may be what keeps the Primary."""
    group = picture.group
    if group is not None and group.primary and group.size == 1:
        return Arbitration(Vote.LEAVE, "the last member left: a Primary without data is none")
    if primaries and all(report.group_name != picture.group_name for report in primaries):
        return Arbitration(
            Vote.LEAVE, "the cluster went on in a group of another name: leaves, to join that one"
        )
    if primaries:
        voting = group is not None and group.primary and group.synced
        words = f"votes in a Primary of {group.size}" if voting and group is not None else "joins the Primary"
        return Arbitration(Vote.STAY, words)
    stopped = [report for report in picture.answers.values() if not report.running]
    if picture.answers and not picture.silent and len(stopped) == len(picture.answers):
        return Arbitration(
            Vote.LEAVE, "no member's server runs: leaves, so that they can elect and bootstrap"
        )
    return Arbitration(
        Vote.STAY, "no member says that it is in a Primary: stays until they are, or have stopped"
    )
