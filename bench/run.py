"""What every phase gets: where to work, how often, for how long; and what it hands back."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bench.series import Series


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a result's table. Values are in the row's own unit."""

    what: str
    ours: Series
    floor: Series | None = None
    ratio: Series | None = None
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Table:
    """``ours`` and ``floor`` head the columns; ``floor`` '' for a table without one."""

    ours: str
    floor: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Result:
    title: str
    what: str
    """What was measured, and what the floor is: Markdown."""
    tables: tuple[Table, ...]
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class Run:
    """``rounds`` repetitions of each measurement at most, as many as fit in ``seconds``, and at least one."""

    home: Path
    rounds: int
    seconds: float
    console: Console = field(default_factory=Console)

    def repeat(self) -> Iterator[int]:
        """Numbers of the rounds, from 0; none begins that would probably end after the time is over."""
        begun = time.monotonic()
        longest = 0.0
        for number in range(self.rounds):
            start = time.monotonic()
            if number and start - begun + longest > self.seconds:
                self.say(f"stops after {number} rounds: its {self.seconds:.0f} s are over")
                return
            yield number
            longest = max(longest, time.monotonic() - start)

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False)

    def place(self, name: str) -> Path:
        """A new folder's path, short enough for the sockets in it."""
        return self.home / name
