"""What lasts about a cluster and a person should know, healthy or not: the operator's conditions in the same words."""

from collections.abc import Iterator
from dataclasses import dataclass

from trireme.api.position import Position
from trireme.api.report import Gap, Override, Room, UpgradeState
from trireme.core import pace
from trireme.core.cluster_seen import Cluster
from trireme.core.election import names
from trireme.core.gaps import known_gaps
from trireme.core.retiring import words

DATA_AT_RISK = "DataAtRisk"
TWO_PRIMARIES = "TwoPrimaries"
BY_WORD = "ByWord"
PASSWORDS = "PasswordsOutOfStep"
UPGRADE = "UpgradeFailed"
ROOM = "VolumeLow"
MEMORY = "OutOfMemory"
SLOW = "SlowMember"


@dataclass(frozen=True, slots=True)
class Condition:
    """It holds. ``type`` is a word for programs."""

    type: str
    message: str
    brief: bool = False
    """Worth one line, not more: the rest is in the GaleraCluster's own conditions."""


def conditions(cluster: Cluster) -> tuple[Condition, ...]:
    """Most urgent first."""
    return tuple(_conditions(cluster))


def open_gaps(cluster: Cluster) -> tuple[Gap, ...]:
    """Those that nobody has settled, as far as those who answer know."""
    return tuple(gap for gap in known_gaps(cluster.reports.values()) if not gap.settled)


def words_given(cluster: Cluster) -> tuple[Override, ...]:
    """What persons said to members, and was not used yet."""
    return tuple(r.override for r in cluster.reports.values() if r.override is not None)


def _conditions(cluster: Cluster) -> Iterator[Condition]:
    if cluster.split:
        sides = " and ".join(names(side) for side in _sides(cluster))
        yield Condition(
            TWO_PRIMARIES,
            f"{sides} are in Primaries that do not know each other; clients are led to one of them",
        )
    for gap in open_gaps(cluster):
        yield Condition(
            DATA_AT_RISK, f"{describe_gap(gap)}; see `trireme explain {cluster.name}`, and settle it"
        )
    for word in words_given(cluster):
        yield Condition(BY_WORD, f"{describe_word(word)}; done when a Primary lives")

    for told in cluster.declared.told if cluster.declared is not None else ():
        yield Condition(told.reason, told.message, brief=True)
    yield from _of_members(cluster)


def _of_members(cluster: Cluster) -> Iterator[Condition]:
    """In the words of the members' own reports."""
    for member in cluster.members:
        report = member.report
        if report is None:
            continue
        if report.accounts is not None and not report.accounts.in_step:
            yield Condition(PASSWORDS, report.accounts.why)
        if report.upgrade is not None and report.upgrade.state is UpgradeState.FAILED:
            yield Condition(UPGRADE, f"{member.name}: {report.upgrade.why}")
        if report.disk is not None and report.disk.room is Room.LOW:
            yield Condition(ROOM, f"{member.name}: {words(report.disk)}")
        if report.starved:
            yield Condition(
                MEMORY,
                f"{member.name}: {report.starved}: raise resources.limits.memory, or find the statements that take it",
            )
        if report.server is not None and report.server.slow:
            yield Condition(SLOW, f"{member.name}: {pace.WORDS}")


def _sides(cluster: Cluster) -> list[tuple[int, ...]]:
    """The views of those who are apart, each once."""
    views = {each.view.members if each.view is not None else (each.ordinal,) for each in cluster.split}
    return sorted(views)


def describe_gap(gap: Gap) -> str:
    """One sentence without its end."""
    without = names(gap.missing) if gap.missing else "what others had"
    where = at_position(gap.position)
    given_up = f", giving up history {', '.join(gap.abandoned)}" if gap.abandoned else ""
    when = f", on {gap.at}" if gap.at else ""
    return f"the cluster went on without {without} {where}{given_up}{when} (by {gap.by or 'nobody known'})"


def at_position(position: Position) -> str:
    return f"at position {position}" if position.known else "at a position that nobody knows"


def describe_word(word: Override) -> str:
    """One sentence without its end."""
    without = f", without {names(word.without)}" if word.without else ""
    given_up = f", giving up history {', '.join(word.give_up)}" if word.give_up else ""
    when = f" on {word.at}" if word.at else ""
    return f"{word.by or 'somebody'} chose member {word.candidate} to bootstrap{when}{without}{given_up}"
