"""What a member says of itself to the others: the report, and what it grants. One version, one shape.

Reports are facts and memories, never judgements of other members. They travel signed between agents
(:mod:`trireme.adapters.peers`), and ``/status`` shows the same words to people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from trireme.api.position import Position, View

WIRE_VERSION = 1
"""Raised when a field changes its meaning; a reader treats another version's report as silence, and says so."""


class Directory(StrEnum):
    """What a member's own evidence says of its data directory."""

    FRESH = "fresh"
    """It never held data: no server of this volume ever installed a Primary view."""
    CLEAN = "clean"
    """The server stopped in order; the position in grastate.dat is the data's."""
    CRASHED = "crashed"
    """It holds data; the position must be (or was) recovered from the storage engine."""
    INCOMPLETE = "incomplete"
    """A state transfer began and did not finish."""
    UNKNOWN = "unknown"
    """None of the above can be proved."""


class Phase(StrEnum):
    """What a member is doing. The same words in code, documents, /status and metrics."""

    STARTING = "Starting"
    RECOVERING = "Recovering"
    WAITING = "Waiting"
    ELECTING = "Electing"
    INITIALIZING = "Initializing"
    BOOTSTRAPPING = "Bootstrapping"
    JOINING = "Joining"
    TRANSFERRING = "Transferring"
    SYNCED = "Synced"
    DONOR = "Donor"
    NON_PRIMARY = "NonPrimary"
    UNRESPONSIVE = "Unresponsive"
    LEAVING = "Leaving"
    BLOCKED = "Blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One member's durable permission for one candidate to bootstrap (invariant 7).

    ``succeeds`` is the view that the new Primary follows; None is the first bootstrap ever. ``volume`` is the
    candidate's: a candidate that lost its volume is another candidate.
    """

    epoch: int
    candidate: int
    volume: str
    succeeds: View | None
    after: View | None = None
    """The voter's own last view as it granted. A person may choose a candidate that knows an older one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's word on who is to bootstrap, given to that member alone (``trireme recover``); kept until it does.

    It counts for one candidate on one volume. ``without`` are members that the person says are gone, ``give_up`` the
    histories whose data may be set aside. ``new_history``: the candidate's position cannot be proved; its data
    begin a history of their own.
    """

    candidate: int
    volume: str
    without: tuple[int, ...] = ()
    give_up: tuple[str, ...] = ()
    new_history: bool = False
    shown: tuple[tuple[int, int], ...] = ()
    """Ordinal and seqno of those that the person saw: whoever is ahead of what was shown refuses."""
    by: str = ""
    at: str = ""
    """ISO 8601, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The cluster went on without members that may hold newer data (invariant 4): what may be missing, and since when.

    It lasts on every volume that came after it. A member of ``missing`` that does not know it has not come through
    it: what it has beyond ``position`` is of no history that lives.
    """

    id: str
    """The founder's volume, its epoch, and which start of its agent that was: an old copy of a volume that was put back
    counts the same epochs again."""
    position: Position
    """From where the cluster went on."""
    missing: tuple[int, ...]
    view: View | None = None
    """The latest view that was known then."""
    abandoned: tuple[str, ...] = ()
    """Other histories that a person gave up."""
    undone: tuple[str, ...] = ()
    """Ids of earlier gaps that a person gave up: the chosen member was one of those that were left behind then, and what
    came after those gaps is of no history that lives."""
    by: str = ""
    """The policy, or the person, that decided."""
    at: str = ""
    settled: str = ""
    """Who said that nothing is missing any more; '' while it is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidacy:
    """What a candidate asks for: the epoch it opened, the view it wants to succeed, and whom it does not wait for."""

    epoch: int
    succeeds: View | None
    without: tuple[int, ...] = ()
    override: Override | None = None
    founding: bool = False
    """By the operator's word: not every declared member was asked."""
    in_place: bool = False
    """The candidate's server runs, and makes the group that it is connected with a Primary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterClaim:
    """Who takes the writes. The higher term wins, then the lower ordinal; a term is opened only by its writer."""

    term: int
    ordinal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReport:
    """What the running server says over SQL. ``state`` is wsrep_local_state: 1 joining, 2 donor, 3 joined, 4 synced."""

    primary: bool
    ready: bool
    state: int
    comment: str
    uuid: str
    last_committed: int
    size: int
    version: str
    slow: bool = False
    """It is Synced, and makes the others' writes wait for it much of the time (Galera's flow control)."""

    @property
    def synced(self) -> bool:
        return self.primary and self.ready and self.state == 4

    @property
    def serving(self) -> bool:
        """Takes SQL with current data: synced, or a donor (mariabackup does not block its donor)."""
        return self.primary and self.ready and self.state in (2, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Whether the accounts' passwords are those of the Secret; known to the writer only, which changes them."""

    in_step: bool
    why: str


class UpgradeState(StrEnum):
    """What the system tables of the data are beside the server that runs on it."""

    CURRENT = "current"
    DUE = "due"
    """The server is newer: mariadb-upgrade runs once it is this member's turn."""
    RUNNING = "running"
    FAILED = "failed"
    """Tried again, with back-off; ``why`` is what mariadb-upgrade said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """Versions as MariaDB writes them, such as ``10.11.19-MariaDB``; empty where not known."""

    state: UpgradeState
    data: str
    server: str
    why: str


class Room(StrEnum):
    """How much room the data volume has."""

    ENOUGH = "enough"
    LOW = "low"
    """The member leaves the services, hands over, and leaves the group before it stalls the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The volume that holds the data."""

    room: Room
    free_bytes: int
    size_bytes: int
    reserve_bytes: int = 0
    """With less free than this the member leaves; with twice this it comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that one member knows of itself. ``position`` is None while it is not known."""

    cluster: str
    ordinal: int
    name: str
    address: str
    incarnation: str
    """A new one for each start of the agent."""
    volume: str
    """Made once, with the volume's first record."""
    declared: int
    phase: Phase
    why: str
    directory: Directory
    position: Position | None = None
    safe_to_bootstrap: bool = False
    last_view: View | None = None
    running: bool = False
    """A server process lives, whether it answers or not: its position is not final."""
    server: ServerReport | None = None
    grant: Grant | None = None
    candidacy: Candidacy | None = None
    withdrawn: int = 0
    """No candidacy of this member with an epoch up to this one will ever be used (again)."""
    writer: WriterClaim | None = None
    unrouted: bool = False
    """It holds the writer's claim, and its pod's label does not lead clients to it yet."""
    joined_at: int | None = None
    """Seqno of the first view that the server which runs now belonged to; None where it bootstrapped."""
    leaving: bool = False
    ready: bool = False
    version: int = WIRE_VERSION
    unsettled: bool = False
    """The storage engine was not asked yet, or the first look at the directory is still due."""
    held_up: bool = False
    """It will not start a server in its next round: leaving, in back-off, faulty, or its position is still asked."""
    faults: int = 0
    """How often its server could not be started, for what only a person can mend, since it last belonged to a Primary.
    Among members that are as far, who failed more often waits for the others."""
    received_bytes: int | None = None
    """Bytes of the state transfer under way, None when there is none."""
    heir: int | None = None
    """This member is the writer, and hands its role to that member. Only that one may open the next term."""
    handover: str = ""
    """Why the last switchover from here came to nothing; empty where none did."""
    rebuilding: bool = False
    """It was asked to take a new copy of the data, and is not Synced with one yet."""
    rebuild_id: str = ""
    """The ``id`` of the last such request that it took on, done or not."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What was set live on the server that runs now, by name."""
    accounts: Accounts | None = None
    upgrade: Upgrade | None = None
    """None while no server of this member answers."""
    disk: Disk | None = None
    starved: str = ""
    """How often the kernel killed its server for want of memory, and when last; '' where that was not of late."""
    joining: bool = False
    """It was started to join, and was not seen Synced since: it has had no vote."""
    left: bool = False
    """Its server stopped in order, and may have left a Primary that went on without it."""
    gaps: tuple[Gap, ...] = ()
    views: tuple[View, ...] = ()
    """The Primary views that this member knows without a break, oldest first: of their history, from the first to the
    last of these, there are no others."""
    strayed: View | None = None
    """Its data came through this view, and a Primary lived that did not: they are of another branch of the history."""
    whole: bool = False
    """Nor are there others up to its position: it was told of each Primary view that is in its data."""
    override: Override | None = None
    """A person's word that this member holds and has not used yet."""
    group_name: str = ""
    """The name of the group that its server is started for; servers of other names do not connect with it."""
    group: tuple[int, ...] = ()
    """Ordinals whose servers this member's server is connected with now, Primary or not, its own included."""

    @property
    def primary(self) -> bool:
        return self.server is not None and self.server.primary


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRequest:
    """A candidate's request to one voter. The candidate sends its whole report as its claim."""

    candidacy: Candidacy
    candidate: Report
    majority: tuple[int, ...] = ()
    """Whose data make up the majority of the view that is succeeded, where somebody is not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantReply:
    """``granted`` only after the grant is on the voter's disk. A refusal says why, for people."""

    granted: bool
    why: str
    voter: Report
