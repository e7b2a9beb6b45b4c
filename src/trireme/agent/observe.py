"""Gathers one situation: what the server, the other agents and the records say. It judges nothing."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Iterable

from trireme.adapters.dns import Resolver, ordinal_of
from trireme.adapters.mariadb.status import SYNCED_STATE, Monitor, ServerStatus
from trireme.adapters.mariadb.transfer import transfer_progress
from trireme.adapters.peers import Peers, Silence
from trireme.agent.live import read_live
from trireme.agent.member import Member
from trireme.api.report import Phase, Report
from trireme.base.errors import PermanentError, TemporaryError, TriremeError
from trireme.core import pace
from trireme.core.pace import Pace
from trireme.core.retiring import measure
from trireme.core.situation import Situation

log = logging.getLogger("trireme.agent")

STEADY_LOOKUP_SECONDS = 15.0
"""Between SRV look-ups while all is well. In any other phase each round asks anew."""
STEADY_PHASES = frozenset({Phase.SYNCED, Phase.DONOR})


class Observer:
    def __init__(self, member: Member, resolver: Resolver, peers: Peers, monitor: Monitor) -> None:
        self._member = member
        self._resolver = resolver
        self._peers = peers
        self._monitor = monitor
        self._looked_up = float("-inf")
        self._lookup_error = ""
        self._live_error = ""

    async def observe(self, *, prompt: bool) -> Situation:
        """One round of looking: the server, the name service and the other agents, each bounded by its time-out.

        ``prompt``: there is news to act on, so that members that are slow to answer are not waited for. Nor are they
        while clients move: a name service that still tells a restarted pod's old address made each look take 3 s.
        """
        self._look_at_volume()
        if self._knows_itself():
            prompt = prompt or self._member.moving
            await asyncio.gather(self._look_at_server(), self._ask_members(prompt))
        return self.situation()

    def _knows_itself(self) -> bool:
        """Its own directory comes first: what others say changes nothing before its position is known, or asked for."""
        member = self._member
        if (
            member.running
            or member.busy is not None
            or member.fault is not None
            or member.stop_since is not None
        ):
            return True
        verdict = member.verdict()
        return verdict is not None and not verdict.ask_engine

    def situation(self) -> Situation:
        member = self._member
        verdict, record = member.verdict(), member.records.record
        return Situation(
            now=time.monotonic(),
            me=member.report(),
            answers=member.answers,
            silent=member.silent,
            terms=member.terms(),
            patience=member.patience_left(),
            version=".".join(map(str, member.binaries.version)) if member.binaries is not None else "",
            inspected=verdict is not None,
            engine_due=verdict is not None and verdict.ask_engine,
            prepared=record.first_start == "done",
            unmarked=not record.joining and record.first_start is None,
            launch=member.launch,
            busy=member.busy,
            campaign=member.campaign,
            failures=member.failures,
            retry_at=member.retry_at,
            last_failure=member.last_failure,
            fault=member.fault,
            stalled=time.monotonic() - member.progress_at if member.server is not None else 0.0,
            without_primary=self._without_primary(),
            answered=member.was_connected,
            cut_off=self._cut_off(),
            doubtful=member.doubtful,
            refusal=member.refusal,
            stop_since=member.stop_since,
            retire_since=member.retire_since,
            rebuild_asked=record.rebuild == "asked",
            labelled=member.role_label is not None,
            clients=member.clients,
            heir=member.heir,
            drain=member.drain,
        )

    def _without_primary(self) -> float:
        since = self._member.non_primary_since
        return time.monotonic() - since if since is not None else 0.0

    def _cut_off(self) -> bool:
        """By its status, or by its log where the status goes on saying that it is connected."""
        member = self._member
        if member.server is None or member.status is None:
            return False
        return member.server.left_group or (member.was_connected and not member.status.connected)

    def _look_at_volume(self) -> None:
        """A volume that cannot be asked keeps its last word: the look at the directory says what is wrong with it."""
        member = self._member
        with contextlib.suppress(OSError):
            found = os.statvfs(member.settings.data_root)
            free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
            member.disk = measure(free, size, member.disk, percent=member.settings.disk_reserve_percent)

    async def _look_at_server(self) -> None:
        member = self._member
        if member.server is None:
            member.status, member.clients = None, ()
            member.received_bytes = member.sent_bytes = None
            member.looks, member.slow = (), False
            return
        try:
            member.status = await self._monitor.read()
            member.refusal = None
            if member.status.primary:
                member.non_primary_since = None
            elif member.non_primary_since is None:
                member.non_primary_since = time.monotonic()
            member.was_connected = member.was_connected or member.status.connected
            member.clients = await self._monitor.clients() if member.moving else ()
        except TriremeError as error:
            member.status = None
            member.refusal = str(error) if isinstance(error, PermanentError) else None
        if member.status is not None:
            self._judge_pace(member.status)
        await self._look_at_transfer()

    def _judge_pace(self, status: ServerStatus) -> None:
        """Of a Synced member only: how one that catches up makes the others wait is told by its phase."""
        member = self._member
        if status.local_state != SYNCED_STATE:
            member.looks, member.slow = (), False
            return
        now = Pace(time.monotonic(), status.paused_ns, status.pauses_sent, status.recv_queue)
        member.looks = pace.look_back(member.looks, now)
        slow = pace.holds_up(member.looks, before=member.slow)
        if slow and not member.slow:
            log.warning("%s", pace.WORDS)
        member.slow = slow

    async def _look_at_transfer(self) -> None:
        """A joiner answers no SQL while it receives; a donor says so (state 2). Otherwise nothing is looked for."""
        member = self._member
        member.received_bytes = member.sent_bytes = None
        pid = member.server.pid if member.server is not None else None
        transfers = member.status is None or member.status.local_state == 2
        if pid is None or not transfers:
            return
        progress = await asyncio.to_thread(transfer_progress, member.settings.data_root, pid)
        if progress != member.progress:
            member.progress, member.progress_at = progress, time.monotonic()
        if progress is None:
            return
        if progress.role == "joiner":
            member.received_bytes = progress.transferred_bytes
        else:
            member.sent_bytes = progress.transferred_bytes

    async def _ask_members(self, prompt: bool) -> None:
        await self._look_up()
        member = self._member
        grouped = member.group_addresses if member.running else frozenset()
        addresses = sorted((member.addresses | grouped | member.found_addresses) - {member.settings.address})
        heard = await self._peers.reports(addresses, member.wake, prompt=prompt)
        answers: dict[int, Report] = {}
        asked_at: dict[int, float] = {}
        silent = {"SRV": self._lookup_error} if self._lookup_error else {}
        for address, answer in zip(addresses, heard, strict=True):
            if isinstance(answer, Silence):
                silent[address] = answer.why
            elif answer.cluster != member.settings.full_name or answer.ordinal == member.settings.ordinal:
                silent[address] = f"it is member {answer.ordinal} of {answer.cluster}"
            else:
                preferred = _preferred(answers.get(answer.ordinal), answer)
                if preferred is answer:
                    asked_at[answer.ordinal] = self._peers.began[address]
                answers[answer.ordinal] = preferred
        if answers.keys() != member.answers.keys():
            member.company_since = time.monotonic()
        member.answers, member.asked_at, member.silent = answers, asked_at, silent
        self._read_live()

    def _read_live(self) -> None:
        """A value that cannot be read changes nothing, and is told once."""
        member = self._member
        try:
            member.live = read_live(member.settings.live_dir, member.settings.live)
            self._live_error = ""
        except PermanentError as error:
            if str(error) != self._live_error:
                log.error("%s; goes on with what it was", error)
            self._live_error = str(error)

    async def _look_up(self) -> None:
        """Addresses that answered before are asked again even where the name service fails or forgets them."""
        member = self._member
        steady = member.phase in STEADY_PHASES and not member.silent
        if steady and time.monotonic() - self._looked_up < STEADY_LOOKUP_SECONDS:
            return
        try:
            found = await self._resolver.members(member.settings.srv_name)
        except TemporaryError as error:
            self._lookup_error, member.named = str(error), None
            return
        self._looked_up, self._lookup_error = time.monotonic(), ""
        member.named = _ordinals(found, member.settings.cluster) or None
        current = frozenset(_usable(found, member.settings.cluster))
        answering = frozenset(report.address for report in member.answers.values())
        member.addresses = current | answering


def _usable(found: dict[str, tuple[str, ...]], cluster: str) -> Iterable[str]:
    """Addresses of targets that are named as this cluster's members are."""
    for host, addresses in found.items():
        if ordinal_of(host) is not None and host.startswith(f"{cluster}-"):
            yield from addresses


def _ordinals(found: dict[str, tuple[str, ...]], cluster: str) -> tuple[int, ...]:
    """Of the same targets, with or without an address yet."""
    hosts = (host for host in found if host.startswith(f"{cluster}-"))
    return tuple(sorted({ordinal for ordinal in map(ordinal_of, hosts) if ordinal is not None}))


def _preferred(known: Report | None, new: Report) -> Report:
    """Two pods answer for one ordinal (an old one not yet gone): the one whose server runs is the one to heed."""
    if known is None or (new.running and not known.running):
        return new
    return known
