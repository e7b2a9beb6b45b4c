"""Which server may run on which data, and when system tables are brought up to a newer one."""

from dataclasses import replace

import pytest

from tests.unit.core.builders import Builder, answers, member
from trireme.api.report import Upgrade, UpgradeState
from trireme.core.upgrading import downgrade, is_behind, is_due, is_my_turn

CURRENT, DUE, RUNNING = UpgradeState.CURRENT, UpgradeState.DUE, UpgradeState.RUNNING

DOWNGRADES: dict[str, tuple[str, str, str, bool]] = {
    "the same": ("10.11.19-MariaDB", "10.11.19", "10.11.19", False),
    "newer": ("10.11.19-MariaDB", "10.11.19", "11.4.3", False),
    "an older release of the series": ("10.11.19-MariaDB", "10.11.19", "10.11.2", False),
    "older than the mark": ("11.4.3-MariaDB", "", "10.11.19", True),
    "older than a server that ran, before the mark was made": (
        "10.11.19-MariaDB",
        "11.4.3",
        "10.11.19",
        True,
    ),
    "a tenth series is not older than a ninth": ("10.9.1-MariaDB", "", "10.11.19", False),
    "no mark": ("", "", "10.11.19", False),
    "a mark that cannot be read": ("?", "", "10.11.19", False),
}


@pytest.mark.parametrize("name", DOWNGRADES)
def test_downgrades(name: str) -> None:
    data, ran, server, refused = DOWNGRADES[name]
    assert (downgrade(data, ran, server) is not None) is refused


def test_a_refusal_names_both_versions() -> None:
    said = str(downgrade("11.4.3-MariaDB", "", "10.11.19"))
    assert "written by MariaDB 11.4.3, and this image has 10.11.19" in said
    assert "MariaDB 11.4 or later" in said


def at(ordinal: int, state: UpgradeState | None, version: str = "11.4.3-MariaDB", writer: int = 0) -> Builder:
    report = member(ordinal).primary().claiming(100 + writer, writer).report
    assert report.server is not None
    upgrade = Upgrade(state=state, data="", server=version, why="") if state is not None else None
    return Builder(replace(report, server=replace(report.server, version=version), upgrade=upgrade))


@pytest.mark.parametrize(
    ("data", "others", "due"),
    [
        ("11.4.1-MariaDB", [], False),
        ("10.11.19-MariaDB", [], True),
        ("", [], True),
        ("", [at(1, CURRENT)], False),
        ("", [at(1, CURRENT), at(2, DUE)], True),
        ("", [at(1, CURRENT, "10.11.19-MariaDB")], True),
        ("", [at(1, None)], True),
    ],
)
def test_what_is_due(data: str, others: list[Builder], due: bool) -> None:
    seen = answers(*others)
    assert is_due(data, "11.4.3-MariaDB", at(0, None).report, seen, sound_copy=True) is due


def test_data_without_a_mark_is_due_unless_it_is_a_sound_copy() -> None:
    """Seen with two series: the last member's data had come as a copy of the old ones, and was taken for new."""
    seen = answers(at(1, CURRENT), at(2, CURRENT))
    assert is_due("", "11.4.3-MariaDB", at(0, None).report, seen, sound_copy=False)
    assert not is_due("11.4.1-MariaDB", "11.4.3-MariaDB", at(0, None).report, seen, sound_copy=False)


@pytest.mark.parametrize(
    ("other", "behind"),
    [
        (at(1, CURRENT), False),
        (at(1, None), False),
        (at(1, RUNNING), True),
        (at(1, DUE), True),
        (at(1, CURRENT, "10.11.19-MariaDB"), True),
        (member(1), False),
    ],
)
def test_whose_copy_would_be_old(other: Builder, behind: bool) -> None:
    assert is_behind("11.4.3", other.report) is behind


def test_one_at_a_time_and_the_writer_last() -> None:
    assert is_my_turn(at(1, DUE).report, answers(at(0, DUE), at(2, DUE)))
    assert not is_my_turn(at(2, DUE).report, answers(at(0, DUE), at(1, DUE)))
    assert not is_my_turn(at(0, DUE).report, answers(at(2, DUE)))
    assert not is_my_turn(at(1, DUE).report, answers(at(2, RUNNING)))
    assert is_my_turn(at(0, DUE).report, answers(at(1, CURRENT), at(2, UpgradeState.FAILED)))
