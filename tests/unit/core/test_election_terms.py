"""Who may bootstrap, by what the settings, the SRV record, the policy and a person say. Rows of docs/protocol.md."""

from dataclasses import replace

import pytest

from tests.unit.core.builders import OTHER_HISTORY, Builder, answers, gap, member
from trireme.api.report import Override
from trireme.core.election import Elect, Hopeless, Outcome, Split, Wait, elect
from trireme.core.terms import Founder, Terms

THREE = Terms(declared=3, named=(0, 1, 2))
ALONE = Terms(declared=1, named=(0,))
PATIENT = THREE
OVERDUE = replace(THREE, overdue=True)
YOUNG = replace(THREE, young=True)


def crashed(ordinal: int, seqno: int = 9) -> Builder:
    return member(ordinal).crashed(seqno).in_view(3, 0, 1, 2)


Situation = tuple[str, Terms, list[Builder], type[Outcome], tuple[int, ...]]

FIRST: list[Situation] = [
    ("one declared member, and the SRV record names it alone", ALONE, [member(0).declaring(1)], Elect, (0,)),
    (
        "one declared member whose cluster was scaled since: those whom the SRV record names must answer",
        replace(ALONE, named=(0, 1, 2)),
        [member(0).declaring(1)],
        Wait,
        (1, 2),
    ),
    (
        "one declared member, and the name service does not answer",
        replace(ALONE, named=None),
        [member(0).declaring(1)],
        Wait,
        (),
    ),
    (
        "another member was told of more: whoever knows of more is right",
        replace(ALONE, named=(0, 1)),
        [member(0).declaring(1), member(1).declaring(3)],
        Wait,
        (2,),
    ),
    (
        "the operator's word names this volume: it founds the cluster, whoever cannot be scheduled",
        replace(THREE, founder=Founder(ordinal=0, volume="volume-0")),
        [member(0), member(1)],
        Elect,
        (0,),
    ),
    (
        "the operator's word names a volume that was lost since",
        replace(THREE, founder=Founder(ordinal=0, volume="volume-0")),
        [member(0).on_volume("another"), member(1)],
        Wait,
        (2,),
    ),
    (
        "the operator's word, and somebody has data",
        replace(THREE, founder=Founder(ordinal=0, volume="volume-0")),
        [member(0), crashed(1)],
        Wait,
        (2,),
    ),
]

HEARD_FIRST: list[Situation] = [
    (
        "it was alone, and its agent just started: others may be about to answer (an old copy was put back, say)",
        YOUNG,
        [member(0).clean(12).in_view(11, 0)],
        Wait,
        (),
    ),
    (
        "one of them answers, and knows a later view",
        YOUNG,
        [member(0).clean(12).in_view(11, 0), member(1).clean(40).in_view(39, 0, 1)],
        Elect,
        (1,),
    ),
    (
        "all others answer, and know of no later view: nobody is waited for",
        YOUNG,
        [member(0).clean(12).in_view(11, 0), member(1).clean(10).in_view(9, 0, 1, 2), member(2)],
        Elect,
        (0,),
    ),
    (
        "those who did not answer by then are not waited for",
        THREE,
        [member(0).clean(12).in_view(11, 0)],
        Elect,
        (0,),
    ),
    (
        "it is the only member that is declared",
        replace(YOUNG, declared=1, named=(0,)),
        [member(0).declaring(1).clean(12).in_view(11, 0)],
        Elect,
        (0,),
    ),
]

MISSING: list[Situation] = [
    ("the policy waits", PATIENT, [crashed(0), crashed(1)], Wait, (2,)),
    ("a majority of the latest view goes on", OVERDUE, [crashed(0, 8), crashed(1, 9)], Elect, (1,)),
    ("half of the latest view is no majority", OVERDUE, [member(0).crashed(9).in_view(3, 0, 1)], Wait, (1,)),
    ("one of three is no majority", OVERDUE, [crashed(0)], Wait, (1, 2)),
    ("a joiner had no vote", OVERDUE, [crashed(0), crashed(1).joining()], Wait, (2,)),
    (
        "one that left the Primary in order has no vote any more, and the rest may have gone on",
        OVERDUE,
        [crashed(0), member(1).clean(9).in_view(3, 0, 1, 2).left()],
        Wait,
        (2,),
    ),
    (
        "one that was stopped outside of a Primary keeps its vote",
        OVERDUE,
        [crashed(0), member(1).clean(9).in_view(3, 0, 1, 2)],
        Elect,
        (0,),
    ),
    (
        "one whose directory is incomplete is no part of a majority",
        OVERDUE,
        [crashed(0), crashed(1).incomplete()],
        Wait,
        (2,),
    ),
    ("one that lost its volume vouches for nothing", OVERDUE, [crashed(0), member(1)], Wait, (2,)),
    ("a new cluster never goes on without anybody", OVERDUE, [member(0), member(1)], Wait, (2,)),
    (
        "two of five",
        replace(OVERDUE, declared=5, named=(0, 1, 2, 3, 4)),
        [member(o).crashed(9).in_view(3, 0, 1, 2, 3, 4) for o in (3, 4)],
        Wait,
        (0, 1, 2),
    ),
    (
        "three of five, and one of them still asks its engine",
        replace(OVERDUE, declared=5, named=(0, 1, 2, 3, 4)),
        [
            *(member(o).crashed(9).in_view(3, 0, 1, 2, 3, 4) for o in (1, 2, 3)),
            member(4).unsettled().in_view(3, 0, 1, 2, 3, 4),
        ],
        Wait,
        (4,),
    ),
]

AFTER_A_GAP: list[Situation] = [
    (
        "one that the cluster went on without is no candidate, however far its seqno is",
        THREE,
        [member(1).crashed(12).in_view(11, 1).came_through(gap(9, 2)), crashed(2, 40)],
        Elect,
        (1,),
    ),
    (
        "it is not waited for either, where all are asked since one lost its volume",
        THREE,
        [
            member(0).crashed(12).in_view(11, 0, 1).came_through(gap(9, 2)),
            member(1),
            crashed(2, 40),
        ],
        Elect,
        (0,),
    ),
    (
        "who went on lost the volume; who was about to join them excludes nobody, and the missing member is ahead",
        THREE,
        [
            member(0),
            member(1).crashed(8).in_view(3, 0, 1, 2).came_through(gap(9, 2)).joining(),
            crashed(2, 10),
        ],
        Elect,
        (2,),
    ),
    (
        "one that received a later view as it joined, which nobody else has on disk, is not passed over",
        THREE,
        [crashed(0), crashed(1), crashed(2), member(3).crashed(14).in_view(2, 0, 3).joining()],
        Elect,
        (3,),
    ),
    (
        "once it came through the gap it counts",
        THREE,
        [
            member(1).crashed(12).in_view(11, 1, 2).came_through(gap(9, 2)),
            member(2).crashed(13).in_view(11, 1, 2).came_through(gap(9, 2)),
        ],
        Elect,
        (2,),
    ),
    (
        "a history that a person gave up is no split any more",
        THREE,
        [
            member(1).crashed(12).in_view(11, 1).came_through(gap(9, abandoned=(OTHER_HISTORY,))),
            member(2).crashed(40, OTHER_HISTORY).in_view(30, 2, history=OTHER_HISTORY),
        ],
        Elect,
        (1,),
    ),
]


def chose(ordinal: int, **fields: object) -> Override:
    return Override(candidate=ordinal, volume=f"volume-{ordinal}", by="alice", **fields)  # type: ignore[arg-type]


BY_WORD: list[Situation] = [
    (
        "a person chose one of three whose others are gone",
        THREE,
        [crashed(0).chosen(chose(0, without=(1, 2)))],
        Elect,
        (0,),
    ),
    (
        "a person chose, and somebody who is not said to be gone is silent",
        THREE,
        [crashed(0).chosen(chose(0, without=(2,)))],
        Wait,
        (1,),
    ),
    (
        "somebody who is said to be gone answers: the word is void, and all goes its normal way",
        THREE,
        [crashed(0, 8).chosen(chose(0, without=(2,))), crashed(1, 8), crashed(2, 9)],
        Elect,
        (2,),
    ),
    (
        "a person chose between two histories",
        THREE,
        [
            member(0).crashed(900, OTHER_HISTORY),
            crashed(1).chosen(chose(1, give_up=(OTHER_HISTORY,))),
            crashed(2),
        ],
        Elect,
        (1,),
    ),
    (
        "the volume that a person chose is another now",
        THREE,
        [crashed(0).chosen(chose(0, without=(1, 2))).on_volume("another")],
        Wait,
        (1, 2),
    ),
    (
        "of two words the earlier one counts",
        THREE,
        [
            crashed(0).chosen(chose(0, at="2026-01-02")),
            crashed(1).chosen(chose(1, at="2026-01-01")),
            crashed(2),
        ],
        Elect,
        (1,),
    ),
]


@pytest.mark.parametrize(
    ("terms", "members", "kind", "ordinals"),
    [row[1:] for row in (*FIRST, *HEARD_FIRST, *MISSING, *AFTER_A_GAP, *BY_WORD)],
    ids=[row[0] for row in (*FIRST, *HEARD_FIRST, *MISSING, *AFTER_A_GAP, *BY_WORD)],
)
def test_election(
    terms: Terms, members: list[Builder], kind: type[Outcome], ordinals: tuple[int, ...]
) -> None:
    outcome = elect(answers(*members), terms)
    assert isinstance(outcome, kind), outcome
    match outcome:
        case Elect(candidate=candidate):
            assert (candidate,) == ordinals
        case Wait(members=awaited):
            assert awaited == ordinals
        case Split() | Hopeless():
            assert ordinals == ()


def test_who_goes_on_without_somebody_says_so_and_on_whose_data() -> None:
    outcome = elect(answers(crashed(0), crashed(1)), OVERDUE)
    assert isinstance(outcome, Elect)
    assert (outcome.without, outcome.electorate, outcome.majority) == ((2,), (0, 1), (0, 1))
    assert "without member 2" in outcome.why
