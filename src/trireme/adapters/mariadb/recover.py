"""The position that the storage engine remembers, asked with ``mariadbd --wsrep-recover``."""

from dataclasses import dataclass
from pathlib import Path

from trireme.adapters.mariadb.binaries import Binaries
from trireme.api.position import Position


@dataclass(frozen=True, slots=True)
class Recovered:
    """``position`` is None where the engine knows none or did not come up; ``detail`` says why, for people.

    ``engine_sound`` is False where the storage engine itself could not start (corrupt, wrong version).
    """

    position: Position | None
    detail: str
    engine_sound: bool
    prepared_xa: int = 0
    """XA transactions in doubt that recovery found."""


async def recover_position(
    binaries: Binaries, config_file: Path, *, run_dir: Path, stall_seconds: float = 300.0
) -> Recovered:
    """Run crash recovery and read the position. Gives up only after ``stall_seconds`` *without progress*
    (no log line, no I/O by the process): crash recovery of a big database takes as long as it takes.

    The server must not be running. Raises TemporaryError when recovery stalled or was killed.
    """
    raise NotImplementedError
