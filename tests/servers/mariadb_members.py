"""Real members for tests of the MariaDB adapter: each with its own address and folder, as an ordinary user."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path, PurePosixPath

import pymysql

from trireme.adapters.mariadb import datadir
from trireme.adapters.mariadb.binaries import Binaries
from trireme.adapters.mariadb.first_start import AGENT_USER, SST_USER, Accounts, initialize
from trireme.adapters.mariadb.log import LogEvent, TransferSeen, ViewSeen
from trireme.adapters.mariadb.notify import Notification, NotifyListener, notify_command
from trireme.adapters.mariadb.process import Server
from trireme.adapters.mariadb.status import Monitor, ServerStatus
from trireme.base.errors import TriremeError
from trireme.manifests.server_config import ServerConfig, render

ACCOUNTS = Accounts(
    root_password="r'oot \"pässword\\",
    database="app_1",
    user="app",
    password="app-password",
    sst_password="sst-password",
    agent_password="agent-password",
    upgrade_password="upgrade-password",
)


class TestMember:
    """One member: ``number`` 1 to 9. Its address is this test process's own, so that runs can be in parallel."""

    __test__ = False

    def __init__(self, number: int, folder: Path, binaries: Binaries) -> None:
        self.number = number
        self.name = f"test-{number - 1}"
        self.address = f"127.{89 + os.getpid() // 250 % 8}.{os.getpid() % 250}.{number}"
        self.root = folder / self.name
        self.run_dir = self.root / "run"
        self.tmp_dir = self.root / "tmp"
        for path in (self.root, self.run_dir, self.tmp_dir):
            path.mkdir(parents=True)
        self.binaries = binaries
        self.config_file = self.run_dir / "my.cnf"
        self.notify_socket = self.run_dir / "notify.sock"
        self.lines: list[str] = []
        self.events: list[LogEvent] = []
        self.notifications: list[Notification] = []
        self.notified = asyncio.Condition()
        self.monitor = Monitor(self.run_dir / "mysqld.sock", AGENT_USER, ACCOUNTS.agent_password)
        self.listener = NotifyListener(self.notify_socket, self._on_notify)
        self.server: Server | None = None

    async def _on_notify(self, notification: Notification) -> None:
        async with self.notified:
            self.notifications.append(notification)
            self.notified.notify_all()

    @property
    def views(self) -> list[ViewSeen]:
        """Primary views that this member belongs to."""
        return [
            event
            for event in self.events
            if isinstance(event, ViewSeen) and event.primary and event.own_index >= 0
        ]

    @property
    def transfers(self) -> list[tuple[str, str, str]]:
        return [
            (event.kind, event.role, event.step) for event in self.events if isinstance(event, TransferSeen)
        ]

    async def initialize(self) -> None:
        await initialize(self.binaries, self.root, ACCOUNTS, tmp_dir=self.tmp_dir)

    def write_config(self, peers: tuple["TestMember", ...], user_text: str, votes: bool) -> None:
        config = ServerConfig(
            cluster="test",
            node_name=self.name,
            address=self.address,
            peers=tuple(peer.address for peer in peers),
            data_dir=PurePosixPath(self.root / datadir.DATA),
            run_dir=PurePosixPath(self.run_dir),
            tmp_dir=PurePosixPath(self.tmp_dir),
            provider=PurePosixPath(self.binaries.provider),
            notify_command=notify_command(self.notify_socket),
            sst_user=SST_USER,
            sst_password=ACCOUNTS.sst_password,
            version=self.binaries.version,
            cpus=2,
            user_text=user_text,
            votes=votes,
        )
        self.config_file.write_text(render(config))

    async def start(
        self, *peers: "TestMember", new_cluster: bool = False, user_text: str = "", votes: bool = True
    ) -> Server:
        (self.root / datadir.DATA).mkdir(exist_ok=True)
        self.write_config(peers, user_text, votes)
        await self.listener.close()
        await self.listener.start()
        self.server = Server(
            self.binaries,
            self.config_file,
            address=self.address,
            run_dir=self.run_dir,
            tmp_dir=self.tmp_dir,
            on_line=self.lines.append,
            on_event=self.events.append,
        )
        await self.server.start(new_cluster=new_cluster)
        return self.server

    async def status_where(self, true: Callable[[ServerStatus], bool], seconds: float = 60) -> ServerStatus:
        """The first status for which ``true`` holds; fails with the log's end if the server ends or time runs out."""
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline and self.server is not None and self.server.pid is not None:
            try:
                last = status = await self.monitor.read()
                if true(status):
                    return status
            except TriremeError as error:
                last = error
            await asyncio.sleep(0.05)
        errors = [line for line in self.lines if "[ERROR]" in line]
        raise AssertionError("\n".join([f"{self.name}: {last}", *errors[-20:], "", *self.lines[-60:]]))

    async def synced(self, seconds: float = 60) -> ServerStatus:
        return await self.status_where(lambda s: s.primary and s.ready and s.local_state == 4, seconds)

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Run one statement as root over TCP."""
        with (
            pymysql.connect(
                host=self.address,
                user="root",
                password=ACCOUNTS.root_password.encode(),
                autocommit=True,
                read_timeout=10,
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return list(cursor.fetchall())

    async def close(self) -> None:
        if self.server is not None and self.server.pid is not None:
            await self.server.stop(0.5)
        await self.monitor.close()
        await self.listener.close()


@contextlib.asynccontextmanager
async def members(count: int, folder: Path, binaries: Binaries) -> AsyncIterator[list[TestMember]]:
    made = [TestMember(number, folder, binaries) for number in range(1, count + 1)]
    try:
        yield made
    finally:
        await asyncio.gather(*(member.close() for member in made))


@contextlib.asynccontextmanager
async def cluster(count: int, folder: Path, binaries: Binaries) -> AsyncIterator[list[TestMember]]:
    """A cluster of ``count`` synced members; the first made it, the others joined one after another."""
    async with members(count, folder, binaries) as made:
        first, *others = made
        await first.initialize()
        await first.start(new_cluster=True)
        await first.synced()
        for other in others:
            await other.start(first)
            await other.synced()
        yield made
