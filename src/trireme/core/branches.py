"""Two branches of one history that nobody decided on (invariants 3 and 10): an old copy of a volume was put back, say.

Seqnos of two branches are not comparable, and an incremental transfer mixes them unseen. Views tell them apart: each has
a seqno of its own, and two members of one branch were told of the same ones. Every volume keeps the views that its
member was told of without a break, so that within them another's view is there, or it is of another branch. That is
proof, not a guess: it does not depend on who lags. (A gap is a branch that the policy, or a person, decided on.)
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise, permutations

from trireme.api.position import View
from trireme.api.report import Gap, Report
from trireme.core.gaps import not_known_to

KEPT = 32
"""Views on one volume, the newest: some rolling restarts' worth."""


def told(views: tuple[View, ...], view: View, *, goes_on: bool) -> tuple[View, ...]:
    """``views`` and the one that is installed now. ``goes_on``: none may have come in between. What was written down
    and did not come about, for its storage engine did not have it, is no part of what goes on."""
    if not goes_on or not views or views[-1].uuid != view.uuid:
        return (view,)
    return (*(each for each in views if each.seqno < view.seqno), view)[-KEPT:]


def goes_on(me: Report, succeeds: View | None) -> bool:
    """Whether a bootstrap from this member's data goes on from all the views that it knows: none of those who were
    asked knows a later one, and it brings nothing from before its own last view that it was not told of."""
    return succeeds is not None and me.views[-1:] == (succeeds,) and not me.joining


def known_views(primaries: Iterable[Report]) -> tuple[View, ...]:
    """What the one of them knows that was told last, and of those who goes back furthest."""
    known = (report.views for report in primaries if report.views)
    return max(known, key=lambda views: (views[-1].seqno, -views[0].seqno), default=())


def longer(me: Report, others: Iterable[Report]) -> tuple[View, ...]:
    """Of those that were told of the same last view: what goes back further than this member's own; else empty."""
    own = me.views
    if not own:
        return ()
    same = (o.views for o in others if o.views and o.views[-1] == own[-1] and o.views[0].seqno < own[0].seqno)
    return max(same, key=len, default=())


def strayed(me: Report, known: tuple[View, ...], gaps: Iterable[Gap]) -> View | None:
    """A view that proves this member's data to be of another branch than that of a Primary that knows ``known``.

    Either this member came through a view that is none of theirs, or its data go beyond one of theirs though it was told
    of each view in its data, or can have been in none since its own last that the Primary knows or a gap of its gave up
    (and was not about to join). None where its data are a part of theirs, or where what is known does not go back so far.
    """
    if me.strayed is not None and me.position is not None and me.strayed not in known:
        return me.strayed
    own = _last_in_data(me)
    if own is None or not _covers(known, own):
        return None
    if own not in known:
        return own
    later = [view for view in known if view.seqno > own.seqno]
    given_up = (gap.view for gap in not_known_to(me, gaps) if gap.view not in (None, *known))
    since = (*_unawares(me, known[known.index(own) :]), *given_up)
    untold = not me.whole and any(view and me.ordinal in view.members for view in since)
    beyond = bool(later) and me.position is not None and me.position.seqno >= later[0].seqno
    return later[0] if beyond and not untold and not me.joining else None


def _unawares(me: Report, known: tuple[View, ...]) -> Iterator[View]:
    """Those after the first of ``known`` to which this member's server can have come back without its agent. Not after a
    bootstrap that it had a part in: its server had ended, and who joins then writes that down first."""
    for before, view in pairwise(known):
        if view.founded and me.ordinal in before.members:
            return
        yield view


def proven(me: Report, view: View) -> bool:
    """That it is of another branch holds for good: this member came through a view that the Primary's did not."""
    return me.strayed is None and view in me.views


def ahead_of(me: Report, known: tuple[View, ...]) -> View | None:
    """The view that this member came through, of which a Primary was not told: it lags, or is of another branch."""
    own = _last_in_data(me)
    later = own is not None and known and known[-1].uuid == own.uuid and own.seqno > known[-1].seqno
    return own if later else None


def passed(primaries: Iterable[Report], view: View) -> bool:
    """These were not told of ``view``, and have more commits than it came after: they do not lag, they are of another
    branch."""
    return any(r.server is not None and r.server.last_committed >= view.seqno for r in primaries)


def kept_apart(me: Report, known: tuple[View, ...], gaps: Iterable[Gap]) -> bool:
    """Whether this member does not join a Primary that knows ``known``: of another branch, or not to be told from it."""
    return strayed(me, known, gaps) is not None or ahead_of(me, known) is not None


def parted(reports: Mapping[int, Report]) -> tuple[View, int] | None:
    """A view in somebody's data that another one's branch does not have, and that other's ordinal; None where all may
    be compared, as far as they know."""
    marked = next((r.strayed for r in reports.values() if r.strayed and r.position is not None), None)
    rest = next((o for o, r in reports.items() if r.strayed is None and r.position is not None), None)
    if marked is not None and rest is not None:
        return marked, rest
    known = {ordinal: report for ordinal, report in reports.items() if report.views}
    first = next(iter(known.values()), None)
    if first is None or all(report.views == first.views for report in known.values()):
        return None
    for (_, one), (ordinal, other) in permutations(known.items(), 2):
        if one.views == other.views:
            continue
        for view in one.views:
            if (
                _in_data(one, view)
                and _in_data(other, view)
                and view not in other.views
                and _told(other, view, one.views)
            ):
                return view, ordinal
    return None


def _told(report: Report, view: View, known: tuple[View, ...]) -> bool:
    """Whether this member would know the view, one of ``known``, if it were of its branch."""
    last = report.views[-1]
    if last.uuid != view.uuid or last.seqno >= view.seqno:
        return _covers(report.views, view)
    joins = report.joining or last not in known
    return report.whole or (not joins and view not in _unawares(report, known[known.index(last) :]))


def _covers(known: tuple[View, ...], view: View) -> bool:
    return bool(known) and known[0].uuid == view.uuid and known[0].seqno <= view.seqno <= known[-1].seqno


def _last_in_data(report: Report) -> View | None:
    """A view is written down before the storage engine has it: the last one that its data came through for sure."""
    return next((view for view in reversed(report.views) if _in_data(report, view)), None)


def _in_data(report: Report, view: View) -> bool:
    position = report.position
    return position is not None and position.uuid == view.uuid and position.seqno >= view.seqno
