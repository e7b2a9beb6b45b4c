"""The position that the storage engine remembers, asked with ``mariadbd --wsrep-recover``."""

import asyncio
import contextlib
import re
import signal
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from trireme.adapters.mariadb import reaper
from trireme.adapters.mariadb.binaries import Binaries
from trireme.adapters.mariadb.process import read_lines, spawn
from trireme.api.position import Position
from trireme.base.errors import TemporaryError

_POSITION = re.compile(r"WSREP: Recovered position: ([0-9a-f-]{36}):(-?\d+)")
_XA = re.compile(
    r"(?:Found|Starting recovery of) (\d+) prepared|(\d+) transaction.* in prepared state", re.IGNORECASE
)
_LOOK_SECONDS = 2.0
_BUSY_TICKS = 10
"""CPU ticks (10 ms each) between two looks that count as progress: threads that only wait use fewer."""

_UNSOUND: tuple[tuple[str, str], ...] = (
    ("Database page corruption", "InnoDB found a corrupt page"),
    (
        "Upgrade after a crash is not supported",
        "its log was written by another MariaDB version, and it crashed",
    ),
    ("unsupported redo log format", "its log was written by a newer MariaDB"),
    ("Unsupported undo", "it was written by another MariaDB version"),
    ("Plugin initialization aborted", "InnoDB could not start"),
    ("Unknown/unsupported storage engine: InnoDB", "InnoDB could not start"),
    ("Cannot find checkpoint", "its redo log is damaged"),
    ("No space left on device", "the volume is full"),
    ("Permission denied", "a file belongs to another user"),
    ("Can't open and lock privilege tables", "its system tables are missing"),
)


@dataclass(frozen=True, slots=True)
class Recovered:
    """``position`` is None where the engine knows none or did not come up; ``detail`` says why, for people.

    ``engine_sound`` is False where the storage engine itself could not start (corrupt, wrong version).
    """

    position: Position | None
    detail: str
    engine_sound: bool
    prepared_xa: int = 0
    """XA transactions in doubt that recovery found."""


async def recover_position(
    binaries: Binaries, config_file: Path, *, run_dir: Path, stall_seconds: float = 300.0
) -> Recovered:
    """Run crash recovery and read the position.

    Gives up only after ``stall_seconds`` *without progress* (no log line, no I/O, no CPU time): crash recovery
    of a big database takes as long as it takes. The server must not be running. It does not listen meanwhile.
    Raises TemporaryError when recovery stalled or was killed.
    """
    arguments = [
        f"--defaults-file={config_file}",
        "--wsrep-recover",
        "--skip-networking",
        f"--socket={run_dir / 'recover.sock'}",
        f"--pid-file={run_dir / 'recover.pid'}",
    ]
    process, log = await spawn(binaries.server, arguments, run_dir)
    seen = _Seen()
    reading = asyncio.create_task(seen.read(log))
    try:
        await _wait_while_it_progresses(process, seen, stall_seconds)
        await asyncio.wait([reading], timeout=_LOOK_SECONDS)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        reading.cancel()
        await reaper.end_session(process.pid, _LOOK_SECONDS)
    if process.returncode == -signal.SIGKILL:
        raise TemporaryError(
            "the recovery of the storage engine was killed (out of memory?); it is tried again"
        )
    return judge_output(process.returncode or 0, seen.position, seen.xa, tuple(seen.errors))


def judge_output(
    code: int, position: Position | None, prepared_xa: int, errors: tuple[str, ...]
) -> Recovered:
    """What a finished recovery means. A position counts only where the server then ended well."""
    said = errors[-1] if errors else f"it ended with status {code} and named no error"
    cause = next((why for words, why in _UNSOUND for line in errors if words in line), None)
    if code == 0 and position is not None and position.known:
        in_doubt = f"; {prepared_xa} prepared XA transactions are in doubt" if prepared_xa else ""
        return Recovered(position, f"recovered position {position}{in_doubt}", True, prepared_xa)
    if code == 0 and cause is None:
        return Recovered(None, "the storage engine is sound and remembers no position", True, prepared_xa)
    return Recovered(None, f"{cause or 'the server could not start'}: {said}", False, prepared_xa)


@dataclass(slots=True)
class _Seen:
    lines: int = 0
    position: Position | None = None
    xa: int = 0
    errors: deque[str] = field(default_factory=lambda: deque(maxlen=10))

    async def read(self, log: asyncio.StreamReader) -> None:
        async for line in read_lines(log):
            self.lines += 1
            if found := _POSITION.search(line):
                self.position = Position(found[1], int(found[2]))
            elif found := _XA.search(line):
                self.xa = max(self.xa, int(found[1] or found[2]))
            if "[ERROR]" in line or any(words in line for words, _ in _UNSOUND):
                self.errors.append(line)


async def _wait_while_it_progresses(
    process: asyncio.subprocess.Process, seen: _Seen, stall_seconds: float
) -> None:
    clock = asyncio.get_running_loop().time
    last, since = (seen.lines, *_effort(process.pid)), clock()
    while True:
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await process.wait()
            return
        except TimeoutError:
            now = (seen.lines, *_effort(process.pid))
        if now[:3] != last[:3] or now[3] - last[3] >= _BUSY_TICKS:
            last, since = now, clock()
        elif clock() - since > stall_seconds:
            raise TemporaryError(
                f"the recovery of the storage engine made no progress for {stall_seconds:.0f} s; it is tried again"
            )


def _effort(pid: int) -> tuple[int, int, int]:
    """Bytes read, bytes written, CPU ticks so far; zeros when the process is gone."""
    try:
        io = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0, 0
    return int(io["rchar"]), int(io["wchar"]), int(fields[11]) + int(fields[12])
