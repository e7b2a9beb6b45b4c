"""What a member does next: named situations of the whole decision."""

from dataclasses import replace

import pytest

from tests.unit.core.builders import HISTORY, OTHER_HISTORY, Builder, member, situation
from trireme.api.position import View
from trireme.api.report import Candidacy, Phase
from trireme.core.decide import decide
from trireme.core.draining import Client, Drain
from trireme.core.situation import (
    AskEngine,
    AskGrants,
    Bootstrap,
    Campaign,
    Claim,
    Exit,
    Initialize,
    Inspect,
    Join,
    Launch,
    MarkSynced,
    Situation,
    StopServer,
    Withdraw,
)

VIEW = View(HISTORY, 3, (0, 1, 2))


def crashed(ordinal: int, seqno: int = 9) -> Builder:
    return member(ordinal).crashed(seqno).in_view(3, 0, 1, 2)


def kinds(s: Situation) -> list[type]:
    return [type(action) for action in decide(s).actions]


def test_first_it_looks_at_its_directory() -> None:
    assert kinds(situation(member(0), inspected=False)) == [Inspect]


def test_a_crashed_member_asks_its_storage_engine() -> None:
    assert kinds(situation(member(0).unsettled(), engine_due=True)) == [AskEngine]


def test_the_elected_member_asks_for_grants_before_anything_else() -> None:
    decision = decide(situation(member(0), member(1), member(2)))
    assert decision.phase is Phase.ELECTING
    assert decision.actions == (AskGrants(Candidacy(epoch=1, succeeds=None), (0, 1, 2)),)


def test_with_all_grants_the_first_ever_initializes_then_bootstraps() -> None:
    won = Campaign(candidacy=Candidacy(epoch=1, succeeds=None), granted=frozenset({0, 1, 2}))
    me = member(0).candidate(1)
    assert decide(situation(me, member(1), member(2), campaign=won)).actions == (Initialize(1),)
    assert decide(situation(me, member(1), member(2), campaign=won, prepared=True)).actions == (
        Bootstrap(None, None),
    )


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_one_grant_short_it_asks_again_and_says_who_refused(missing: int) -> None:
    granted = frozenset({0, 1, 2} - {missing})
    partly = Campaign(
        candidacy=Candidacy(epoch=1, succeeds=None), granted=granted, refused={missing: "it is busy"}
    )
    decision = decide(situation(member(0).candidate(1), member(1), member(2), campaign=partly))
    assert isinstance(decision.actions[0], AskGrants)
    assert f"member {missing} refuses: it is busy" in decision.why


def test_grants_of_an_earlier_cause_do_not_count() -> None:
    stale = Campaign(candidacy=Candidacy(epoch=1, succeeds=None), granted=frozenset({0, 1, 2}))
    decision = decide(situation(crashed(0).candidate(1), crashed(1), crashed(2), campaign=stale))
    assert decision.actions == (AskGrants(Candidacy(epoch=2, succeeds=VIEW), (0, 1, 2)),)


def test_after_a_restart_the_candidate_takes_its_open_candidacy_up_again() -> None:
    decision = decide(situation(crashed(0).candidate(4, VIEW), crashed(1).granting(4, 0, VIEW), crashed(2)))
    assert decision.actions == (AskGrants(Candidacy(epoch=4, succeeds=VIEW), (0, 1, 2)),)


def test_who_is_not_elected_waits_and_withdraws_an_open_candidacy() -> None:
    decision = decide(situation(crashed(0, 8).candidate(4, VIEW), crashed(1, 9), crashed(2, 7)))
    assert decision.phase is Phase.WAITING
    assert decision.actions == (Withdraw(4),)


def test_a_living_primary_is_joined_by_every_other_member() -> None:
    decision = decide(situation(member(1), member(0).primary().claiming(1, 0)))
    assert decision.phase is Phase.JOINING
    join = decision.actions[0]
    assert isinstance(join, Join)
    assert join.addresses == ("127.0.1.0",)


def test_members_connect_one_after_the_other() -> None:
    zero = member(0).primary().in_view(5, 0)
    assert kinds(situation(member(2), zero, member(1))) == []
    assert kinds(situation(member(2), zero, member(1).starting())) == []
    assert kinds(situation(member(1), zero, member(2))) == [Join]
    assert kinds(situation(member(1), zero, member(2).starting())) == []


def test_a_member_that_is_in_the_group_or_held_up_delays_nobody() -> None:
    assert kinds(situation(member(2), member(0).primary().in_view(5, 0, 1), member(1).starting())) == [Join]


def test_a_server_that_froze_is_not_waited_for() -> None:
    zero = member(0).primary().in_view(6, 0, 2)
    frozen = Builder(replace(member(1).starting().report, phase=Phase.UNRESPONSIVE))
    assert kinds(situation(member(2), zero, frozen)) == [Join]
    held_up = Builder(replace(member(1).report, held_up=True))
    assert kinds(situation(member(2), member(0).primary().in_view(5, 0), held_up)) == [Join]


def test_donors_are_the_synced_members_but_the_writer() -> None:
    others = [
        member(0).primary().claiming(1, 0),
        member(1).primary().claiming(1, 0),
        member(3).primary(state=2),
    ]
    join = decide(situation(member(2), *others)).actions[0]
    assert isinstance(join, Join)
    assert join.donors == ("demo-1",)


def test_a_donor_that_just_joined_gives_no_write_sets_from_before() -> None:
    """Seen with real servers: "IST didn't contain all write sets", and a server that hangs."""
    zero, one = member(0).primary().claiming(1, 0), member(1).primary().claiming(1, 0).joined_at(12)
    for position, donors in ((9, ("demo-0",)), (12, ("demo-1",))):
        join = decide(situation(crashed(2, position), zero, one)).actions[0]
        assert isinstance(join, Join)
        assert join.donors == donors
    join = decide(situation(member(2), zero, one)).actions[0]
    assert isinstance(join, Join)
    assert join.donors == ("demo-1",)


def test_after_a_failed_transfer_another_donor_is_asked_first() -> None:
    others = [member(o).primary().claiming(1, 0) for o in (0, 1, 3)]
    join = decide(situation(member(2), *others, failures=1)).actions[0]
    assert isinstance(join, Join)
    assert join.donors == ("demo-3", "demo-1")


def test_where_all_others_failed_the_writer_is_asked_too() -> None:
    """Seen with real servers: the only other had itself just joined, and refused every transfer, for ever."""
    others = [member(o).primary().claiming(1, 0) for o in (0, 1)]
    for failures, donors in ((0, ("demo-1",)), (1, ("demo-0", "demo-1")), (2, ("demo-1",))):
        join = decide(situation(member(2), *others, failures=failures)).actions[0]
        assert isinstance(join, Join)
        assert join.donors == donors


def test_a_full_copy_never_comes_from_a_newer_server() -> None:
    """In the middle of a major upgrade: an older server would be put on newer data."""
    newer = "11.8.9-MariaDB-deb13"
    zero, one = member(0).primary().claiming(1, 0), member(1).primary(version=newer).claiming(1, 0)
    join = decide(situation(member(2), zero, one, version="10.11.19")).actions[0]
    assert isinstance(join, Join)
    assert join.donors == ("demo-0",)
    zero = member(0).primary(version=newer).claiming(1, 0)
    decision = decide(situation(member(2), zero, one, version="10.11.19"))
    assert (decision.phase, decision.actions) == (Phase.WAITING, ())
    assert "has MariaDB 11.8.9; this image has 10.11.19" in decision.why
    assert kinds(situation(crashed(2, 9), zero, one, version="10.11.19")) == [Join]
    assert kinds(situation(member(2), zero, one, version="11.8.2")) == [Join]
    assert kinds(situation(member(2), zero, one, version="12.1.2")) == [Join]


def test_data_of_another_history_is_never_overwritten_by_joining() -> None:
    decision = decide(situation(member(1).crashed(5, OTHER_HISTORY), member(0).primary()))
    assert decision.phase is Phase.BLOCKED
    assert decision.actions == ()


def test_two_living_primaries_are_joined_by_nobody() -> None:
    decision = decide(situation(member(2), member(0).primary(), member(1).primary(history=OTHER_HISTORY)))
    assert decision.phase is Phase.BLOCKED


def test_a_broken_off_transfer_is_discarded_only_for_a_living_primary() -> None:
    join = decide(situation(member(1).incomplete().in_view(3, 0, 1), member(0).primary())).actions[0]
    assert isinstance(join, Join)
    assert join.discard is not None
    alone = decide(situation(member(1).incomplete().in_view(3, 0, 1)))
    assert alone.actions == ()


def test_a_member_with_a_position_joins_with_its_data() -> None:
    join = decide(situation(crashed(1), member(0).primary())).actions[0]
    assert isinstance(join, Join)
    assert join.discard is None


def test_a_failed_start_is_not_repeated_before_its_time() -> None:
    decision = decide(
        situation(crashed(1), member(0).primary(), retry_at=1005.0, failures=2, last_failure="disk full")
    )
    assert decision.actions == ()
    assert "disk full" in decision.why


def test_a_fault_for_a_person_stops_everything_but_leaving() -> None:
    assert decide(situation(member(0), member(1), member(2), fault="no provider")).phase is Phase.BLOCKED
    assert kinds(situation(member(0), fault="no provider", stop_since=999.0)) == [Exit]


def test_a_server_that_refuses_its_agent_needs_a_person() -> None:
    decision = decide(situation(member(0).starting(), refusal="access denied for the agent's account"))
    assert (decision.phase, decision.why) == (Phase.BLOCKED, "access denied for the agent's account")


def test_a_server_that_stops_answering_is_not_called_starting() -> None:
    decision = decide(situation(member(0).starting(), launch=Launch.JOIN, answered=True))
    assert decision.phase is Phase.UNRESPONSIVE


def test_a_long_state_transfer_is_left_alone() -> None:
    receiving = Builder(replace(member(1).starting().report, received_bytes=5 * 2**20))
    decision = decide(situation(receiving, member(0).primary(), launch=Launch.JOIN))
    assert decision.phase is Phase.TRANSFERRING
    assert decision.actions == ()
    assert "5.0 MiB" in decision.why


def test_a_transfer_that_nobody_gives_any_more_ends_once_no_primary_lives() -> None:
    """Its donor was killed and the Primary lost: the joiner would wait for ever, and everybody for the joiner."""
    receiving = Builder(replace(member(2).starting().report, received_bytes=0))
    gone = {"launch": Launch.JOIN, "stalled": 21.0}
    assert kinds(situation(receiving, member(0).non_primary(), crashed(1), **gone)) == [StopServer]
    assert kinds(situation(receiving, member(0).primary(), crashed(1), **gone)) == []
    assert kinds(situation(receiving, member(0).non_primary(), launch=Launch.JOIN, stalled=19.0)) == []


def test_who_joins_a_primary_that_lost_its_former_process_and_then_itself_does_not_wait_for_it() -> None:
    """Two of three restarted before the third knew. Galera never makes that Primary again (measured: 27 s lost)."""
    joins = member(0).starting().in_view(3, 0, 1, 2)
    alone, late = member(2).non_primary().in_view(3, 0, 1, 2), {"launch": Launch.JOIN}
    assert kinds(situation(joins, alone, crashed(1), **late)) == [StopServer]
    assert kinds(situation(joins, member(2).primary().in_view(3, 0, 1, 2), crashed(1), **late)) == []
    assert kinds(situation(joins.joined_at(4), alone, crashed(1), **late)) == []
    assert kinds(situation(joins, member(2).non_primary().in_view(4, 1, 2), crashed(1), **late)) == []


def test_a_joiner_without_data_votes_only_beside_two_that_have_them() -> None:
    for others, votes in (((0,), False), ((0, 1), True)):
        join = decide(
            situation(member(2), *(member(o).primary().in_view(5, *others) for o in others))
        ).actions[0]
        assert isinstance(join, Join)
        assert join.votes is votes
    join = decide(situation(crashed(2), member(0).primary())).actions[0]
    assert isinstance(join, Join)
    assert join.votes


def test_synced_closes_the_records_of_joining() -> None:
    s = situation(member(1).primary().claiming(1, 0), member(0).primary().claiming(1, 0), unmarked=False)
    assert kinds(s) == [MarkSynced]
    assert decide(s).phase is Phase.SYNCED


def test_a_server_that_closed_its_connection_for_good_is_started_anew() -> None:
    """After a failed IST or an inconsistency vote mariadbd runs on, out of the group (FIELD-FAILURES 18)."""
    out = member(0).non_primary().in_view(3, 0, 1, 2)
    stop = decide(situation(out, member(1).primary(), member(2).primary(), cut_off=True)).actions
    assert stop == (StopServer(failed="its server left the group"),)
    assert kinds(situation(out, member(1).primary(), member(2).primary())) == []


def test_data_that_names_no_history_is_not_joined_incrementally() -> None:
    """Nor is it thrown away before a donor sends a copy: it may be all that is left of a confirmed commit."""
    join = decide(situation(crashed(1), member(0).primary(), doubtful=True)).actions[0]
    assert isinstance(join, Join)
    assert join.position is None
    assert join.discard is None


def test_a_server_that_lost_the_primary_waits_for_the_silent() -> None:
    decision = decide(situation(member(0).non_primary().in_view(3, 0, 1, 2), crashed(1)))
    assert decision.phase is Phase.NON_PRIMARY
    assert decision.actions == ()


def test_a_server_that_lost_the_primary_stops_once_it_is_known_that_nobody_else_can_re_form_it() -> None:
    assert kinds(situation(member(0).non_primary().in_view(3, 0, 1, 2), crashed(1), crashed(2))) == [
        StopServer
    ]


def test_a_server_that_lost_the_primary_is_left_alone_while_all_run() -> None:
    lost = [member(o).non_primary().in_view(3, 0, 1, 2) for o in range(3)]
    assert decide(situation(*lost)).actions == ()


class TestLeaving:
    def test_the_writer_hands_over_first(self) -> None:
        me = member(0).primary().claiming(1, 0).leaving()
        decision = decide(situation(me, member(1).primary().claiming(1, 0), stop_since=999.5))
        assert StopServer() not in decision.actions
        assert "hands the writer role over" in decision.why

    def test_then_it_stops(self) -> None:
        me = member(0).primary().claiming(1, 0).leaving()
        decision = decide(situation(me, member(1).primary().claiming(2, 1), stop_since=999.5))
        assert StopServer() in decision.actions
        assert any(isinstance(action, Claim) and action.claim.ordinal == 1 for action in decision.actions)

    def test_it_serves_until_clients_are_led_to_the_heir(self) -> None:
        me = member(0).primary().claiming(2, 1).leaving()
        s = situation(me, member(1).primary().claiming(2, 1).unrouted(), stop_since=999.5)
        assert StopServer() not in decide(s).actions
        assert StopServer() in decide(replace(s, stop_since=990.0)).actions

    def test_open_transactions_may_finish(self) -> None:
        me = member(0).primary().claiming(1, 1).leaving()
        s = situation(
            me, member(1).primary().claiming(1, 1), stop_since=999.5, clients=(Client(7, busy=True),)
        )
        assert StopServer() not in decide(s).actions
        late = Drain(since=900.0, led_away=900.0, up_to=7, settled=True)
        assert StopServer() in decide(replace(s, stop_since=899.0, drain=late)).actions

    def test_it_serves_until_every_node_leads_clients_to_the_others(self) -> None:
        """A server that stopped as soon as its label was taken away cost clients 0.7 to 1.5 s of refusals."""
        me = member(0).primary().claiming(101, 1).leaving()
        s = situation(me, member(1).primary().claiming(101, 1), stop_since=999.5, labelled=True)
        assert StopServer() not in decide(s).actions
        before = Drain(since=990.0, led_away=991.0, settled=True)
        assert StopServer() not in decide(replace(s, drain=before)).actions, (
            "readers are led elsewhere only now"
        )
        stopping = replace(s, stop_since=997.0, drain=Drain(since=997.0, led_away=997.4))
        assert StopServer() in decide(stopping).actions

    def test_who_is_in_the_view_and_silent_for_a_moment_is_not_gone(self) -> None:
        """A slow answer of the only other member: the writer stopped at once, and its clients with it."""
        me = member(0).primary().in_view(9, 0, 1).claiming(100, 0).leaving()
        s = situation(me, stop_since=999.5, labelled=True)
        assert "hands the writer role over" in decide(s).why
        follows = replace(s, me=me.claiming(101, 1).report)
        assert "until clients are led" in decide(follows).why
        late = decide(replace(follows, stop_since=994.9))
        assert StopServer() not in late.actions, "it may serve, and nodes take their time"
        alone = member(0).primary().in_view(10, 0).claiming(100, 0).leaving()
        assert StopServer() in decide(replace(s, me=alone.report)).actions

    def test_two_leave_one_after_the_other(self) -> None:
        """Fails where they leave at the same moment: five that were scaled to three were left without a Primary."""
        lower, higher = (member(o).primary(size=5).claiming(9, 0).leaving() for o in (3, 4))
        others = [member(o).primary(size=5).claiming(9, 0) for o in range(3)]
        assert (
            "lets member 4 leave the group first"
            in decide(situation(lower, higher, *others, stop_since=999.5)).why
        )
        assert StopServer() in decide(situation(higher, lower, *others, stop_since=999.5)).actions
        gone = member(4).clean(9).leaving()
        assert StopServer() in decide(situation(lower, gone, *others, stop_since=999.5)).actions
        assert StopServer() in decide(situation(lower, *others, stop_since=999.5)).actions
        assert StopServer() in decide(situation(lower, higher, *others, stop_since=980.0)).actions

    def test_the_last_member_waits_for_no_heir(self) -> None:
        assert kinds(situation(member(0).primary().claiming(1, 0).leaving(), stop_since=999.9)) == [
            StopServer
        ]

    def test_a_joining_server_is_stopped_at_once(self) -> None:
        assert kinds(situation(member(1).starting().leaving(), stop_since=999.9)) == [StopServer]
