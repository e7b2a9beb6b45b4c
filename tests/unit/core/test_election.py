"""Who may bootstrap: a table of named situations. Each row is one sentence of docs/protocol.md."""

import pytest

from tests.unit.core.builders import OTHER_HISTORY, Builder, answers, member
from trireme.core.election import Elect, Hopeless, Outcome, Split, Wait, elect
from trireme.core.terms import Terms

TERMS = Terms(declared=3, named=(0, 1, 2))

SITUATIONS: list[tuple[str, list[Builder], type[Outcome], tuple[int, ...]]] = [
    ("all declared answer fresh: the lowest ordinal", [member(0), member(1), member(2)], Elect, (0,)),
    (
        "all declared answer fresh, and the lowest ordinal cannot start its server",
        [member(0).faulty(), member(1), member(2)],
        Elect,
        (1,),
    ),
    ("one declared member is silent: no new cluster", [member(0), member(1)], Wait, (2,)),
    ("only the highest ordinal answers", [member(2)], Wait, (0, 1)),
    ("a fresh directory says safe_to_bootstrap", [member(0).flagged(), member(1)], Wait, (2,)),
    (
        "an extra member answers fresh before there is a cluster",
        [member(0), member(1), member(2), member(3)],
        Elect,
        (0,),
    ),
    (
        "one has data, two lost their volumes and nobody remembers a view",
        [member(0), member(1).crashed(7), member(2)],
        Elect,
        (1,),
    ),
    (
        "the first bootstrap crashed before anyone joined: it was alone in its view",
        [member(0).crashed(1).in_view(1, 0)],
        Elect,
        (0,),
    ),
    (
        "all crashed: the highest position, not the lowest ordinal (FIELD-FAILURES 4)",
        [
            member(0).crashed(7).in_view(3, 0, 1, 2),
            member(1).crashed(8).in_view(3, 0, 1, 2),
            member(2).crashed(9).in_view(3, 0, 1, 2),
        ],
        Elect,
        (2,),
    ),
    (
        "all crashed at one position: the lowest ordinal",
        [member(o).crashed(9).in_view(3, 0, 1, 2) for o in range(3)],
        Elect,
        (0,),
    ),
    (
        "all crashed at one position, and the lowest ordinal cannot start its server: it does not stand",
        [member(0).crashed(9).in_view(3, 0, 1, 2).faulty()]
        + [member(o).crashed(9).in_view(3, 0, 1, 2) for o in (1, 2)],
        Elect,
        (1,),
    ),
    (
        "none of them could start, and the lowest ordinal failed more often: another one's turn",
        [member(0).crashed(9).in_view(3, 0, 1).faulty(2), member(1).crashed(9).in_view(3, 0, 1).faulty()],
        Elect,
        (1,),
    ),
    (
        "the most advanced cannot start its server: it is waited for all the same",
        [member(0).crashed(8).in_view(3, 0, 1), member(1).crashed(9).in_view(3, 0, 1).faulty()],
        Elect,
        (1,),
    ),
    (
        "a member of the last view is silent: it may be ahead",
        [member(0).crashed(7).in_view(3, 0, 1, 2), member(2).crashed(9).in_view(3, 0, 1, 2)],
        Wait,
        (1,),
    ),
    (
        "the last to leave starts alone: nobody can be ahead",
        [member(2).clean(12).in_view(11, 2)],
        Elect,
        (2,),
    ),
    (
        "an earlier leaver starts alone: it waits for those it left behind",
        [member(0).clean(10).in_view(9, 0, 1, 2)],
        Wait,
        (1, 2),
    ),
    (
        "the last to leave has the later view; the earlier leaver is not asked",
        [member(0).clean(10).in_view(9, 0, 1, 2), member(2).clean(12).in_view(11, 2)],
        Elect,
        (2,),
    ),
    (
        "an emptied member beside one with data (FIELD-FAILURES 1, 2)",
        [
            member(0).incomplete().flagged(),
            member(1).crashed(9).in_view(3, 0, 1, 2),
            member(2).incomplete(),
        ],
        Elect,
        (1,),
    ),
    (
        "a position is still being recovered",
        [member(0).unsettled().in_view(3, 0, 1), member(1).crashed(9).in_view(3, 0, 1)],
        Wait,
        (0,),
    ),
    (
        "a server of the last view still runs without a Primary: its position is not final",
        [member(0).non_primary().in_view(3, 0, 1), member(1).crashed(9).in_view(3, 0, 1)],
        Wait,
        (0,),
    ),
    (
        "two histories are never compared by seqno (FIELD-FAILURES 10)",
        [
            member(0).crashed(900, OTHER_HISTORY).in_view(8, 0, history=OTHER_HISTORY),
            member(1).crashed(9).in_view(3, 1, 2),
            member(2).crashed(9).in_view(3, 1, 2),
        ],
        Split,
        (),
    ),
    (
        "a member of the last view lost its volume: it may have gone on with others, so all are asked",
        [member(0).crashed(9).in_view(8, 0, 1), member(1)],
        Wait,
        (2,),
    ),
    (
        "a member of the last view lost its volume and everyone else answered",
        [member(0).crashed(9).in_view(8, 0, 1), member(1), member(2).crashed(7).in_view(6, 0, 1, 2)],
        Elect,
        (0,),
    ),
    (
        "everyone answered and nobody has usable data",
        [member(0).incomplete().in_view(3, 0, 1), member(1).unknown().in_view(3, 0, 1)],
        Hopeless,
        (),
    ),
    (
        "a position of unknown seqno is not empty and not a candidate (FIELD-FAILURES 13)",
        [
            member(0).unknown(),
            member(1).crashed(9).in_view(3, 0, 1, 2),
            member(2).crashed(8).in_view(3, 0, 1, 2),
        ],
        Elect,
        (1,),
    ),
]


@pytest.mark.parametrize(
    ("members", "kind", "ordinals"), [row[1:] for row in SITUATIONS], ids=[r[0] for r in SITUATIONS]
)
def test_election(members: list[Builder], kind: type[Outcome], ordinals: tuple[int, ...]) -> None:
    outcome = elect(answers(*members), TERMS)
    assert isinstance(outcome, kind), outcome
    match outcome:
        case Elect(candidate=candidate):
            assert (candidate,) == ordinals
        case Wait(members=awaited):
            assert awaited == ordinals


def test_a_new_cluster_needs_the_grant_of_every_declared_member() -> None:
    outcome = elect(answers(member(0), member(1), member(2)), TERMS)
    assert isinstance(outcome, Elect)
    assert outcome.electorate == (0, 1, 2)
    assert outcome.succeeds is None


def test_a_recovery_needs_the_grants_of_the_latest_view_only() -> None:
    outcome = elect(
        answers(
            member(0).clean(10).in_view(9, 0, 1, 2),
            member(1).clean(12).in_view(11, 1, 2),
            member(2).clean(12),
        ),
        TERMS,
    )
    assert isinstance(outcome, Elect)
    assert outcome.electorate == (1, 2)
    assert outcome.succeeds is not None
    assert outcome.succeeds.seqno == 11
