"""The container's memory limit, as the kernel enforces it."""

from pathlib import Path

LIMIT_FILES = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""cgroup v2, then v1, as seen from inside a container."""

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
