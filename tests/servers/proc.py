"""What /proc tells of the processes that a test started; any of them may end while it is read."""

from pathlib import Path


def descendants(pid: int, word: str) -> list[int]:
    """Living processes below ``pid`` with ``word`` as a word of their command line, nearest first."""
    found, level = [], [pid]
    while level:
        below: list[int] = []
        for parent in level:
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                below += [int(child) for child in _read_living(task).split()]
        for child in below:
            words = _read_living(Path(f"/proc/{child}/cmdline")).split(b"\0")
            if (
                any(Path(w.decode(errors="replace")).name == word for w in words[:3])
                and b"bwrap" not in words[0]
            ):
                found.append(child)
        level = below
    return found


def _read_living(path: Path) -> bytes:
    """A file of a process below /proc; empty when the process ended meanwhile."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
