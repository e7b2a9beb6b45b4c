"""Writes a position into grastate.dat, so that the server starts from it as after an ordered stop.

A crashed member's grastate.dat says seqno -1. Started like that, a server that bootstraps begins a *new* history, and
one that joins takes a full state transfer although an incremental one would do (both measured with 10.11).
"""

from pathlib import Path

from trireme.api.position import Position
from trireme.base.durable import write_durably

_TEXT = """# GALERA saved state
version: 2.1
uuid:    {uuid}
seqno:   {seqno}
safe_to_bootstrap: {safe}
"""


def write_position(data_dir: Path, position: Position, *, safe_to_bootstrap: bool) -> None:
    """Durable when it returns. ``position`` is what the storage engine holds; no server may be running.

    Raises OSError (disk full, read-only): the old file is then still in place.
    """
    text = _TEXT.format(uuid=position.uuid, seqno=position.seqno, safe=int(safe_to_bootstrap))
    write_durably(data_dir / "grastate.dat", text.encode(), mode=0o660)
