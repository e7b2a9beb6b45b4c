"""Which pods are labelled, and in which order, as the writer changes."""

import pytest

from tests.unit.core.builders import Builder, member
from trireme.core.routing import ASSERT_SECONDS, LOOK_SECONDS, in_doubt, wanted_labels

WRITER = member(1).primary().claiming(2, 1)

ROWS: dict[str, tuple[Builder, int | None, list[tuple[str, str]]]] = {
    "a member without a server waits": (member(0).crashed(7), None, []),
    "one that follows is secondary": (member(0).primary().claiming(2, 1), 1, [("demo-0", "secondary")]),
    "one that lost the Primary is secondary": (
        member(1).non_primary().claiming(2, 1),
        None,
        [("demo-1", "secondary")],
    ),
    "one that leaves is secondary": (WRITER.leaving(), 0, [("demo-1", "secondary")]),
    "a new writer takes the label from its predecessor first": (
        WRITER,
        0,
        [("demo-0", "secondary"), ("demo-1", "primary")],
    ),
    "from everybody where it knows no predecessor": (
        WRITER,
        None,
        [("demo-0", "secondary"), ("demo-2", "secondary"), ("demo-1", "primary")],
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_labels(row: str) -> None:
    me, predecessor, expected = ROWS[row]
    others = {0, 1, 2} - {me.report.ordinal}
    assert wanted_labels(me.report, others, predecessor) == expected


def test_a_predecessor_keeps_its_label_until_the_new_writer_has_one() -> None:
    """The API came back, and only the predecessor's node reached it: for 31 s clients were led nowhere."""
    me, others = member(0).primary().claiming(2, 1).report, {1, 2}
    unrouted = WRITER.unrouted().report
    assert wanted_labels(me, others, 1, label="primary", heir=unrouted) == []
    assert wanted_labels(me, others, 1, label="primary", heir=WRITER.report) == [("demo-0", "secondary")]
    assert wanted_labels(me, others, 1, label="", heir=unrouted) == [("demo-0", "secondary")]
    lost = member(0).non_primary().claiming(2, 1).report
    assert wanted_labels(lost, others, 1, label="primary", heir=unrouted) == [("demo-0", "secondary")]


def test_labels_are_set_anew_in_each_term_and_by_the_writer_now_and_then() -> None:
    """A person took the writer's label away: no client was led to it any more, for ever."""
    writer, follower = WRITER.report, member(0).primary().claiming(2, 1).report
    assert not in_doubt(writer, writer.writer, ASSERT_SECONDS - 1)
    assert in_doubt(writer, writer.writer, ASSERT_SECONDS)
    assert not in_doubt(follower, follower.writer, ASSERT_SECONDS)
    assert in_doubt(follower, WRITER.claiming(1, 0).report.writer, 0)


def test_a_stranded_writer_looks_more_often() -> None:
    writer = WRITER.report
    assert not in_doubt(writer, writer.writer, LOOK_SECONDS - 1, stranded=True)
    assert in_doubt(writer, writer.writer, LOOK_SECONDS, stranded=True)
