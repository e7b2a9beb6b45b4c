"""Ends one container in order: hook, SIGTERM, and SIGKILL at the deadline."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from trireme.sandbox.node.runtime import Runtime

Hook = Callable[[], Awaitable[None]]


class Stopper:
    """``deadline`` is in the event loop's time. It may be brought forward while the stop is under way."""

    def __init__(self, runtime: Runtime, exited: asyncio.Event, deadline: float) -> None:
        self._runtime = runtime
        self._exited = exited
        self._deadline = deadline
        self._hastened = asyncio.Event()

    def hasten(self, deadline: float) -> None:
        """A later deadline than the present one changes nothing."""
        if deadline < self._deadline:
            self._deadline = deadline
            self._hastened.set()

    async def run(self, hook: Hook | None) -> None:
        """Returns when the container has ended."""
        if hook is not None:
            await self._until_deadline(hook())
        await self._until_deadline(self._runtime.until_it_heeds_sigterm())
        self._runtime.signal(signal.SIGTERM)
        if not await self._until_deadline(self._exited.wait()):
            self._runtime.kill()
            await self._exited.wait()

    async def _until_deadline(self, work: Awaitable[object]) -> bool:
        """True if ``work`` ended by itself, False if it was given up at the deadline or the container ended."""
        doing = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self._exited.wait())
        loop = asyncio.get_running_loop()
        try:
            while not doing.done() and not gone.done():
                left = self._deadline - loop.time()
                if left <= 0:
                    return False
                self._hastened.clear()
                changed = asyncio.ensure_future(self._hastened.wait())
                await asyncio.wait({doing, gone, changed}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
            return True
        finally:
            gone.cancel()
            doing.cancel()
            await asyncio.wait({doing})
