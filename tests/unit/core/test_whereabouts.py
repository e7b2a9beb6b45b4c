"""Whom a member looks for by the Kubernetes API, beside the name service."""

import pytest

from tests.unit.core.builders import Builder, member
from trireme.core.whereabouts import FIRST_SECONDS, LONGEST_SECONDS, pause, sought

DOWN = member(0).crashed(9).in_view(3, 0, 1, 2)


@pytest.mark.parametrize(
    ("me", "heard", "wanted"),
    [
        (DOWN, (), (1, 2)),
        (DOWN, (member(1).crashed(9),), (2,)),
        (DOWN, (member(1).crashed(9), member(2).crashed(9)), ()),
        (DOWN, (member(1).primary().in_view(4, 1),), ()),
        (member(0).primary().in_view(4, 0), (), ()),
        (member(0).crashed(9).in_view(3, 0, 3), (), (1, 2, 3)),
        (member(0), (), (1, 2)),
    ],
    ids=["all silent", "one heard", "all heard", "a Primary lives", "serves", "one scaled away", "fresh"],
)
def test_who_is_looked_for(me: Builder, heard: tuple[Builder, ...], wanted: tuple[int, ...]) -> None:
    assert sought(me.report, {each.report.ordinal: each.report for each in heard}) == wanted


def test_pauses_grow_up_to_a_bound() -> None:
    assert [pause(looks) for looks in range(3)] == [FIRST_SECONDS, 2 * FIRST_SECONDS, 4 * FIRST_SECONDS]
    assert pause(30) == LONGEST_SECONDS
