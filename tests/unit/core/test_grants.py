"""A voter's judgement: each refusal has its situation, and each way out of an old grant its proof."""

from dataclasses import replace

import pytest

from tests.unit.core.builders import HISTORY, OTHER_HISTORY, Builder, answers, member, request, situation
from trireme.api.position import View
from trireme.api.report import Candidacy, Override, Report
from trireme.core.decide import decide
from trireme.core.grants import Granted, Refused, judge_request, next_epoch
from trireme.core.situation import AskGrants
from trireme.core.terms import Terms

VIEW = View(HISTORY, 3, (0, 1, 2))
TERMS = Terms(declared=3, named=(0, 1, 2))


def ask(
    candidate: Builder,
    voter: Builder,
    *,
    epoch: int = 1,
    succeeds: View | None = VIEW,
    **kw: dict[int, Report],
) -> str:
    """'' for a grant, else the refusal's words."""
    outcome = judge_request(request(candidate, epoch, succeeds), voter.report, kw.get("heard", {}), TERMS)
    return outcome.why if isinstance(outcome, Refused) else ""


def crashed(ordinal: int, seqno: int = 9) -> Builder:
    return member(ordinal).crashed(seqno).in_view(3, 0, 1, 2)


def test_the_first_bootstrap_is_granted_by_a_fresh_member() -> None:
    assert ask(member(0), member(1), succeeds=None) == ""


def test_a_member_with_data_never_grants_a_first_bootstrap() -> None:
    assert "not new" in ask(member(0), crashed(1), succeeds=None)


def test_a_first_bootstrap_is_refused_where_the_declared_counts_differ() -> None:
    assert "declared" in ask(member(0).declaring(1), member(1), succeeds=None)


def test_data_without_any_known_view_is_not_a_first_bootstrap() -> None:
    """Its one view was never written down, or the volume came from elsewhere."""
    assert ask(member(0).crashed(7), member(1), succeeds=None) == ""
    assert ask(member(0).crashed(7), member(0).crashed(7), succeeds=None) == ""
    assert "ahead" in ask(member(0).crashed(7), member(1).crashed(8), succeeds=None)
    assert "later view" in ask(member(0).crashed(7), crashed(1, 7), succeeds=None)


def test_an_equal_position_is_granted() -> None:
    assert ask(crashed(1), crashed(0)) == ""


def test_a_voter_that_is_ahead_refuses() -> None:
    assert "ahead" in ask(crashed(1, 8), crashed(0, 9))


def test_a_voter_that_knows_a_later_view_refuses() -> None:
    assert "later view" in ask(crashed(1), member(0).crashed(9).in_view(5, 0, 2))


def test_a_candidate_of_another_history_is_refused() -> None:
    assert "history" in ask(member(1).crashed(99, OTHER_HISTORY), crashed(0))


def test_a_candidate_whose_directory_is_incomplete_is_refused() -> None:
    assert "incomplete" in ask(member(1).incomplete(), crashed(0))


def test_a_voter_whose_server_runs_refuses() -> None:
    assert "not final" in ask(crashed(1), crashed(0).non_primary())


def test_a_voter_that_does_not_know_its_position_refuses() -> None:
    assert "own position" in ask(crashed(1), member(0).unsettled().in_view(3, 0, 1, 2))


def test_a_voter_that_leaves_refuses() -> None:
    assert "stopping" in ask(crashed(1), crashed(0).leaving())


def test_a_second_candidate_is_refused_while_the_first_holds_the_grant() -> None:
    voter = crashed(0).granting(1, 2, VIEW)
    assert "neither used it nor withdrew" in ask(crashed(1), voter, epoch=2)
    assert "neither used it nor withdrew" in ask(
        crashed(1), voter, epoch=2, heard=answers(crashed(2).candidate(1, VIEW))
    )


def test_a_candidate_whose_volume_forgot_what_it_asked_for_frees_nothing_and_is_told_in_words() -> None:
    """An old copy of its volume was put back: it may have bootstrapped by that grant, and nobody can tell."""
    for forgetful in (crashed(2), crashed(2).candidate(4, VIEW)):
        words = ask(crashed(1), crashed(0).granting(5, 2, VIEW), epoch=6, heard=answers(forgetful))
        assert "an old copy of its volume was put back" in words
        assert "trireme recover" in words


def test_silence_of_the_first_candidate_frees_nothing() -> None:
    assert ask(crashed(1), crashed(0).granting(1, 2, VIEW), epoch=99, heard={}) != ""


def test_the_same_candidate_asks_again_after_a_restart() -> None:
    assert ask(crashed(2), crashed(0).granting(1, 2, VIEW), epoch=1) == ""


def test_a_late_message_of_an_earlier_epoch_changes_nothing() -> None:
    assert "late message" in ask(crashed(2), crashed(0).granting(5, 2, VIEW), epoch=4)


def test_a_withdrawn_candidacy_frees_the_grant() -> None:
    assert (
        ask(crashed(1), crashed(0).granting(1, 2, VIEW), epoch=2, heard=answers(crashed(2).withdrawn(1)))
        == ""
    )


def test_a_candidate_that_withdrew_may_grant_to_another() -> None:
    """Its grant to itself is no exception."""
    voter = crashed(0).granting(1, 0, VIEW).candidate(1, VIEW)
    assert "withdrew" in ask(crashed(1), voter, epoch=2)
    assert ask(crashed(1), voter.withdrawn(1), epoch=2) == ""


def test_a_withdrawal_of_an_earlier_epoch_frees_nothing() -> None:
    assert (
        ask(crashed(1), crashed(0).granting(3, 2, VIEW), epoch=4, heard=answers(crashed(2).withdrawn(2)))
        != ""
    )


def test_a_candidate_that_lost_its_volume_frees_the_grant() -> None:
    heard = answers(member(2).on_volume("another"))
    assert ask(crashed(1), crashed(0).granting(1, 2, VIEW), epoch=2, heard=heard) == ""


@pytest.mark.parametrize("word", [None, Override(candidate=1, volume="volume-1", by="alice")])
@pytest.mark.parametrize("old", [member(2).on_volume("the-one-before"), crashed(2).candidate(2, VIEW)])
def test_an_answer_from_before_the_grant_frees_nothing(old: Builder, word: Override | None) -> None:
    """The candidate had another volume then, or had not written its epoch down yet. Fails where that is taken for a lost
    volume, or for an old copy of one: two could bootstrap."""
    voter = crashed(0).granting(4, 2, VIEW)
    asked = request(crashed(1), 3, VIEW, override=word)
    terms = replace(TERMS, outdated=frozenset({2}))
    outcome = judge_request(asked, voter.report, answers(old), terms)
    assert isinstance(outcome, Refused)
    assert "neither used it nor withdrew" in outcome.why


def test_a_person_frees_the_grant_of_who_is_gone_and_a_late_message_of_that_does_not() -> None:
    """What the person chose was done, and the next one was granted since. Fails where that grant is taken back."""
    word = Override(candidate=1, volume="volume-1", by="alice", without=(2,))
    voter = crashed(0).granting(3, 2, VIEW)
    for epoch, granted in ((2, False), (3, False), (4, True)):
        outcome = judge_request(request(crashed(1), epoch, VIEW, override=word), voter.report, {}, TERMS)
        assert isinstance(outcome, Granted) == granted


def test_who_was_chosen_asks_in_a_later_epoch_than_those_who_are_gone_were_granted() -> None:
    """Fails where it asks in its own for ever, and is refused."""
    word = Override(candidate=1, volume="volume-1", by="alice", without=(2,))
    me = crashed(1)._with(
        override=word, candidacy=Candidacy(epoch=3, succeeds=VIEW, without=(2,), override=word)
    )
    voter = crashed(0).granting(7, 2, VIEW)
    (action,) = decide(situation(me, voter)).actions
    assert isinstance(action, AskGrants)
    assert action.candidacy.epoch == 8


def test_a_grant_is_spent_when_its_voter_belongs_to_a_later_view() -> None:
    later = View(HISTORY, 8, (0, 1, 2))
    voter = member(0).crashed(9).in_view(8, 0, 1, 2).granting(1, 2, VIEW)
    candidate = member(1).crashed(9).in_view(8, 0, 1, 2)
    assert ask(candidate, voter, epoch=2, succeeds=later) == ""


def test_a_grant_to_a_persons_choice_is_not_spent_by_the_view_that_its_voter_had_then() -> None:
    """The person chose one that knows an older view. Fails where the voter is free at once: alone in its last view it
    would bootstrap, too."""
    word = Override(candidate=2, volume="volume-2", by="alice", shown=((0, 12),))
    voter = member(0).crashed(12).in_view(10, 0)
    asked = request(crashed(2), 5, VIEW, override=word)
    outcome = judge_request(asked, voter.report, {}, TERMS)
    assert isinstance(outcome, Granted)
    bound = voter._with(grant=outcome.grant)
    assert "neither used it nor withdrew" in ask(voter, bound, epoch=6, succeeds=View(HISTORY, 10, (0,)))


def test_a_grant_is_spent_by_a_view_of_a_history_that_a_person_began() -> None:
    """Its seqnos start anew. Fails where they are compared with those of the history that was given up."""
    later = View(OTHER_HISTORY, 2, (0, 1, 2))
    voter = member(0).crashed(9, OTHER_HISTORY).in_view(2, 0, 1, 2, history=OTHER_HISTORY)
    candidate = member(1).crashed(9, OTHER_HISTORY).in_view(2, 0, 1, 2, history=OTHER_HISTORY)
    assert ask(candidate, voter.granting(1, 2, VIEW), epoch=2, succeeds=later) == ""


def test_a_withdrawn_epoch_is_never_granted() -> None:
    assert "withdrew" in ask(crashed(1).withdrawn(3), crashed(0), epoch=3)


def test_a_candidate_of_another_cluster_is_refused() -> None:
    stranger = Builder(
        Report(**{**{f: getattr(crashed(1).report, f) for f in Report.__slots__}, "cluster": "other/demo"})
    )
    assert "belongs to" in ask(stranger, crashed(0))


def test_a_grant_names_what_it_was_given_for() -> None:
    outcome = judge_request(request(crashed(1), 4, VIEW), crashed(0).report, {}, TERMS)
    assert isinstance(outcome, Granted)
    assert (outcome.grant.epoch, outcome.grant.candidate, outcome.grant.volume) == (4, 1, "volume-1")
    assert outcome.grant.succeeds == VIEW


def test_a_new_epoch_is_above_all_that_anyone_saw() -> None:
    heard = answers(crashed(0).granting(4, 2, VIEW), crashed(1).withdrawn(7), crashed(2).candidate(5, VIEW))
    assert next_epoch(heard) == 8
