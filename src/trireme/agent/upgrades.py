"""Brings the system tables up to a newer server, once this member is Synced and it is its turn."""

import asyncio
import contextlib
import logging
import time

from trireme.adapters.mariadb.datadir import read_version, write_version
from trireme.adapters.mariadb.upgrade import run_upgrade
from trireme.adapters.signing import derive_password
from trireme.agent.member import Member
from trireme.api.report import Phase, Upgrade, UpgradeState
from trireme.base.errors import TriremeError
from trireme.core import upgrading

log = logging.getLogger("trireme.agent")

LOOK_SECONDS = 5.0
FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 600.0
SETTLE_SECONDS = 6.0
"""It says that it is due, and others may say the same: all have heard each other then (every 2 s), and one begins."""


class UpgradeKeeper:
    """Runs beside the loop; what it finds is in the member's report."""

    def __init__(self, member: Member, token: bytes) -> None:
        self._member = member
        self._password = derive_password(token, "upgrade")
        self._task: asyncio.Task[None] | None = None
        self._looked = float("-inf")
        self._due_since = 0.0
        self._retry_at = 0.0
        self._failures = 0
        self._behind = False
        """Somebody's tables were not in order when this member's data may have been copied."""

    def follow(self) -> None:
        """To be called in each round; cheap."""
        now, member = time.monotonic(), self._member
        if self._task is not None and not self._task.done():
            return
        if member.status is None:
            member.upgrade = None
            self._watch(".".join(map(str, member.binaries.version)) if member.binaries is not None else "")
        elif member.phase is Phase.SYNCED and now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._look(member.status.version, now)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _watch(self, server: str) -> None:
        self._behind |= any(upgrading.is_behind(server, report) for report in self._member.answers.values())

    def _look(self, server: str, now: float) -> None:
        member, me = self._member, self._member.report()
        data = read_version(member.settings.data_dir) or ""
        self._watch(server)
        sound = member.copied and not self._behind
        if not upgrading.is_due(data, server, me, member.answers, sound_copy=sound):
            if not data:
                with contextlib.suppress(OSError):  # no room, say: the next look tries again
                    data = write_version(member.settings.data_dir, server)
            self._failures, self._due_since, self._behind = 0, 0.0, False
            self._say(UpgradeState.CURRENT, data, server, "the data is as its server wants it")
            return
        failed = member.upgrade is not None and member.upgrade.state is UpgradeState.FAILED
        if failed and now < self._retry_at:
            return
        if not self._due_since:
            self._due_since = now
        turn = now - self._due_since >= SETTLE_SECONDS and upgrading.is_my_turn(me, member.answers)
        if turn:
            self._say(UpgradeState.RUNNING, data, server, "mariadb-upgrade runs")
            self._task = asyncio.create_task(self._run(data, server))
        else:
            self._say(
                UpgradeState.DUE, data, server, "mariadb-upgrade waits for its turn: one member at a time"
            )

    async def _run(self, data: str, server: str) -> None:
        settings = self._member.settings
        try:
            await run_upgrade(settings.run_dir, settings.socket, self._password)
        except (TriremeError, OSError) as error:
            pause = min(FIRST_RETRY_SECONDS * 2**self._failures, LONGEST_RETRY_SECONDS)
            self._failures, self._retry_at = min(self._failures + 1, 16), time.monotonic() + pause
            self._say(UpgradeState.FAILED, data, server, f"{error}; tried again in {pause:.0f} s")
        else:
            done = read_version(settings.data_dir) or ""
            self._say(UpgradeState.CURRENT, done, server, "mariadb-upgrade has run")
        self._member.wake.set()

    def _say(self, state: UpgradeState, data: str, server: str, why: str) -> None:
        before, now = self._member.upgrade, Upgrade(state=state, data=data, server=server, why=why)
        if before is None or before.state is not state:
            log.log(
                logging.WARNING if state is UpgradeState.FAILED else logging.INFO,
                "data of %s, server %s: %s", data or "an unknown version", server, why,
            )  # fmt: skip
        self._member.upgrade = now
