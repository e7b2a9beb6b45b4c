"""Which member takes the writes: one, sticky, the same answer on every member (DESIGN: one writer)."""

from collections.abc import Mapping

from trireme.api.report import Report, WriterClaim
from trireme.core.rivals import apart, replicates

TERM_STEP = 100
"""The last two digits of a term are its writer's ordinal (members: at most 15)."""


def choose_writer(me: Report, answers: Mapping[int, Report]) -> WriterClaim | None:
    """The claim that this member is to hold now. ``answers`` are the others' reports.

    Only the member that is next in turn opens a new term, and only for itself; everybody else keeps the latest
    claim until then. So two members never propose different successors, and a returning lower ordinal finds a
    writer that holds its claim. Next in turn is the heir that the writer names, once it is able; else, where the
    writer is gone or leaving, the lowest ordinal that is able.
    """
    if me.server is None or not me.server.primary:
        return None
    component = {o: r for o, r in answers.items() if in_same_component(me, r)} | {me.ordinal: me}
    claims = [report.writer for report in component.values() if report.writer is not None]
    current = max(claims, key=lambda claim: (claim.term, -claim.ordinal), default=None)
    successor = _heir(current, component) if current is not None else None
    if successor is None:
        if current is not None and _still_writes(current.ordinal, me, component, answers):
            return current
        successor = min((o for o, r in component.items() if may_write(r)), default=None)
    if successor != me.ordinal:
        return current
    return WriterClaim(term=next_term(current.term if current else 0, me.ordinal), ordinal=me.ordinal)


def next_term(latest: int, ordinal: int) -> int:
    """The first term after ``latest`` that is ``ordinal``'s to open: no two members ever open the same one.

    Two may each believe to be next in turn, when the writer dies in the middle of a switchover. The higher of
    their terms then wins everywhere.
    """
    return latest + 1 + (ordinal - latest - 1) % TERM_STEP


def may_write(report: Report) -> bool:
    return report.server is not None and report.server.synced and not report.leaving


def in_same_component(me: Report, other: Report) -> bool:
    """Both are Primary, and it is one Primary. Who does not replicate any more is outside."""
    return me.primary and other.primary and replicates(me) == replicates(other) and not apart(me, other)


def _heir(current: WriterClaim, component: Mapping[int, Report]) -> int | None:
    """Whom the writer names, if that member is able to take over; the writer serves on until it has."""
    writer = component.get(current.ordinal)
    if writer is None or writer.writer != current or writer.heir is None:
        return None
    heir = component.get(writer.heir)
    return writer.heir if heir is not None and may_write(heir) else None


def _still_writes(
    ordinal: int, me: Report, component: Mapping[int, Report], answers: Mapping[int, Report]
) -> bool:
    """Silence of a writer's agent proves nothing while Galera still counts its server in (invariant 5)."""
    if ordinal in component:
        return not component[ordinal].leaving
    in_view = me.last_view is None or ordinal in me.last_view.members
    return in_view and ordinal not in answers
