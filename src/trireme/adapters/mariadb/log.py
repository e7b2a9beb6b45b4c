"""The events worth knowing in a mariadbd log. A parser only: lines in, values out."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "warning", "error"]
TransferKind = Literal["sst", "ist"]
TransferRole = Literal["joiner", "donor"]


@dataclass(frozen=True, slots=True)
class ViewSeen:
    """A ``View:`` block. ``uuid:seqno`` is its id; ``members`` are node names in the view's own order.

    ``primary`` is False for a non-Primary or a final (disconnected) view; its seqno is then -1.
    ``own_index`` is -1 where this member is not in it (it left).
    """

    uuid: str
    seqno: int
    primary: bool
    members: tuple[str, ...]
    own_index: int


@dataclass(frozen=True, slots=True)
class TransferSeen:
    """A step of a state transfer. ``peer`` is the other side's node name, '' where the log does not say."""

    kind: TransferKind
    role: TransferRole
    step: Literal["began", "progress", "completed", "failed"]
    peer: str
    detail: str


@dataclass(frozen=True, slots=True)
class FatalSeen:
    """A line after which the server gives up, with what a person can do about it."""

    line: str
    advice: str


LogEvent = ViewSeen | TransferSeen | FatalSeen


class LogParser:
    """Feed it every line in order; memory is bounded by one view block."""

    def feed(self, line: str) -> LogEvent | None:
        """The event that this line completes, if any."""
        raise NotImplementedError
