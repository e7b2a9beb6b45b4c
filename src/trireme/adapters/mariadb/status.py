"""A running server over its unix socket, as the agent's own account."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pymysql
from pymysql.constants import CR, ER

from trireme.base.errors import PermanentError, TemporaryError, UncertainError
from trireme.core.draining import Client

T = TypeVar("T")

_REFUSED = frozenset({ER.ACCESS_DENIED_ERROR, 1698})
"""1698 is ER_ACCESS_DENIED_NO_PASSWORD_ERROR, which PyMySQL has no name for."""
_FORBIDDEN = frozenset(
    {ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.SPECIFIC_ACCESS_DENIED_ERROR}
)
_UNCERTAIN = frozenset({CR.CR_SERVER_LOST, CR.CR_SERVER_GONE_ERROR})
_SESSION = "SET SESSION wsrep_sync_wait = 0, wsrep_dirty_reads = 1, sql_mode = ''"
"""The agent asks about this server, not about the group's data: a non-Primary one must answer at once too. What a
backslash in a literal means is up to sql_mode: the agent's is known."""

_CLIENTS = (
    "SELECT p.ID, t.trx_id IS NOT NULL OR p.COMMAND <> 'Sleep', p.HOST = 'localhost'"
    " FROM information_schema.PROCESSLIST AS p"
    " LEFT JOIN information_schema.INNODB_TRX AS t ON t.trx_mysql_thread_id = p.ID"
    " WHERE p.ID <> CONNECTION_ID() AND p.COMMAND NOT IN ('Daemon', 'Binlog Dump', 'Killed')"
    " AND p.USER NOT IN ('system user', 'event_scheduler', 'unauthenticated user',"
    " 'trireme_sst', 'trireme_agent', 'trireme_upgrade')"
)
"""Replicas that read the binlog are no clients: they write nothing, and come back by themselves."""
_CLOSED_AT_ONCE = 50
"""Between two looks at who is still idle: closing so many takes milliseconds."""


SYNCED_STATE = 4
"""wsrep_local_state of a member that has all that the group has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """What the server says of itself.

    ``local_state`` is wsrep_local_state: 0 undefined, 1 joiner, 2 donor, 3 joined, 4 synced, 5 error.
    """

    primary: bool
    ready: bool
    connected: bool
    local_state: int
    local_state_comment: str
    cluster_size: int
    cluster_conf_id: int
    state_uuid: str
    last_committed: int
    recv_queue: int
    send_queue: int
    paused_ns: int
    """How long flow control has held its replication up since the server started, up to now."""
    pauses_sent: int
    """How often it made the others wait, since the server started."""
    desynced: bool
    incoming_addresses: tuple[str, ...]
    read_only: bool
    version: str
    raw: Mapping[str, str] = field(repr=False)
    """Every ``wsrep_%`` status variable, for metrics."""


class Monitor:
    """One persistent connection in one worker thread. A failed call closes it; the next call connects again."""

    def __init__(self, socket: Path, user: str, password: str, *, timeout_seconds: float = 3.0) -> None:
        self._socket = socket
        self._user = user
        self._password = password
        self._timeout = timeout_seconds
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mariadb")
        self._connection: pymysql.Connection[Any] | None = None

    async def read(self) -> ServerStatus:
        """The status now.

        Raises TemporaryError (not up yet, or it refuses: says why), PermanentError (access denied), or
        UncertainError (it took the question and did not answer in time).
        """
        return await self._call(_read_status)

    async def execute(self, statement: str) -> None:
        """Run one administrative statement. Raises as :meth:`read`."""
        await self._call(lambda cursor: cursor.execute(statement))

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of one query. Raises as :meth:`read`."""

        def ask(cursor: Any) -> list[tuple[Any, ...]]:
            cursor.execute(query)
            return list(cursor.fetchall())

        return await self._call(ask)

    async def clients(self) -> tuple[Client, ...]:
        """Connections of clients, the agent's own left out. Raises as :meth:`read`."""
        return await self._call(_read_clients)

    async def close_clients(self, ids: Sequence[int], *, busy: bool) -> None:
        """Close those connections that are still there; with ``busy`` those, too, that do something. Raises as
        :meth:`read`."""
        for start in range(0, len(ids), _CLOSED_AT_ONCE):
            batch = frozenset(ids[start : start + _CLOSED_AT_ONCE])
            await self._call(lambda cursor, batch=batch: _close_clients(cursor, batch, busy=busy))  # type: ignore[misc]

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self._drop)
        self._worker.shutdown(wait=False)

    async def _call(self, question: Callable[[Any], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, self._ask, question)

    def _ask(self, question: Callable[[Any], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._connect()
            with self._connection.cursor() as cursor:
                return question(cursor)
        except (pymysql.Error, OSError) as error:
            self._drop()
            raise _kind(error, self._socket) from error

    def _connect(self) -> "pymysql.Connection[Any]":
        return pymysql.connect(
            unix_socket=str(self._socket),
            user=self._user,
            password=self._password.encode(),
            connect_timeout=self._timeout,
            read_timeout=self._timeout,
            write_timeout=self._timeout,
            autocommit=None,
            init_command=_SESSION,
            charset="utf8mb4",
        )

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            with contextlib.suppress(pymysql.Error, OSError):
                connection.close()


def server_words(error: Exception) -> str:
    """What the server itself answered, where an error came of that; empty where there was no answer."""
    cause = error.__cause__
    if isinstance(cause, pymysql.Error) and len(cause.args) > 1 and 1000 <= cause.args[0] < 2000:
        return str(cause.args[1])
    return ""


def _kind(error: Exception, socket: Path) -> TemporaryError | PermanentError | UncertainError:
    code = error.args[0] if error.args else 0
    if code in _FORBIDDEN:
        return PermanentError(f"{socket}: the agent's account may not do that: {error.args[1]}")
    if code in _REFUSED:
        return PermanentError(
            f"{socket}: the server refuses the agent's account ({error.args[1]}); its password is derived from "
            "the Secret's token: was the token changed after the cluster was made?"
        )
    if code in _UNCERTAIN:
        return UncertainError(f"{socket}: the server took the question and did not answer ({error.args[-1]})")
    return TemporaryError(f"{socket}: {error.args[-1] if error.args else error}")


def _read_status(cursor: Any) -> ServerStatus:
    cursor.execute("SHOW GLOBAL STATUS LIKE 'wsrep\\_%'")
    raw: dict[str, str] = dict(cursor.fetchall())
    cursor.execute("SELECT @@GLOBAL.read_only, @@GLOBAL.wsrep_desync, VERSION()")
    read_only, desynced, version = cursor.fetchone()

    def number(name: str) -> int:
        text = raw.get(name, "")
        return int(text) if text.lstrip("-").isdigit() else 0

    return ServerStatus(
        primary=raw.get("wsrep_cluster_status") == "Primary",
        ready=raw.get("wsrep_ready") == "ON",
        connected=raw.get("wsrep_connected") == "ON",
        local_state=number("wsrep_local_state"),
        local_state_comment=raw.get("wsrep_local_state_comment", ""),
        cluster_size=number("wsrep_cluster_size"),
        cluster_conf_id=number("wsrep_cluster_conf_id"),
        state_uuid=raw.get("wsrep_local_state_uuid", ""),
        last_committed=number("wsrep_last_committed"),
        recv_queue=number("wsrep_local_recv_queue"),
        send_queue=number("wsrep_local_send_queue"),
        paused_ns=number("wsrep_flow_control_paused_ns"),
        pauses_sent=number("wsrep_flow_control_sent"),
        desynced=bool(desynced),
        incoming_addresses=tuple(item for item in raw.get("wsrep_incoming_addresses", "").split(",") if item),
        read_only=bool(read_only),
        version=version,
        raw=raw,
    )


def _read_clients(cursor: Any) -> tuple[Client, ...]:
    cursor.execute(_CLIENTS)
    return tuple(Client(int(id_), bool(busy), bool(local)) for id_, busy, local in cursor.fetchall())


def _close_clients(cursor: Any, ids: frozenset[int], *, busy: bool) -> None:
    for client in _read_clients(cursor):
        if client.id in ids and (busy or not client.busy):
            with contextlib.suppress(pymysql.OperationalError):  # it went by itself
                cursor.execute(f"KILL CONNECTION {client.id}")
