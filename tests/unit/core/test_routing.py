"""Which pods are labelled, and in which order, as the writer changes."""

import pytest

from tests.unit.core.builders import OTHER_HISTORY, Builder, answers, member
from trireme.core.routing import ASSERT_SECONDS, LOOK_SECONDS, in_doubt, wanted_labels

WRITER = member(1).primary().claiming(2, 1)

OLD_FIRST = [("demo-0", "secondary"), ("demo-1", "primary")]
NEW_FIRST = [("demo-1", "primary"), ("demo-0", "secondary")]

ROWS: dict[str, tuple[Builder, int | None, list[tuple[str, str]]]] = {
    "a member without a server waits": (member(0).crashed(7), None, []),
    "one that follows is secondary": (member(0).primary().claiming(2, 1), 1, [("demo-0", "secondary")]),
    "one that lost the Primary is secondary": (
        member(1).non_primary().claiming(2, 1),
        None,
        [("demo-1", "secondary")],
    ),
    "one that leaves is secondary": (WRITER.leaving(), 0, [("demo-1", "secondary")]),
    "a new writer takes the label from a predecessor that is silent first": (WRITER, 0, OLD_FIRST),
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
    assert wanted_labels(me.report, others, predecessor, {}) == expected


OLD = member(0).primary().claiming(1, 0)
PREDECESSORS: dict[str, tuple[Builder, list[tuple[str, str]]]] = {
    "it names me its heir": (OLD.naming(1), NEW_FIRST),
    "it leaves in order": (OLD.leaving(), NEW_FIRST),
    "it follows me by now": (OLD.claiming(2, 1), NEW_FIRST),
    "it gives somebody a state transfer, and serves": (member(0).primary(state=2).claiming(2, 1), NEW_FIRST),
    "it still takes itself for the writer": (OLD, OLD_FIRST),
    "it names somebody else": (OLD.naming(2), OLD_FIRST),
    "it lost the Primary": (member(0).non_primary().claiming(2, 1), OLD_FIRST),
    "its server is gone": (member(0).crashed(7).claiming(2, 1), OLD_FIRST),
    "its server only catches up": (member(0).primary(state=3).claiming(2, 1), OLD_FIRST),
    "it is in another Primary": (member(0).primary(history=OTHER_HISTORY).claiming(2, 1), OLD_FIRST),
    "it is blocked": (OLD.claiming(2, 1).blocked(), OLD_FIRST),
}


@pytest.mark.parametrize("row", PREDECESSORS)
def test_clients_are_never_led_nowhere_where_the_role_is_handed_over(row: str) -> None:
    """Secondary first, and a node's proxy refused clients for a second: it saw the moment between the two."""
    predecessor, expected = PREDECESSORS[row]
    assert wanted_labels(WRITER.report, {0, 2}, 0, answers(predecessor)) == expected


FORMER: dict[str, tuple[Builder, str | None, Builder | None, bool]] = {
    "its successor has no label yet": (
        member(0).primary().claiming(2, 1),
        "primary",
        WRITER.unrouted(),
        True,
    ),
    "it leaves, and nobody took its role yet": (OLD.leaving(), "primary", member(1).primary(), True),
    "it leaves, and its successor has no label yet": (
        member(0).primary().claiming(2, 1).leaving(),
        "primary",
        WRITER.unrouted(),
        True,
    ),
    "clients are led to its successor": (member(0).primary().claiming(2, 1), "primary", WRITER, False),
    "its successor is silent": (member(0).primary().claiming(2, 1), "primary", None, False),
    "it never had the label": (member(0).primary().claiming(2, 1), "", WRITER.unrouted(), False),
    "it lost the Primary": (member(0).non_primary().claiming(2, 1), "primary", WRITER.unrouted(), False),
    "it is blocked": (OLD.blocked(), "primary", member(1).primary(), False),
}


@pytest.mark.parametrize("row", FORMER)
def test_a_former_writer_keeps_its_label_until_its_successor_has_one(row: str) -> None:
    """The API came back, and only the predecessor's node reached it: for 31 s clients were led nowhere. A writer that
    was stopped took its own label away before anybody had claimed its role."""
    me, label, successor, keeps = FORMER[row]
    heard = answers(successor) if successor is not None else {}
    expected = [] if keeps else [("demo-0", "secondary")]
    assert wanted_labels(me.report, {1, 2}, 1, heard, label=label) == expected


def test_labels_are_set_anew_in_each_term_and_by_the_writer_now_and_then() -> None:
    """A person took the writer's label away: no client was led to it any more, for ever."""
    writer, follower = WRITER.report, member(0).primary().claiming(2, 1).report
    assert not in_doubt(writer, writer.writer, ASSERT_SECONDS - 1)
    assert in_doubt(writer, writer.writer, ASSERT_SECONDS)
    assert not in_doubt(follower, follower.writer, ASSERT_SECONDS)
    assert in_doubt(follower, WRITER.claiming(1, 0).report.writer, 0)


def test_a_new_writer_sets_labels_anew_soon() -> None:
    """The former writer's labels were on their way as the role moved: clients were led to nobody for 30 s."""
    writer = WRITER.report
    assert not in_doubt(writer, writer.writer, LOOK_SECONDS - 1, first=True)
    assert in_doubt(writer, writer.writer, LOOK_SECONDS, first=True)


def test_a_stranded_writer_looks_more_often() -> None:
    writer = WRITER.report
    assert not in_doubt(writer, writer.writer, LOOK_SECONDS - 1, stranded=True)
    assert in_doubt(writer, writer.writer, LOOK_SECONDS, stranded=True)
