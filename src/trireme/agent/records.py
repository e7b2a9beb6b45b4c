"""What a member must never forget: one small file on its volume, replaced whole and flushed at each change."""

import contextlib
import errno
import fcntl
import os
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from trireme.adapters.volume_owner import must_be_writable
from trireme.api.position import View
from trireme.api.report import Candidacy, Gap, Grant, Override
from trireme.base.durable import remove_durably, write_durably
from trireme.base.errors import PermanentError

FILE = "member.json"
LOCK = "lock"
SPARE = "spare"
SPARE_BYTES = 64 * 1024
"""Room for the record on a full volume: the whole file twice, and what a file system needs beside it."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
WORD_SECONDS = 3600.0
"""How long a person's word counts: enough for a slow recovery, and over when a member comes back weeks later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Facts of this volume. ``format`` grows when a field changes its meaning."""

    cluster: str
    volume: str
    format: Literal[1] = 1
    last_view: View | None = None
    grant: Grant | None = None
    candidacy: Candidacy | None = None
    withdrawn: int = 0
    first_start: Literal["began", "done"] | None = None
    """Set from the moment a first start may touch the directory until the first Primary view."""
    differs: bool = False
    """The server left the group because its data differs; until a new copy of it is Synced."""
    server: str = ""
    """The newest server that ran on this data, such as 10.11.19; empty for none."""
    rebuild: Literal["asked", "emptied"] | None = None
    """A new copy of the data was asked for; the old one is set aside; until this member is Synced with the new one."""
    rebuild_id: str = ""
    """Of the last request for one that was taken on, done or not: it is not taken on twice."""
    joining: bool = False
    """Set before a server is started to join, until this member is Synced."""
    outside: bool = False
    """The server was last asked to stop while it belonged to no Primary; until it belongs to one again."""
    gaps: tuple[Gap, ...] = ()
    """All that this volume came through."""
    pending_gap: Gap | None = None
    """Of a bootstrap that begins; it counts from the first view of that Primary on."""
    views: tuple[View, ...] = ()
    """The Primary views that this member knows without a break."""
    strayed: View | None = None
    """Its data came through this view, and a Primary lived that did not; until it belongs to one."""
    whole: bool = False
    """No view can have come since the last of these: its server belongs to that Primary still, or ended in it."""
    override: Override | None = None
    """A person's word to this member, until it is used."""


class Records:
    """The record in memory and on disk; :meth:`change` returns when the disk has it."""

    def __init__(self, directory: Path, record: Record) -> None:
        self._path = directory / FILE
        self._spare = directory / SPARE
        self._keeps_spare = False
        self.record = record

    @classmethod
    def open(cls, directory: Path, cluster: str, *, alone: bool = False) -> "Records":
        """Read the volume's record, or make its first. Raises PermanentError; never overwrites what it cannot read.

        ``alone``: for as long as this process lives. The lock comes first: a record that was read before it may be older
        than what the agent that had the volume then wrote down last.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if alone:
                hold(directory)
            path = directory / FILE
            if path.exists():
                records = cls(directory, _read(path, cluster))
            else:
                records = cls(directory, Record(cluster=cluster, volume=secrets.token_hex(8)))
                records.change()
            records._keeps_spare = alone
            records.keep_spare()
        except OSError as error:
            raise PermanentError(f"{directory}: {error.strerror}; {must_be_writable(directory)}") from error
        return records

    def change(self, **fields: Any) -> Record:
        """Replace fields durably. Raises OSError; memory and disk then still hold the old record. On a full volume the
        spare room is used up; :meth:`keep_spare` takes it again."""
        changed = replace(self.record, **fields)
        content = msgspec.json.format(msgspec.json.encode(changed)) + b"\n"
        try:
            write_durably(self._path, content, mode=0o640)
        except OSError as error:
            if error.errno not in NO_ROOM or not self._spare.exists():
                raise
            remove_durably(self._spare)
            write_durably(self._path, content, mode=0o640)
        self.record = changed
        return changed

    def keep_spare(self) -> None:
        """Take the spare room if it is not there and the volume has it; else the next time."""
        if self._keeps_spare and not self._spare.exists():
            with contextlib.suppress(OSError):
                write_durably(self._spare, os.urandom(SPARE_BYTES))


def hold(directory: Path) -> int:
    """The volume is this agent's alone as long as the descriptor is open: two with one record could grant twice
    (invariant 7). Raises PermanentError where another agent has it. A file system without locks is let pass."""
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            return descriptor
        os.close(descriptor)
        raise PermanentError(
            f"{directory / LOCK}: another agent runs on this volume; end that pod first, it may be on a node that the "
            "API server does not reach"
        ) from error
    return descriptor


def unexpired_word(record: Record, now: datetime) -> Override | None:
    """A person's word, unless it is old: who gave it knew what was there then."""
    word = record.override
    if word is None or not word.at:
        return word
    try:
        age = now - datetime.fromisoformat(word.at)
    except (ValueError, TypeError):
        return None
    return word if abs(age.total_seconds()) < WORD_SECONDS else None


def _read(path: Path, cluster: str) -> Record:
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
    except msgspec.MsgspecError as error:
        raise PermanentError(
            f"{path} cannot be read ({error}); it holds this member's grants, so it is not replaced: "
            f"restore it, or move the whole volume aside so that the member joins anew"
        ) from error
    if record.cluster != cluster:
        raise PermanentError(f"this volume belongs to cluster {record.cluster}, not {cluster} ({path})")
    return record
