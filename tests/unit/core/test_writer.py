"""One writer, sticky, the same answer everywhere."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.builders import Builder, answers, member
from trireme.api.report import WriterClaim
from trireme.core.writer import choose_writer, next_term


def chosen(me: Builder, *others: Builder) -> WriterClaim | None:
    return choose_writer(me.report, answers(*others))


def test_the_lowest_synced_ordinal_claims_for_itself_only() -> None:
    assert chosen(member(0).primary(), member(1).primary()) == WriterClaim(term=100, ordinal=0)
    assert chosen(member(1).primary(), member(0).primary()) is None


def test_a_returning_lower_ordinal_does_not_take_it_back() -> None:
    assert chosen(member(0).primary(), member(1).primary().claiming(4, 1)) == WriterClaim(term=4, ordinal=1)


def test_a_writer_that_leaves_is_succeeded() -> None:
    leaving = member(0).primary().claiming(1, 0).leaving()
    assert chosen(member(1).primary().claiming(1, 0), leaving) == WriterClaim(term=101, ordinal=1)


def test_silence_of_the_writers_agent_changes_nothing_while_its_server_is_in_the_view() -> None:
    me = member(1).primary().claiming(1, 0).in_view(5, 0, 1, 2)
    assert chosen(me) == WriterClaim(term=1, ordinal=0)


def test_a_writer_that_left_the_view_is_succeeded() -> None:
    me = member(1).primary().claiming(1, 0).in_view(6, 1, 2)
    assert chosen(me) == WriterClaim(term=101, ordinal=1)


def test_a_writer_that_restarts_is_succeeded() -> None:
    me = member(1).primary().claiming(1, 0).in_view(5, 0, 1, 2)
    assert chosen(me, member(0).crashed(9)) == WriterClaim(term=101, ordinal=1)


def test_a_donor_keeps_the_role() -> None:
    me = member(0).primary(state=2).claiming(1, 0)
    assert chosen(me, member(1).primary().claiming(1, 0)) == WriterClaim(term=1, ordinal=0)


def test_outside_a_primary_there_is_no_writer() -> None:
    assert chosen(member(0).non_primary().claiming(1, 0), member(1).primary().claiming(1, 0)) is None


@given(latest=st.integers(0, 5000), ordinals=st.sets(st.integers(0, 14), min_size=2, max_size=2))
def test_no_two_members_open_the_same_term(latest: int, ordinals: set[int]) -> None:
    first, second = (next_term(latest, ordinal) for ordinal in ordinals)
    assert first != second
    assert min(first, second) > latest


def test_rival_claims_of_one_term_settle_on_the_lower_ordinal() -> None:
    zero, one = member(0).primary().claiming(2, 0), member(1).primary().claiming(2, 1)
    assert chosen(zero, one) == chosen(one, zero) == WriterClaim(term=2, ordinal=0)


@given(
    states=st.lists(st.sampled_from([1, 2, 3, 4]), min_size=2, max_size=5),
    claims=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=5, max_size=5),
)
def test_members_that_hear_each_other_agree_within_rounds(
    states: list[int], claims: list[tuple[int, int]]
) -> None:
    members = {
        o: member(o).primary(state=state).claiming(*claims[o]).in_view(3, *range(len(states)))
        for o, state in enumerate(states)
    }
    for _ in range(len(members) + 2):
        wanted = {o: chosen(b, *(m for p, m in members.items() if p != o)) for o, b in members.items()}
        members = {o: b.claiming(w.term, w.ordinal) if (w := wanted[o]) else b for o, b in members.items()}
    settled = {b.report.writer for b in members.values()}
    assert len(settled) == 1
