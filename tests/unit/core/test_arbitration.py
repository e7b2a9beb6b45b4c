"""When the arbitrator votes."""

from dataclasses import replace

import pytest

from tests.unit.core.builders import OTHER_HISTORY, answers, member
from trireme.core.arbitration import Group, Picture, Vote, arbitrate

ALIVE, OTHER = member(0).primary(), member(1).primary()
DOWN, LOST, STARTS = member(1).clean(7), member(1).non_primary(), member(1).starting()
ALL, ALONE, CUT_OFF = Group(True, 3, synced=True), Group(True, 1, synced=True), Group(False, 1)


def picture(*members: object, **more: object) -> Picture:
    return replace(Picture(answers=answers(*members), silent=0, running=False), **more)  # type: ignore[arg-type]


ROWS: dict[str, tuple[Picture, Vote, str]] = {
    "nobody answers": (picture(silent=2), Vote.WAIT, "waits for a Primary"),
    "members wait for each other": (picture(DOWN), Vote.WAIT, "waits for a Primary"),
    "a Primary lives": (picture(ALIVE, DOWN), Vote.JOIN, "joins it"),
    "garbd failed just now": (
        picture(ALIVE, now=5.0, retry_at=6.0, last_failure="no route"),
        Vote.WAIT,
        "tries again soon: no route",
    ),
    "a member joins it just now": (picture(ALIVE, STARTS), Vote.WAIT, "joins it afterwards"),
    "its members give a transfer": (picture(member(0).primary(state=2)), Vote.WAIT, "joins it afterwards"),
    "is not synced yet": (picture(ALIVE, running=True, group=Group(True, 3)), Vote.STAY, "joins the Primary"),
    "two histories": (picture(ALIVE, member(1).primary(history=OTHER_HISTORY)), Vote.WAIT, "in neither"),
    "votes": (picture(ALIVE, OTHER, running=True, group=ALL), Vote.STAY, "votes in a Primary of 3"),
    "is about to": (picture(ALIVE, running=True), Vote.STAY, "joins the Primary"),
    "one died, the other reconnects": (
        picture(LOST, silent=1, running=True, group=CUT_OFF),
        Vote.STAY,
        "stays",
    ),
    "nobody answers, and it may be what keeps the Primary": (
        picture(silent=2, running=True, group=ALL),
        Vote.STAY,
        "stays",
    ),
    "the last member left in order": (
        picture(DOWN, running=True, group=ALONE),
        Vote.LEAVE,
        "the last member left",
    ),
    "all members are down": (
        picture(DOWN, running=True, group=CUT_OFF),
        Vote.LEAVE,
        "so that they can elect",
    ),
    "all but one, which may have a server": (
        picture(DOWN, silent=1, running=True, group=CUT_OFF),
        Vote.STAY,
        "stays",
    ),
    "the cluster went on in a group of another name": (
        picture(
            member(0).primary()._with(group_name="demo-1"), running=True, group=CUT_OFF, group_name="demo"
        ),
        Vote.LEAVE,
        "another name",
    ),
    "a server starts": (picture(STARTS, running=True, group=CUT_OFF), Vote.STAY, "stays"),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str) -> None:
    seen, vote, said = ROWS[name]
    decision = arbitrate(seen)
    assert decision.vote is vote
    assert said in decision.why
    assert decision.addresses == (("127.0.1.0",) if vote is Vote.JOIN else ())
