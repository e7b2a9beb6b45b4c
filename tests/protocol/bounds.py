"""How far the exploration goes: near in every run of the tests, far by hand."""

import time
from dataclasses import dataclass

from tests.protocol.explore import Bound, explore
from tests.protocol.schedules import Begin, Schedule
from tests.protocol.shrink import story


@dataclass(frozen=True, slots=True)
class Search:
    begin: Begin
    bound: Bound
    ends: int = 0
    """From every so-many-th state the cluster must become whole once faults stop; 0: not checked."""

    def __str__(self) -> str:
        bound = self.bound
        policy = "" if bound.patience is None else ", a majority need not wait"
        return (
            f"{bound.size} members, {self.begin}, up to {bound.moves} moves and {bound.faults} faults{policy}"
        )


NEAR = (
    Search(Begin.EMPTY, Bound(moves=9, faults=2), ends=20),
    Search(Begin.WHOLE, Bound(moves=5, faults=2), ends=20),
    Search(Begin.CRASHED, Bound(moves=9, faults=2), ends=20),
    Search(Begin.WHOLE, Bound(moves=8, faults=2, size=2), ends=20),
    Search(Begin.CRASHED, Bound(moves=8, faults=2, patience=5.0), ends=20),
)
FAR = (
    Search(Begin.CRASHED, Bound(moves=13, faults=2), ends=100),
    Search(Begin.WHOLE, Bound(moves=8, faults=2), ends=100),
    Search(Begin.EMPTY, Bound(moves=14, faults=2), ends=100),
    Search(Begin.WHOLE, Bound(moves=6, faults=3), ends=100),
    Search(Begin.CRASHED, Bound(moves=10, faults=3), ends=100),
    Search(Begin.WHOLE, Bound(moves=11, faults=3, size=2), ends=100),
    Search(Begin.CRASHED, Bound(moves=11, faults=2, patience=5.0), ends=100),
    Search(Begin.WHOLE, Bound(moves=7, faults=2, patience=5.0), ends=100),
)


def search(each: Search) -> tuple[str, int]:
    """What was found, in words, and 1 if an invariant was broken."""
    started = time.monotonic()
    found = explore(each.bound, each.begin, ends=each.ends)
    words = (
        f"{each}: {found.states} states, {found.transitions} transitions, {time.monotonic() - started:.0f} s"
    )
    if found.violation is None:
        return words, 0
    return f"{words}\n{story(Schedule(each.bound.size, each.begin, found.steps, each.bound.patience))}", 1
