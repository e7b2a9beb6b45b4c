"""Faults of the DNS server, switched by a file in the sandbox's folder: how tests make DNS late, wrong or silent."""

import fnmatch
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from trireme.sandbox.switch import FaultFile

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


def _file(folder: Path) -> FaultFile[Fault]:
    return FaultFile(folder / FAULTS_FILE, Fault)


def write_faults(folder: Path, faults: tuple[Fault, ...]) -> None:
    """Replace the faults; none restores the truth. The server follows with the next query."""
    _file(folder).write(faults)


def read_faults(folder: Path) -> tuple[Fault, ...]:
    """The faults that are set. Raises msgspec.MsgspecError when the file is not what ``write_faults`` writes."""
    return _file(folder).read()


class FaultSwitch:
    """The faults of a folder, read again when the file changes."""

    def __init__(self, folder: Path) -> None:
        self._file = _file(folder)

    def poll(self) -> bool:
        """Look at the file; True if the faults changed."""
        return self._file.poll()

    def find(self, name: str) -> Fault | None:
        """The first fault that concerns this name."""
        return next((fault for fault in self._file.faults if fault.matches(name)), None)
