"""Brings the server's two tellings of a view together: its call, which waits for us, and the block in its log, which
alone has the view's seqno."""

import asyncio

from trireme.adapters.mariadb.log import ViewSeen

VIEW_SECONDS = 1.5
"""Longest wait for a view's block in the log. The server waits 2 s for us, and goes on."""


class ViewBlocks:
    """Of one run of the server: the Primary views that it was in."""

    def __init__(self) -> None:
        self._last: ViewSeen | None = None
        self._asked: ViewSeen | None = None
        self._news = asyncio.Event()
        self._missed = False

    def seen(self, block: ViewSeen) -> None:
        """The server writes the next block only after its call for the last one was answered, or given up: then this
        agent was frozen, say, and that view is on no disk."""
        self._missed = self._missed or self._last is not self._asked
        self._last = block
        self._news.set()

    async def seqno(self, uuid: str, names: frozenset[str]) -> int | None:
        """Of the view that the server calls about; None where its block does not come. It is written before the call,
        but through a pipe."""
        try:
            async with asyncio.timeout(VIEW_SECONDS):
                while self._last is None or (self._last.uuid, frozenset(self._last.members)) != (uuid, names):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        self._asked = self._last
        return self._last.seqno

    def take_missed(self) -> bool:
        """Whether there was a view, since this was asked last, that the server did not wait for us with."""
        missed, self._missed = self._missed, False
        return missed
