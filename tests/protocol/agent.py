"""The agent in simulated time: the real decisions, and an executor that mirrors trireme.agent line by line.

What is in :class:`~tests.protocol.galera.Volume` survives a crash; all else here is lost with it. Each write to
the volume is a crash point: the world can end the pod right after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.protocol.galera import Server, Volume, position_of, shallow
from trireme.agent.member import FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS
from trireme.api.position import ZERO_UUID, Position
from trireme.api.report import (
    Candidacy,
    Directory,
    Gap,
    Phase,
    Report,
    ServerReport,
    WriterClaim,
)
from trireme.core import directory
from trireme.core.present import ABANDONED_SECONDS
from trireme.core.reform import STUCK_SECONDS
from trireme.core.situation import Campaign, Decision, Join, Launch, SetAside, Situation
from trireme.core.terms import HEARING_SECONDS, Terms

CLUSTER = "default/demo"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a look at the data directory found."""

    files: bool
    engine: bool
    grastate: Position | None
    safe: bool
    marks: bool


@dataclass(slots=True)
class Asking:
    """Requests for grants are on their way; the loop waits for the replies."""

    serial: int
    candidacy: Candidacy
    electorate: tuple[int, ...]
    granted: frozenset[int]
    refused: Mapping[int, str]
    waiting: frozenset[int]

    def copy(self) -> "Asking":
        return shallow(self)


@dataclass(slots=True)
class Agent:
    """One run of the agent: lost at a crash."""

    incarnation: int
    answers: Mapping[int, Report] = field(default_factory=dict)
    heard: dict[int, Report] | None = None
    """Answers of the round under way; None while no round is."""
    early: dict[int, tuple[Report, float]] = field(default_factory=dict)
    """Answers that came before the round, and when: a call of the round before goes on where it was slow."""
    asked_since: int = 0
    """Of the answers of the round under way: those that were asked for after the last grant (bits)."""
    outdated: frozenset[int] = frozenset()
    """Whose last answer may be from before the grant."""
    status: ServerReport | None = None
    facts: Facts | None = None
    asked_engine: bool = False
    recovered: Position | None = None
    busy: Phase | None = None
    """Work beside the loop: it ends later (a step of its own)."""
    join: Join | None = None
    """What the work is to make ready for, where it is a join."""
    campaign: Campaign | None = None
    asking: Asking | None = None
    judged: tuple[tuple[object, ...], Decision] | None = None
    """The last decision, and the picture that it was made of."""
    decided: Decision | None = None
    """Decided and not yet acted upon: the process was frozen in between, and answers nobody."""
    phase: Phase = Phase.STARTING
    why: str = ""
    fault: bool = False
    faults: int = 0
    failures: int = 0
    retry_at: float = 0.0
    stop_since: float | None = None
    retire_since: float | None = None
    aside: SetAside | None = None
    """What the work is to set aside, where it is that."""
    launch: Launch | None = None
    writer: WriterClaim | None = None
    named: tuple[int, ...] | None = None
    """Whom the SRV record named: whose pod has an address."""
    started: float = 0.0
    company_since: float = 0.0
    """Since when the same members answer."""
    group: tuple[int, ...] = ()
    """Whose servers its server was connected with in its last view, Primary or not."""
    non_primary_since: float | None = None

    def copy(self) -> "Agent":
        other = shallow(self)
        other.judged = None  # the copy may go by other rules, and searches keep millions
        other.heard = dict(self.heard) if self.heard is not None else None
        other.early = dict(self.early)
        other.asking = self.asking.copy() if self.asking is not None else None
        return other

    @property
    def leaves(self) -> bool:
        return self.stop_since is not None or self.retire_since is not None

    def forget_directory(self) -> None:
        self.facts, self.asked_engine, self.recovered = None, False, None

    def failed(self, now: float) -> None:
        self.retry_at = now + min(FIRST_RETRY_SECONDS * 2**self.failures, LONGEST_RETRY_SECONDS)
        self.failures = min(self.failures + 1, 16)


@dataclass(slots=True)
class Member:
    """One ordinal: its volume, and the pod and the server that may run on it."""

    ordinal: int
    volume: Volume
    declared: int
    patience: float | None = None
    """How long its policy waits for missing members; None: for ever."""
    agent: Agent | None = None
    server: Server | None = None
    broken: bool = False
    """No server can be started here, for a reason that only a person can mend."""
    was_broken: bool = False
    cached: tuple[tuple[object, ...], Report] | None = None

    def copy(self) -> "Member":
        return Member(
            ordinal=self.ordinal,
            volume=self.volume.copy(),
            declared=self.declared,
            patience=self.patience,
            agent=self.agent.copy() if self.agent is not None else None,
            server=self.server.copy() if self.server is not None else None,
            broken=self.broken,
            was_broken=self.was_broken,
            cached=self.cached,
        )

    @property
    def responsive(self) -> bool:
        return self.agent is not None and self.agent.decided is None

    @property
    def doubtful(self) -> bool:
        """As :attr:`trireme.agent.member.Member.doubtful`."""
        grastate = (
            self.agent.facts.grastate if self.agent is not None and self.agent.facts is not None else None
        )
        return grastate is not None and grastate.uuid == ZERO_UUID

    def verdict(self) -> directory.Verdict | None:
        """As :meth:`trireme.agent.member.Member.verdict`."""
        agent = self.agent
        if agent is None or agent.facts is None:
            return None
        return judge(self.volume, agent.facts, agent.recovered, agent.asked_engine)

    def report(self, now: float) -> Report:
        """As :meth:`trireme.agent.member.Member.report`; made anew only when something of it changed."""
        agent, record = self.agent, self.volume.record
        assert agent is not None
        running, back_off = self.server is not None, now < agent.retry_at
        source = (
            record, agent.incarnation, agent.facts, agent.recovered, agent.asked_engine, agent.status, agent.phase,
            agent.writer, agent.stop_since, agent.retire_since, agent.busy, running, self.declared, back_off,
            agent.launch, agent.group, agent.fault, agent.faults, self.server.breaks if self.server is not None else None,
        )  # fmt: skip
        if self.cached is not None and self.cached[0] == source:
            return self.cached[1]
        verdict, status = self.verdict(), agent.status
        report = Report(
            cluster=CLUSTER,
            ordinal=self.ordinal,
            name=f"demo-{self.ordinal}",
            address=f"{self.ordinal}",
            incarnation=str(agent.incarnation),
            volume=record.volume,
            declared=self.declared,
            phase=agent.phase,
            why="",
            directory=verdict.directory if verdict is not None else Directory.UNKNOWN,
            position=self._position(agent, verdict),
            safe_to_bootstrap=agent.facts is not None and agent.facts.safe,
            last_view=record.last_view,
            running=running,
            server=status,
            grant=record.grant,
            candidacy=record.candidacy,
            withdrawn=record.withdrawn,
            writer=agent.writer,
            leaving=agent.leaves,
            rebuilding=record.rebuild is not None,
            unsettled=not running and (verdict is None or verdict.ask_engine),
            held_up=self._held_up(agent, verdict, back_off),
            faults=agent.faults,
            joining=record.joining,
            left=verdict is not None and verdict.directory is Directory.CLEAN and not record.outside,
            gaps=self._gaps(),
            views=record.views,
            strayed=record.strayed,
            whole=record.whole if self.server is None else not self.server.breaks,
            override=record.override,
            group=agent.group if running else (),
            group_name=self.server.name if self.server is not None else "",
        )
        self.cached = (source, report)
        return report

    @staticmethod
    def _position(agent: Agent, verdict: directory.Verdict | None) -> Position | None:
        if agent.status is not None:
            return Position(agent.status.uuid, agent.status.last_committed)
        return verdict.position if verdict is not None else None

    @staticmethod
    def _held_up(agent: Agent, verdict: directory.Verdict | None, back_off: bool) -> bool:
        waits = agent.phase is Phase.BLOCKED or agent.busy is not None or back_off
        return waits or agent.fault or agent.stop_since is not None or verdict is None

    def _gaps(self) -> tuple[Gap, ...]:
        """As :meth:`trireme.agent.member.Member._gaps`."""
        record, agent = self.volume.record, self.agent
        begins = agent is not None and (
            agent.launch is Launch.BOOTSTRAP or (agent.status is not None and agent.status.primary)
        )
        return (*record.gaps, record.pending_gap) if begins and record.pending_gap else record.gaps

    def terms(self, now: float) -> Terms:
        """As :meth:`trireme.agent.member.Member.terms`."""
        agent = self.agent
        assert agent is not None
        overdue = self.patience is not None and now - agent.company_since >= self.patience
        young = now - agent.started < HEARING_SECONDS
        return Terms(
            declared=self.declared, named=agent.named, overdue=overdue, young=young, outdated=agent.outdated
        )

    def picture(self, now: float) -> tuple[object, ...]:
        """All that the situation is made of: while it is the same, so is the decision. Of the time only this counts, but
        for a member that leaves: whether a back-off is over (the report tells), and whether certain waits are."""
        self.report(now)
        agent, terms = self.agent, self.terms(now)
        assert agent is not None and self.cached is not None
        stalled = self.server is not None and now - self.server.moved > ABANDONED_SECONDS
        stuck = agent.non_primary_since is not None and now - agent.non_primary_since >= STUCK_SECONDS
        return (
            agent.failures, agent.retry_at, terms.named, terms.overdue, terms.young, stalled, stuck,
            now if agent.leaves else None, self.volume.data is None, agent.campaign,
            self.cached[0], agent.answers,
        )  # fmt: skip

    def situation(self, now: float) -> Situation:
        """As :meth:`trireme.agent.observe.Observer.situation`."""
        agent, record, verdict = self.agent, self.volume.record, self.verdict()
        assert agent is not None
        return Situation(
            now=now,
            me=self.report(now),
            answers=agent.answers,
            terms=self.terms(now),
            inspected=verdict is not None,
            engine_due=verdict is not None and verdict.ask_engine,
            prepared=record.first_start == "done",
            unmarked=not record.joining and record.first_start is None,
            launch=agent.launch,
            busy=(agent.busy, "") if agent.busy is not None else None,
            campaign=agent.campaign,
            failures=agent.failures,
            retry_at=agent.retry_at,
            fault="a port is in use" if agent.fault else None,
            doubtful=self.doubtful,
            stalled=now - self.server.moved if self.server is not None else 0.0,
            stop_since=agent.stop_since,
            retire_since=agent.retire_since,
            rebuild_asked=record.rebuild == "asked",
            without_primary=now - agent.non_primary_since if agent.non_primary_since is not None else 0.0,
        )


def judge(volume: Volume, facts: Facts, recovered: Position | None, asked: bool) -> directory.Verdict:
    record = volume.record
    evidence = directory.Evidence(
        has_files=facts.files,
        has_engine=facts.engine,
        grastate=facts.grastate,
        safe_to_bootstrap=facts.safe,
        differs=record.differs,
        transfer_broke_off=facts.marks,
        initializing=record.first_start is not None,
        joining=record.joining,
        last_view=record.last_view,
        recovered=recovered,
        engine_sound=asked and volume.data is not None,
    )
    return directory.judge(evidence, engine_asked=asked)


def look(volume: Volume) -> Facts:
    """As :func:`trireme.adapters.mariadb.datadir.inspect`."""
    return Facts(
        files=volume.files,
        engine=volume.data is not None,
        grastate=volume.grastate,
        safe=volume.safe,
        marks=volume.marks,
    )


def ask_engine(volume: Volume) -> Position | None:
    """As ``mariadbd --wsrep-recover``: half a copy does not come up; an engine without a history knows none."""
    return position_of(volume.data) if volume.data else None


def provable(volume: Volume) -> bool:
    """The directory, looked at now and its engine asked, may be bootstrapped."""
    verdict = judge(volume, look(volume), ask_engine(volume), asked=True)
    return (
        verdict.directory in (Directory.CLEAN, Directory.CRASHED)
        and verdict.position is not None
        and verdict.position.known
    )
