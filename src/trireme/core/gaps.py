"""Members that the cluster went on without: what of theirs counts no more (invariants 3, 4 and 10).

After a gap the same history has two branches: the one that lives, and what the missing members may have beyond the
gap's position. Seqnos of the two are not comparable. A member has come through a gap when it knows it: it learns it
as it joins what came after, on its disk before its server starts.
"""

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from itertools import chain, combinations

from trireme.api.position import View
from trireme.api.report import Directory, Gap, Report


def histories_of(report: Report) -> set[str]:
    """The uuids that this member's data and records name. An incomplete copy says nothing of its own."""
    uuids = {report.last_view.uuid} if report.last_view is not None else set()
    if report.position is not None and report.position.known and report.directory is not Directory.FRESH:
        uuids.add(report.position.uuid)
    return uuids


def known_gaps(reports: Iterable[Report]) -> tuple[Gap, ...]:
    """All that anyone of these knows, each once; where one says that it is settled, it is."""
    return tuple(sorted(merged((), chain.from_iterable(report.gaps for report in reports)), key=_id))


def binding(reports: Collection[Report]) -> tuple[Gap, ...]:
    """The gaps whose branch somebody here belongs to. One that is only heard of, by a member that was about to join,
    excludes nobody: where all who went on lost their volumes, what the missing members have is the best there is.
    Where they are merely silent, the grant that this member gave them stands. Nor does one that a person gave up."""
    bind = [gap for gap in known_gaps(reports) if any(came_through(report, gap) for report in reports)]
    return tuple(gap for gap in bind if not _is_undone(gap, bind, frozenset()))


def _is_undone(gap: Gap, bind: Collection[Gap], asked: frozenset[str]) -> bool:
    """A person gave it up, and that decision was not given up in its turn."""
    rest = asked | {gap.id}
    later = (each for each in bind if gap.id in each.undone and each.id not in rest)
    return any(not _is_undone(each, bind, rest) for each in later)


def _later(report: Report, gap: Gap) -> bool:
    return report.last_view is not None and _came_after(report.last_view, gap)


def _came_after(view: View, gap: Gap) -> bool:
    return view.uuid == gap.position.uuid and view.seqno > gap.position.seqno


def _id(gap: Gap) -> str:
    return gap.id


def left_behind(report: Report, gaps: Iterable[Gap]) -> Gap | None:
    """The gap that this member is on the wrong side of, None where it has come through all of them.

    A volume without a view of its own is not the one that was missing then: it was lost since, and knows nothing. What it
    received since, from beyond a gap that it was not told of, is of another branch.
    """
    view = report.last_view
    for gap in not_known_to(report, gaps):
        given_up = not histories_of(report).isdisjoint(gap.abandoned)
        missing = view is not None and report.ordinal in gap.missing
        beyond = _later(report, gap) or _beyond(report, gap)
        if given_up or missing or beyond or _came_through_undone(report, gap):
            return gap
    return None


def _came_through_undone(report: Report, gap: Gap) -> bool:
    return any(came_through(report, known) for known in report.gaps if known.id in gap.undone)


def came_through(report: Report, gap: Gap) -> bool:
    """Its data are of what came after ``gap``; it has not merely heard of it."""
    known = gap.id in {each.id for each in report.gaps}
    return known and (not report.joining or _later(report, gap) or _beyond(report, gap))


def went_through(reports: Mapping[int, Report]) -> dict[int, Report]:
    """Those whose views and positions are of the branch that lives."""
    gaps = binding(reports.values())
    return {ordinal: report for ordinal, report in reports.items() if left_behind(report, gaps) is None}


def opposed(reports: Mapping[int, Report]) -> tuple[int, int] | None:
    """Two who went on without each other, most likely because people chose twice: each came through a gap that leaves the
    other behind. Nothing here tells which is right, nor who of the rest is to be asked."""
    if not any(report.gaps for report in reports.values()):
        return None
    bind = binding(reports.values())
    came = {o: [gap for gap in bind if came_through(report, gap)] for o, report in reports.items()}
    for one, other in combinations(sorted(o for o, known in came.items() if known), 2):
        if left_behind(reports[one], came[other]) and left_behind(reports[other], came[one]):
            return one, other
    return None


def forgetful(view: View, reports: Collection[Report], behind: Mapping[int, Report]) -> tuple[int, ...]:
    """Members of ``view`` that do not know a gap which it came after, though whoever was in it did: an old copy of their
    volume was put back. ``reports``: of the branch that lives."""
    if not behind:
        return ()
    before = [gap for gap in binding(reports) if _came_after(view, gap)]
    return tuple(o for o in view.members if o in behind and left_behind(behind[o], before) is not None)


def diverged(report: Report, gaps: Iterable[Gap]) -> Gap | None:
    """The gap beyond which this member's data go: no Primary that lives has them, and an incremental transfer onto
    them would mix two branches. None where its data are a part of the history that lives, or cannot be told.
    """
    if report.position is None or not report.position.known:
        return None
    for gap in not_known_to(report, gaps):
        if report.position.uuid in gap.abandoned or _beyond(report, gap) or _came_through_undone(report, gap):
            return gap
    return None


def view_given_up(report: Report, gaps: Iterable[Gap]) -> bool:
    """Its last view is none of those that a Primary with these gaps came from. As it joins, it is forgotten: once the gap
    is known here, that view would pass for one that came after it, and a later election would ask its members."""
    view = report.last_view
    if view is None:
        return False
    return any(
        _later(report, gap) or view.uuid in gap.abandoned or _came_through_undone(report, gap)
        for gap in not_known_to(report, gaps)
    )


def unknown_there(report: Report, gaps: Iterable[Gap]) -> Gap | None:
    """A gap that this member came through, and that the Primary does not know, which is of another branch then: most
    likely a server that was cut off, and has not noticed. None where this member had only heard of it, or where a person
    gave up what came after it."""
    known = tuple(gaps)
    theirs = {gap.id for gap in known}.union(*(gap.undone for gap in known))
    mine = (gap for gap in report.gaps if gap.id not in theirs)
    return next((gap for gap in mine if came_through(report, gap)), None)


def _beyond(report: Report, gap: Gap) -> bool:
    position = report.position
    return position is not None and position.uuid == gap.position.uuid and position.seqno > gap.position.seqno


def inherited(own: Iterable[Gap], theirs: Iterable[Gap]) -> tuple[Gap, ...]:
    """What a member knows that joins a Primary: the Primary's gaps, and no other branch's."""
    known = tuple(theirs)
    ids = {gap.id for gap in known}
    return merged(tuple(gap for gap in own if gap.id in ids), known)


def group_name(cluster: str, gaps: Iterable[Gap]) -> str:
    """What servers of the branch that lives call their group. A server that still runs from before a gap has another
    name: it cannot connect by itself, with data that nobody compared."""
    ids = sorted(gap.id for gap in gaps)
    return f"{cluster}-{sha256(','.join(ids).encode()).hexdigest()[:8]}" if ids else cluster


def abandoned(gaps: Iterable[Gap]) -> set[str]:
    """Histories that a person gave up."""
    return {uuid for gap in gaps for uuid in gap.abandoned}


def not_known_to(report: Report, gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Of these. One that was settled since is the same gap."""
    own = {gap.id for gap in report.gaps}
    return tuple(gap for gap in gaps if gap.id not in own)


def merged(own: tuple[Gap, ...], news: Iterable[Gap]) -> tuple[Gap, ...]:
    """``own`` with what is new, and settled where the news say so. Of two persons who settled one gap each keeps the
    one that it heard of first: none is written down again."""
    gaps = {gap.id: gap for gap in own}
    for gap in news:
        if gap.id not in gaps or (gap.settled and not gaps[gap.id].settled):
            gaps[gap.id] = gap
    return tuple(gaps.values())
