"""Positions and views: how far a member's data is, and whom it last shared a Primary Component with."""

from dataclasses import dataclass

ZERO_UUID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Position:
    """``uuid:seqno`` of a member's data. A zero uuid or seqno -1 is *unknown*, never *empty* (invariant 2).

    Positions are compared by :func:`trireme.core` only where the uuids are equal (invariant 3).
    """

    uuid: str
    seqno: int

    @property
    def known(self) -> bool:
        return self.uuid != ZERO_UUID and self.seqno >= 0

    def __str__(self) -> str:
        return f"{self.uuid}:{self.seqno}"


@dataclass(frozen=True, slots=True)
class View:
    """A Primary Component that Galera installed.

    ``seqno`` is the global order number of the view change itself (``View: id: UUID:SEQNO`` in the server's
    log): it grows with every view of one history, across full restarts too, unlike the configuration number,
    which starts again from 1. ``members`` are ordinals, ascending. ``founded``: a bootstrap's first, as its member
    knows: the servers of all those of the view before it had ended.
    """

    uuid: str
    seqno: int
    members: tuple[int, ...]
    founded: bool = False
