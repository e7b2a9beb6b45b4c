"""This member as its agent knows it: the only mutable state, and the report that is made of it."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from trireme.adapters.mariadb.binaries import Binaries
from trireme.adapters.mariadb.datadir import DirectoryFacts
from trireme.adapters.mariadb.process import Server
from trireme.adapters.mariadb.recover import Recovered
from trireme.adapters.mariadb.status import ServerStatus
from trireme.agent.live import Live
from trireme.agent.records import Records, unexpired_word
from trireme.agent.settings import Settings
from trireme.api.names import PRIMARY
from trireme.api.position import ZERO_UUID, Position, View
from trireme.api.report import (
    Accounts,
    Directory,
    Disk,
    Gap,
    Phase,
    Report,
    Room,
    ServerReport,
    Upgrade,
    WriterClaim,
)
from trireme.core import branches, directory, health
from trireme.core.draining import Client, Drain
from trireme.core.gaps import merged
from trireme.core.pace import Pace
from trireme.core.retiring import amount
from trireme.core.situation import Campaign, Heir, Launch
from trireme.core.terms import HEARING_SECONDS, Terms

FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0
"""Back-off between starts of a server that fails: 1, 2, 4, … 30 s."""
STARVED_SECONDS = 86400.0
"""For so long its report tells of a server that was killed for want of memory: a person may look in the morning only."""


@dataclass(slots=True)
class Member:
    """Written by the loop and its actions only; the HTTP side reads."""

    settings: Settings
    binaries: Binaries | None
    records: Records
    incarnation: str = field(default_factory=lambda: secrets.token_hex(8))
    started: float = field(default_factory=time.monotonic)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while this member is ready, as of the last round."""

    phase: Phase = Phase.STARTING
    why: str = "the agent starts"
    rounds: int = 0
    last_round: float = field(default_factory=time.monotonic)
    fault: str | None = None
    faults: int = 0
    """How often something needed a person since its server last belonged to a Primary."""
    stop_since: float | None = None

    facts: DirectoryFacts | None = None
    recovered: Recovered | None = None
    server: Server | None = None
    status: ServerStatus | None = None
    refusal: str | None = None
    clients: tuple[Client, ...] = ()
    heir: Heir | None = None
    """Whom this member, the writer, was asked to hand its role to."""
    handover: str = ""
    """Why the last switchover from here came to nothing."""
    drain: Drain | None = None
    retire_since: float | None = None
    """Its server leaves the group for a while, since when."""
    disk: Disk | None = None
    upgrade: Upgrade | None = None
    accounts: Accounts | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """Set live on the server that runs now."""
    launch: Launch | None = None
    copied: bool = False
    """The server that runs now received a full copy of the data."""
    first_view: int | None = None
    """Seqno of the first Primary view that this server came to."""
    was_connected: bool = False
    """The server that runs now has been in the group."""
    received_bytes: int | None = None
    sent_bytes: int | None = None
    progress: object = None
    """What the state transfer looked like when it last moved, and when that was."""
    progress_at: float = 0.0
    busy: tuple[Phase, str] | None = None
    campaign: Campaign | None = None
    failures: int = 0
    retry_at: float = 0.0
    last_failure: str = ""
    restarts: int = 0
    memory_kills: int = 0
    """How often the kernel killed its server for want of memory."""
    starved: tuple[float, str] | None = None
    """When that was last (by the clock of ``started``), and the sentence."""
    looks: tuple[Pace, ...] = ()
    """At the server that runs now, for as long as its pace is judged by."""
    slow: bool = False
    writer: WriterClaim | None = None
    role_label: str | None = None
    """The role that this agent gave its pod as a label, "" for none yet; None where no labels are kept."""
    answers: Mapping[int, Report] = field(default_factory=dict)
    asked_at: Mapping[int, float] = field(default_factory=dict)
    """By ordinal: when its last answer was asked for."""
    granted_at: float | None = None
    """When this agent last gave a grant. Whoever answers an agent that just started does so after all its grants."""
    silent: Mapping[str, str] = field(default_factory=dict)
    addresses: frozenset[str] = frozenset()
    group_addresses: frozenset[str] = frozenset()
    """Of the members of the server's last view. A name service may take 30 s to tell a restarted pod's new one."""
    found_addresses: frozenset[str] = frozenset()
    """Of silent members' pods, by the Kubernetes API."""
    named: tuple[int, ...] | None = None
    """Ordinals that the last SRV look-up named; None where it failed or named nobody."""
    non_primary_since: float | None = None
    """Since when the server that runs now answers that it belongs to no Primary."""
    company_since: float = field(default_factory=time.monotonic)
    """Since when the same members answer."""
    group_name: str = ""
    """Of the configuration that was written last."""
    group: tuple[int, ...] = ()
    """Ordinals in the view, Primary or not, that the server installed last."""
    live: Live = field(default_factory=Live)
    unbroken: bool = False
    """The server that runs now missed no Primary view since the last one that was written down."""
    unwritten: View | None = None
    """A Primary view that the disk did not take (it is full, say): it is tried again, and counts meanwhile."""

    @property
    def last_view(self) -> View | None:
        return self.unwritten or self.records.record.last_view

    @property
    def running(self) -> bool:
        return self.server is not None

    def forget_directory(self) -> None:
        """What was known of the directory is no longer so: a server ran on it, or it was changed."""
        self.facts = None
        self.recovered = None

    def failed(self, why: str) -> None:
        """A start came to nothing: wait before the next."""
        self.last_failure = why
        pause = min(FIRST_RETRY_SECONDS * 2**self.failures, LONGEST_RETRY_SECONDS)
        self.failures = min(self.failures + 1, 16)
        self.retry_at = time.monotonic() + pause

    def needs_person(self, why: str) -> None:
        """Nothing helps but a person. It is looked at again now and then: the person may have acted."""
        self.fault = why
        self.faults += 1
        self.failed(why)
        self.forget_directory()

    def out_of_memory(self, limit_bytes: int | None) -> str:
        """The kernel killed the server. Returns why it ended."""
        self.memory_kills += 1
        limit = f" (limit {amount(limit_bytes)})" if limit_bytes is not None else ""
        times = "once" if self.memory_kills == 1 else f"{self.memory_kills} times"
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        self.starved = (
            time.monotonic(),
            f"the kernel killed its server for want of memory{limit} {times} since its agent started, last at {at}",
        )
        return f"the kernel killed it for want of memory{limit}"

    def clear_fault(self) -> None:
        if self.fault is not None and time.monotonic() >= self.retry_at:
            self.fault = None

    def verdict(self) -> directory.Verdict | None:
        """The directory's state by its evidence; None before the first look."""
        if self.facts is None:
            return None
        record, facts = self.records.record, self.facts
        evidence = directory.Evidence(
            has_files=not facts.empty,
            has_engine=facts.has_ibdata,
            grastate=facts.grastate.position if facts.grastate else None,
            safe_to_bootstrap=facts.grastate.safe_to_bootstrap if facts.grastate else False,
            differs=record.differs,
            transfer_broke_off=facts.transfer_broke_off,
            initializing=record.first_start is not None,
            joining=record.joining,
            last_view=self.last_view,
            recovered=self.recovered.position if self.recovered else None,
            engine_sound=self.recovered is not None and self.recovered.engine_sound,
        )
        return directory.judge(evidence, engine_asked=self.recovered is not None)

    def report(self) -> Report:
        """What this member says of itself right now."""
        record, verdict = self.records.record, self.verdict()
        report = Report(
            cluster=record.cluster,
            ordinal=self.settings.ordinal,
            name=self.settings.pod,
            address=self.settings.address,
            incarnation=self.incarnation,
            volume=record.volume,
            declared=self.live.members or self.settings.members,
            phase=self.phase,
            why=self.why,
            directory=verdict.directory if verdict else Directory.UNKNOWN,
            position=self._position(verdict),
            safe_to_bootstrap=self._safe_to_bootstrap(),
            last_view=self.last_view,
            running=self.running,
            server=server_report(self.status, slow=self.slow) if self.status else None,
            grant=record.grant,
            candidacy=record.candidacy,
            withdrawn=record.withdrawn,
            writer=self.writer,
            unrouted=self.writes and self.role_label not in (None, PRIMARY),
            joined_at=self.first_view if self.launch is Launch.JOIN else None,
            leaving=self.stop_since is not None or self.retire_since is not None,
            unsettled=not self.running and (verdict is None or verdict.ask_engine),
            held_up=self._held_up(verdict),
            faults=self.faults,
            received_bytes=self.received_bytes,
            heir=self.heir.ordinal if self.heir is not None and self.writes else None,
            handover=self.handover,
            rebuilding=record.rebuild is not None,
            rebuild_id=record.rebuild_id,
            disk=self.disk,
            starved=self._starved(),
            upgrade=self.upgrade,
            variables=self.variables,
            accounts=self.accounts if self.writes else None,
            joining=record.joining,
            left=verdict is not None and verdict.directory is Directory.CLEAN and not record.outside,
            gaps=self._gaps(),
            views=record.views,
            whole=record.whole,
            strayed=record.strayed,
            group=self.group if self.running else (),
            group_name=self.group_name if self.running else "",
            override=unexpired_word(record, datetime.now(UTC)),
        )
        return report if not health.ready(report).ok else _as_ready(report)

    def _safe_to_bootstrap(self) -> bool:
        grastate = self.facts.grastate if self.facts is not None else None
        return grastate is not None and grastate.safe_to_bootstrap

    def _starved(self) -> str:
        if self.starved is None:
            return ""
        at, words = self.starved
        return words if time.monotonic() - at < STARVED_SECONDS else ""

    def _gaps(self) -> tuple[Gap, ...]:
        """A gap that is about to be counts for those who join, from the start of the server that makes it."""
        record = self.records.record
        begins = self.launch is Launch.BOOTSTRAP or (self.status is not None and self.status.primary)
        return (*record.gaps, record.pending_gap) if begins and record.pending_gap else record.gaps

    @property
    def doubtful(self) -> bool:
        """grastate.dat is whole and names no history (a zero uuid), though the directory holds data."""
        grastate = self.facts.grastate if self.facts is not None else None
        return grastate is not None and grastate.position.uuid == ZERO_UUID

    def terms(self) -> Terms:
        """What an election goes by, as this member knows it now."""
        left = self.patience_left()
        return Terms(
            declared=self.live.members or self.settings.members,
            named=self.named,
            overdue=left is not None and left <= 0,
            founder=self.live.founder,
            outdated=self._outdated(),
            young=time.monotonic() - self.started < HEARING_SECONDS,
        )

    def _outdated(self) -> frozenset[int]:
        given = self.granted_at
        return frozenset(o for o in self.answers if given is not None and self.asked_at.get(o, 0.0) <= given)

    def patience_left(self) -> float | None:
        if self.live.patience is None:
            return None
        return self.live.patience - (time.monotonic() - self.company_since)

    @property
    def writes(self) -> bool:
        return self.writer is not None and self.writer.ordinal == self.settings.ordinal

    @property
    def moving(self) -> bool:
        """Its clients are led elsewhere: it leaves, or another took the writer's role from it."""
        return self.stop_since is not None or self.retire_since is not None or self.drain is not None

    def _held_up(self, verdict: directory.Verdict | None) -> bool:
        waits = self.phase is Phase.BLOCKED or self.busy is not None or time.monotonic() < self.retry_at
        low = (
            self.disk is not None
            and self.disk.room is Room.LOW
            and any(r.primary for r in self.answers.values())
        )
        return waits or low or self.fault is not None or self.stop_since is not None or verdict is None

    def _position(self, verdict: directory.Verdict | None) -> Position | None:
        if self.status is not None:
            return Position(self.status.state_uuid, self.status.last_committed)
        return verdict.position if verdict else None

    def note_view(self, view: View, *, certain: bool = True) -> None:
        """A Primary view was installed: on disk before this returns. An open first start is over, a person's word is
        used, and a gap that this member made is one. Raises OSError; the view then counts while this agent lives, or a
        member that was alone before would take itself for the last one. ``certain``: its seqno is no guess."""
        record = self.records.record
        goes_on = self.unbroken and self.unwritten in (None, view)
        self.unwritten = view if view != record.last_view else None
        if self.unwritten is None:
            return
        pending = record.pending_gap
        made = (pending,) if pending is not None else ()
        self.records.change(
            last_view=view, first_start=None, outside=False, override=None,
            gaps=merged(record.gaps, made), pending_gap=None,
            views=branches.told(record.views, view, goes_on=goes_on) if certain else (), whole=certain, strayed=None,
        )  # fmt: skip
        self.unwritten = None
        self.unbroken, self.faults = certain, 0

    def note_synced(self) -> None:
        """The data are the Primary's. Not before its view is on disk: without either, they would be of no known branch.
        Raises OSError."""
        if self.unwritten is not None:
            return
        asked = "asked" if self.records.record.rebuild == "asked" else None
        self.records.change(joining=False, first_start=None, differs=False, rebuild=asked)

    def note_loss(self) -> None:
        """The server belongs to no Primary any more: others may go on, and it may come back to what they did."""
        self.unbroken = False
        if self.records.record.whole:
            with contextlib.suppress(OSError):
                self.records.change(whole=False)

    def keep_view(self) -> None:
        """Try once more to write down a view that the disk did not take."""
        if self.unwritten is not None:
            with contextlib.suppress(OSError):
                self.note_view(self.unwritten)


def server_report(status: ServerStatus, *, slow: bool) -> ServerReport:
    return ServerReport(
        primary=status.primary,
        ready=status.ready,
        state=status.local_state,
        comment=status.local_state_comment,
        uuid=status.state_uuid,
        last_committed=status.last_committed,
        size=status.cluster_size,
        version=status.version,
        slow=slow,
    )


def _as_ready(report: Report) -> Report:

    return replace(report, ready=True)
