"""Leaving for a while: when a volume runs out of room, and to be rebuilt."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.core.builders import HISTORY, OTHER_HISTORY, Builder, answers, gap, member, situation
from trireme.api.commands import Rebuild
from trireme.api.position import View
from trireme.api.report import Disk, Phase, Room
from trireme.core.decide import decide
from trireme.core.retiring import GIB, MIB, judge_rebuild, measure
from trireme.core.situation import AskEngine, Exit, Join, Retire, SetAside, StopServer

SIZE = 10 * GIB
KEPT = 512 * MIB


def on(builder: Builder, free: int, size: int = SIZE) -> Builder:
    return Builder(replace(builder.report, disk=measure(free, size, None)))


FULL = on(member(0).primary().claiming(100, 0), 100 * MIB)
ONE, TWO = (
    on(member(1).primary().claiming(100, 0), 5 * GIB),
    on(member(2).primary().claiming(100, 0), 5 * GIB),
)


def retires(*members: Builder, **more: Any) -> bool:
    return any(isinstance(action, Retire) for action in decide(situation(*members, **more)).actions)


def test_the_reserve_is_five_percent_and_one_gigabyte_at_most() -> None:
    assert measure(0, SIZE, None).reserve_bytes == KEPT
    assert measure(0, 1000 * GIB, None).reserve_bytes == GIB
    assert measure(0, SIZE, None, percent=0).room is Room.ENOUGH


def test_a_member_does_not_come_and_go() -> None:
    first = measure(KEPT - 1, SIZE, None)
    assert first.room is Room.LOW
    assert measure(2 * KEPT - 1, SIZE, first).room is Room.LOW
    assert measure(2 * KEPT, SIZE, first).room is Room.ENOUGH
    assert measure(KEPT, SIZE, Disk(room=Room.ENOUGH, free_bytes=0, size_bytes=0)).room is Room.ENOUGH


ROWS: dict[str, tuple[list[Builder], bool]] = {
    "it is short of room, the others are not": ([FULL, ONE, TWO], True),
    "it has room": ([on(FULL, 5 * GIB), ONE, TWO], False),
    "nobody else serves": ([FULL], False),
    "the others only join": ([FULL, on(member(1).primary(state=1), 5 * GIB)], False),
    "the others are short, too": ([FULL, on(ONE, 100 * MIB), on(TWO, KEPT + MIB)], False),
    "one of them is not": ([FULL, on(ONE, 100 * MIB), TWO], True),
    "the others live in another history": ([FULL, on(member(1).primary(history=OTHER_HISTORY), SIZE)], False),
}


@pytest.mark.parametrize("name", ROWS)
def test_who_leaves_for_want_of_room(name: str) -> None:
    members, leaves = ROWS[name]
    assert retires(*members) is leaves


def test_who_must_stay_without_room_says_so() -> None:
    assert "make room now" in decide(situation(FULL)).why
    assert "make room now" not in decide(situation(on(FULL, 5 * GIB))).why


def test_it_leaves_as_in_a_stop_and_its_agent_stays() -> None:
    leaving = Builder(replace(FULL.report, leaving=True))
    first = decide(situation(leaving, ONE, TWO, retire_since=999.9))
    assert "hands the writer role over" in first.why
    led = ONE.claiming(201, 1)
    assert StopServer() in decide(situation(leaving, led, TWO, retire_since=999.9)).actions
    stopped = on(member(0).clean(50).in_view(9, 0, 1, 2), 100 * MIB)
    waits = decide(situation(stopped, led, TWO))
    assert (waits.phase, waits.actions) == (Phase.WAITING, ())
    assert "has 100 MiB free of 10.0 GiB, and needs 512 MiB: make room" in waits.why
    assert Exit() not in waits.actions


def test_it_comes_back_with_room_and_takes_part_in_an_election_without() -> None:
    back = on(member(0).clean(50).in_view(9, 0, 1, 2), 5 * GIB)
    assert any(isinstance(a, Join) for a in decide(situation(back, ONE, TWO)).actions)
    short = on(member(0).clean(50).in_view(9, 0), 100 * MIB)
    assert decide(situation(short)).phase is Phase.ELECTING


# --- rebuild -----------------------------------------------------------------------------------------------------

DOWN = member(2).clean(50).in_view(9, 0, 1, 2)
REQUESTS: dict[str, tuple[Builder, list[Builder], int, str | None]] = {
    "beside a Synced member": (TWO, [ONE], 2, None),
    "while it is down": (DOWN, [ONE], 2, None),
    "meant for another": (TWO, [ONE], 1, "this is member 2, not 1"),
    "alone": (TWO, [], 2, "no other member is Synced"),
    "beside a member that joins": (TWO, [member(1).starting()], 2, "no other member is Synced"),
    "beside another history": (
        TWO,
        [member(1).primary(history=OTHER_HISTORY)],
        2,
        "no other member is Synced",
    ),
    "while it leaves": (TWO.leaving(), [ONE], 2, "is leaving"),
    "without data": (member(2), [ONE], 2, "has no data"),
    "without room": (on(TWO, MIB), [ONE], 2, "there is no room for a new copy"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_to_rebuild(name: str) -> None:
    me, others, ordinal, said = REQUESTS[name]
    refusal = judge_rebuild(Rebuild(ordinal=ordinal), me.report, answers(*others))
    assert refusal is None if said is None else said in str(refusal)


def test_a_rebuild_leaves_first_sets_aside_then_and_only_beside_a_living_copy() -> None:
    assert retires(TWO, ONE, rebuild_asked=True)
    assert not retires(TWO, member(1).starting(), rebuild_asked=True)
    left = ONE.in_view(51, 0, 1)
    assert decide(situation(DOWN, left, rebuild_asked=True)).actions == (SetAside("rebuild"),)
    alone = decide(situation(DOWN, member(1).clean(50).in_view(9, 0, 1, 2), rebuild_asked=True))
    assert not [a for a in alone.actions if isinstance(a, SetAside)]
    stranger = decide(situation(DOWN, member(1).primary(history=OTHER_HISTORY), rebuild_asked=True))
    assert not [a for a in stranger.actions if isinstance(a, SetAside)]


def test_who_is_rebuilt_from_another_branch_forgets_its_last_view() -> None:
    """Fails where it stays: without data, that view alone would keep it from the Primary for ever, and count in the next
    election."""
    down = member(2).crashed(60).in_view(50, 2).came_through(gap(40, 0, 1))
    primary = member(1).primary(seqno=30).in_view(20, 0, 1)
    assert decide(situation(down, primary, rebuild_asked=True)).actions == (SetAside("rebuild", True),)
    emptied = member(2).incomplete().joining().came_through(gap(40, 0, 1))
    joins = [decide(situation(each, primary)).actions for each in (emptied, emptied.in_view(50, 2))]
    assert [any(isinstance(a, Join) for a in actions) for actions in joins] == [True, False]


def test_a_primary_that_lags_is_no_other_branch() -> None:
    """It is cut off, and does not know it yet. Fails where that is taken for another branch: the newest data would be set
    aside. One that has more commits than that view came after was not told of it, and does not lag."""
    views = View(HISTORY, 3, (0, 1)), View(HISTORY, 40, (1, 2))
    me = member(2).crashed(60).told(*views)
    for seqno, apart in ((39, False), (41, True)):
        decision = decide(situation(me, member(0).primary(seqno=seqno).told(views[0]), rebuild_asked=True))
        assert decision.actions == ((SetAside("rebuild", True),) if apart else ())


def test_a_primary_that_counts_this_member_has_not_noticed_that_it_left() -> None:
    """Or it was cut off while the others went on, and does not know that yet. Fails where the newest data are set aside
    for it."""
    me = member(2).crashed(60).in_view(50, 1, 2).came_through(gap(40, 0, by="alice"))
    cut_off = decide(situation(me, member(0).primary(seqno=39).in_view(3, 0, 1, 2), rebuild_asked=True))
    assert (cut_off.phase, cut_off.actions) == (Phase.WAITING, ())
    goes_on = decide(situation(me, member(0).primary(seqno=39).in_view(4, 0, 1), rebuild_asked=True))
    assert goes_on.actions == (SetAside("rebuild", True),)


def test_a_rebuild_waits_until_the_others_have_on_disk_what_it_sets_aside() -> None:
    """Its server died by itself. Fails where what the others have merely received is enough: they may crash."""
    down = member(2).crashed(50).in_view(9, 0, 1, 2)
    before, after = (ONE.in_view(seqno, 0, 1) for seqno in (50, 51))
    waits = decide(situation(down, before, rebuild_asked=True))
    assert (waits.phase, waits.actions) == (Phase.WAITING, ())
    assert decide(situation(down, after, rebuild_asked=True)).actions == (SetAside("rebuild"),)
    unasked = decide(situation(down.unsettled(), after, rebuild_asked=True, engine_due=True))
    assert unasked.actions == (AskEngine(),)
    behind = replace(before.report, gaps=(gap(45, by="alice"),))
    given_up = decide(situation(down, Builder(behind), rebuild_asked=True))
    assert given_up.actions == (SetAside("rebuild"),)


def test_nobody_waits_for_one_that_waits_to_set_its_data_aside() -> None:
    """Fails where each waits for the other: the view that it waits for comes only when somebody joins."""
    primary = member(0).primary().in_view(50, 0)
    waits = replace(member(1).crashed(50).in_view(9, 0, 1, 2).report, rebuilding=True)
    me = member(2).crashed(40).in_view(9, 0, 1, 2)
    joins = decide(situation(me, primary, Builder(waits))).actions
    assert any(isinstance(action, Join) for action in joins)
