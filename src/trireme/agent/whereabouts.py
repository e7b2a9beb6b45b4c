"""Finds the pods of silent members by the Kubernetes API, where the name service may still tell their old addresses."""

import asyncio
import logging
import time

from trireme.adapters.kubernetes import PodAddresses
from trireme.agent.member import Member
from trireme.base.errors import TriremeError
from trireme.core.whereabouts import pause, sought

log = logging.getLogger("trireme.agent")


class Whereabouts:
    """Runs beside the loop. The API may be away: the name service is what counts, and this only helps."""

    def __init__(self, member: Member, pods: PodAddresses) -> None:
        self._member = member
        self._pods = pods
        self._task: asyncio.Task[None] | None = None
        self._for: tuple[int, ...] = ()
        self._looks = 0
        self._since = time.monotonic()
        self._failure = ""

    def follow(self) -> None:
        """To be called in each round; cheap."""
        member, now = self._member, time.monotonic()
        silent = sought(member.report(), member.answers)
        if silent != self._for:
            self._for, self._looks, self._since = silent, 0, now
        if not silent:
            member.found_addresses = frozenset()
            return
        running = self._task is not None and not self._task.done()
        if running or not self._pods.available or now - self._since < pause(self._looks):
            return
        self._looks += 1
        self._task = asyncio.create_task(self._look(silent))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self, ordinals: tuple[int, ...]) -> None:
        member = self._member
        try:
            found = await self._pods.find([f"{member.settings.cluster}-{ordinal}" for ordinal in ordinals])
        except (TriremeError, OSError) as error:
            if str(error) != self._failure:
                log.info("%s; goes by the name service alone", error)
            self._failure = str(error)
            return
        finally:
            self._since = time.monotonic()
        self._failure = ""
        new = frozenset(found.values()) - member.addresses - member.found_addresses
        member.found_addresses = frozenset(found.values())
        if new:
            log.info(
                "the name service does not tell the addresses of all members yet; asks %s, too",
                ", ".join(sorted(new)),
            )
            member.wake.set()
