"""Reads grastate.dat, and writes a position into it, so that the server starts from it as after an ordered stop.

A crashed member's grastate.dat says seqno -1. Started like that, a server that bootstraps begins a *new* history, and
one that joins takes a full state transfer although an incremental one would do (both measured with 10.11).
"""

import re
from dataclasses import dataclass
from pathlib import Path

from trireme.api.position import Position
from trireme.base.durable import write_durably

_TEXT = """# GALERA saved state
version: 2.1
uuid:    {uuid}
seqno:   {seqno}
safe_to_bootstrap: {safe}
"""
_LARGEST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Grastate:
    """``grastate.dat`` as written. ``position`` may be of a zero uuid or seqno -1: unknown, never empty."""

    position: Position
    safe_to_bootstrap: bool
    version: str


def read_grastate(path: Path) -> tuple[Grastate | None, str | None]:
    """What it says, or why it cannot be read: one of the two is None. Never raises."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST).decode(errors="replace")
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"
    if not text.strip("\0 \n"):
        return None, "is an empty file, as a state transfer or a crash leaves it"
    fields = dict(re.findall(r"^(\w+):[ \t]*(\S+)", text, re.MULTILINE))
    uuid, seqno = fields.get("uuid", ""), fields.get("seqno", "")
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid) or not re.fullmatch(
        r"-?\d+", seqno
    ):
        return None, f"does not hold a uuid and a seqno, but {text[:120]!r}"
    return (
        Grastate(
            position=Position(uuid, int(seqno)),
            safe_to_bootstrap=fields.get("safe_to_bootstrap") == "1",
            version=fields.get("version", ""),
        ),
        None,
    )


def write_position(data_dir: Path, position: Position, *, safe_to_bootstrap: bool) -> None:
    """Durable when it returns. ``position`` is what the storage engine holds; no server may be running.

    Raises OSError (disk full, read-only): the old file is then still in place.
    """
    text = _TEXT.format(uuid=position.uuid, seqno=position.seqno, safe=int(safe_to_bootstrap))
    write_durably(data_dir / "grastate.dat", text.encode(), mode=0o660)


def forget_position(data_dir: Path) -> None:
    """A history begins with the next start: the server finds no position, and makes a uuid. Raises OSError."""
    (data_dir / "grastate.dat").unlink(missing_ok=True)
