"""Which pods are labelled, and in which order, as the writer changes."""

import pytest

from tests.unit.core.builders import Builder, member
from trireme.core.routing import wanted_labels

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
