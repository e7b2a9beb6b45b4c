"""The server tells each change of its view, and waits (at most 2 s) until the agent has it on disk.

``wsrep_notify_cmd`` runs ``notify.sh`` synchronously in the thread that installs the view; the script hands its
arguments through a unix socket and waits for the acknowledgement. It never fails the server.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NotifiedMember:
    """A member as the server names it: provider's node uuid, node name, incoming address."""

    uuid: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Notification:
    """One call. ``status`` is the server's word: connected, joiner, donor, joined, synced, disconnected, …

    ``uuid``, ``index`` and ``members`` are None or empty where the call was about the status alone.
    """

    status: str
    uuid: str | None
    primary: bool
    index: int | None
    members: tuple[NotifiedMember, ...]


def notify_command(socket: Path) -> str:
    """The value of ``wsrep_notify_cmd``."""
    raise NotImplementedError


class NotifyListener:
    """Listens on ``socket``; acknowledges each notification when ``on_notify`` has returned."""

    def __init__(self, socket: Path, on_notify: Callable[[Notification], Awaitable[None]]) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        """Replace a stale socket file and listen. Raises PermanentError where the directory is not writable."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop listening and remove the socket file."""
        raise NotImplementedError
