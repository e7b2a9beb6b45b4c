"""What lies in a data directory, as found; nothing here judges it. Bad content is reported, never raised."""

import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from trireme.adapters.mariadb.grastate import Grastate, read_grastate
from trireme.base.durable import sync_directory, write_durably
from trireme.base.errors import PermanentError

DATA = "data"
_CACHES = ("galera.cache", "gcache.page.")
ASIDE = "aside"
UNFINISHED = "data.new"
"""Where a first start builds the directory that becomes ``data``; worth nothing until renamed."""

_OWN_ENTRIES = frozenset({DATA, ASIDE, UNFINISHED, "trireme", "lost+found"})
_TRANSFER_MARKS = ("sst_in_progress", "wsrep_sst.pid", ".sst")
_HALF_COPIED = (
    "xtrabackup_checkpoints",
    "mariadb_backup_checkpoints",
    "xtrabackup_logfile",
    "ib_logfile0.sst",
)
"""A transfer removes these from the directory when it moves the prepared backup into place."""

_MARKS = ("mariadb_upgrade_info", "mysql_upgrade_info")
"""Of MariaDB 11, and of 10, which an upgrade leaves beside the new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryFacts:
    """What was found under a volume root. Paths and counts only; judging is the core's."""

    root: Path
    exists: bool = False
    """``data/`` itself is there."""
    empty: bool = True
    """No entry at all in ``data/`` (an absent one is empty; ``lost+found`` is not content)."""
    entries: int = 0
    has_ibdata: bool = False
    has_system_tables: bool = False
    """The ``mysql`` schema with its privilege tables."""
    grastate: Grastate | None = None
    grastate_error: str | None = None
    """Why grastate.dat, though present, could not be read; None when absent or good."""
    transfer_marks: tuple[str, ...] = ()
    """Names of what a transfer script leaves when it breaks off: sst_in_progress, wsrep_sst.pid, .sst."""
    half_copied: tuple[str, ...] = ()
    """Files of an unprepared or unmoved backup in ``data/`` itself."""
    has_gvwstate: bool = False
    server_version: str | None = None
    """From mariadb_upgrade_info or mysql_upgrade_info."""
    foreign: tuple[str, ...] = ()
    """Entries of the volume root that neither Trireme nor the file system made, at most ten."""
    writable: bool = False
    free_bytes: int = 0
    problem: str | None = None
    """An error while looking (no permission, I/O): what is above may then be incomplete."""

    @property
    def transfer_broke_off(self) -> bool:
        return bool(self.transfer_marks or self.half_copied)


def inspect(root: Path) -> DirectoryFacts:
    """Look at ``root/data``. Blocking but short: a few stat calls and one directory listing."""
    facts = DirectoryFacts(root=root)
    try:
        free = os.statvfs(root)
        facts = replace(
            facts,
            foreign=tuple(sorted(_names(root) - _OWN_ENTRIES))[:10],
            writable=os.access(root, os.W_OK | os.X_OK),
            free_bytes=free.f_bavail * free.f_frsize,
        )
        return _look_inside(facts, root / DATA)
    except OSError as error:
        return replace(facts, problem=f"{error.filename or root}: {error.strerror}")


def _look_inside(facts: DirectoryFacts, data: Path) -> DirectoryFacts:
    if not data.exists():
        return facts
    names = _names(data) - {"lost+found"}
    grastate, grastate_error = (
        read_grastate(data / "grastate.dat") if "grastate.dat" in names else (None, None)
    )
    return replace(
        facts,
        exists=True,
        empty=not names,
        entries=len(names),
        has_ibdata="ibdata1" in names,
        has_system_tables=any((data / "mysql" / table).exists() for table in ("global_priv.frm", "user.frm")),
        grastate=grastate,
        grastate_error=grastate_error,
        transfer_marks=tuple(name for name in _TRANSFER_MARKS if name in names and _filled(data / name)),
        half_copied=tuple(name for name in _HALF_COPIED if name in names),
        has_gvwstate="gvwstate.dat" in names,
        server_version=read_version(data),
        writable=facts.writable and os.access(data, os.W_OK | os.X_OK),
    )


def _names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def _filled(mark: Path) -> bool:
    """An empty .sst folder says nothing; an empty mark file does."""
    return not mark.is_dir() or any(mark.iterdir())


def read_version(data: Path) -> str | None:
    """Of the server that its system tables are made for, as mariadb-install-db or mariadb-upgrade marked it."""
    for name in _MARKS:
        try:
            return (data / name).read_text(errors="replace")[:64].strip("\0\n ")
        except OSError:
            continue
    return None


def write_version(data: Path, server: str) -> str:
    """Mark a copy, which comes without a mark, as mariadb-upgrade of this server would. Returns what is written."""
    version = re.match(r"[\d.]+-MariaDB", server)
    text = version[0] if version is not None else server
    write_durably(data / _MARKS[0 if int(text.partition(".")[0]) >= 11 else 1], text.encode(), mode=0o660)
    return text


def set_aside(root: Path, reason: str, now_text: str) -> Path | None:
    """Rename ``data/`` to ``aside/NOW-REASON`` atomically, durably; where it went, None if there was none.

    Raises PermanentError where the volume is not writable. The caller must know that no server runs.
    """
    data = root / DATA
    if not data.exists():
        return None
    label = re.sub(r"[^a-z0-9]+", "-", reason.lower()).strip("-")[:60]
    target = root / ASIDE / f"{now_text}-{label}"
    try:
        target.parent.mkdir(exist_ok=True)
        count = 1
        while target.exists():
            count += 1
            target = root / ASIDE / f"{now_text}-{label}-{count}"
        data.rename(target)
        sync_directory(target.parent)
        sync_directory(root)
    except OSError as error:
        raise PermanentError(
            f"{data} cannot be moved to {target}: {error.strerror}; mend the volume's owner or its file system"
        ) from error
    return target


def set_aside_alone(root: Path, reason: str, now_text: str) -> Path | None:
    """Set ``data/`` aside, and keep nothing else there. What was there goes first: its names tell an age by a clock that
    may have been set back since, and the copy that stays must be this one. The caller must know that no server runs."""
    if not (root / DATA).exists():
        return None
    prune_aside(root, 0)
    return set_aside(root, reason, now_text)


def give_up(root: Path, reason: str, now_text: str) -> Path | None:
    """Set ``data/`` aside, as the only copy there; or remove it where a new copy would not find room beside it.

    The caller must know that a living Primary has all of it, and that no server runs. Idempotent.
    """
    if not (root / DATA).exists():
        return None
    prune_aside(root, 0)
    used = _disk_use(root / DATA)
    found = os.statvfs(root)
    if found.f_bavail * found.f_frsize < used + used // 4:
        remove(root)
        return None
    return set_aside(root, reason, now_text)


def remove(root: Path) -> None:
    """Remove ``data/`` for good: at once by its name, then file by file. The caller must know that no server runs."""
    shutil.rmtree(root / UNFINISHED, ignore_errors=True)
    if (root / DATA).exists():
        (root / DATA).rename(root / UNFINISHED)
        sync_directory(root)
        shutil.rmtree(root / UNFINISHED)


def clean_transfer_leftovers(root: Path) -> tuple[str, ...]:
    """Remove the *marks* of a broken state transfer (pid and progress files, the .sst folder); say which.

    Data files stay. The caller must know that no server runs. Idempotent.
    """
    removed = []
    for name in _TRANSFER_MARKS:
        path = root / DATA / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        else:
            continue
        removed.append(name)
    return tuple(removed)


def drop_foreign_cache(root: Path, uid: int) -> tuple[str, ...]:
    """Remove Galera's cache of write-sets where it is not ``uid``'s, who may write to all the rest; the names removed.

    Galera opens it with O_NOATIME, which the kernel lets its owner do only (EPERM), and no server would ever start.
    It holds nothing that the engine does not. The caller must know that no server runs.
    """
    removed = []
    for path in sorted((root / DATA).glob("g*cache*")):
        if path.name.startswith(_CACHES) and path.stat().st_uid != uid:
            path.unlink()
            removed.append(path.name)
    return tuple(removed)


def aside_bytes(root: Path) -> int:
    """Disk use of all that was set aside."""
    return _disk_use(root / ASIDE)


def _disk_use(top: Path) -> int:
    total = 0
    for folder, _, names in os.walk(top):
        for name in names:
            try:
                total += (Path(folder) / name).lstat().st_blocks * 512
            except OSError:
                continue
    return total


def prune_aside(root: Path, keep: int) -> tuple[str, ...]:
    """Remove all but the ``keep`` newest folders set aside; the names removed. Never called by itself."""
    try:
        names = sorted(_names(root / ASIDE), reverse=True)
    except FileNotFoundError:
        return ()
    old = tuple(names[keep:])
    for name in old:
        shutil.rmtree(root / ASIDE / name)
    return old
