"""Making a Primary again of servers that run without one, in place: nobody restarts, buffer pools stay warm.

Galera does so by itself where every process of the last Primary view is back. Where one of them ended, it never does.
The members elect as after a crash (invariants 1-7, the same grants), and count a server that runs without a Primary as
one that holds what it has committed. Only servers that one group connects take part: what any of them received is
exchanged among them by Galera itself before the first new commit. Who is outside of the group must stop first, so that
its position is final.
"""

from collections.abc import Mapping
from dataclasses import replace

from trireme.api.report import Directory, Report
from trireme.core import election
from trireme.core.situation import Situation
from trireme.core.terms import Terms

STUCK_SECONDS = 30.0
"""Without a Primary though every server of the last view runs: Galera would have re-formed one (evs.install: 6 s)."""


def in_group(one: Report, other: Report) -> bool:
    """Their servers are connected, by both their words."""
    return one.group == other.group and one.ordinal in other.group and other.ordinal in one.group


def waits_without_primary(report: Report) -> bool:
    """Its server runs, answers, and belongs to no Primary: it commits nothing until it does."""
    server = report.server
    return report.running and server is not None and not server.primary and not report.leaving


def elect_in_place(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    """As after a crash, with running servers counted as what they have committed. At the same position one that runs
    is preferred to one that does not: what it received is more than it committed."""
    seen = {ordinal: as_final(report) for ordinal, report in answers.items()}
    outcome = election.elect(seen, terms)
    if not isinstance(outcome, election.Elect) or outcome.override is not None:
        return outcome
    best = seen[outcome.candidate].position
    able = (o for o in outcome.electorate if answers[o].running and election.may_bootstrap(seen[o]))
    running = [o for o in able if seen[o].position == best]
    return replace(outcome, candidate=min(running)) if running else outcome


def as_final(report: Report) -> Report:
    """A server that waits without a Primary, as if it had stopped now. A joiner's stays as it is: what it has, only
    its directory tells."""
    if not waits_without_primary(report) or report.joining:
        return report
    return replace(report, running=False, unsettled=False, directory=Directory.CRASHED)


def outsiders(outcome: election.Elect, answers: Mapping[int, Report]) -> tuple[int, ...]:
    """Of those who must grant: whose servers run and are not connected with the candidate's."""
    candidate = answers[outcome.candidate]
    return tuple(o for o in outcome.electorate if answers[o].running and not in_group(candidate, answers[o]))


def belongs_to_main_group(situation: Situation) -> bool:
    """This member's group is the largest of those who run without a Primary; of two, that with the lowest ordinal."""
    me = situation.me
    groups = {r.group for r in (me, *situation.answers.values()) if waits_without_primary(r) and r.group}
    return not groups or me.group == max(groups, key=lambda group: (len(group), -min(group)))
