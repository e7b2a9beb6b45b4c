"""Bytes moved by the state transfer under way: evidence that it makes progress (invariant 8)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trireme.adapters.mariadb import reaper

Role = Literal["joiner", "donor"]
Stage = Literal["waiting", "streaming", "preparing", "moving"]

_SHELLS = frozenset({"bash", "sh"})
_STREAMS = {"joiner": "mbstream", "donor": "socat"}
"""Whose reading counts: the joiner's unpacker, the donor's sender."""
_BACKUP = frozenset({"mariadb-backup", "mariabackup"})
_OVERHEAD = 64 * 1024
"""Loading its own libraries counts as reading too, before the first data comes."""


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """``transferred_bytes`` is what this stage has moved so far; the total is not known to the joiner.

    Stages of a joiner: waiting for the donor, streaming, preparing (applying the log to the copy), moving it
    into place. A donor only waits and streams. A change of stage is progress too.
    """

    role: Role
    stage: Stage
    transferred_bytes: int


def transfer_progress(root: Path, server_pid: int) -> TransferProgress | None:
    """Read the transfer's processes in the server's session; None when there are none. A few ms."""
    members = [item for item in reaper.processes() if item.session == server_pid and item.pid != server_pid]
    role = next((found for item in members if (found := _role(item))), None)
    if role is None:
        return None
    backup = next((item for item in members if item.name in _BACKUP), None)
    if role == "joiner" and backup is not None:
        stage: Stage = "moving" if "--move-back" in _arguments(backup.pid) else "preparing"
        return TransferProgress(role, stage, _io(backup.pid, "wchar"))
    stream = next((item for item in members if item.name == _STREAMS[role]), None)
    moved = _io(stream.pid, "rchar") if stream is not None else 0
    return TransferProgress(role, "streaming" if moved > _OVERHEAD else "waiting", moved)


def _role(process: reaper.Process) -> Role | None:
    """By the transfer script's own ``--role``."""
    arguments = _arguments(process.pid) if process.name in _SHELLS else []
    return "joiner" if "joiner" in arguments else "donor" if "donor" in arguments else None


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _io(pid: int, counter: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return 0
    return int(dict(line.split(": ") for line in lines).get(counter, "0"))
