"""The store's files: a snapshot, and a journal of what was committed since. Readable by eye, one JSON a line.

A commit is one ``write`` before anything else sees it: it survives the death of the process (``kill -9``),
not a power loss, which a sandbox need not. A torn last line is the commit that did not happen.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trireme.base.durable import write_durably
from trireme.base.errors import PermanentError
from trireme.sandbox.store.interface import Key, Object

SNAPSHOT = "objects.json"
JOURNAL = "journal.jsonl"
LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Entry:
    """One committed state: what ``key`` is since ``version``; None when it was removed."""

    version: int
    key: Key
    state: Object | None


class Journal:
    """Owns the files in ``directory``, alone: a second owner is refused."""

    def __init__(self, directory: Path) -> None:
        """Raises PermanentError when another process has the directory open."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self._lock = _lock(directory / LOCK)
        self._file = os.open(directory / JOURNAL, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self.length = 0

    def read(self) -> Iterator[Entry]:
        """Every state that counts, oldest first. Cuts a torn last line off."""
        newest = -1
        for entry in self._read_snapshot():
            newest = max(newest, entry.version)
            yield entry
        content = (self._directory / JOURNAL).read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        os.ftruncate(self._file, len(whole))
        for line in whole.splitlines():
            self.length += 1
            entry = _decode(line)
            if entry.version > newest:
                yield entry

    def append(self, entry: Entry) -> None:
        """Raises OSError (disk full); the journal is then as it was before."""
        size = os.fstat(self._file).st_size
        line = _encode(entry)
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(f"{self._directory / JOURNAL}: wrote {written} of {len(line)} bytes")
        except OSError:
            os.ftruncate(self._file, size)
            raise
        self.length += 1

    def compact(self, version: int, entries: Iterable[Entry]) -> None:
        """Replace everything by ``entries``. A crash in between leaves lines that ``read`` knows as old."""
        lines = [json.dumps({"version": version}).encode() + b"\n", *map(_encode, entries)]
        write_durably(self._directory / SNAPSHOT, b"".join(lines))
        os.ftruncate(self._file, 0)
        self.length = 0

    def close(self) -> None:
        os.close(self._file)
        os.close(self._lock)

    def _read_snapshot(self) -> Iterator[Entry]:
        path = self._directory / SNAPSHOT
        if not path.exists():
            return
        head, *lines = path.read_bytes().splitlines()
        yield from map(_decode, lines)
        # A marker for the snapshot's own version: removals before it are in no other line.
        yield Entry(json.loads(head)["version"], Key("", "", "", ""), None)


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        message = f"{path.parent} is in use by another sandbox process: end it, or choose another folder"
        raise PermanentError(message) from error
    return descriptor


def _encode(entry: Entry) -> bytes:
    key = entry.key
    row = [entry.version, key.group, key.resource, key.namespace, key.name, entry.state]
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _decode(line: bytes) -> Entry:
    version, group, resource, namespace, name, state = json.loads(line)
    return Entry(version, Key(group, resource, namespace, name), state)
