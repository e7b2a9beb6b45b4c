"""The writer's role, handed over on request: who may take it, who takes it, and what survives which death."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.builders import OTHER_HISTORY, Builder, answers, member, situation
from trireme.api.commands import Switchover
from trireme.api.report import Report, WriterClaim
from trireme.core.decide import decide
from trireme.core.draining import Client, Drain
from trireme.core.situation import Claim, Dismiss, DropHeir, Heir
from trireme.core.switchover import LED_AWAY_SECONDS, SWITCHOVER_SECONDS, judge, relief
from trireme.core.writer import choose_writer

WRITER = member(0).primary().claiming(100, 0)
ONE, TWO = member(1).primary().claiming(100, 0), member(2).primary().claiming(100, 0)

REQUESTS: dict[str, tuple[Builder, list[Builder], int | None, int | None, int | str]] = {
    "to the member that is named": (WRITER, [ONE, TWO], 2, None, 2),
    "to the best secondary": (WRITER, [member(1).primary(state=2), TWO], None, None, 2),
    "asked again": (WRITER, [ONE, TWO], 2, 2, 2),
    "asked again, for whomever": (WRITER, [ONE, TWO], None, 2, 2),
    "another while one is under way": (WRITER, [ONE, TWO], 1, 2, "wait for that"),
    "to itself": (WRITER, [ONE, TWO], 0, None, "is the writer already"),
    "to a member that is not there": (WRITER, [ONE, TWO], 7, None, "does not answer"),
    "to a member that joins": (WRITER, [member(1).starting(), TWO], 1, None, "not Synced"),
    "to a donor": (WRITER, [member(1).primary(state=2), TWO], 1, None, "not Synced"),
    "to a member that leaves": (WRITER, [ONE.leaving(), TWO], 1, None, "is leaving"),
    "to another history": (WRITER, [member(1).primary(history=OTHER_HISTORY)], 1, None, "another history"),
    "to nobody": (WRITER, [member(1).starting()], None, None, "no other member is Synced"),
    "by a member that is not the writer": (ONE, [WRITER, TWO], 2, None, "member 0 is: ask that one"),
    "by a member outside of a Primary": (member(0).crashed(7), [], 1, None, "is in no Primary"),
    "by a writer that leaves": (WRITER.leaving(), [ONE, TWO], 1, None, "hands the role over by itself"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests(name: str) -> None:
    me, others, to, heir, expected = REQUESTS[name]
    outcome = judge(Switchover(to=to), me.report, answers(*others), heir)
    if isinstance(expected, int):
        assert outcome == expected
    else:
        assert expected in str(outcome)


def test_only_the_heir_opens_the_next_term_and_the_writer_serves_until_then() -> None:
    naming = WRITER.naming(2)
    assert choose_writer(TWO.report, answers(naming, ONE)) == WriterClaim(term=102, ordinal=2)
    for other in (ONE, naming):
        others = answers(*(each for each in (naming, ONE, TWO) if each is not other))
        assert choose_writer(other.report, others) == WriterClaim(term=100, ordinal=0)


@pytest.mark.parametrize("heir", [TWO.leaving(), member(2).primary(state=2), member(2).starting()])
def test_an_heir_that_is_not_able_does_not_claim(heir: Builder) -> None:
    assert choose_writer(heir.report, answers(WRITER.naming(2), ONE)) in (None, WRITER.report.writer)
    assert choose_writer(ONE.report, answers(WRITER.naming(2), heir)) == WRITER.report.writer


def test_what_a_former_writer_named_is_void() -> None:
    stale = member(0).primary().claiming(100, 0).naming(2)
    assert choose_writer(TWO.report, answers(stale, member(1).primary().claiming(201, 1))) == WriterClaim(
        term=201, ordinal=1
    )


def test_a_writer_gives_an_heir_up_that_cannot_or_does_not_come() -> None:
    named = Heir(2, since=999.0)
    waiting = situation(WRITER.naming(2), ONE, TWO, heir=named)
    assert not [a for a in decide(waiting).actions if isinstance(a, DropHeir)]
    assert "hands the writes to member 2" in decide(waiting).why
    silent = situation(WRITER.naming(2), ONE, heir=named)
    assert not [a for a in decide(silent).actions if isinstance(a, DropHeir)]
    late = replace(silent, now=named.since + SWITCHOVER_SECONDS)
    assert [a for a in decide(late).actions if isinstance(a, DropHeir)]
    unable = situation(WRITER.naming(2), ONE, TWO.leaving(), heir=named)
    (dropped,) = [a for a in decide(unable).actions if isinstance(a, DropHeir)]
    assert "leaving" in dropped.why


def test_a_member_that_lost_the_role_drains_and_one_that_gets_it_back_stops_draining() -> None:
    new = member(2).primary().claiming(102, 2)
    lost = situation(WRITER, ONE, new)
    assert decide(lost).actions == (
        Dismiss(Drain(since=1000.0)),
        Claim(WriterClaim(term=102, ordinal=2)),
    )
    back = situation(WRITER.claiming(200, 0), ONE, new, drain=Drain(since=990.0))
    assert Dismiss(None) in decide(back).actions
    followed = situation(WRITER.claiming(102, 2), ONE, new.unrouted(), drain=Drain(since=999.0))
    assert decide(followed).actions == (Dismiss(Drain(since=999.0)),)


def test_clients_are_asked_when_labels_move_and_not_before_however_long_the_api_is_away() -> None:
    """Closed after 5 s, they came back, and were never asked again: the former writer kept them for ever."""
    me, new = WRITER.claiming(102, 2), member(2).primary().claiming(102, 2)
    idle = (Client(7, busy=False),)
    away = situation(me, ONE, new.unrouted(), drain=Drain(since=960.0), clients=idle, labelled=True)
    assert decide(away).actions == (Dismiss(Drain(since=960.0)),)
    moved = replace(away, answers=answers(ONE, new), drain=Drain(since=960.0, led_away=997.0))
    (asked,) = (action for action in decide(moved).actions if isinstance(action, Dismiss))
    assert asked.close == (7,)
    (given_up,) = decide(replace(away, now=960.0 + LED_AWAY_SECONDS)).actions
    assert given_up == Dismiss(Drain(since=960.0, led_away=960.0 + LED_AWAY_SECONDS))


# --- any order of rounds, messages, requests and deaths -----------------------------------------------------------


@dataclass
class World:
    """Members that decide on what they last heard of each other."""

    reports: dict[int, Report]
    heard: dict[int, dict[int, Report]] = field(default_factory=dict)
    opened: dict[int, set[int]] = field(default_factory=dict)
    """Who claimed which term."""

    def hear(self, me: int, other: int) -> None:
        if me in self.reports and other in self.reports:
            self.heard.setdefault(me, {})[other] = self.reports[other]

    def decide(self, me: int) -> None:
        if me not in self.reports:
            return
        report = self.reports[me]
        claim = choose_writer(report, self.heard.get(me, {}))
        if claim is not None and claim != report.writer:
            if claim.ordinal == me:
                self.opened.setdefault(claim.term, set()).add(me)
            self.reports[me] = replace(
                report, writer=claim, heir=None if claim.ordinal != me else report.heir
            )

    def ask(self, me: int, to: int) -> None:
        if me in self.reports:
            outcome = judge(
                Switchover(to=to), self.reports[me], self.heard.get(me, {}), self.reports[me].heir
            )
            if isinstance(outcome, int):
                self.reports[me] = replace(self.reports[me], heir=outcome)

    def drop(self, me: int, _: int) -> None:
        if me in self.reports:
            self.reports[me] = replace(self.reports[me], heir=None)

    def leave(self, me: int, _: int) -> None:
        if me in self.reports and len(self.reports) > 1:
            self.reports[me] = replace(self.reports[me], leaving=True)

    def die(self, me: int, _: int) -> None:
        """Galera installs the view of the rest at once; what was heard of the dead is heard no more."""
        if me not in self.reports or len(self.reports) == 1:
            return
        del self.reports[me]
        view = tuple(sorted(self.reports))
        for other, report in self.reports.items():
            assert report.last_view is not None
            self.reports[other] = replace(report, last_view=replace(report.last_view, members=view))
            self.heard.get(other, {}).pop(me, None)

    def calm(self) -> None:
        for _ in range(2 * len(self.reports) + 2):
            for me in self.reports:
                for other in self.reports:
                    if other != me:
                        self.hear(me, other)
            for me in list(self.reports):
                self.decide(me)


STEPS = st.tuples(
    st.sampled_from(["hear", "hear", "hear", "decide", "decide", "ask", "drop", "leave", "die"]),
    st.integers(0, 4),
    st.integers(0, 4),
)


@settings(max_examples=400, deadline=None)
@given(count=st.integers(2, 5), steps=st.lists(STEPS, max_size=60))
def test_no_term_has_two_claims_and_there_is_one_writer_in_the_end(
    count: int, steps: list[tuple[str, int, int]]
) -> None:
    everyone = range(count)
    world = World({o: member(o).primary().in_view(3, *everyone).report for o in everyone})
    for kind, me, other in steps:
        if kind == "decide":
            world.decide(me)
        elif me != other:
            getattr(world, kind)(me, other)
    world.calm()
    assert all(len(who) == 1 for who in world.opened.values())
    claims = {report.writer for report in world.reports.values()}
    assert len(claims) == 1
    (claim,) = claims
    staying = [o for o, report in world.reports.items() if not report.leaving]
    assert not staying or (claim is not None and claim.ordinal in staying)


@given(to=st.integers(1, 4), order=st.permutations(range(5)))
def test_without_a_fault_the_heir_is_the_writer(to: int, order: list[int]) -> None:
    world = World({o: member(o).primary().in_view(3, *range(5)).report for o in range(5)})
    world.calm()
    world.ask(0, to)
    for _ in range(3):
        for me in order:
            for other in order:
                if me != other:
                    world.hear(me, other)
            world.decide(me)
    assert {report.writer for report in world.reports.values()} == {WriterClaim(term=100 + to, ordinal=to)}


RELIEFS: dict[str, tuple[Builder, list[Builder], dict[int, bool], float, int | None]] = {
    "to the first that clients reach": (WRITER, [ONE, TWO], {0: False, 1: False, 2: True}, 10, 2),
    "not before a probe could have been missed": (WRITER, [ONE, TWO], {0: False, 1: True}, 9, None),
    "not where clients reach the writer": (WRITER, [ONE, TWO], {0: True, 1: True, 2: True}, 99, None),
    "not where nothing is known of the writer": (WRITER, [ONE, TWO], {1: True, 2: True}, 99, None),
    "not to a member that nothing is known of": (WRITER, [ONE, TWO], {0: False}, 99, None),
    "not where clients reach nobody": (WRITER, [ONE, TWO], {0: False, 1: False, 2: False}, 99, None),
    "not to a member that joins": (WRITER, [member(1).starting()], {0: False, 1: True}, 99, None),
    "not to another history": (
        WRITER,
        [member(1).primary(history=OTHER_HISTORY)],
        {0: False, 1: True},
        99,
        None,
    ),
    "not by a member that follows": (ONE, [WRITER, TWO], {1: False, 0: True, 2: True}, 99, None),
    "not by a writer that itself is not ready": (
        member(0).primary(state=3).claiming(100, 0),
        [ONE, TWO],
        {0: False, 1: True},
        99,
        None,
    ),
    "not by a writer that leaves": (WRITER.leaving(), [ONE, TWO], {0: False, 1: True}, 99, None),
    "not twice": (WRITER.naming(2), [ONE, TWO], {0: False, 1: True, 2: True}, 99, None),
}


@pytest.mark.parametrize("name", RELIEFS)
def test_a_writer_that_kubernetes_leads_nobody_to_hands_over(name: str) -> None:
    """The writer's kubelet ended: its server and its agent were well, and every new client was refused, for ever."""
    me, others, found, since, heir = RELIEFS[name]
    assert relief(me.report, answers(*others), found, since) == heir
