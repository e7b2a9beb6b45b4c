"""An application that writes all the time, and remembers exactly what was acknowledged to it."""

import time
from contextlib import suppress

import pymysql

from tests.servers.background_client import BackgroundClient
from tests.servers.sandboxed import Cluster, Connection, connect

PAUSE_SECONDS = 0.01
"""Between two commits: some 50 a second, which leaves the machine to the servers."""


class WritingClient(BackgroundClient):
    """Inserts one row per transaction through ``demo-primary`` in a thread of its own, and connects again when it must.

    A commit whose answer was lost is uncertain: it counts neither as acknowledged nor as refused, and its number is
    never used again.
    """

    def __init__(self, cluster: Cluster, table: str = "acknowledged") -> None:
        super().__init__()
        self._cluster = cluster
        self._table = table
        cluster.sql(f"CREATE TABLE IF NOT EXISTS {table} (id BIGINT PRIMARY KEY, at DOUBLE)")
        ((last,),) = cluster.sql(f"SELECT COALESCE(MAX(id), 0) FROM {table}")
        self._next = int(last) + 1
        self._address = cluster.address()
        self._password = cluster.password()
        self.acknowledged: list[int] = []
        self.errors: list[str] = []

    def lost(self, pod: str) -> set[int]:
        """What was acknowledged by now and is not in this member, once it has applied all it received."""
        read = ("SET wsrep_sync_wait = 1", f"SELECT id FROM {self._table}")
        return set(self.acknowledged) - {row for (row,) in self._cluster.sql_in(pod, *read)}

    def _run(self) -> None:
        since = time.monotonic()
        while not self._stopping.is_set():
            with (
                suppress(pymysql.Error, OSError),
                connect(self._address, "app", self._password) as connection,
            ):
                while not self._stopping.is_set() and self._write(connection):
                    now = time.monotonic()
                    self.longest_stall = max(self.longest_stall, now - since)
                    since = now
                    self._stopping.wait(PAUSE_SECONDS)
            self._stopping.wait(0.05)

    def _write(self, connection: Connection) -> bool:
        number, self._next = self._next, self._next + 1
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"INSERT INTO {self._table} VALUES (%s, %s)", (number, time.time()))
        except (pymysql.Error, OSError) as error:
            self.errors.append(str(error))
            return False
        self.acknowledged.append(number)
        return True
