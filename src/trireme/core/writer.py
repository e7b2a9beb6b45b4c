"""Which member takes the writes: one, sticky, the same answer on every member (DESIGN: one writer)."""

from collections.abc import Mapping

from trireme.api.report import Report, WriterClaim


def choose_writer(me: Report, answers: Mapping[int, Report]) -> WriterClaim | None:
    """The claim that this member is to hold now. ``answers`` are the others' reports.

    Only the member that is next in turn opens a new term, and only for itself; everybody else keeps the latest
    claim until then. So two members never propose different successors, and a returning lower ordinal finds a
    writer that holds its claim.
    """
    if me.server is None or not me.server.primary:
        return None
    component = {o: r for o, r in answers.items() if in_same_component(me, r)} | {me.ordinal: me}
    claims = [report.writer for report in component.values() if report.writer is not None]
    current = max(claims, key=lambda claim: (claim.term, -claim.ordinal), default=None)
    if current is not None and _still_writes(current.ordinal, me, component, answers):
        return current
    successor = min((o for o, r in component.items() if may_write(r)), default=None)
    if successor != me.ordinal:
        return current
    return WriterClaim(term=(current.term if current else 0) + 1, ordinal=me.ordinal)


def may_write(report: Report) -> bool:
    return report.server is not None and report.server.synced and not report.leaving


def in_same_component(me: Report, other: Report) -> bool:
    """Both are Primary in one history. (At most one Primary exists: invariant 1.)"""
    return (
        me.server is not None
        and other.server is not None
        and me.server.primary
        and other.server.primary
        and me.server.uuid == other.server.uuid
    )


def _still_writes(
    ordinal: int, me: Report, component: Mapping[int, Report], answers: Mapping[int, Report]
) -> bool:
    """Silence of a writer's agent proves nothing while Galera still counts its server in (invariant 5)."""
    if ordinal in component:
        return not component[ordinal].leaving
    in_view = me.last_view is None or ordinal in me.last_view.members
    return in_view and ordinal not in answers
