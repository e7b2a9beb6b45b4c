"""Container logs in the format of CRI: ``TIME STREAM P|F TEXT``, one file per start, rotated by size."""

import asyncio
import os
from datetime import UTC, datetime
from io import BufferedWriter
from pathlib import Path

ROTATE_BYTES = 10 * 1024 * 1024
"""The kubelet's default. One rotated file is kept, so that a container's log is at most twice this."""

_CHUNK = 16 * 1024
"""A line longer than this is cut into partial ones."""


def rotated(path: Path) -> Path:
    """Where the older part of a log is."""
    return path.with_name(path.name + ".1")


class LogFile:
    """Appends timestamped lines and rotates to ``NAME.1`` at ``limit`` bytes."""

    def __init__(self, path: Path, limit: int = ROTATE_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._limit = limit
        self._file: BufferedWriter = path.open("ab")
        self.grown = asyncio.Event()
        """Set, and replaced by a new one, when there is more to read or nothing more will come."""

    @property
    def closed(self) -> bool:
        return self._file.closed

    def append(self, stream: str, line: bytes, *, whole: bool) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        self._file.write(f"{now}000Z {stream} {'F' if whole else 'P'} ".encode() + line + b"\n")

    def flush(self) -> None:
        self._file.flush()
        if self._file.tell() >= self._limit:
            self._file.close()
            self._path.replace(rotated(self._path))
            self._file = self._path.open("ab")
        self._tell()

    def close(self) -> None:
        self._file.close()
        self._tell()

    def _tell(self) -> None:
        self.grown.set()
        self.grown = asyncio.Event()


class Pump:
    """Copies one of a container's output streams into its log, without a thread."""

    def __init__(self, stream: str, log: LogFile) -> None:
        self._stream = stream
        self._log = log
        self._rest = b""
        self.first_line: bytes | None = None
        self.lines = 0
        reading, self.writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reading, False)
        self._reading = reading
        self._loop = asyncio.get_running_loop()
        self.finished: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(reading, self._read)

    def started(self) -> None:
        """The container has its own copy of the writing end: drop ours, so that its end is seen."""
        os.close(self.writing)

    def abandon(self) -> None:
        """Read no more, if somebody still holds the writing end."""
        if not self.finished.done():
            self._end()

    def _read(self) -> None:
        try:
            data = os.read(self._reading, 1 << 16)
        except BlockingIOError:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._append(line, whole=True)
        while len(self._rest) > _CHUNK:
            self._append(self._rest[:_CHUNK], whole=False)
            self._rest = self._rest[_CHUNK:]
        if not data:
            self._end()
        self._log.flush()

    def _append(self, line: bytes, *, whole: bool) -> None:
        if self.first_line is None:
            self.first_line = line
        self.lines += 1
        self._log.append(self._stream, line, whole=whole)

    def _end(self) -> None:
        if self._rest:
            self._append(self._rest, whole=False)
        self._loop.remove_reader(self._reading)
        os.close(self._reading)
        self.finished.set_result(None)
