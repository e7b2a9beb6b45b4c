"""Clients that write, retry, and remember every commit that was acknowledged to them."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pymysql

from bench.waiting import wait_for

CLIENTS = 4
PAUSE_SECONDS = 0.01
"""Between two writes of one client: a steady load that two cores carry beside everything else."""
PATIENCE_SECONDS = 0.5
"""A client gives up on an answer after this time and connects again. A stall may look longer by as much divided
by the number of clients, on average."""
JOIN_SECONDS = 10.0
PER_CLIENT = 10**9


@dataclass(frozen=True, slots=True)
class Access:
    """How to log in. ``address`` is asked anew for each connection."""

    address: Callable[[], str]
    user: str
    password: str

    def connect(self, patience: float = PATIENCE_SECONDS) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(
            host=self.address(),
            port=3306,
            user=self.user,
            password=self.password,
            database="app",
            autocommit=True,
            connect_timeout=patience,
            read_timeout=patience,
            write_timeout=patience,
        )


class Writers:
    """Write from ``start`` to ``stop``. ``table`` must be new: every row in it is one of theirs."""

    def __init__(self, access: Access, table: str) -> None:
        self._access = access
        self._table = table
        self._over = threading.Event()
        self._acknowledged: list[tuple[float, int]] = []
        self._threads = [
            threading.Thread(target=self._write, args=(number,), daemon=True) for number in range(CLIENTS)
        ]
        self.errors = 0
        """Writes of unknown outcome, refused connections and the like."""

    def __enter__(self) -> "Writers":
        with self._access.connect(patience=JOIN_SECONDS) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {self._table} (id BIGINT PRIMARY KEY, at DOUBLE)")
        for thread in self._threads:
            thread.start()
        self.wait_for_commits(CLIENTS * 20, JOIN_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)

    @property
    def commits(self) -> int:
        return len(self._acknowledged)

    def wait_for_commits(self, more: int, seconds: float) -> None:
        target = self.commits + more
        wait_for(lambda: self.commits >= target, f"{more} more commits", seconds)

    def first_after(self, moment: float) -> float | None:
        """When the first commit after ``moment`` was acknowledged; both in seconds since the epoch."""
        return min((at for at, _ in self._acknowledged if at > moment), default=None)

    def stall(self, since: float, until: float) -> tuple[float, float]:
        """The longest gap that ended after ``since`` and began before ``until``.

        A commit may still be acknowledged in the moment of the loss itself, so that the first one after it is not
        always the end of the stall.
        """
        return max(
            ((start, end) for start, end in self.gaps() if end > since and start < until),
            key=lambda gap: gap[1] - gap[0],
        )

    def gaps(self) -> list[tuple[float, float]]:
        """Times between two acknowledged commits that follow each other: start and end, since the epoch."""
        return list(itertools.pairwise(sorted(at for at, _ in self._acknowledged)))

    def lost(self, members: Iterable[Access]) -> int:
        """Acknowledged commits that at least one of the members does not have."""
        acknowledged = {number for _, number in self._acknowledged}
        missing: set[int] = set()
        for member in members:
            with member.connect(patience=JOIN_SECONDS) as connection, connection.cursor() as cursor:
                cursor.execute(f"SELECT id FROM {self._table}")  # noqa: S608 - a name of ours
                missing |= acknowledged - {row[0] for row in cursor.fetchall()}
        return len(missing)

    def _write(self, client: int) -> None:
        number = client * PER_CLIENT
        while not self._over.is_set():
            try:
                with self._access.connect() as connection, connection.cursor() as cursor:
                    while not self._over.is_set():
                        number += 1
                        cursor.execute(f"INSERT INTO {self._table} VALUES (%s, %s)", (number, time.time()))  # noqa: S608
                        self._acknowledged.append((time.time(), number))
                        time.sleep(PAUSE_SECONDS)
            except (pymysql.Error, OSError):
                self.errors += 1
                time.sleep(PAUSE_SECONDS)
