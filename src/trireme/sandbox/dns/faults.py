"""Faults of the DNS server, switched by a file in the sandbox's folder: how tests make DNS late, wrong or silent."""

import fnmatch
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from trireme.base.durable import remove_durably, write_durably

FAULTS_FILE = "dns-faults.json"


class Mode(StrEnum):
    """What happens to a query that a fault matches."""

    DELAY = "delay"
    """Answered truthfully, ``seconds`` late."""
    DROP = "drop"
    """Never answered."""
    SERVFAIL = "servfail"
    REFUSED = "refused"
    NXDOMAIN = "nxdomain"
    """Denied: the name is said not to exist."""
    EMPTY = "empty"
    """The name is said to have no records."""
    STALE = "stale"
    """Answered from the records as they were when the fault began."""
    WRONG = "wrong"
    """Every A record has one of ``addresses`` instead."""
    TRUNCATE = "truncate"
    """UDP answers are cut short, so that the client must ask by TCP."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule. ``names`` is a shell pattern on the name asked for, in lower case without the final dot."""

    mode: Mode
    names: str = "*"
    seconds: float = 0.0
    addresses: tuple[str, ...] = ()

    def matches(self, name: str) -> bool:
        return fnmatch.fnmatchcase(name, self.names)


def write_faults(folder: Path, faults: tuple[Fault, ...]) -> None:
    """Replace the faults; none restores the truth. The server follows with the next query."""
    if faults:
        write_durably(folder / FAULTS_FILE, msgspec.json.encode(faults))
    else:
        remove_durably(folder / FAULTS_FILE)


def read_faults(folder: Path) -> tuple[Fault, ...]:
    """The faults that are set. Raises msgspec.MsgspecError when the file is not what ``write_faults`` writes."""
    try:
        content = (folder / FAULTS_FILE).read_bytes()
    except FileNotFoundError:
        return ()
    return msgspec.json.decode(content, type=tuple[Fault, ...])


class FaultSwitch:
    """The faults of a folder, read again when the file changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: tuple[int, int] | None = None
        self._faults: tuple[Fault, ...] = ()

    def poll(self) -> bool:
        """Look at the file; True if the faults changed."""
        try:
            found = (self._folder / FAULTS_FILE).stat()
        except FileNotFoundError:
            now = None
        else:
            now = (found.st_ino, found.st_mtime_ns)
        if now == self._seen:
            return False
        self._seen = now
        self._faults = read_faults(self._folder)
        return True

    def find(self, name: str) -> Fault | None:
        """The first fault that concerns this name."""
        return next((fault for fault in self._faults if fault.matches(name)), None)
