"""``trireme status --watch``: a picture that is redrawn, or a line for each change where there is no terminal."""

import asyncio
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import strftime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from trireme.base.errors import TriremeError
from trireme.core.cluster_seen import Cluster, Member
from trireme.core.cluster_summary import Summary

LOOK_SECONDS = 1.0
"""Agents cannot be watched, only asked. One look is two lists and a small GET for each member."""

CLOCK = "%H:%M:%S"

Found = Sequence[tuple[Cluster, Summary]]


@dataclass(slots=True, kw_only=True)
class Watcher:
    """Looks until it is cancelled or interrupted. ``last`` is what was seen last; empty if it could not be seen."""

    look: Callable[[], Awaitable[Found]]
    draw: Callable[[Found, int], RenderableType]
    """What to show, and for how many columns."""
    as_line: Callable[[Found], str] | None = None
    """Instead of a picture: one line for each change of anything."""
    last: Found = field(default_factory=list)
    _said: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """The first look may raise; later ones are tried again, and what is wrong is shown."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        console = Console(highlight=False)
        self.last = await self.look()
        if self.as_line is not None or not console.is_terminal:
            await self._print_changes(ended)
        else:
            await self._redraw(console, ended)

    async def _redraw(self, console: Console, ended: asyncio.Event) -> None:
        trouble = ""
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(self._picture(console.width, trouble), refresh=True)
                if await _wait(ended):
                    break
                trouble = await self._look_again()
            live.update(self.draw(self.last, console.width), refresh=True)

    def _picture(self, columns: int, trouble: str) -> RenderableType:
        below = Text(trouble, "red") if trouble else Text(f"{strftime(CLOCK)}, Ctrl-C ends it", "dim")
        return Group(self.draw(self.last, columns), Text(), below)

    async def _print_changes(self, ended: asyncio.Event) -> None:
        trouble = ""
        while True:
            for line in [trouble] if trouble else self._changes():
                sys.stdout.write(f"{strftime(CLOCK)}  {line}\n" if self.as_line is None else f"{line}\n")
            sys.stdout.flush()
            if await _wait(ended):
                return
            trouble = await self._look_again()

    async def _look_again(self) -> str:
        """What went wrong; empty if nothing did. What was seen before is then no longer known."""
        try:
            self.last = await self.look()
        except TriremeError as error:
            self.last = []
            return str(error)
        return ""

    def _changes(self) -> Iterator[str]:
        if self.as_line is not None:
            yield from self._new("", self.as_line(self.last), exact=True)
            return
        for cluster, summary in self.last:
            name = f"{cluster.namespace}/{cluster.name}"
            yield from self._new(name, f"{name}: {summary.health}: {summary.sentence}")
            for member in cluster.members:
                yield from self._new(f"{name} {member.name}", _member_line(cluster, member))

    def _new(self, key: str, line: str, *, exact: bool = False) -> Iterator[str]:
        """``line``, unless it was said before: numbers that count up are no news."""
        news = line if exact else re.sub(r"position \d+|\d+(\.\d+)? (s|MiB)\b", "#", line)
        if self._said.get(key) != news:
            self._said[key] = news
            yield line


def _member_line(cluster: Cluster, member: Member) -> str:
    ready = "ready" if member.ready else "not ready"
    line = f"{cluster.namespace}/{member.name}: {member.phase}, {member.role or 'no role'}, {ready}"
    return f"{line}: {member.why}" if member.why else line


async def _wait(ended: asyncio.Event) -> bool:
    """Until the next look is due, or the person has seen enough (True)."""
    try:
        await asyncio.wait_for(ended.wait(), LOOK_SECONDS)
    except TimeoutError:
        return False
    return True
