"""Two Primaries where only one may be (invariant 1 broken from outside, by hand or by ``pc.ignore_*``): one is served.

Galera does not merge them, and both confirm writes. Nothing here ends a server or touches data: both sides may hold
acknowledged commits, and a person must compare them. Clients are led to one side only, the same by everybody's rule.
"""

from collections.abc import Iterable, Mapping

from trireme.api.report import Report


def apart(one: Report, other: Report) -> bool:
    """Both are Primary, and neither counts the other in. Views change while members are asked, so only mutual absence
    counts. A server whose replication somebody switched off names no history: that is not another one."""
    if one.server is None or other.server is None or not (one.primary and other.primary):
        return False
    if one.server.uuid and other.server.uuid and one.server.uuid != other.server.uuid:
        return True
    views = one.last_view, other.last_view
    if views[0] is None or views[1] is None:
        return False
    return other.ordinal not in views[0].members and one.ordinal not in views[1].members


def replicates(report: Report) -> bool:
    """False where somebody set wsrep_on=OFF: its server says that it is Primary, and names no history."""
    return report.server is not None and bool(report.server.uuid)


def served_instead(me: Report, answers: Mapping[int, Report]) -> tuple[int, ...]:
    """Members of the other Primary that clients are led to; empty where it is mine, or there is none."""
    others = [report for report in answers.values() if apart(me, report)]
    best = max(map(_rank, others), default=_rank(me))
    return tuple(sorted(r.ordinal for r in others if _rank(r) == best)) if best > _rank(me) else ()


def not_served(me: Report, answers: Mapping[int, Report]) -> tuple[int, ...]:
    """Members of another Primary that clients are not led to."""
    return tuple(
        sorted(o for o, report in answers.items() if apart(me, report) and _rank(report) < _rank(me))
    )


def main_side(primaries: Iterable[Report]) -> list[Report]:
    """Of those who are Primary in one history, those whom a joiner is to join."""
    known = list(primaries)
    best = max(known, key=_rank)
    return [report for report in known if not apart(best, report)]


def _rank(report: Report) -> tuple[int, int, int, str]:
    """The larger view, then the later one, then the one with the lowest ordinal."""
    view = report.last_view
    if view is None or not view.members:
        return (0, 0, 0, report.server.uuid if report.server is not None else "")
    return (len(view.members), view.seqno, -min(view.members), view.uuid)
