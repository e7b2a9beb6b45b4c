"""What a data directory is, judged from the member's own evidence (invariants 2 and 10)."""

from dataclasses import dataclass

from trireme.api.position import ZERO_UUID, Position, View
from trireme.api.report import Directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What lies in the directory, and what this volume's own records remember of it."""

    has_files: bool
    """Anything at all but an empty directory."""
    has_engine: bool = True
    """The storage engine's system tablespace is there."""
    grastate: Position | None
    """As written; None when the file is absent or does not parse."""
    safe_to_bootstrap: bool
    transfer_broke_off: bool
    """The transfer script's own marks are there: sst_in_progress, or a half-filled .sst folder."""
    initializing: bool
    """First start began on this volume under a grant, and no Primary view followed."""
    joining: bool
    """A server was started to join, and this member was not seen Synced since."""
    last_view: View | None
    recovered: Position | None
    """From the storage engine (--wsrep-recover), None when not asked or not found."""
    engine_sound: bool = False
    """The storage engine was asked and came up."""
    differs: bool = False
    """The server said that its data differs from the group's (an inconsistency vote), and left."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A directory's state, the position if known, and whether asking the storage engine would tell more."""

    directory: Directory
    position: Position | None
    ask_engine: bool
    why: str


def judge(evidence: Evidence, *, engine_asked: bool) -> Verdict:
    """Judge a directory whose server is not running. ``engine_asked``: --wsrep-recover ran since the last stop."""
    if not evidence.has_files:
        return _judge_empty(evidence)
    if evidence.initializing and evidence.last_view is None:
        return _judge_first_start(evidence, engine_asked)
    if evidence.differs:
        return Verdict(
            Directory.INCOMPLETE, None, False, "its data differs from the group's: it needs a new copy"
        )
    if evidence.transfer_broke_off:
        return Verdict(Directory.INCOMPLETE, None, False, "a state transfer into it broke off")
    written = evidence.grastate
    if written is not None and written.known:
        return Verdict(Directory.CLEAN, written, False, f"stopped in order at {written}")
    if evidence.joining and not evidence.has_engine:
        return Verdict(
            Directory.INCOMPLETE, None, False, "it was joining, and no state transfer was completed"
        )
    asked = _ask_engine(evidence, engine_asked)
    if asked is not None:
        return asked
    view = evidence.last_view
    if (
        evidence.engine_sound
        and not evidence.joining
        and view is not None
        and len(view.members) == view.seqno == 1
    ):
        start = Position(view.uuid, 0)
        return Verdict(
            Directory.CRASHED, start, False, "crashed as its history began: nothing was committed yet"
        )
    return Verdict(Directory.UNKNOWN, None, False, "the storage engine knows no position")


def _ask_engine(evidence: Evidence, engine_asked: bool) -> Verdict | None:
    """What the storage engine says; None where it was asked and names no position."""
    if not engine_asked:
        return Verdict(Directory.UNKNOWN, None, True, "its position must be asked from the storage engine")
    if evidence.recovered is not None and evidence.recovered.known:
        return Verdict(
            Directory.CRASHED, evidence.recovered, False, f"crashed; recovered at {evidence.recovered}"
        )
    return None


def _judge_first_start(evidence: Evidence, engine_asked: bool) -> Verdict:
    """Fresh, unless a Primary ran on it that this agent was not told of in time: then grastate.dat names a history."""
    written = evidence.grastate
    if written is None or written.uuid == ZERO_UUID:
        return Verdict(
            Directory.FRESH, None, False, "its first start did not finish: no Primary ever ran on it"
        )
    if written.known:
        return Verdict(Directory.CLEAN, written, False, f"stopped in order at {written}")
    asked = _ask_engine(evidence, engine_asked)
    if asked is not None:
        return asked
    if not evidence.engine_sound:
        return Verdict(Directory.UNKNOWN, None, False, "the storage engine knows no position")
    return Verdict(Directory.FRESH, None, False, "its first start did not finish: nothing was ever committed")


def _judge_empty(evidence: Evidence) -> Verdict:
    if evidence.last_view is None and not evidence.joining:
        return Verdict(Directory.FRESH, None, False, "it never held data")
    if evidence.last_view is None:
        return Verdict(Directory.INCOMPLETE, None, False, "it was joining, and nothing arrived yet")
    return Verdict(
        Directory.INCOMPLETE,
        None,
        False,
        "it is empty, yet its records say that it belonged to a Primary Component",
    )
