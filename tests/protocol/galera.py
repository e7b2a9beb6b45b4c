"""An executable model of Galera: components with majority quorum, a total order, positions, state transfers.

Each rule is taken from Galera's sources or was seen on real servers; docs/verification.md says which and where.
A history is a tuple of entries, one per seqno: a positive entry is a write set, a negative one a Primary view.
So two copies agree exactly if one is a prefix of the other, and a position is the length of a copy.
"""

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, TypeVar

from trireme.agent.records import Record
from trireme.api.position import ZERO_UUID, Position, View
from trireme.api.report import ServerReport
from trireme.core.situation import Launch

History = tuple[int, ...]

T = TypeVar("T")


@cache
def _reader(kind: type[Any]) -> "attrgetter[Any]":
    return attrgetter(*(field.name for field in fields(kind)))


def shallow(item: T) -> T:
    """A copy of a dataclass, several times faster than dataclasses.replace: searches copy millions."""
    kind = type(item)
    return kind(*_reader(kind)(item))  # type: ignore[arg-type]


_MEMBERS = 1 << 8
"""A view's entry is minus (members as bits + 256 * number of the history, in its first entry only)."""


def view_entry(members: frozenset[int], founded: int = 0) -> int:
    """``founded`` numbers the history that this view begins; 0 for all later views."""
    return -(sum(1 << ordinal for ordinal in members) + _MEMBERS * founded)


@lru_cache(maxsize=4096)
def members_of(entry: int) -> tuple[int, ...]:
    bits = -entry % _MEMBERS
    return tuple(ordinal for ordinal in range(8) if bits >> ordinal & 1)


@lru_cache(maxsize=256)
def _uuid(first: int) -> str:
    return f"{-first // _MEMBERS:08d}-0000-0000-0000-000000000000"


def number_of(uuid: str) -> int:
    """Which history: what ``founded`` was when it began."""
    return int(uuid.partition("-")[0])


def uuid_of(history: History) -> str:
    return _uuid(history[0]) if history else ZERO_UUID


@lru_cache(maxsize=65536)
def position_of(history: History) -> Position:
    return Position(uuid_of(history), len(history))


def next_view(history: History, after: int) -> int | None:
    """Index of the first view at or after index ``after``."""
    for index in range(after, len(history)):
        if history[index] < 0:
            return index
    return None


@lru_cache(maxsize=65536)
def view_at(history: History, index: int, *, founded: bool) -> View:
    return View(uuid_of(history), index + 1, members_of(history[index]), founded)


@dataclass(slots=True)
class Volume:
    """What survives every crash: the member's records, and its data directory as it really is."""

    record: Record
    data: History | None = None
    """The storage engine's content; None where there is none, or only half of one."""
    files: bool = False
    grastate: Position | None = None
    safe: bool = False
    """``safe_to_bootstrap``."""
    marks: bool = False
    """The transfer script's marks: a state transfer is under way or broke off."""
    before: int = 0
    """How far its data went when it began to join; what is beyond it received since, if it did not become Synced."""

    def copy(self) -> "Volume":
        return shallow(self)


class State(IntEnum):
    """A server's way into the group."""

    STARTING = 0
    JOINER = 1
    """In the group, its data is not the group's: it asked for a state transfer."""
    RECEIVING = 2
    """A full transfer overwrites its directory."""
    SYNCED = 4
    """It has all that the group delivered to it. Keeps its name where the group is not Primary."""


@dataclass(slots=True)
class Server:
    """One process of mariadbd."""

    ordinal: int
    instance: int
    """Unique among all processes ever: Galera knows members by it, not by their name."""
    launch: Launch
    addresses: tuple[int, ...]
    state: State = State.STARTING
    component: int = 0
    log: History = ()
    """All that the group delivered to it (of a joiner: its own data, if grastate.dat says how far that is)."""
    applied: int = 0
    """At least so much is in its storage engine, durably."""
    entered: int = 0
    """Index of the view in which it joined; it is told that one right after its state transfer."""
    noted: int = 0
    """Views before this index were installed and told to the agent."""
    up: bool = False
    """It takes SQL connections (not before its first state transfer)."""
    stopping: bool = False
    name: str = ""
    """Of its group: servers of other names do not connect."""
    breaks: frozenset[int] = frozenset({0})
    """Lengths of its log when it may have begun to miss Primary views; it did not tell its agent of one since."""
    votes: bool = True
    """``pc.weight``: it counts for the quorum."""
    received: bool = False
    """Its data go beyond the last view that its agent was told of, by a join that broke off before."""
    moved: float = 0.0
    """When its way into the group last made progress (simulated seconds)."""
    last_primary: tuple[int, frozenset[int]] = (0, frozenset())
    """Seqno of its last Primary view, and the instances in it."""

    def copy(self) -> "Server":
        return shallow(self)


@dataclass(slots=True)
class Component:
    """Servers that installed one view together; it stays what it is until its members install another."""

    primary: bool
    log: History
    members: frozenset[int]
    """Instances."""
    voters: frozenset[int]
    """Those of them that count for the quorum."""
    left: frozenset[int] = frozenset()
    """Those of them that said good-bye: they do not count for the quorum."""
    doubtful: bool = False
    """A Primary by the word of an old copy of a volume (:mod:`tests.protocol.doubt`)."""

    def copy(self) -> "Component":
        return shallow(self)

    def quorate(self, present: frozenset[int]) -> bool:
        """More than half of the voters who did not leave in order."""
        remaining = self.voters - self.left
        return 2 * len(present & remaining) > len(remaining)


def sql_report(server: Server, component: Component | None) -> ServerReport | None:
    """What the server answers over SQL; None while it takes no connection. It may have received more than it applied."""
    if not server.up:
        return None
    primary = component is not None and component.primary
    synced = server.state is State.SYNCED
    return _sql_report(
        primary, primary and synced, 4 if synced else 1, uuid_of(server.log),
        len(server.log) if primary else server.applied,
        len(component.members) if component is not None else 1,
    )  # fmt: skip


@lru_cache(maxsize=65536)
def _sql_report(primary: bool, ready: bool, state: int, uuid: str, seqno: int, size: int) -> ServerReport:
    return ServerReport(
        primary=primary,
        ready=ready,
        state=state,
        comment="",
        uuid=uuid,
        last_committed=seqno,
        size=size,
        version="",
    )
