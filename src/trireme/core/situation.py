"""What a decision sees (the situation), and what it may answer (actions, and the decision around them)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from trireme.api.position import Position, View
from trireme.api.report import Candidacy, Gap, Phase, Report, WriterClaim
from trireme.core.draining import Client, Drain
from trireme.core.terms import Terms


class Launch(StrEnum):
    """How the server that runs now was started."""

    BOOTSTRAP = "bootstrap"
    JOIN = "join"


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What this incarnation was told when it asked for grants; memory only, never taken over from before."""

    candidacy: Candidacy
    granted: frozenset[int] = frozenset()
    refused: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heir:
    """Whom this member, the writer, names as its successor, since when."""

    ordinal: int
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One immutable picture. Times are seconds of one monotonic clock."""

    now: float
    me: Report
    answers: Mapping[int, Report]
    """The others that answered just now, by ordinal."""
    silent: Mapping[str, str] = field(default_factory=dict)
    """Who was asked and did not answer, and in what words."""
    terms: Terms
    patience: float | None = None
    """Seconds until the policy no longer waits for who is silent, 0 and less from then on; None: it waits for ever."""
    version: str = ""
    """Of this image's server, such as 10.11.19."""
    inspected: bool = False
    engine_due: bool = False
    """The directory was looked at, and only the storage engine can tell its position."""
    prepared: bool = False
    """First start has finished on this volume, and no Primary followed yet."""
    unmarked: bool = True
    """No record of a join or a first start is open."""
    launch: Launch | None = None
    busy: tuple[Phase, str] | None = None
    """A long action is under way: its phase, and what it does, in words."""
    campaign: Campaign | None = None
    failures: int = 0
    retry_at: float = 0.0
    last_failure: str = ""
    fault: str | None = None
    """What only a person can mend, in words."""
    stalled: float = 0.0
    """Seconds since the starting server's state transfer last moved, or since its start."""
    without_primary: float = 0.0
    """Seconds since the server that runs now last belonged to a Primary; 0 while it does, or never did."""
    answered: bool = False
    """The server that runs now has answered before: it is up, not starting."""
    cut_off: bool = False
    """The server was in the group, closed its connection, and runs on: it will not come back by itself."""
    doubtful: bool = False
    """grastate.dat names no history though there is data: it may differ from the group's."""
    refusal: str | None = None
    """The server runs and refuses its own agent, in words: a person must mend an account or a password."""
    stop_since: float | None = None
    retire_since: float | None = None
    """It leaves the group for a while, since when."""
    rebuild_asked: bool = False
    """A new copy of the data is wanted, and the old one is still in place."""
    labelled: bool = False
    """Clients are led by the pods' role labels, which take a moment to reach every node."""
    clients: tuple[Client, ...] = ()
    """Looked at only while this member leaves, or is drained."""
    heir: Heir | None = None
    drain: Drain | None = None
    """It was the writer, and another is: its clients are asked to connect anew."""


@dataclass(frozen=True, slots=True)
class Inspect:
    """Look at the data directory."""


@dataclass(frozen=True, slots=True)
class AskEngine:
    """Run ``mariadbd --wsrep-recover``."""


@dataclass(frozen=True, slots=True)
class AskGrants:
    """Open the candidacy durably, then ask every member of the electorate, oneself first."""

    candidacy: Candidacy
    electorate: tuple[int, ...]
    majority: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Say durably that no candidacy up to ``epoch`` will be used."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Initialize:
    """Make the first data directory ever: system tables, users, database."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Start the server as a new Primary Component, from ``position`` (None: the first ever, or a history of its own).

    ``gap``: what may be missing is on disk before the server starts.
    """

    position: Position | None
    succeeds: View | None
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class Reform:
    """Make the group that the running server is connected with a Primary (``pc.bootstrap``)."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Join:
    """Start the server to join the members at ``addresses``; ask ``donors`` (names) first for a state transfer."""

    addresses: tuple[str, ...]
    donors: tuple[str, ...]
    position: Position | None
    votes: bool
    """False while it is to have no vote: it brings no data, and only one member has them."""
    discard: str | None
    """Why the directory's content is worthless (it is moved aside), None to keep it."""
    group_name: str = ""
    """As the Primary's servers have it; '' for the cluster's own."""
    gaps: tuple[Gap, ...] = ()
    """Of the Primary: on disk before the server starts, and after what lies beyond them was moved aside."""
    forget_view: bool = False
    """This member's last view is of what was given up: it goes with the same write that brings the gaps."""


@dataclass(frozen=True, slots=True)
class Learn:
    """Keep what the members of its Primary know of gaps, and of views from before this member was there."""

    gaps: tuple[Gap, ...]
    views: tuple[View, ...] = ()
    """The last of these is this member's last."""


@dataclass(frozen=True, slots=True)
class MarkStrayed:
    """Write down that its data came through this view, which proved them to be of another branch than the Primary's."""

    view: View


@dataclass(frozen=True, slots=True)
class StopServer:
    """Stop the server in order. ``failed``: its run came to nothing, for this reason; it may not stop by itself."""

    failed: str | None = None


@dataclass(frozen=True, slots=True)
class MarkSynced:
    """Close the records of a join or a first start: this member is Synced."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold this writer claim."""

    claim: WriterClaim


@dataclass(frozen=True, slots=True)
class DropHeir:
    """The member that was named does not take the role, for this reason: stay the writer."""

    why: str


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Close these connections of clients. The drain is now so; None: it is over."""

    drain: Drain | None
    close: tuple[int, ...] = ()
    overdue: bool = False
    """Even those that have begun something."""


@dataclass(frozen=True, slots=True)
class Retire:
    """Leave the group for a while, for this reason."""

    why: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """Move the data directory aside, as was asked for; a full state transfer brings another. No server runs."""

    reason: str
    forget_view: bool = False
    """What is set aside was of another branch than the Primary's, and so is this member's last view."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The agent's work is done."""


Action = (
    Inspect
    | AskEngine
    | AskGrants
    | Withdraw
    | Initialize
    | Bootstrap
    | Join
    | Reform
    | Learn
    | MarkStrayed
    | StopServer
    | MarkSynced
    | Claim
    | DropHeir
    | Dismiss
    | Retire
    | SetAside
    | Exit
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, why in one sentence, and after how many seconds to look again if nothing wakes earlier."""

    phase: Phase
    why: str
    actions: tuple[Action, ...] = ()
    again: float = 1.0
