"""Servers that run without a Primary: who makes it again in place, who stops first, and who waits (FIELD-FAILURES 18)."""

from typing import Any

import pytest

from tests.unit.core.builders import HISTORY, Builder, answers, member, request, situation
from trireme.api.position import Position, View
from trireme.api.report import Phase, ServerReport
from trireme.core.decide import decide
from trireme.core.grants import Refused, judge_request
from trireme.core.reform import STUCK_SECONDS
from trireme.core.situation import AskGrants, Campaign, Decision, Reform, StopServer
from trireme.core.terms import Terms

VIEW = View(HISTORY, 3, (0, 1, 2))
TERMS = Terms(declared=3, named=(0, 1, 2))
OVERDUE = Terms(declared=3, named=(0, 1, 2), overdue=True)


def lone(ordinal: int, seqno: int, *group: int) -> Builder:
    """Its server runs in a group that is not Primary."""
    server = ServerReport(
        primary=False,
        ready=False,
        state=0,
        comment="",
        uuid=HISTORY,
        last_committed=seqno,
        size=1,
        version="",
    )
    fields = {"server": server, "position": Position(HISTORY, seqno), "group": group or (ordinal,)}
    return member(ordinal).unknown().in_view(3, 0, 1, 2)._with(running=True, **fields)


def crashed(ordinal: int, seqno: int) -> Builder:
    return member(ordinal).crashed(seqno).in_view(3, 0, 1, 2)


def decision(me: Builder, *others: Builder, **fields: Any) -> Decision:
    return decide(situation(me, *others, **fields))


def kinds(*args: Builder, **fields: Any) -> list[type]:
    return [type(action) for action in decision(*args, **fields).actions]


def test_the_survivor_of_three_asks_for_grants_and_stays_up() -> None:
    asked = decision(lone(2, 9), crashed(0, 8), crashed(1, 9))
    assert asked.phase is Phase.ELECTING
    action = asked.actions[0]
    assert isinstance(action, AskGrants)
    assert action.candidacy.in_place
    assert action.electorate == (0, 1, 2)


def test_with_all_grants_it_makes_its_group_a_primary() -> None:
    me, others = lone(2, 9), (crashed(0, 8), crashed(1, 9))
    action = decision(me, *others).actions[0]
    assert isinstance(action, AskGrants)
    won = Campaign(candidacy=action.candidacy, granted=frozenset({0, 1, 2}))
    mine = me._with(candidacy=action.candidacy)
    assert decision(mine, *others, campaign=won).actions == (Reform(1),)


def test_two_that_are_connected_go_on_together_by_the_one_that_committed_more() -> None:
    first, second, stopped = lone(0, 8, 0, 1), lone(1, 9, 0, 1), crashed(2, 7)
    assert kinds(second, first, stopped) == [AskGrants]
    assert kinds(first, second, stopped) == []


def test_one_that_stopped_and_is_ahead_bootstraps_and_the_running_ones_stop() -> None:
    assert kinds(lone(2, 9), crashed(0, 10), crashed(1, 9)) == [StopServer]


def test_the_one_that_stopped_and_is_ahead_waits_until_they_did() -> None:
    waiting = decision(crashed(0, 10), lone(2, 9), crashed(1, 9))
    assert (waiting.phase, waiting.actions) == (Phase.WAITING, ())
    assert "servers of member 2 to stop first" in waiting.why


def test_a_joiner_stops_so_that_its_directory_tells_what_it_has() -> None:
    """Found by the exploration: it may hold the only copy of a commit, and is no candidate as long as it runs."""
    joiner = lone(0, 9)._with(joining=True)
    assert kinds(joiner, member(2), crashed(1, 7)) == [StopServer]
    assert kinds(crashed(1, 7), joiner, member(2)) == []


def test_a_silent_member_is_waited_for_unless_the_policy_says_otherwise() -> None:
    assert kinds(lone(2, 9), crashed(0, 8)) == []
    assert kinds(lone(2, 9), crashed(0, 8), terms=OVERDUE) == [StopServer]


def test_who_goes_on_without_somebody_takes_another_name_so_that_its_server_cannot_connect_unseen() -> None:
    action = decision(lone(2, 9), crashed(0, 8), terms=OVERDUE)
    assert "in a group of another name" in action.why


def test_a_server_from_before_a_gap_stops_when_the_cluster_went_on_under_another_name() -> None:
    primary = member(0).primary().in_view(5, 0, 1)._with(group_name="demo-1234")
    assert kinds(lone(2, 9)._with(group_name="demo"), primary) == [StopServer]
    assert kinds(lone(2, 9)._with(group_name="demo-1234"), primary) == []


def test_while_all_run_galera_is_given_time() -> None:
    members = (lone(0, 9, 0), lone(1, 9, 1), lone(2, 9, 2))
    assert kinds(*members, without_primary=1.0) == []


def test_then_the_smaller_groups_stop_so_that_the_main_one_can_go_on() -> None:
    main, other, apart = lone(0, 9, 0, 1), lone(1, 9, 0, 1), lone(2, 9, 2)
    assert kinds(apart, main, other, without_primary=STUCK_SECONDS) == [StopServer]
    assert kinds(main, apart, other, without_primary=STUCK_SECONDS) == []
    assert kinds(main, other, crashed(2, 9), without_primary=STUCK_SECONDS) == [AskGrants]


def test_a_group_of_all_that_galera_left_without_a_primary_makes_one() -> None:
    members = [lone(o, 9, 0, 1, 2) for o in range(3)]
    assert kinds(*members, without_primary=STUCK_SECONDS) == [AskGrants]


@pytest.mark.parametrize(
    ("voter", "words"),
    [
        (lone(1, 9, 0, 1), ""),
        (lone(1, 9, 1), "not connected"),
        (member(1).starting().in_view(3, 0, 1, 2), "not final"),
        (crashed(1, 9), ""),
        (crashed(1, 10), "ahead"),
        (member(1).unsettled().in_view(3, 0, 1, 2), "own position"),
        (lone(1, 9, 0, 1).leaving(), "stopping"),
    ],
    ids=["connected", "apart", "starting", "stopped", "stopped and ahead", "position unknown", "leaving"],
)
def test_a_voter(voter: Builder, words: str) -> None:
    asked = request(lone(0, 9, 0, 1), 1, VIEW, in_place=True)
    outcome = judge_request(asked, voter.report, answers(crashed(2, 9)), TERMS)
    assert (outcome.why if isinstance(outcome, Refused) else "").find(words) >= 0
    assert isinstance(outcome, Refused) is bool(words)


def test_a_candidate_whose_server_is_primary_or_starts_gets_no_grant_in_place() -> None:
    for claim in (member(0).primary().in_view(3, 0, 1, 2), member(0).starting().in_view(3, 0, 1, 2)):
        outcome = judge_request(request(claim, 1, VIEW, in_place=True), crashed(1, 9).report, {}, TERMS)
        assert isinstance(outcome, Refused)
