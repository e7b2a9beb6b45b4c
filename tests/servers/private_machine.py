"""A network and mounts that are this test's alone, so that it may cut links and fill disks without touching the host.

Linux keeps both per thread: the calling thread moves out and back, and what it starts meanwhile (agents, servers,
clients, the name server's thread) lives inside. In there every 127.x address is free and partitions are routing
rules: nothing but iproute2 is needed, and root.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW_MOUNTS, _NEW_NETWORK = 0x00020000, 0x40000000
_OWN = Path("/proc/thread-self/ns")


@contextmanager
def private_machine() -> Iterator[None]:
    """The calling thread's own loopback network and mounts. Raises PermissionError, in words, without root."""
    if os.geteuid() != 0:
        raise PermissionError("partitions and full disks need root: run the tests as root, or in a container")
    libc = ctypes.CDLL(None, use_errno=True)
    outside = [os.open(_OWN / kind, os.O_RDONLY) for kind in ("net", "mnt")]
    here = Path.cwd()
    _check(libc.unshare(_NEW_MOUNTS | _NEW_NETWORK), "unshare")
    try:
        run("mount", "--make-rprivate", "/")
        run("ip", "link", "set", "lo", "up")
        run("ip", "rule", "add", "pref", "1000", "lookup", "local")
        run("ip", "rule", "del", "pref", "0")
        yield
    finally:
        for descriptor in outside:
            _check(libc.setns(descriptor, 0), "setns")
            os.close(descriptor)
        os.chdir(here)


def run(*command: str) -> None:
    """Raises RuntimeError with what the command said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
