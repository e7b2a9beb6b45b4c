"""The container's memory limit, as the kernel enforces it, and how often it did."""

from pathlib import Path

LIMIT_FILES = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""cgroup v2, then v1, as seen from inside a container."""

KILL_FILES = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
)
"""Likewise. Both have a line ``oom_kill N``."""

NO_LIMIT_BYTES = 2**60
"""cgroup v1 says "no limit" with a number near 2**63."""


def memory_limit(files: tuple[Path, ...] = LIMIT_FILES) -> int | None:
    """Bytes, or None where there is no limit or the kernel does not tell."""
    for file in files:
        try:
            text = file.read_text().strip()
        except OSError:
            continue
        if text.isdigit() and int(text) < NO_LIMIT_BYTES:
            return int(text)
    return None


def memory_kills(files: tuple[Path, ...] = KILL_FILES) -> int:
    """How many processes of this container the kernel has killed for want of memory; 0 where it does not tell.

    Kubernetes counts only the container's first process, which is the agent: of its server's end it knows nothing.
    """
    for file in files:
        try:
            lines = file.read_text().splitlines()
        except OSError:
            continue
        counts = [line.split()[1] for line in lines if line.startswith("oom_kill ")]
        if counts and counts[0].isdigit():
            return int(counts[0])
    return 0
