"""The child mariadbd: started, listened to, stopped in order. It never outlives the agent."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trireme.adapters.mariadb.binaries import Binaries
from trireme.adapters.mariadb.log import LogEvent


@dataclass(frozen=True, slots=True)
class Exit:
    """How a server ended. ``code`` is the exit status, or minus the signal's number."""

    code: int
    asked: bool
    """It was asked to stop."""
    killed: bool
    """The deadline passed, and it was killed."""
    last_errors: tuple[str, ...]
    """Its last error lines, oldest first, at most ten."""

    @property
    def clean(self) -> bool:
        return self.code == 0


class Server:
    """One run of mariadbd. Make a new one for each start."""

    def __init__(
        self,
        binaries: Binaries,
        config_file: Path,
        *,
        address: str,
        run_dir: Path,
        tmp_dir: Path,
        on_line: Callable[[str], None],
        on_event: Callable[[LogEvent], None],
    ) -> None:
        raise NotImplementedError

    @property
    def pid(self) -> int | None:
        """None before the start and after the exit."""
        raise NotImplementedError

    async def start(self, *, new_cluster: bool = False) -> None:
        """Start it; returns when the process runs, not when it takes SQL.

        Raises PermanentError naming the address and port where something else already listens.
        """
        raise NotImplementedError

    async def wait(self) -> Exit:
        """Wait for the exit; the same value for every caller, at any time."""
        raise NotImplementedError

    async def stop(self, deadline_seconds: float) -> Exit:
        """SIGTERM, and at the deadline SIGKILL to it and to all that it started. Idempotent."""
        raise NotImplementedError
