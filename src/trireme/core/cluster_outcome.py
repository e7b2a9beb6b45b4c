"""Who would bootstrap, by the members' own rules on what all of them say: for people who look from outside.

No member acts on it. Where one hears less than is heard from here, it decides something else, and says so itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from trireme.api.report import Candidacy, GrantRequest, Report
from trireme.core.cluster_seen import Cluster, Outlook
from trireme.core.election import Elect, Outcome
from trireme.core.grants import Refused, is_forgotten, is_spent, judge_request, next_epoch
from trireme.core.reform import elect_in_place
from trireme.core.terms import Founder, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """``refusals``: of those who must grant the elected one, who would not now, and why."""

    outcome: Outcome
    terms: Terms
    refusals: Mapping[int, str] = field(default_factory=dict)
    with_majority: int | None = None
    """Who is elected once the policy waits no longer; None where nobody is."""


def judge(cluster: Cluster) -> Judged | None:
    """None where a Primary lives, or nobody answers: there is nothing to elect, or nobody to ask."""
    reports = cluster.reports
    if cluster.primaries or not reports:
        return None
    terms = combined_terms(cluster)
    outcome = elect_in_place(reports, terms)
    later = elect_in_place(reports, replace(terms, overdue=True))
    refusals = _refusals(outcome, reports, terms) if isinstance(outcome, Elect) else {}
    return Judged(
        outcome=outcome,
        terms=terms,
        refusals=refusals,
        with_majority=later.candidate if isinstance(later, Elect) else None,
    )


def outlooks(cluster: Cluster) -> dict[int, Outlook]:
    return {each.ordinal: each.answer.outlook for each in cluster.members if each.answer is not None}


def combined_terms(cluster: Cluster) -> Terms:
    """What all of them go by: the most members that any was told of; overdue only where it is so for each of them."""
    told = [each.terms for each in outlooks(cluster).values() if each.terms is not None]
    if not told:
        return Terms(declared=cluster.size, named=tuple(each.ordinal for each in cluster.members))
    names = [terms.named for terms in told if terms.named is not None]
    return Terms(
        declared=max(cluster.size, *(terms.declared for terms in told)),
        named=tuple(sorted(set().union(*names))) if names else None,
        overdue=all(terms.overdue for terms in told),
        founder=_founder(told),
    )


def _founder(told: list[Terms]) -> Founder | None:
    return next((terms.founder for terms in told if terms.founder is not None), None)


def _refusals(outcome: Elect, reports: Mapping[int, Report], terms: Terms) -> dict[int, str]:
    request = grant_request(outcome, reports)
    refused = {}
    for ordinal in outcome.electorate:
        others = {o: report for o, report in reports.items() if o != ordinal}
        verdict = judge_request(request, reports[ordinal], others, terms)
        if isinstance(verdict, Refused):
            refused[ordinal] = verdict.why
    return refused


def grant_request(outcome: Elect, reports: Mapping[int, Report]) -> GrantRequest:
    """What the elected one asks, or will ask."""
    claim = reports[outcome.candidate]
    candidacy = claim.candidacy
    if candidacy is None or candidacy.epoch <= claim.withdrawn or candidacy.succeeds != outcome.succeeds:
        candidacy = Candidacy(
            epoch=next_epoch(reports),
            succeeds=outcome.succeeds,
            without=outcome.without,
            override=outcome.override,
            founding=outcome.founding,
            in_place=claim.running,
        )
    return GrantRequest(candidacy=candidacy, candidate=claim, majority=outcome.majority)


def held_by_silent(reports: Mapping[int, Report]) -> dict[int, int]:
    """Voters whose grant another holds that does not answer: they wait for it, and only a person can free them."""
    held = {}
    for ordinal, report in reports.items():
        grant = report.grant
        if grant is not None and grant.candidate not in reports and not is_spent(grant, report.last_view):
            held[ordinal] = grant.candidate
    return held


def held_by_forgetful(reports: Mapping[int, Report]) -> dict[int, int]:
    """The same of one that answers and whose volume knows nothing of it: an old copy was put back."""
    held = {}
    for ordinal, report in reports.items():
        grant = report.grant
        if grant is None or grant.candidate not in reports or is_spent(grant, report.last_view):
            continue
        if is_forgotten(grant, reports[grant.candidate]):
            held[ordinal] = grant.candidate
    return held
