"""What can happen to members, each as a context manager: it begins on entry, and ends on exit where it can end.

    with cut(three[0], three[1], three[2]), frozen(three[1].server_pid()):
        ...

They nest, and combine in one ``with``. Partitions and small disks need :func:`private_machine` around the cluster.
"""

import itertools
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.servers.plain import Agent, PlainCluster
from tests.servers.private_machine import run
from trireme.sandbox.dns.faults import Fault

# --- processes -----------------------------------------------------------------------------------------------


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """SIGSTOP; SIGCONT on exit to those that still live. A frozen process keeps its sockets and says nothing."""
    _signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(pids, signal.SIGCONT)


@contextmanager
def starved(pids: Callable[[], Iterable[int]], run_seconds: float, stop_seconds: float) -> Iterator[None]:
    """As a CPU quota does it: all of ``pids`` (asked anew each time) run for a moment, then stand still."""
    over = threading.Event()

    def throttle() -> None:
        while not over.is_set():
            now = tuple(pids())
            _signal(now, signal.SIGSTOP)
            over.wait(stop_seconds if now else 0)
            _signal(now, signal.SIGCONT)
            over.wait(run_seconds)

    thread = threading.Thread(target=throttle, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


def crash_all(members: Iterable[Agent]) -> None:
    """kill -9 of everything in each pod, as near to the same instant as one thread can."""
    living = [member for member in members if member.process is not None]
    for member in living:
        assert member.process is not None
        member.process.kill()
    for member in living:
        member.crash()


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


# --- the network ---------------------------------------------------------------------------------------------


@contextmanager
def cut(*sides: Agent | Sequence[Agent]) -> Iterator[None]:
    """No packet passes between members of different ``sides``, either way. Name server and clients reach everyone."""
    groups = [[side] if isinstance(side, Agent) else list(side) for side in sides]
    with ExitStack() as rules:
        for one, other in itertools.permutations(groups, 2):
            for a, b in itertools.product(one, other):
                rules.enter_context(deaf(b, a))
        yield


@contextmanager
def deaf(member: Agent, speaker: Agent) -> Iterator[None]:
    """``member`` hears nothing from ``speaker``, which hears it: a link that works one way."""
    rule = ("from", speaker.address, "to", member.address, "pref", "10", "blackhole")
    run("ip", "rule", "add", *rule)
    try:
        yield
    finally:
        run("ip", "rule", "del", *rule)


@contextmanager
def dns_says(cluster: PlainCluster, *faults: Fault) -> Iterator[None]:
    """The name server is late, wrong or silent."""
    cluster.fault(*faults)
    try:
        yield
    finally:
        cluster.fault()


# --- disks ---------------------------------------------------------------------------------------------------


@contextmanager
def read_only(volume: Path) -> Iterator[None]:
    """A small volume, as the kernel makes a file system whose disk gave errors, for files that are opened from now on."""
    aside = volume.with_name("volume.read-only")
    aside.mkdir()
    run("mount", "--bind", str(volume), str(aside))
    run("mount", "-o", "remount,bind,ro", str(aside))
    run("mount", "--bind", str(aside), str(volume))
    try:
        yield
    finally:
        run("umount", "-l", str(volume))
        run("umount", "-l", str(aside))
        aside.rmdir()


@contextmanager
def small_volume(member: Agent, megabytes: int) -> Iterator[None]:
    """The stopped member's volume is a file system of this size, with what was on it. Back on the big one after."""
    assert member.process is None
    before = member.volume.with_name("volume.before")
    member.volume.rename(before)
    member.volume.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(member.volume))
    run("mount", "--make-shared", str(member.volume))  # what is mounted over it later is seen in the pod, too
    _move(before, member.volume)
    try:
        yield
    finally:
        if member.process is not None:
            member.crash()
        _move(member.volume, before)
        run("umount", "-l", str(member.volume))
        member.volume.rmdir()
        before.rename(member.volume)


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Not a byte is free on this file system until exit."""
    ballast = folder / ".ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        for size in (2**20, 2**12, 1):
            with suppress(OSError):
                while file.write(b"\1" * size) == size:
                    pass
    try:
        yield
    finally:
        ballast.unlink(missing_ok=True)


def _move(source: Path, target: Path) -> None:
    for entry in source.iterdir():
        shutil.move(entry, target / entry.name)
