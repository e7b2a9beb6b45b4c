"""Two branches of one history: what proves them, and what a member does then. Nothing here depends on who lags."""

from dataclasses import replace

import pytest

from tests.unit.core.builders import HISTORY, OTHER_HISTORY, Builder, answers, gap, member, situation
from trireme.api.position import View
from trireme.api.report import Phase
from trireme.core import branches
from trireme.core.decide import decide
from trireme.core.election import Elect, Outcome, Split, Wait, elect
from trireme.core.situation import Join, Learn, MarkStrayed
from trireme.core.terms import Terms

THREE = Terms(declared=3, named=(0, 1, 2))
ALONE, BOTH, ALL = View(HISTORY, 5, (0,)), View(HISTORY, 40, (0, 1)), View(HISTORY, 41, (0, 1, 2))
"""The cluster of one was copied, then scaled."""
LATER = View(HISTORY, 8, (0,))
"""The copy was put back, and bootstrapped from 7."""


def put_back(seqno: int) -> Builder:
    return member(0).primary(seqno=seqno, size=1).told(ALONE, LATER)


def test_the_copy_is_behind_what_the_others_came_through() -> None:
    """Fails where they join: Galera ends their servers, until the Primary has passed them; then it mixes the two."""
    decision = decide(situation(member(1).crashed(60).told(ALONE, BOTH, ALL), put_back(20)))
    assert decision.phase is Phase.WAITING
    assert "view 41 of members 0, 1, 2, of which the Primary was not told" in decision.why
    assert not decision.actions


def test_the_copy_has_passed_them_and_no_view_came_since() -> None:
    decision = decide(situation(member(1).crashed(60).told(ALONE, BOTH, ALL), put_back(900)))
    assert decision.phase is Phase.BLOCKED
    assert not decision.actions


def test_the_copy_has_passed_them_and_was_told_of_later_views() -> None:
    primary = put_back(900).told(ALONE, LATER, View(HISTORY, 700, (0, 3)))
    decision = decide(situation(member(1).crashed(60).told(ALONE, BOTH, ALL), primary))
    assert decision.phase is Phase.BLOCKED
    assert "two branches of one history (view 41 of members 0, 1, 2" in decision.why
    assert decision.actions == (MarkStrayed(ALL),)


def test_once_proven_it_holds_when_the_primarys_views_go_back_no_further() -> None:
    """Fails where it is proven anew each time: after some dozen views the member would join by increments."""
    marked = member(1).crashed(60).told(ALONE, BOTH, ALL)._with(strayed=ALL)
    primary = member(0).primary(seqno=9000).told(View(HISTORY, 8000, (0, 3)))
    decision = decide(situation(marked, primary))
    assert (decision.phase, decision.actions) == (Phase.BLOCKED, ())
    crashed = member(0).crashed(9000).told(View(HISTORY, 8000, (0, 3)))
    assert isinstance(elect(answers(marked, crashed), THREE), Split)
    assert isinstance(elect(answers(marked, member(2).crashed(60).told(ALL)._with(strayed=ALL)), THREE), Wait)
    emptied = marked.incomplete()
    assert [type(action) for action in decide(situation(emptied, primary)).actions] == [Join]


def test_who_was_found_to_be_of_another_branch_goes_on_when_all_are_heard_and_not_before() -> None:
    """It was alone in its last view. Fails where it bootstraps while the Primary's members are merely not heard: they
    have a branch that took writes."""
    marked = member(1).crashed(60).told(View(HISTORY, 41, (1,)))._with(strayed=View(HISTORY, 41, (1,)))
    outcome = elect(answers(marked, member(0)), THREE)
    assert isinstance(outcome, Wait)
    assert outcome.members == (2,)
    assert isinstance(elect(answers(marked, member(0), member(2)), THREE), Elect)
    assert isinstance(elect(answers(marked, member(0), member(2).crashed(9).told(BOTH)), THREE), Split)


def test_its_data_go_beyond_a_view_that_it_was_not_in() -> None:
    """The copy was made within the same view: only what was written since is not in it."""
    together = View(HISTORY, 5, (0, 1, 2))
    primary = member(0).primary(seqno=900).told(together, View(HISTORY, 51, (0,)))
    late = decide(situation(member(1).crashed(80).told(together), primary))
    assert late.phase is Phase.BLOCKED
    before = decide(situation(member(1).crashed(50).told(together), primary))
    assert [type(action) for action in before.actions] == [Join]


def test_whoever_was_told_of_each_view_in_its_data_came_through_no_other_though_it_is_in_a_later_one() -> (
    None
):
    """Its volume was lost, it joined anew, and then the old volume was put back. Fails where it joins by increments: what
    only it has gets mixed with the Primary's."""
    together = View(HISTORY, 5, (0, 1, 2))
    primary = member(0).primary(seqno=900).told(together, View(HISTORY, 51, (0,)), View(HISTORY, 52, (0, 1)))
    back = member(1).crashed(80).told(together, whole=True)
    assert decide(situation(back, primary)).phase is Phase.BLOCKED
    untold = member(1).crashed(80).told(together, whole=False)
    assert [type(action) for action in decide(situation(untold, primary)).actions] == [Join]


FOUNDED = View(HISTORY, 51, (0,), founded=True)
"""By all of the view before it, whose servers had ended."""


@pytest.mark.parametrize("later", [(0, 1), (0, 1, 2)])
def test_after_a_bootstrap_that_it_had_a_part_in_no_server_comes_back_without_its_agents_record(
    later: tuple[int, ...],
) -> None:
    """Its old volume, of which the copy was made while it had no Primary, was put back. Fails where it joins by
    increments, for its server may have come back to the later view unawares."""
    together = View(HISTORY, 5, (0, 1, 2))
    primary = member(0).primary(seqno=900).told(together, FOUNDED, View(HISTORY, 52, later))
    back = member(1).crashed(80).told(together, whole=False)
    assert decide(situation(back, primary)).phase is Phase.BLOCKED
    chosen = replace(gap(85, 2, by="alice"), view=View(HISTORY, 52, later))
    assert decide(situation(back, primary.came_through(chosen))).phase is Phase.BLOCKED
    for comes in (back.joining(), member(1).crashed(50).told(together, whole=False)):
        assert [type(action) for action in decide(situation(comes, primary)).actions] == [Join]


def test_a_bootstrap_by_those_who_had_gone_on_without_it_did_not_ask_it() -> None:
    """Its server was cut off, lives, and may come back to them by itself. Fails where it is Blocked for ever."""
    together, without = View(HISTORY, 5, (0, 1, 2)), View(HISTORY, 40, (0, 2))
    primary = member(0).primary(seqno=900).told(together, without, FOUNDED, View(HISTORY, 52, (0, 1, 2)))
    back = member(1).crashed(80).told(together, whole=False)
    assert [type(action) for action in decide(situation(back, primary)).actions] == [Join]


@pytest.mark.parametrize(
    ("joining", "decision"), [(False, Split), (True, Elect)], ids=["no record of a return", "it was to join"]
)
def test_whom_a_bootstrap_asked_is_not_compared_by_seqno_unless_its_record_says_that_it_came_back(
    joining: bool, decision: type[Outcome]
) -> None:
    """Fails where the old copy is further by seqno, is elected, and the others join it."""
    together = View(HISTORY, 5, (0, 1, 2))
    copy = member(1).crashed(80).told(together, whole=False)
    others = [member(o).crashed(60).told(together, FOUNDED, View(HISTORY, 52, (0, 1, 2))) for o in (0, 2)]
    outcome = elect(answers(copy.joining() if joining else copy, *others), THREE)
    assert isinstance(outcome, decision)


def test_whoever_was_in_a_view_that_a_person_gave_up_may_have_come_to_its_data_by_that() -> None:
    """Fails where it is Blocked for ever: what it has is a part of the Primary's."""
    together, given_up = View(HISTORY, 5, (0, 1, 2)), View(HISTORY, 60, (1, 2))
    chosen = replace(gap(55, by="alice"), view=given_up)
    primary = member(0).primary().told(together, View(HISTORY, 51, (0, 1)), View(HISTORY, 56, (0,)))
    late = member(2).crashed(52).told(together)
    assert [type(a) for a in decide(situation(late, primary.came_through(chosen))).actions] == [Join]
    assert decide(situation(late, primary)).phase is Phase.BLOCKED


def test_a_gap_that_was_settled_since_is_the_same_gap() -> None:
    """Fails where it counts as another: its view would excuse the member, and what only it has would get mixed."""
    together, given_up = View(HISTORY, 5, (0, 1, 2)), View(HISTORY, 60, (1, 2))
    chosen = replace(gap(50, by="alice"), view=given_up)
    primary = member(0).primary().told(together, View(HISTORY, 51, (0, 1)), View(HISTORY, 56, (0,)))
    settled = primary.came_through(replace(chosen, settled="bob"))
    back = member(2).crashed(52).told(together, whole=False).came_through(chosen)
    assert decide(situation(back, settled)).phase is Phase.BLOCKED
    assert decide(situation(back, primary.came_through(chosen))).phase is Phase.BLOCKED


LATE = {
    "its last view is theirs": member(1).crashed(60).told(ALONE, BOTH, ALL),
    "its volume kept no views": member(1).crashed(60).in_view(41, 0, 1, 2),
    "its view is from before what they know": member(1).crashed(60).told(View(HISTORY, 3, (1,))),
    "it has no data to mix": member(1).incomplete().told(View(HISTORY, 42, (1,))),
    "its engine has not the view that is another's": member(1).crashed(41).told(ALL, View(HISTORY, 42, (1,))),
    "it received as it joined what nobody else has on disk": member(1).crashed(90).told(ALL).joining(),
}


@pytest.mark.parametrize("late", LATE.values(), ids=list(LATE))
def test_who_joins_as_before(late: Builder) -> None:
    primary = member(0).primary(seqno=90).told(ALONE, BOTH, ALL, View(HISTORY, 77, (0, 2)))
    assert [type(action) for action in decide(situation(late, primary)).actions] == [Join]


def test_a_member_of_another_branch_is_not_waited_for() -> None:
    primary = member(0).primary(seqno=900).told(ALONE, LATER)
    stray, me = member(1).crashed(60).told(ALONE, BOTH, ALL), member(2).clean(7).told(ALONE)
    assert [type(action) for action in decide(situation(me, primary, stray)).actions] == [Join]


def test_what_a_gap_says_comes_first() -> None:
    """The policy decided between these two branches: what lies beyond is set aside."""
    primary = member(0).primary(seqno=900).told(ALL, View(HISTORY, 51, (0, 2))).came_through(gap(50, 1))
    action = decide(situation(member(1).crashed(60).told(ALL, View(HISTORY, 52, (1,))), primary)).actions[0]
    assert isinstance(action, Join)
    assert action.discard is not None


def test_two_branches_are_never_compared_by_seqno() -> None:
    copy = member(0).crashed(900).told(ALONE, LATER, View(HISTORY, 700, (0,)))
    other = member(1).crashed(60).told(ALONE, BOTH, ALL)
    outcome = elect(answers(copy, other, member(2).crashed(60).told(ALL)), THREE)
    assert isinstance(outcome, Split)
    assert "two branches of one history" in outcome.why


@pytest.mark.parametrize(
    ("whole", "decision"), [(True, Split), (False, Elect)], ids=["whole", "it may have missed some"]
)
def test_a_member_that_was_told_of_every_view_in_its_data_knows_that_another_is_none_of_them(
    whole: bool, decision: type[Outcome]
) -> None:
    """Fails where it counts only up to its last view: it is further by seqno, is elected, and the others join it."""
    copy = member(0).crashed(60).told(ALONE, LATER, whole=whole)
    others = [member(o).crashed(50).told(ALL, whole=True) for o in (1, 2)]
    assert isinstance(elect(answers(copy, *others), THREE), decision)


def test_a_view_that_is_in_nobodys_data_is_no_branch() -> None:
    """Written down before the storage engine had it, by one who crashed then; the others went on from before it."""
    early = member(0).crashed(41).told(ALL, View(HISTORY, 42, (0,)))
    other = member(1).crashed(60).told(ALL, View(HISTORY, 42, (1, 2)))
    outcome = elect(answers(early, other, member(2).crashed(60).told(ALL)), THREE)
    assert isinstance(outcome, Elect)
    assert outcome.candidate == 1


def test_views_without_a_break() -> None:
    two = branches.told((ALONE,), BOTH, goes_on=True)
    assert two == (ALONE, BOTH)
    assert branches.told(two, ALL, goes_on=False) == (ALL,)
    assert branches.told(two, View(OTHER_HISTORY, 41, (0,)), goes_on=True) == (View(OTHER_HISTORY, 41, (0,)),)
    assert branches.told(two, View(HISTORY, 7, (0,)), goes_on=True) == (ALONE, View(HISTORY, 7, (0,)))
    many: tuple[View, ...] = ()
    for seqno in range(100):
        many = branches.told(many, View(HISTORY, seqno, (0,)), goes_on=True)
    assert (len(many), many[-1].seqno) == (branches.KEPT, 99)


def test_a_bootstrap_goes_on_from_all_views_only_where_nobody_knows_a_later_one() -> None:
    me = member(0).crashed(60).told(ALONE, BOTH)
    assert branches.goes_on(me.report, BOTH)
    assert not branches.goes_on(me.report, ALL)
    assert not branches.goes_on(me.joining().report, BOTH)
    assert not branches.goes_on(member(0).report, None)


def test_members_of_one_view_learn_what_goes_back_further() -> None:
    knows = member(1).primary().told(ALONE, BOTH, ALL).claiming(1, 0)
    me = member(0).primary().told(ALL).claiming(1, 0)
    assert Learn((), (ALONE, BOTH, ALL)) in decide(situation(me, knows)).actions
    for other in (knows.told(ALONE, BOTH), knows.told(ALL), knows.told()):
        assert not any(isinstance(action, Learn) for action in decide(situation(me, other)).actions)
