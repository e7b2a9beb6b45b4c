"""What watches read: the last changes of one resource, in order, and a bell that rings at the next one."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from trireme.sandbox.store.interface import Change, GoneError


class History:
    """The last ``limit`` changes of one resource. What is older is forgotten: GoneError."""

    def __init__(self, forgotten: int, limit: int) -> None:
        self._changes: deque[Change] = deque()
        self._limit = limit
        self._dropped = 0
        self._forgotten = forgotten
        self._bell = asyncio.Event()

    @property
    def end(self) -> int:
        """The position after the last change."""
        return self._dropped + len(self._changes)

    def append(self, change: Change) -> None:
        self._changes.append(change)
        if len(self._changes) > self._limit:
            self._forgotten = self._changes.popleft().version
            self._dropped += 1
        self._bell.set()
        self._bell = asyncio.Event()

    def position_after(self, version: int) -> int:
        """Where the changes newer than ``version`` begin. Raises GoneError when some are forgotten."""
        if version < self._forgotten:
            raise GoneError(f"too old resource version: {version} ({self._forgotten})")
        newer = sum(1 for change in self._changes if change.version > version)
        return self.end - newer

    def at(self, position: int) -> Change:
        """Raises GoneError when a slow reader lost its place."""
        if position < self._dropped:
            raise GoneError(
                f"too old resource version: the watch fell {self._dropped - position} changes behind"
            )
        return self._changes[position - self._dropped]

    async def wait_beyond(self, position: int) -> None:
        """Returns when there is a change at ``position``."""
        while position >= self.end:
            await self._bell.wait()


class Watch(AsyncIterator[Change]):
    """A reader's place in a history. Holds nothing that needs closing; survives a cancelled ``anext``."""

    def __init__(self, history: History, position: int, namespace: str | None) -> None:
        self._history = history
        self._position = position
        self._namespace = namespace

    @property
    def caught_up(self) -> bool:
        """True when every change so far was handed out."""
        return self._position >= self._history.end

    async def __anext__(self) -> Change:
        while True:
            await self._history.wait_beyond(self._position)
            change = self._history.at(self._position)
            self._position += 1
            if self._namespace in (None, change.key.namespace):
                return change
