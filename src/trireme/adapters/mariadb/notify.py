"""The server tells each change of its view, and waits (at most 2 s) until the agent has it on disk.

``wsrep_notify_cmd`` runs ``scripts/notify.sh`` synchronously in the thread that installs the view; the script
hands its arguments through a unix socket and waits for the acknowledgement. It never fails the server.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from trireme.adapters.mariadb.process import SCRIPTS
from trireme.base.errors import PermanentError

log = logging.getLogger(__name__)

_LONGEST = 64 * 1024
_READ_SECONDS = 2.0
_OPTION = re.compile(r"--(status|uuid|primary|index|members) (\S+)")


@dataclass(frozen=True, slots=True)
class NotifiedMember:
    """A member as the server names it: provider's node uuid, node name, incoming address."""

    uuid: str
    name: str
    address: str

    @property
    def host(self) -> str:
        """Of ``address``, HOST:PORT or [HOST]:PORT; empty for one that takes no clients, as garbd."""
        return self.address.rpartition(":")[0].strip("[]")


@dataclass(frozen=True, slots=True)
class Notification:
    """One call. ``status`` is the server's word: connected, joined, synced, donor, disconnected, …

    ``uuid``, ``index`` and ``members`` are None or empty where the call was about the status alone. ``index``
    is -1 where this member is not in the view: it left, or it joins by IST and is told a view of the past.
    """

    status: str
    uuid: str | None
    primary: bool
    index: int | None
    members: tuple[NotifiedMember, ...]


def notify_command(socket: Path) -> str:
    """The value of ``wsrep_notify_cmd``."""
    return f"/bin/sh {SCRIPTS / 'notify.sh'} {socket}"


def parse_notification(line: str) -> Notification:
    """Read the arguments that the server passed, joined by blanks. What is not there stays None or empty."""
    options = dict(_OPTION.findall(line))
    index = options.get("index", "")
    members = (tuple(item.split("/", 2)) for item in options.get("members", "").split(",") if item)
    return Notification(
        status=options.get("status", ""),
        uuid=options.get("uuid"),
        primary=options.get("primary") == "yes",
        index=int(index) if index.lstrip("-").isdigit() else None,
        members=tuple(NotifiedMember(*item) for item in members if len(item) == 3),
    )


class NotifyListener:
    """Listens on ``socket``; acknowledges each notification when ``on_notify`` has returned.

    Where it raises, or its answer takes too long, the script gives up by itself and the server goes on.
    """

    def __init__(self, socket: Path, on_notify: Callable[[Notification], Awaitable[None]]) -> None:
        self._socket = socket
        self._on_notify = on_notify
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Replace a stale socket file and listen. Raises PermanentError where the directory is not writable."""
        try:
            self._socket.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, self._socket, limit=_LONGEST)
            self._socket.chmod(0o600)
        except OSError as error:
            raise PermanentError(
                f"{self._socket} cannot be listened on: {error.strerror}; {self._socket.parent} must be a "
                "directory that this container's uid may write to"
            ) from error

    async def close(self) -> None:
        """Stop listening and remove the socket file."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._socket.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                line = await reader.readline()
            await self._on_notify(parse_notification(line.decode(errors="replace")))
            writer.write(b"ok\n")
            await writer.drain()
        except (TimeoutError, ValueError, OSError) as error:
            log.warning("a notification of the server was lost: %s", error)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
