"""Shows progress: a live table on a terminal, one plain line per change elsewhere."""

import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from trireme.sandbox.progress import Member, Progress, SetRef


class Display:
    """Use as a context. ``show`` replaces what is on the screen; ``say`` prints a line that stays."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False) if sys.stdout.isatty() else None
        self._said: dict[tuple[SetRef, str], str] = {}
        self._start = time.monotonic()

    def __enter__(self) -> "Display":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def seconds(self) -> float:
        """Since the display was made."""
        return time.monotonic() - self._start

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)

    def show(self, states: Sequence[tuple[SetRef, Progress]]) -> None:
        if self._live is None:
            for ref, progress in states:
                self._changes(ref, progress)
            return
        parts = [self._table(ref, progress) for ref, progress in states]
        self._live.update(Group(*parts), refresh=True)

    def _changes(self, ref: SetRef, progress: Progress) -> None:
        for member in progress.members:
            line = member.line()
            if self._said.get((ref, member.pod)) != line:
                self._said[ref, member.pod] = line
                self.say(f"{self.seconds:5.1f} s  {line}")

    def _table(self, ref: SetRef, progress: Progress) -> Table:
        count = f"{progress.ready} of {progress.wanted} ready"
        title = Text(f"{ref.name}: {count} after {self.seconds:.0f} s", style="bold")
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in ("MEMBER", "READY", "PHASE", "ROLE", "WHY"):
            table.add_column(column, overflow="ellipsis", no_wrap=column != "WHY")
        for member in progress.members:
            table.add_row(*(Text(cell) for cell in _cells(member)))
        return table


def _cells(member: Member) -> tuple[str, str, str, str, str]:
    return member.pod, "yes" if member.ready else "no", member.phase, member.role or "-", member.why


def every(seconds: float, until: float, look: Callable[[], bool]) -> bool:
    """Call ``look`` again and again until it says True, or the monotonic clock reaches ``until`` (False)."""
    while not look():
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(seconds, left))
    return True
