"""Who may bootstrap, judged from reports alone (invariants 1-7).

Every member runs the same function on what it was told; a candidate that finds itself still needs the durable
grant of each member of the electorate, and :mod:`trireme.core.grants` judges those. So a wrong or late picture
here costs time, never a second Primary.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from trireme.api.position import View
from trireme.api.report import Directory, Report


@dataclass(frozen=True, slots=True)
class Elect:
    """``candidate`` is to bootstrap once everyone in ``electorate`` granted it. ``succeeds`` None: first ever."""

    candidate: int
    electorate: tuple[int, ...]
    succeeds: View | None
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may be decided before ``members`` said (more)."""

    members: tuple[int, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of different histories: a person must compare (invariant 3)."""

    uuids: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Hopeless:
    """Everyone who must be asked answered, and nobody has data that may be bootstrapped."""

    why: str


Outcome = Elect | Wait | Split | Hopeless


def elect(answers: Mapping[int, Report], declared: int) -> Outcome:
    """``answers``: the reports of all who answered, the caller's own included, by ordinal. No Primary lives."""
    if all(is_fresh(report) for report in answers.values()):
        return _first(answers, declared)
    histories = sorted({uuid for report in answers.values() for uuid in histories_of(report)})
    if len(histories) > 1:
        owners = "; ".join(f"{uuid}: {names(_owners(answers.values(), uuid))}" for uuid in histories)
        return Split(
            tuple(histories), f"split history, never compared by seqno ({owners}); a person must choose"
        )
    return _succeed(answers, declared)


def _first(answers: Mapping[int, Report], declared: int) -> Outcome:
    electorate = tuple(range(declared))
    silent = tuple(ordinal for ordinal in electorate if ordinal not in answers)
    if silent:
        return Wait(
            silent,
            f"a new cluster needs all {declared} declared members to answer fresh; {names(silent)} silent",
        )
    return Elect(
        0, electorate, None, f"all {declared} declared members answer fresh; the lowest ordinal bootstraps"
    )


def _succeed(answers: Mapping[int, Report], declared: int) -> Outcome:
    view = latest_view(answers.values())
    electorate = view.members if view and _vouches(view, answers) else _everyone(answers, declared)
    silent = tuple(ordinal for ordinal in electorate if ordinal not in answers)
    if silent:
        return Wait(silent, f"{names(silent)} of the latest view may hold newer data and did not answer")
    asked = {ordinal: answers[ordinal] for ordinal in electorate}
    unsettled = tuple(ordinal for ordinal, report in asked.items() if not is_settled(report))
    if unsettled:
        return Wait(unsettled, f"the position of {names(unsettled)} is not known yet")
    able = {ordinal: report for ordinal, report in asked.items() if may_bootstrap(report)}
    if able.keys().isdisjoint(view.members if view else electorate):
        state = ", ".join(f"{ordinal} {report.directory}" for ordinal, report in asked.items())
        return Hopeless(f"no member of the latest view has data that may be bootstrapped ({state})")
    candidate = min(able, key=lambda ordinal: (-_seqno(able[ordinal]), ordinal))
    return Elect(
        candidate,
        electorate,
        view,
        f"member {candidate} is the most advanced of the latest view ({names(electorate)}) at {able[candidate].position}",
    )


def _vouches(view: View, answers: Mapping[int, Report]) -> bool:
    """Whether its members, once all of them answered, rule out that anyone else has newer data.

    They do not where one of them lost its volume: it may have gone on with others, and nobody here would know.
    """
    return not any(is_fresh(answers[ordinal]) for ordinal in view.members if ordinal in answers)


def _everyone(answers: Mapping[int, Report], declared: int) -> tuple[int, ...]:
    """All who may have data: the declared, those who answer, and those whom any of them remembers."""
    remembered = (report.last_view.members for report in answers.values() if report.last_view is not None)
    return tuple(sorted({*range(declared), *answers, *chain.from_iterable(remembered)}))


def latest_view(reports: Iterable[Report]) -> View | None:
    """The newest view of one history that anyone remembers (views are numbered by the history's own order)."""
    views = [report.last_view for report in reports if report.last_view is not None]
    return max(views, key=lambda view: view.seqno, default=None)


def is_fresh(report: Report) -> bool:
    return report.directory is Directory.FRESH and not report.running and report.last_view is None


def is_settled(report: Report) -> bool:
    """Its position will not change by itself: no server runs, and the storage engine was asked if need be."""
    return not report.running and not report.unsettled


def may_bootstrap(report: Report) -> bool:
    """Invariant 2: only a directory whose own evidence gives a position."""
    known = report.position is not None and report.position.known
    return known and report.directory in (Directory.CLEAN, Directory.CRASHED)


def histories_of(report: Report) -> set[str]:
    """The uuids that this member's data and records name. An incomplete copy says nothing of its own."""
    uuids = {report.last_view.uuid} if report.last_view is not None else set()
    if report.position is not None and report.position.known and report.directory is not Directory.FRESH:
        uuids.add(report.position.uuid)
    return uuids


def names(ordinals: Iterable[int]) -> str:
    listed = list(ordinals)
    return ("member " if len(listed) == 1 else "members ") + ", ".join(str(ordinal) for ordinal in listed)


def _owners(reports: Iterable[Report], uuid: str) -> list[int]:
    return sorted(report.ordinal for report in reports if uuid in histories_of(report))


def _seqno(report: Report) -> int:
    return report.position.seqno if report.position is not None else -1
