"""Reads what :mod:`logs` has written: selected by time and count, and followed while it grows."""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from trireme.sandbox.node.logs import LogFile, rotated

TAIL_LINES, TAIL_BYTES = 80, 2048


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines, and whether each begins with its time."""

    tail: int | None = None
    since: datetime | None = None
    timestamps: bool = False


async def read(path: Path, selection: Selection, growing: LogFile | None = None) -> AsyncIterator[bytes]:
    """Whole lines of the log at ``path``; with ``growing`` also those to come, until it is closed."""
    reader = _Reader(path)
    lines: Iterable[bytes] = _selected(reader.lines(), selection)
    if selection.tail is not None:
        lines = deque(lines, maxlen=selection.tail)
    for line in lines:
        yield line
    while growing is not None:
        grown, ended = growing.grown, growing.closed
        for line in _selected(reader.lines(), selection):
            yield line
        if ended:
            break
        await grown.wait()
    for line in _selected(reader.rest(), selection):
        yield line


@dataclass
class _Reader:
    """Joins partial lines, and goes on in the new file after a rotation."""

    path: Path
    _file: BinaryIO | None = None
    _begun: bytes = b""
    _partial: tuple[bytes, bytes] = field(default=(b"", b""))
    """Time and text of a line whose end is still to come."""

    def lines(self) -> Iterator[tuple[bytes, bytes]]:
        """Time and text of each line that is complete by now."""
        if self._file is None:
            older = rotated(self.path)
            self._file = (older if older.exists() else self.path).open("rb")
        while True:
            yield from self._available(self._file)
            if not self._replaced(self._file):
                return
            yield from self._available(self._file)
            self._file.close()
            self._file = self.path.open("rb")

    def rest(self) -> Iterator[tuple[bytes, bytes]]:
        """The last line, if it never ended."""
        if self._partial[1]:
            yield self._partial
        self._partial = (b"", b"")

    def _replaced(self, file: BinaryIO) -> bool:
        try:
            return not Path(f"/proc/self/fd/{file.fileno()}").samefile(self.path)
        except FileNotFoundError:
            return False

    def _available(self, file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
        for piece in file:
            self._begun += piece
            if not self._begun.endswith(b"\n"):
                return
            entry, self._begun = self._begun[:-1], b""
            time, _, tag, text = entry.split(b" ", 3)
            began, before = self._partial
            if tag == b"P":
                self._partial = (began or time, before + text)
            else:
                yield began or time, before + text + b"\n"
                self._partial = (b"", b"")


def last_text(path: Path) -> bytes:
    """The end of a log, as much as terminationMessagePolicy FallbackToLogsOnError shows."""
    lines = deque((text for _, text in _Reader(path).lines()), maxlen=TAIL_LINES)
    return b"".join(lines)[-TAIL_BYTES:]


def _selected(lines: Iterable[tuple[bytes, bytes]], selection: Selection) -> Iterator[bytes]:
    since = None
    if selection.since is not None:
        since = selection.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").encode()
    for time, text in lines:
        if since is None or time >= since:
            yield time + b" " + text if selection.timestamps else text
