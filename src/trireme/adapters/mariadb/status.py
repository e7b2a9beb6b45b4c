"""A running server over its unix socket, as the agent's own account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """What the server says of itself. ``local_state``: 0 undefined, 1 joiner, 2 donor, 3 joined, 4 synced, 5 error."""

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
    flow_control_paused: float
    """Part of the time since the last FLUSH STATUS that replication was paused, 0 to 1."""
    flow_control_active: bool
    desynced: bool
    incoming_addresses: tuple[str, ...]
    read_only: bool
    version: str
    raw: Mapping[str, str] = field(repr=False)
    """Every ``wsrep_%`` status variable, for metrics."""


class Monitor:
    """One persistent connection in one worker thread. A failed call closes it; the next call connects again."""

    def __init__(self, socket: Path, user: str, password: str, *, timeout_seconds: float = 3.0) -> None:
        raise NotImplementedError

    async def read(self) -> ServerStatus:
        """Raises TemporaryError (not up yet, refuses: says why), PermanentError (access denied), UncertainError
        (accepted the question and did not answer in time)."""
        raise NotImplementedError

    async def execute(self, statement: str) -> None:
        """Run one administrative statement. Raises as :meth:`read`."""
        raise NotImplementedError

    async def active_transactions(self) -> int:
        """Clients' transactions or statements under way, but not the agent's own. Raises as :meth:`read`."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close the connection and end the thread."""
        raise NotImplementedError
