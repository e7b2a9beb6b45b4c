"""Members and situations in the words of docs/protocol.md: ``member(1).crashed(42).in_view(40, 0, 1, 2)``."""

from dataclasses import replace
from typing import Any

from trireme.api.position import Position, View
from trireme.api.report import (
    Candidacy,
    Directory,
    Gap,
    Grant,
    GrantRequest,
    Override,
    Phase,
    Report,
    ServerReport,
    WriterClaim,
)
from trireme.core.situation import Situation
from trireme.core.terms import Terms

HISTORY = "11111111-1111-1111-1111-111111111111"
OTHER_HISTORY = "22222222-2222-2222-2222-222222222222"


class Builder:
    def __init__(self, report: Report) -> None:
        self.report = report

    def _with(self, **fields: Any) -> "Builder":
        return Builder(replace(self.report, **fields))

    def clean(self, seqno: int, history: str = HISTORY) -> "Builder":
        return self._with(directory=Directory.CLEAN, position=Position(history, seqno))

    def crashed(self, seqno: int, history: str = HISTORY) -> "Builder":
        return self._with(directory=Directory.CRASHED, position=Position(history, seqno))

    def incomplete(self) -> "Builder":
        return self._with(directory=Directory.INCOMPLETE, position=None)

    def unknown(self) -> "Builder":
        return self._with(directory=Directory.UNKNOWN, position=None)

    def unsettled(self) -> "Builder":
        return self._with(directory=Directory.UNKNOWN, position=None, unsettled=True)

    def in_view(self, seqno: int, *members: int, history: str = HISTORY) -> "Builder":
        return self._with(last_view=View(history, seqno, members))

    def told(self, *views: View, whole: bool = False) -> "Builder":
        """Of these views without a break; the last one is its last."""
        return self._with(views=views, last_view=views[-1] if views else None, whole=whole)

    def flagged(self) -> "Builder":
        return self._with(safe_to_bootstrap=True)

    def granting(
        self, epoch: int, candidate: int, succeeds: View | None = None, volume: str = ""
    ) -> "Builder":
        grant = Grant(
            epoch=epoch, candidate=candidate, volume=volume or f"volume-{candidate}", succeeds=succeeds
        )
        return self._with(grant=grant)

    def candidate(self, epoch: int, succeeds: View | None = None) -> "Builder":
        return self._with(candidacy=Candidacy(epoch=epoch, succeeds=succeeds))

    def withdrawn(self, epoch: int) -> "Builder":
        return self._with(withdrawn=epoch)

    def on_volume(self, volume: str) -> "Builder":
        return self._with(volume=volume)

    def declaring(self, members: int) -> "Builder":
        return self._with(declared=members)

    def primary(
        self,
        state: int = 4,
        seqno: int = 100,
        history: str = HISTORY,
        size: int = 3,
        version: str = "10.11.19",
        *,
        slow: bool = False,
    ) -> "Builder":
        server = ServerReport(
            primary=True,
            ready=True,
            state=state,
            comment="",
            uuid=history,
            last_committed=seqno,
            size=size,
            version=version,
            slow=slow,
        )
        return self._with(running=True, server=server, position=Position(history, seqno))

    def non_primary(self, history: str = HISTORY) -> "Builder":
        server = ServerReport(
            primary=False,
            ready=False,
            state=0,
            comment="",
            uuid=history,
            last_committed=1,
            size=1,
            version="",
        )
        return self._with(running=True, server=server)

    def starting(self) -> "Builder":
        return self._with(running=True, server=None)

    def claiming(self, term: int, ordinal: int) -> "Builder":
        return self._with(writer=WriterClaim(term=term, ordinal=ordinal))

    def unrouted(self) -> "Builder":
        return self._with(unrouted=True)

    def naming(self, heir: int) -> "Builder":
        return self._with(heir=heir)

    def joined_at(self, seqno: int) -> "Builder":
        return self._with(joined_at=seqno)

    def came_through(self, *gaps: Gap) -> "Builder":
        return self._with(gaps=gaps)

    def chosen(self, word: Override) -> "Builder":
        return self._with(override=word)

    def faulty(self, times: int = 1) -> "Builder":
        return self._with(faults=times)

    def left(self) -> "Builder":
        return self._with(left=True)

    def joining(self) -> "Builder":
        return self._with(joining=True)

    def leaving(self) -> "Builder":
        return self._with(leaving=True)

    def blocked(self) -> "Builder":
        return self._with(phase=Phase.BLOCKED)


def member(ordinal: int) -> Builder:
    """A member with an empty directory that never held data, of a cluster of three."""
    return Builder(
        Report(
            cluster="default/demo",
            ordinal=ordinal,
            name=f"demo-{ordinal}",
            address=f"127.0.1.{ordinal}",
            incarnation=f"incarnation-{ordinal}",
            volume=f"volume-{ordinal}",
            declared=3,
            phase=Phase.WAITING,
            why="",
            directory=Directory.FRESH,
        )
    )


def answers(*builders: Builder) -> dict[int, Report]:
    return {builder.report.ordinal: builder.report for builder in builders}


def situation(me: Builder, *others: Builder, **fields: Any) -> Situation:
    known = {
        "now": 1000.0,
        "me": me.report,
        "answers": answers(*others),
        "inspected": True,
        "terms": Terms(declared=3, named=(0, 1, 2)),
    }
    return Situation(**{**known, **fields})


def gap(position: int, *missing: int, **fields: Any) -> Gap:
    """The cluster went on from there without these."""
    return Gap(id=f"volume-9-{position}", position=Position(HISTORY, position), missing=missing, **fields)


def request(candidate: Builder, epoch: int, succeeds: View | None = None, **fields: Any) -> GrantRequest:
    majority = fields.pop("majority", ())
    candidacy = Candidacy(epoch=epoch, succeeds=succeeds, **fields)
    return GrantRequest(candidacy=candidacy, candidate=candidate.report, majority=majority)
