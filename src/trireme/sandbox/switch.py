"""Faults that are switched by a file in the sandbox's folder, so that tests and people switch them alike."""

from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from trireme.base.durable import remove_durably, write_durably

T = TypeVar("T")


class FaultFile(Generic[T]):
    """The faults in one file; no file, no faults. ``faults`` is what the last ``poll`` found."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        self._path = path
        self._kind = kind
        self._seen: tuple[int, int] | None = None
        self.faults: tuple[T, ...] = ()

    def write(self, faults: tuple[T, ...]) -> None:
        """Replace the faults; none restores the truth."""
        if faults:
            write_durably(self._path, msgspec.json.encode(faults))
        else:
            remove_durably(self._path)

    def read(self) -> tuple[T, ...]:
        """Raises msgspec.MsgspecError when the file is not what ``write`` writes."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return ()
        return tuple(msgspec.json.decode(content, type=list[self._kind]))  # type: ignore[name-defined]

    def poll(self) -> bool:
        """Look at the file; True if the faults changed. Raises msgspec.MsgspecError."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            now = None
        else:
            now = (found.st_ino, found.st_mtime_ns)
        if now == self._seen:
            return False
        self._seen = now
        self.faults = self.read()
        return True
