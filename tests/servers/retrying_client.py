"""An application as it should be: it writes all the time, and tries each transaction once more where it failed."""

import time

import pymysql

from tests.servers.background_client import BackgroundClient
from tests.servers.sandboxed import Cluster, Connection, connect

PAUSE_SECONDS = 0.02
RETRY_PAUSE_SECONDS = 0.2
"""Before the one retry, as a driver or a framework does."""


class RetryingClient(BackgroundClient):
    """One row per transaction through ``demo-primary``, over one connection as a pool keeps it.

    A transaction is *failed* where the retry failed too. A retry finds its row where the first attempt's commit was
    done and its answer lost: that counts as acknowledged.
    """

    def __init__(self, cluster: Cluster, table: str = "kept") -> None:
        super().__init__()
        self._cluster = cluster
        self._table = table
        cluster.sql(f"CREATE TABLE IF NOT EXISTS {table} (id BIGINT PRIMARY KEY, at DOUBLE)")
        ((last,),) = cluster.sql(f"SELECT COALESCE(MAX(id), 0) FROM {table}")
        self._number = int(last)
        self._address = cluster.address()
        self.password = cluster.password()
        self.acknowledged: set[int] = set()
        self.failed: list[str] = []
        self.retried: list[str] = []
        self._connection: Connection | None = None

    def lost(self) -> dict[str, set[int]]:
        """What each member lacks of the acknowledged commits, for those that lack any."""
        read = ("SET wsrep_sync_wait = 1", f"SELECT id FROM {self._table}")
        found = {}
        for pod in self._cluster.pods():
            there = {row for (row,) in self._cluster.sql_in(pod, *read)}
            if missing := self.acknowledged - there:
                found[pod] = missing
        return found

    def _run(self) -> None:
        last = time.monotonic()
        while not self._stopping.is_set():
            self._number += 1
            if self._transaction(self._number):
                now = time.monotonic()
                self.longest_stall = max(self.longest_stall, now - last)
                last = now
                self.acknowledged.add(self._number)
            self._stopping.wait(PAUSE_SECONDS)
        self._drop()

    def _transaction(self, number: int) -> bool:
        for attempt in (1, 2):
            try:
                self._write(number)
            except (pymysql.Error, OSError) as error:
                self._drop()
                (self.retried if attempt == 1 else self.failed).append(f"{number}: {error}")
                if attempt == 1:
                    self._stopping.wait(RETRY_PAUSE_SECONDS)
            else:
                return True
        return False

    def _write(self, number: int) -> None:
        if self._connection is None:
            manager = connect(self._address, "app", self.password)
            self._connection = manager.__enter__()
            self._close = manager
        with self._connection.cursor() as cursor:
            cursor.execute(f"INSERT IGNORE INTO {self._table} VALUES (%s, %s)", (number, time.time()))

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection = None
            self._close.__exit__(None, None, None)
