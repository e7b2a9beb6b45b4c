"""Bytes moved by the state transfer under way: evidence that it makes progress (invariant 8)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """Bytes so far; the total is not known to the joiner. ``stage`` says what the transfer script does now."""

    role: Literal["joiner", "donor"]
    stage: Literal["waiting", "streaming", "preparing", "moving"]
    transferred_bytes: int


def transfer_progress(root: Path, server_pid: int) -> TransferProgress | None:
    """Read the transfer's processes below ``server_pid`` in /proc; None when there are none. A few ms."""
    raise NotImplementedError
