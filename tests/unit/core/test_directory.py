"""What a data directory is: named findings."""

from dataclasses import replace

import pytest

from tests.unit.core.builders import HISTORY
from trireme.api.position import ZERO_UUID, Position, View
from trireme.api.report import Directory
from trireme.core.directory import Evidence, judge

EMPTY = Evidence(
    has_files=False,
    grastate=None,
    safe_to_bootstrap=False,
    transfer_broke_off=False,
    initializing=False,
    joining=False,
    last_view=None,
    recovered=None,
)
VIEW = View(HISTORY, 3, (0, 1, 2))
AT_9 = Position(HISTORY, 9)
RUNNING = Position(HISTORY, -1)
ZERO = Position(ZERO_UUID, -1)
DATA = replace(EMPTY, has_files=True, last_view=VIEW, grastate=RUNNING)

FINDINGS: list[tuple[str, Evidence, Directory, Position | None]] = [
    ("an empty volume", EMPTY, Directory.FRESH, None),
    (
        "an empty directory that says safe_to_bootstrap",
        replace(EMPTY, safe_to_bootstrap=True),
        Directory.FRESH,
        None,
    ),
    (
        "an empty directory whose records remember a view",
        replace(EMPTY, last_view=VIEW),
        Directory.INCOMPLETE,
        None,
    ),
    ("an empty directory that was joining", replace(EMPTY, joining=True), Directory.INCOMPLETE, None),
    (
        "a first start that did not finish",
        replace(EMPTY, has_files=True, initializing=True),
        Directory.FRESH,
        None,
    ),
    (
        "a first start that a Primary followed, whose view the agent was not told: the engine is asked",
        replace(EMPTY, has_files=True, initializing=True, grastate=RUNNING, recovered=AT_9),
        Directory.CRASHED,
        AT_9,
    ),
    (
        "a first start whose server crashed before it committed anything",
        replace(EMPTY, has_files=True, initializing=True, grastate=RUNNING, engine_sound=True),
        Directory.FRESH,
        None,
    ),
    (
        "a first start that a Primary followed",
        replace(DATA, initializing=True, recovered=AT_9),
        Directory.CRASHED,
        AT_9,
    ),
    ("an ordered stop", replace(DATA, grastate=AT_9), Directory.CLEAN, AT_9),
    ("the normal crash", replace(DATA, recovered=AT_9), Directory.CRASHED, AT_9),
    ("a crash in the middle of DDL", replace(DATA, grastate=ZERO, recovered=AT_9), Directory.CRASHED, AT_9),
    ("a corrupt grastate.dat", replace(DATA, grastate=None, recovered=AT_9), Directory.CRASHED, AT_9),
    ("a crash while joining with data", replace(DATA, joining=True, recovered=AT_9), Directory.CRASHED, AT_9),
    (
        "a transfer asked for and not begun: the data is still whole",
        replace(DATA, grastate=ZERO, joining=True, recovered=AT_9),
        Directory.CRASHED,
        AT_9,
    ),
    (
        "a first transfer asked for and not begun",
        replace(DATA, grastate=ZERO, joining=True, has_engine=False),
        Directory.INCOMPLETE,
        None,
    ),
    (
        "marks of a broken transfer",
        replace(DATA, grastate=AT_9, transfer_broke_off=True),
        Directory.INCOMPLETE,
        None,
    ),
    ("an inconsistency vote", replace(DATA, grastate=AT_9, differs=True), Directory.INCOMPLETE, None),
    (
        "the very first view is on disk before the storage engine has its number",
        replace(DATA, recovered=None, engine_sound=True, last_view=View(HISTORY, 1, (0,))),
        Directory.CRASHED,
        Position(HISTORY, 0),
    ),
    (
        "an engine without a position that shared a view with others",
        replace(DATA, recovered=None, engine_sound=True, last_view=View(HISTORY, 2, (0, 1))),
        Directory.UNKNOWN,
        None,
    ),
    (
        "the very first view, and an engine that does not start",
        replace(DATA, recovered=None, last_view=View(HISTORY, 1, (0,))),
        Directory.UNKNOWN,
        None,
    ),
    ("an engine that knows no position", replace(DATA, recovered=ZERO), Directory.UNKNOWN, None),
    ("an engine that does not start", DATA, Directory.UNKNOWN, None),
]


@pytest.mark.parametrize(
    ("evidence", "directory", "position"), [f[1:] for f in FINDINGS], ids=[f[0] for f in FINDINGS]
)
def test_finding(evidence: Evidence, directory: Directory, position: Position | None) -> None:
    verdict = judge(evidence, engine_asked=True)
    assert (verdict.directory, verdict.position, verdict.ask_engine) == (directory, position, False)


def test_only_the_engine_can_tell_where_a_crashed_member_is() -> None:
    verdict = judge(DATA, engine_asked=False)
    assert (verdict.directory, verdict.ask_engine) == (Directory.UNKNOWN, True)


def test_the_engine_is_not_asked_about_what_is_worthless_or_known() -> None:
    for evidence in (EMPTY, replace(DATA, grastate=AT_9), replace(DATA, transfer_broke_off=True)):
        assert not judge(evidence, engine_asked=False).ask_engine
