"""Ends and reaps what a server leaves behind: state transfer scripts, socat, mbstream.

They share the server's session (mariadbd is started as a session leader), although ``timeout`` gives its child
a process group of its own. Where this process is PID 1, or a subreaper, orphans become its children: they must
be reaped one by one by their ids, because ``waitpid(-1)`` would steal the children that asyncio waits for.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None)
_ROUND_SECONDS = 0.02
_LOOK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Process:
    """One line of /proc: the fields that say where a process belongs."""

    pid: int
    name: str
    state: str
    parent: int
    session: int


def adopt_orphans() -> None:
    """Make orphans of this process's descendants its children, as they are PID 1's in a container."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent() -> None:
    """To be run in a child before exec: SIGKILL it when the thread that started it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def read_process(pid: int) -> Process | None:
    """None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Process(pid, head.partition("(")[2], fields[0], int(fields[1]), int(fields[3]))


def processes() -> list[Process]:
    """Every process that this one can see."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process for pid in pids if (process := read_process(pid)) is not None]


def reap_session(session: int) -> list[Process]:
    """Reap the session's zombies that are this process's children, but never its leader; what is left alive."""
    members = [item for item in processes() if item.session == session and item.pid != session]
    for zombie in _own_zombies(members):
        _reap(zombie.pid)
    return [item for item in members if item.state != "Z"]


async def reap_forever() -> None:
    """Every 10 s reap orphans of whatever ran in this container, such as a shell of ``kubectl exec``.

    asyncio reaps the children that it waits for within milliseconds; a zombie that is seen twice is nobody's.
    """
    seen: set[int] = set()
    while True:
        zombies = {item.pid for item in _own_zombies(processes())}
        for pid in zombies & seen:
            _reap(pid)
        seen = zombies
        await asyncio.sleep(_LOOK_SECONDS)


async def end_session(session: int, seconds: float) -> list[Process]:
    """SIGKILL all of the session but its leader, and reap; what is still there after ``seconds``."""
    deadline = time.monotonic() + seconds
    while alive := reap_session(session):
        for process in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(_ROUND_SECONDS)
    return reap_session(session)


def _own_zombies(among: list[Process]) -> list[Process]:
    return [item for item in among if item.state == "Z" and item.parent == os.getpid()]


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
