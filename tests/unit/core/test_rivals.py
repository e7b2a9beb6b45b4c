"""Two Primaries: who is served, who is not, and whom a joiner joins (FIELD-FAILURES 7)."""

from tests.unit.core.builders import OTHER_HISTORY, Builder, member, situation
from trireme.api.report import Phase
from trireme.core import health
from trireme.core.decide import decide
from trireme.core.rivals import apart
from trireme.core.situation import Claim, Join, StopServer


def primary(ordinal: int, seqno: int, *view: int) -> Builder:
    return member(ordinal).primary(size=len(view)).in_view(seqno, *view)


def test_the_smaller_side_is_not_served_and_says_with_whom_to_compare() -> None:
    me, others = primary(2, 9, 2).claiming(102, 2), (primary(0, 8, 0, 1), primary(1, 8, 0, 1))
    decision = decide(situation(me, *others))
    assert decision.phase is Phase.BLOCKED
    assert "clients are led to members 0, 1" in decision.why
    assert not any(isinstance(action, StopServer) for action in decision.actions)
    report = me._with(phase=decision.phase).report
    assert not health.ready(report).ok
    assert health.role(report) == "secondary"


def test_the_larger_side_is_served_and_says_that_there_is_another() -> None:
    me = primary(0, 8, 0, 1).claiming(100, 0)
    decision = decide(situation(me, primary(1, 8, 0, 1).claiming(100, 0), primary(2, 9, 2).claiming(302, 2)))
    assert decision.phase is Phase.SYNCED
    assert "takes the writes; member 2 in another Primary" in decision.why


def test_of_two_alike_the_later_view_is_served() -> None:
    assert decide(situation(primary(0, 8, 0), primary(2, 9, 2))).phase is Phase.BLOCKED
    assert decide(situation(primary(2, 9, 2), primary(0, 8, 0))).phase is Phase.SYNCED


def test_two_histories_are_told_apart_by_uuid() -> None:
    stranger = member(2).primary(history=OTHER_HISTORY).in_view(90, 0, 1, 2, history=OTHER_HISTORY)
    assert decide(situation(primary(0, 8, 0, 1), stranger)).phase is Phase.BLOCKED


def test_a_server_whose_replication_was_switched_off_is_no_second_primary() -> None:
    """SET GLOBAL wsrep_on=OFF: it goes on as Primary, and names no history. Nobody is led there; nobody is alarmed."""
    off = member(1).primary(history="", state=0).in_view(8, 0, 1, 2).claiming(101, 1)
    others = primary(0, 8, 0, 1, 2).claiming(101, 1), primary(2, 8, 0, 1, 2).claiming(101, 1)
    decision = decide(situation(off, *others))
    assert decision.phase is Phase.BLOCKED
    assert "SET GLOBAL wsrep_on=ON" in decision.why
    assert not any(isinstance(action, Claim) for action in decision.actions)
    heir = decide(situation(others[0], off, others[1]))
    assert heir.phase is Phase.SYNCED
    assert any(isinstance(action, Claim) for action in heir.actions)
    assert not apart(off.report, others[0].report)


def test_a_view_that_changes_while_members_are_asked_is_no_second_primary() -> None:
    late = primary(1, 7, 1)
    assert decide(situation(primary(0, 8, 0, 1).claiming(100, 0), late)).phase is Phase.SYNCED


def test_a_joiner_joins_the_side_that_is_served() -> None:
    others = (primary(0, 8, 0, 1), primary(1, 8, 0, 1), primary(3, 9, 3))
    join = decide(situation(member(2), *others)).actions[0]
    assert isinstance(join, Join)
    assert join.addresses == ("127.0.1.0", "127.0.1.1")
