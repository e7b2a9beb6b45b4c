"""observe -> decide -> act -> report, again and again; woken by news, and by the clock as a backstop."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Protocol

from trireme.adapters.peers import Peers
from trireme.agent.act import Actor
from trireme.agent.diet import give_back, settle_down
from trireme.agent.member import Member
from trireme.agent.observe import Observer
from trireme.api.report import Phase, Report
from trireme.core import health
from trireme.core.decide import decide
from trireme.core.situation import Decision

log = logging.getLogger("trireme.agent")

GIVE_BACK_ROUNDS = 30
"""Rounds between returns of freed memory to the system: a minute in the steady state. Not at the start, where a crash
of all may be waiting for it."""
ROUND_SECONDS = 0.05
"""From one round to the next in the long run, however often others wake us: a storm of wake-ups must not eat a core."""
ROUNDS_AT_ONCE = 10
"""A member that recovers and is elected goes from step to step without a pause: it needs eight rounds."""


class Beside(Protocol):
    """Work that waits for others, such as the API server or SQL: the loop does not wait for it."""

    def follow(self) -> None:
        """Begin what is due, unless it is under way. Called in each round."""

    async def close(self) -> None: ...


class Pace:
    """Rounds may follow each other at once ``burst`` times; in the long run there is one in ``seconds``."""

    def __init__(self, seconds: float, burst: int) -> None:
        self._seconds = seconds
        self._burst = burst
        self._due = float("-inf")

    def wait(self, now: float) -> float:
        """Count one round; the seconds to wait before it."""
        self._due = max(self._due, now - self._burst * self._seconds) + self._seconds
        return max(self._due - now, 0.0)


class Loop:
    def __init__(
        self,
        member: Member,
        observer: Observer,
        actor: Actor,
        peers: Peers,
        beside: Sequence[Beside],
    ) -> None:
        """``beside``: what follows the member's state, at its own pace."""
        self._member = member
        self._observer = observer
        self._actor = actor
        self._peers = peers
        self._beside = beside
        self._pace = Pace(ROUND_SECONDS, ROUNDS_AT_ONCE)
        self._told: tuple[object, ...] = ()
        self._calls: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until the member has left in order (SIGTERM)."""
        while not self._actor.done:
            news = self._member.wake.is_set()
            self._member.wake.clear()
            self._member.clear_fault()
            self._member.keep_view()
            self._member.records.keep_spare()
            situation = await self._observer.observe(prompt=news)
            decision = decide(situation)
            self._report(decision)
            await self._actor.act(decision.actions)
            self._tell_others()
            for part in self._beside:
                part.follow()
            if self._member.rounds == GIVE_BACK_ROUNDS:
                settle_down()
            if self._member.rounds % GIVE_BACK_ROUNDS == 0:
                give_back()
            await self._pause(decision.again)
        for part in self._beside:
            await part.close()

    def _report(self, decision: Decision) -> None:
        member = self._member
        if (member.phase, member.why) != (decision.phase, decision.why):
            log.info("%s: %s", decision.phase, decision.why)
        member.phase, member.why = decision.phase, decision.why
        member.rounds += 1
        member.last_round = time.monotonic()
        (member.ready.set if health.ready(member.report()).ok else member.ready.clear)()
        if decision.phase is Phase.SYNCED:
            member.failures, member.last_failure = 0, ""

    def _tell_others(self) -> None:
        """Others decide on what this member is: tell them when that changed, so that nobody waits on a clock."""
        now = _news(self._member.report())
        if now == self._told:
            return
        self._told = now
        for address in self._member.addresses - {self._member.settings.address}:
            call = asyncio.create_task(self._peers.wake(address))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._member.wake.wait()
        await asyncio.sleep(self._pace.wait(time.monotonic()))


def _news(report: Report) -> tuple[object, ...]:
    """The part of a report that changes what others do. Progress and commits are no news."""
    return (
        report.phase,
        report.directory,
        report.running,
        report.unsettled,
        report.primary,
        report.server.state if report.server else None,
        report.last_view,
        report.candidacy,
        report.withdrawn,
        report.writer,
        report.heir,
        report.unrouted,
        report.leaving,
    )
