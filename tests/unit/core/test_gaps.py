"""A cluster that went on without somebody: whose votes are needed, and what becomes of a member that comes back."""

from dataclasses import replace

import pytest

from tests.unit.core.builders import HISTORY, OTHER_HISTORY, Builder, answers, gap, member, request, situation
from trireme.api.position import Position, View
from trireme.api.report import Gap, Override, Phase, Report
from trireme.core.decide import decide
from trireme.core.election import Elect, Split, Wait, elect
from trireme.core.gaps import binding, inherited, known_gaps, went_through
from trireme.core.grants import Refused, judge_request
from trireme.core.situation import AskGrants, Bootstrap, Campaign, Decision, Join, Learn
from trireme.core.terms import Terms

VIEW = View(HISTORY, 3, (0, 1, 2))
WAITS = Terms(declared=3, named=(0, 1, 2))
OVERDUE = Terms(declared=3, named=(0, 1, 2), overdue=True)


def crashed(ordinal: int, seqno: int = 9) -> Builder:
    return member(ordinal).crashed(seqno).in_view(3, 0, 1, 2)


def ask(
    voter: Builder, *, terms: Terms = OVERDUE, heard: dict[int, Report] | None = None, **fields: object
) -> str:
    """Member 1 asks to go on without member 2; '' for a grant, else the refusal's words."""
    asked = {"without": (2,), "majority": (0, 1), **fields}
    outcome = judge_request(request(crashed(1), 1, VIEW, **asked), voter.report, heard or {}, terms)
    return outcome.why if isinstance(outcome, Refused) else ""


def test_a_voter_with_the_same_policy_the_same_silence_and_the_same_patience_grants() -> None:
    assert ask(crashed(0)) == ""


def test_a_voter_that_still_waits_refuses() -> None:
    assert "still waits for member 2" in ask(crashed(0), terms=WAITS)


def test_a_voter_that_hears_the_missing_member_refuses() -> None:
    assert "hears member 2" in ask(crashed(0), heard=answers(crashed(2)))


def test_a_voter_whose_data_were_counted_and_do_not_count_refuses() -> None:
    assert "does not count" in ask(crashed(0).joining())
    assert "does not count" in ask(crashed(0).incomplete())


def test_a_candidate_that_the_cluster_went_on_without_is_refused() -> None:
    voter = member(0).crashed(12).in_view(3, 0, 1, 2).came_through(gap(9, 1))
    assert "went on without the candidate" in ask(voter, without=(), majority=())


def test_a_person_overrules_position_view_and_the_grant_to_the_dead() -> None:
    word = Override(candidate=1, volume="volume-1", without=(2,), by="alice")
    seen = replace(word, shown=((0, 40),))
    ahead = member(0).crashed(40).in_view(30, 0, 2).granting(7, 2, VIEW)
    assert "granted to member 2" in ask(crashed(0).granting(7, 2, VIEW))
    assert "was not shown" in ask(ahead, terms=WAITS, override=word)
    assert ask(ahead, terms=WAITS, override=seen) == ""
    other = Override(candidate=1, volume="another", without=(2,), by="alice")
    assert "another volume" in ask(ahead, terms=WAITS, override=other)


def test_a_person_does_not_overrule_a_server_that_runs() -> None:
    word = Override(candidate=1, volume="volume-1", without=(2,), by="alice")
    assert "not final" in ask(crashed(0).non_primary(), override=word)


def test_the_gap_is_written_down_with_the_bootstrap() -> None:
    me, other = crashed(1), crashed(0, 8)
    candidacy = decide(situation(me, other, terms=OVERDUE)).actions[0]
    assert isinstance(candidacy, AskGrants)
    assert candidacy.candidacy.without == (2,)
    won = Campaign(candidacy=candidacy.candidacy, granted=frozenset({0, 1}))
    me = Builder(me.candidate(1).report)
    gap = _gap_of(decide(situation(_with(me, candidacy.candidacy), other, terms=OVERDUE, campaign=won)))
    assert (gap.missing, gap.position, gap.view) == ((2,), Position(HISTORY, 9), VIEW)
    again = me._with(candidacy=candidacy.candidacy, incarnation="of an old copy of the volume")
    assert _gap_of(decide(situation(again, other, terms=OVERDUE, campaign=won))).id != gap.id


def _gap_of(decision: Decision) -> Gap:
    (action,) = decision.actions
    assert isinstance(action, Bootstrap)
    assert action.gap is not None
    return action.gap


def _with(me: Builder, candidacy: object) -> Builder:
    return me._with(candidacy=candidacy)


@pytest.mark.parametrize(
    ("seqno", "offered", "discards"),
    [(9, Position(HISTORY, 9), False), (10, None, True)],
    ids=["a part of what lives: by increments", "beyond: set aside, never merged"],
)
def test_a_late_member(seqno: int, offered: Position | None, discards: bool) -> None:
    primary = member(0).primary().in_view(5, 0, 1).came_through(gap(9, 2))
    join = decide(situation(crashed(2, seqno), primary)).actions[0]
    assert isinstance(join, Join)
    assert join.position == offered
    assert (join.discard is not None) is discards
    assert join.gaps == (gap(9, 2),)


def test_a_member_of_a_history_that_a_person_gave_up_sets_it_aside() -> None:
    primary = member(0).primary().in_view(5, 0).came_through(gap(9, abandoned=(OTHER_HISTORY,)))
    stranger = member(2).crashed(900, OTHER_HISTORY).in_view(8, 2, history=OTHER_HISTORY)
    join = decide(situation(stranger, primary)).actions[0]
    assert isinstance(join, Join)
    assert join.position is None
    assert join.discard is not None


def test_a_member_of_another_history_that_nobody_gave_up_is_not_overwritten() -> None:
    primary = member(0).primary().in_view(5, 0).came_through(gap(9, 2))
    stranger = member(2).crashed(900, OTHER_HISTORY).in_view(8, 2, history=OTHER_HISTORY)
    assert decide(situation(stranger, primary)).phase is Phase.BLOCKED


def test_members_of_a_primary_learn_of_gaps_from_each_other() -> None:
    knows = member(1).primary().in_view(5, 0, 1).came_through(gap(9, 2)).claiming(1, 0)
    me = member(0).primary().in_view(5, 0, 1).claiming(1, 0)
    assert Learn((gap(9, 2),)) in decide(situation(me, knows)).actions
    assert Learn((gap(9, 2),)) not in decide(situation(me.came_through(gap(9, 2)), knows)).actions


def test_a_server_that_was_cut_off_does_not_learn_of_a_gap_that_it_did_not_come_through() -> None:
    """It believes to be in the Primary with those who went on without it, in a group of another name."""
    knows = member(1).primary().in_view(5, 0, 1).came_through(gap(9, 2))._with(group_name="demo-2")
    cut_off = member(2).primary().in_view(3, 0, 1, 2)._with(group_name="demo")
    assert Learn((gap(9, 2),)) not in decide(situation(cut_off, knows)).actions


@pytest.mark.parametrize(
    ("me", "waits"),
    [
        (member(2).crashed(11).in_view(10, 0, 2).came_through(gap(9, 1)), True),
        (member(2).crashed(12).in_view(3, 0, 1, 2).came_through(gap(9, 1)).joining(), True),
        (member(2).crashed(8).in_view(3, 0, 1, 2).came_through(gap(9, 1)).joining(), False),
    ],
    ids=["its branch is another", "its data are of another branch", "it had only heard of the other branch"],
)
def test_a_primary_that_does_not_know_of_a_gap(me: Builder, waits: bool) -> None:
    """Most likely it is a server that was cut off and has not noticed: nothing is set aside on its word."""
    decision = decide(situation(me, member(1).primary().in_view(5, 0, 1)))
    joins = [action for action in decision.actions if isinstance(action, Join)]
    assert (decision.phase is Phase.WAITING) is waits
    assert [join.gaps for join in joins] == ([] if waits else [()])


def test_who_joins_keeps_the_primarys_gaps_only() -> None:
    theirs, settled = gap(9, 2), gap(9, 2, settled="alice")
    assert inherited((gap(7, 1), settled), (theirs,)) == (settled,)


def test_a_settled_gap_is_settled_for_all() -> None:
    settled = gap(9, 2, settled="alice")
    known = known_gaps([member(0).came_through(gap(9, 2)).report, member(1).came_through(settled).report])
    assert known == (settled,)
    assert isinstance(known[0], Gap)


def test_two_persons_settle_one_gap_and_no_member_writes_it_down_again_and_again() -> None:
    """Fails where each takes the other's word over its own: they swap the two as long as they hear each other."""
    alice = member(0).primary().in_view(10, 0, 1).came_through(gap(9, 2, settled="alice"))
    bob = member(1).primary().in_view(10, 0, 1).came_through(gap(9, 2, settled="bob"))
    for me, other in ((alice, bob), (bob, alice)):
        actions = decide(situation(me, other)).actions
        assert not any(isinstance(action, Learn) for action in actions)


LEFT = gap(9, 2)
"""Members 0 and 1 went on without member 2."""
CHOSEN = gap(12, by="alice", undone=(LEFT.id,))
"""Then a person chose member 2 all the same."""


def test_a_person_who_chooses_one_that_was_left_behind_gives_up_what_came_since() -> None:
    me = (
        member(2).crashed(12).in_view(3, 0, 1, 2).chosen(Override(candidate=2, volume="volume-2", by="alice"))
    )
    others = [member(o).crashed(11).in_view(10, 0, 1).came_through(LEFT) for o in (0, 1)]
    candidacy = decide(situation(me, *others)).actions[0]
    assert isinstance(candidacy, AskGrants)
    won = Campaign(candidacy=candidacy.candidacy, granted=frozenset({0, 1, 2}))
    action = decide(situation(_with(me, candidacy.candidacy), *others, campaign=won)).actions[0]
    assert isinstance(action, Bootstrap)
    assert action.gap is not None
    assert action.gap.undone == (LEFT.id,)


@pytest.mark.parametrize(
    ("me", "offered"),
    [
        (member(0).crashed(11).in_view(10, 0, 1).came_through(LEFT), None),
        (member(0).crashed(10).in_view(3, 0, 1, 2).came_through(LEFT).joining(), None),
        (member(0).crashed(8).in_view(3, 0, 1, 2).came_through(LEFT).joining(), Position(HISTORY, 8)),
    ],
    ids=["it came through what is given up", "it has some of it", "it had only heard of it"],
)
def test_a_member_of_what_a_person_gave_up_joins(me: Builder, offered: Position | None) -> None:
    """Fails where it waits for ever for a Primary that knows its gap, or offers data of the other branch at a seqno that
    the Primary has, too."""
    primary = member(2).primary().in_view(13, 2).came_through(CHOSEN)
    join = decide(situation(me, primary)).actions[0]
    assert isinstance(join, Join)
    assert join.position == offered
    assert (join.discard is None) is (offered is not None)


def test_the_branch_that_a_person_chose_is_the_one_that_goes_on_after_a_crash() -> None:
    """Fails where the gap that was given up still counts: member 0 alone would bootstrap, without what came since."""
    given_up = member(0).crashed(40).in_view(10, 0).came_through(LEFT)
    chosen = [member(o).crashed(20).in_view(14, 1, 2).came_through(CHOSEN) for o in (1, 2)]
    outcome = elect(answers(given_up, *chosen), WAITS)
    assert isinstance(outcome, Elect)
    assert (outcome.candidate, outcome.electorate) == (1, (1, 2))
    asked = judge_request(request(given_up, 9, given_up.report.last_view), chosen[0].report, {}, WAITS)
    assert isinstance(asked, Refused)


def test_nobody_waits_for_a_member_of_another_branch_to_connect_first() -> None:
    """A person chose member 0, which died at once, then member 1: member 0 does not join that Primary when it is back."""
    primary = member(1).primary(seqno=60).in_view(50, 1).came_through(gap(20, 0))
    other_branch = member(0).crashed(41).in_view(40, 0).came_through(gap(30, 1, 2))
    me = member(2).crashed(10).in_view(3, 0, 1, 2)
    told = decide(situation(other_branch, primary, me))
    assert told.phase is Phase.BLOCKED
    assert "went on without members 1, 2 from" in told.why
    assert "the Primary's went on without member 0 from" in told.why
    assert "trireme rebuild" in told.why
    decision = decide(situation(me, primary, other_branch))
    assert any(isinstance(action, Join) for action in decision.actions), decision.why


def test_one_that_does_not_know_a_gap_from_before_its_view_has_an_old_volume_and_vouches_for_nothing() -> (
    None
):
    """Member 1 may have gone on with it since. Fails where member 2, the last of that view, bootstraps without asking."""
    old_copy = member(0).crashed(12).in_view(3, 0, 1, 2)
    left = member(2).clean(40).in_view(30, 0, 2).came_through(gap(9, 1))
    assert elect(answers(old_copy, left), WAITS) == Wait(
        (1,), "member 1 of the latest view may hold newer data and did not answer"
    )
    late = member(1).crashed(8).in_view(3, 0, 1, 2)
    outcome = elect(
        answers(late, left, member(0).crashed(40).in_view(30, 0, 2).came_through(gap(9, 1))), WAITS
    )
    assert isinstance(outcome, Elect)


def test_two_who_went_on_without_each_other_leave_the_rest_to_a_person() -> None:
    """Fails where each leaves the other behind, and one who is left over bootstraps without asking either."""
    one = member(0).crashed(30).in_view(20, 0).came_through(gap(9, 1))
    other = member(1).crashed(40).in_view(21, 1).came_through(gap(8, 0, by="alice"))
    third = member(2).crashed(9).in_view(22, 1, 2).came_through(gap(8, 0, by="alice"))
    outcome = elect(answers(one, other, third), WAITS)
    assert isinstance(outcome, Split)
    assert "members 0, 1 went on without each other" in outcome.why
    chosen = replace(gap(40, by="alice"), undone=(gap(9, 1).id,))
    decided = other.came_through(gap(8, 0, by="alice"), chosen).in_view(41, 1)
    assert isinstance(elect(answers(one, decided, third), WAITS), Elect)


AGAIN = gap(20, by="alice", undone=(CHOSEN.id,))
"""Then a person went back to what came after the first gap."""


def test_what_a_person_gave_up_binds_again_where_a_person_went_back_to_it() -> None:
    """Fails where the second decision still undoes the first gap: member 2's data from before it count again."""
    back = member(0).crashed(21).in_view(21, 0).came_through(LEFT, AGAIN)
    given_up = member(1).crashed(14).in_view(13, 1, 2).came_through(CHOSEN)
    missing = member(2).crashed(8).in_view(3, 0, 1, 2)
    assert {g.id for g in binding([each.report for each in (back, given_up, missing)])} == {LEFT.id, AGAIN.id}
    assert went_through(answers(back, given_up, missing)).keys() == {0}


def test_who_was_ahead_of_a_persons_choice_and_was_shown_is_left_behind_though_it_was_not_missing() -> None:
    """Fails where only views count: all were in the same one, and the member that was given up goes on instead."""
    chosen = member(0).crashed(10).in_view(10, 0).came_through(gap(9, by="alice"))
    ahead = member(1).crashed(12).in_view(3, 0, 1, 2)
    outcome = elect(answers(chosen, ahead), WAITS)
    assert isinstance(outcome, Elect)
    assert (outcome.candidate, outcome.electorate) == (0, (0,))
    refused = judge_request(request(ahead, 9, View(HISTORY, 10, (0,))), chosen.report, {}, WAITS)
    assert isinstance(refused, Refused)
    assert "went on without the candidate" in refused.why


@pytest.mark.parametrize(
    ("me", "forgotten"),
    [
        (member(0).crashed(12).in_view(10, 0, 1), True),
        (member(0).incomplete().in_view(10, 0, 1), True),
        (member(0).crashed(5, OTHER_HISTORY).in_view(4, 0, history=OTHER_HISTORY), True),
        (member(0).crashed(12).in_view(3, 0, 1, 2), False),
        (member(0).crashed(12).in_view(13, 0, 2).came_through(gap(9, 1, by="alice")), False),
    ],
    ids=[
        "a later view",
        "though no data of it",
        "another history",
        "a view from before it",
        "it came through it",
    ],
)
def test_who_joins_after_a_persons_choice_forgets_a_view_that_was_given_up(
    me: Builder, forgotten: bool
) -> None:
    """Fails where it stays: with the gap known here, too, an election would ask the members of that view."""
    chosen = gap(9, 1, by="alice", abandoned=(OTHER_HISTORY,))
    primary = member(2).primary().in_view(14, 2).came_through(chosen)
    join = next(a for a in decide(situation(me, primary)).actions if isinstance(a, Join))
    assert join.forget_view is forgotten


@pytest.mark.parametrize(
    ("me", "given_up"),
    [
        (member(0).unknown().in_view(3, 0, 1, 2), (HISTORY,)),
        (member(0).crashed(9).in_view(3, 0, 1, 2), ()),
        (member(0).crashed(1, OTHER_HISTORY).in_view(3, 0, 1, 2), (HISTORY,)),
    ],
    ids=[
        "its position is unknown",
        "it is known meanwhile",
        "the new history began, and no view of it was told yet",
    ],
)
def test_a_person_gives_the_chosen_members_own_history_up_only_where_another_begins(
    me: Builder, given_up: tuple[str, ...]
) -> None:
    """Fails where a history that goes on counts as given up: all others would have to take full copies."""
    word = Override(candidate=0, volume="volume-0", without=(1, 2), new_history=True, by="alice")
    asks = decide(situation(me.chosen(word))).actions[0]
    assert isinstance(asks, AskGrants)
    won = Campaign(candidacy=asks.candidacy, granted=frozenset({0}))
    action = decide(situation(_with(me.chosen(word), asks.candidacy), campaign=won)).actions[0]
    assert isinstance(action, Bootstrap)
    assert action.gap is not None
    assert action.gap.abandoned == given_up


def test_who_has_data_of_what_came_after_a_gap_binds_others_though_it_was_told_of_no_view_yet() -> None:
    """The one that went on lost its volume. Fails where the joiner's copy is compared by seqno with the other branch."""
    joiner = member(1).crashed(12).in_view(3, 0, 1, 2).came_through(gap(9, 2)).joining()
    missing = member(2).crashed(40).in_view(3, 0, 1, 2)
    assert went_through(answers(joiner, missing)).keys() == {1}


@pytest.mark.parametrize("settled", ["", "bob"])
def test_data_of_a_history_that_was_given_up_before_this_member_came_are_no_part_of_that(
    settled: str,
) -> None:
    """Fails where a gap that was settled since counts as one that it did not know."""
    chosen = replace(gap(5, by="alice"), abandoned=(OTHER_HISTORY,))
    me = member(2).crashed(7)
    me = me._with(position=Position(OTHER_HISTORY, 7), gaps=(chosen,))
    primary = member(0).primary(seqno=90).came_through(replace(chosen, settled=settled))
    assert decide(situation(me, primary)).phase is Phase.BLOCKED


def test_a_volume_without_a_view_counts_up_to_a_gap_that_it_does_not_know() -> None:
    """It was lost, and took data of the other branch, by an old copy of somebody's volume. Fails where those count, and
    are compared by seqno with those of the branch that lives."""
    went_on = crashed(0, 20).in_view(12, 0).came_through(gap(9, 2))
    for seqno, behind in ((9, False), (11, True)):
        received = member(1).crashed(seqno).joining()
        assert (1 not in went_through(answers(went_on, received))) == behind
