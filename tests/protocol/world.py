"""The world: members on their volumes, the group that Galera forms of them, messages on their way, clients."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.protocol.agent import CLUSTER, Agent, Member
from tests.protocol.galera import Component, Server, State, Volume, shallow
from trireme.agent.records import Record
from trireme.api.report import Candidacy, GrantRequest, Override, Report


class PodCrashed(Exception):  # noqa: N818 - an event of the model
    """The pod ended right after a durable write."""


class Violation(Exception):  # noqa: N818 - a finding
    """An invariant of the design does not hold. ``invariant``: its number or name there."""

    def __init__(self, invariant: str, words: str) -> None:
        super().__init__(f"invariant {invariant}: {words}")
        self.invariant = invariant


@dataclass(frozen=True, slots=True)
class Message:
    """A request for a grant on its way; it may arrive late, twice, or never."""

    serial: int
    sender: int
    incarnation: int
    voter: int
    request: GrantRequest


@dataclass(slots=True)
class Rules:
    """How the simulated agent executes; mutants break these."""

    durable_grants: bool = True
    """A grant is on disk before it is given."""
    lasting_grants: bool = True
    """A grant outlives its voter's agent."""
    one_opinion: bool = True
    """All members see the same member as the candidate (else invariant 3 is not checked: the others still are)."""
    durable_views: bool = True
    """A view is on disk before the server goes on."""
    remembered: bool = True
    """A picture like the last one is not judged again, nor a second like the last one; False: each one is. It makes no
    difference but the time."""


@dataclass(slots=True)
class World:
    members: list[Member]
    declared: int
    rules: Rules = field(default_factory=Rules)
    components: dict[int, Component] = field(default_factory=dict)
    sides: tuple[int, ...] = (0,) * 8
    """By ordinal: servers on one side of a partition reach each other."""
    messages: list[Message] = field(default_factory=list)
    now: float = 0.0
    serials: tuple[int, ...] = (0,) * 8
    """By ordinal: how many things that must be unique were made for it."""
    installed: int = 0
    """Components so far."""
    founded: int = 0
    """Histories begun so far."""
    acknowledged: set[int] = field(default_factory=set)
    """Write sets that a client was told to be committed."""
    excused: set[int] = field(default_factory=set)
    """Of those, the ones that went with a lost volume."""
    patience: float | None = None
    """How long the policy of all members waits for missing ones; None: for ever."""
    kept: dict[int, Volume] = field(default_factory=dict)
    """By ordinal: an old copy of its volume."""
    put_back: bool = False
    """An old copy was put back: what was promised since is forgotten."""
    doubtful: frozenset[int] = frozenset()
    """Who has such a copy, or goes by its word (:mod:`tests.protocol.doubt`). Of what they do only this is left: no two
    branches are mixed, and nothing is overwritten."""
    misled: bool = False
    """A Primary came about by such a word."""
    in_doubt: set[int] = field(default_factory=set)
    """Of the acknowledged write sets, those that such a Primary acknowledged."""
    torn: bool = False
    """After that there were two Primaries at one time."""
    lost_volumes: int = 0
    """Lost, or replaced by one with another cluster's data."""
    elected: dict[Candidacy, tuple[int, frozenset[str]]] = field(default_factory=dict)
    """Who bootstrapped in which epoch, to succeed which view, and the volumes that granted."""
    fuse: int = 0
    """The pod that acts crashes right after so many more durable writes; 0: it does not."""
    story: list[str] | None = None
    """What happens, in words, where someone wants to read it."""
    terse: bool = False
    """Between faults and after them: the story leaves out the steps that change nothing."""

    @classmethod
    def of(cls, size: int, rules: Rules | None = None) -> "World":
        """``size`` members with empty volumes; no pod runs yet."""
        world = cls(members=[], declared=size, rules=rules or Rules())
        for ordinal in range(size):
            world.members.append(Member(ordinal, world.new_volume(ordinal), size))
        return world

    def copy(self) -> "World":
        other = shallow(self)
        other.members = [member.copy() for member in self.members]
        other.components = {number: component.copy() for number, component in self.components.items()}
        other.messages = list(self.messages)
        other.acknowledged, other.excused = set(self.acknowledged), set(self.excused)
        other.in_doubt = set(self.in_doubt)
        other.elected, other.kept = dict(self.elected), dict(self.kept)
        return other

    def be_patient(self, seconds: float | None) -> None:
        """Set the policy of all members."""
        self.patience = seconds
        for member in self.members:
            member.patience = seconds

    def next(self, ordinal: int) -> int:
        """A number that nothing else has; it does not depend on what other members did."""
        count = self.serials[ordinal]
        self.serials = (*self.serials[:ordinal], count + 1, *self.serials[ordinal + 1 :])
        return 8 * count + ordinal + 1

    def new_volume(self, ordinal: int) -> Volume:
        return Volume(Record(cluster=CLUSTER, volume=f"vol-{self.next(ordinal)}"))

    def tell(self, words: str) -> None:
        if self.story is not None:
            self.story.append(words)

    # --- agents ------------------------------------------------------------------------------------------------

    def write(self, member: Member, **fields: Any) -> None:
        """As :meth:`trireme.agent.records.Records.change`: durable when it returns; then the pod may crash."""
        member.volume.record = replace(member.volume.record, **fields)
        if self.story is not None:
            self.tell(f"    member {member.ordinal} has on disk: {_fields(fields)}")
        self.burn()

    def burn(self) -> None:
        """A crash point."""
        if self.fuse:
            self.fuse -= 1
            if not self.fuse:
                raise PodCrashed

    def report(self, member: Member) -> Report:
        return member.report(self.now)

    def words(self) -> list[Override | None]:
        return [member.volume.record.override for member in self.members]

    def server_ended(self, member: Member, *, asked: bool) -> None:
        """As ``Launcher._watch``."""
        member.server = None
        agent = member.agent
        if agent is not None:
            agent.status, agent.launch, agent.retire_since = None, None, None
            agent.forget_directory()
            if not asked:
                agent.failed(self.now)

    # --- the group ---------------------------------------------------------------------------------------------

    def connected(self, side: int) -> list[Server]:
        return [
            member.server
            for member in self.members
            if member.server is not None
            and member.server.state is not State.STARTING
            and self.sides[member.ordinal] == side
        ]

    def attached(self, number: int) -> list[Server]:
        """Living servers whose last view is this component's."""
        return [m.server for m in self.members if m.server is not None and m.server.component == number]

    def group_of(self, server: Server | None) -> tuple[int, ...]:
        """Ordinals in the last view, Primary or not, that this server installed."""
        component = self.component_of(server)
        if server is None or component is None:
            return ()
        return tuple(
            sorted(s.ordinal for s in self.attached(server.component) if s.instance in component.members)
        )

    def component_of(self, server: Server | None) -> Component | None:
        return self.components.get(server.component) if server is not None else None

    def in_primary(self, server: Server | None) -> bool:
        component = self.component_of(server)
        return component is not None and component.primary

    def active(self) -> Iterator[tuple[int, Component]]:
        """Primary Components that can still commit: what their living members could confirm."""
        for number, component in self.components.items():
            if component.primary:
                present = frozenset(server.instance for server in self.attached(number))
                if component.quorate(present):
                    yield number, component

    def new_agent(self, member: Member) -> None:
        member.agent = Agent(incarnation=self.next(member.ordinal), company_since=self.now, started=self.now)
        member.declared, member.patience = self.declared, self.patience
        if not self.rules.lasting_grants:
            member.volume.record = replace(member.volume.record, grant=None)


def _fields(fields: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in fields.items())
