"""What lies in a data directory, as found; nothing here judges it. Bad content is reported, never raised."""

from dataclasses import dataclass
from pathlib import Path

from trireme.api.position import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Grastate:
    """``grastate.dat`` as written. ``position`` may be of a zero uuid or seqno -1: unknown, never empty."""

    position: Position
    safe_to_bootstrap: bool
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryFacts:
    """What was found under a volume root. Paths and counts only; judging is the core's."""

    root: Path
    exists: bool
    """``data/`` itself is there."""
    empty: bool
    """No entry at all in ``data/`` (an absent one is empty; ``lost+found`` is not content)."""
    entries: int
    has_ibdata: bool
    has_system_tables: bool
    """The ``mysql`` schema with its privilege tables."""
    grastate: Grastate | None
    grastate_error: str | None
    """Why grastate.dat, though present, could not be read; None when absent or good."""
    transfer_marks: tuple[str, ...]
    """Names of what a transfer script leaves when it breaks off: sst_in_progress, wsrep_sst.pid, .sst, …"""
    half_copied: tuple[str, ...]
    """Files of an unprepared or unmoved backup in ``data/`` itself."""
    has_gvwstate: bool
    server_version: str | None
    """From mariadb_upgrade_info or mysql_upgrade_info."""
    foreign: tuple[str, ...]
    """Entries of the volume root that neither Trireme nor the file system made, at most ten."""
    writable: bool
    free_bytes: int
    problem: str | None
    """An error while looking (no permission, I/O): what is above may then be incomplete."""

    @property
    def transfer_broke_off(self) -> bool:
        return bool(self.transfer_marks or self.half_copied)


def inspect(root: Path) -> DirectoryFacts:
    """Look at ``root/data``. Blocking but short: a few stat calls and one directory listing."""
    raise NotImplementedError


def set_aside(root: Path, reason: str, now_text: str) -> Path | None:
    """Rename ``data/`` to ``aside/NOW-REASON`` atomically, durably; where it went, None if there was none.

    Raises PermanentError where the volume is not writable. The caller must know that no server runs.
    """
    raise NotImplementedError


def clean_transfer_leftovers(root: Path) -> tuple[str, ...]:
    """Remove the *marks* of a broken state transfer (pid and progress files, the .sst folder); say which.

    Data files stay. The caller must know that no server runs. Idempotent.
    """
    raise NotImplementedError


def aside_bytes(root: Path) -> int:
    """Disk use of all that was set aside."""
    raise NotImplementedError


def prune_aside(root: Path, keep: int) -> tuple[str, ...]:
    """Remove all but the ``keep`` newest folders set aside; the names removed. Never called by itself."""
    raise NotImplementedError
