"""The rules as they must not be: what the mutants put in the place of the core's own."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from trireme.api.position import Position, View
from trireme.api.report import Candidacy, Directory, Gap, Grant, GrantRequest, Report
from trireme.core import (
    absent,
    candidate,
    directory,
    election,
    gaps,
    grants,
    present,
    reform,
)
from trireme.core.branches import told
from trireme.core.situation import Action, Decision, Learn, Situation
from trireme.core.terms import Terms
from trireme.core.writer import in_same_component

elect, judge, judge_request = election.elect, directory.judge, grants.judge_request
elect_in_place, left_behind = reform.elect_in_place, gaps.left_behind
conflict, vouches, gap_made = grants._conflict, election._vouches, candidate._gap


def seqno_only(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    latest = election.latest_view(answers.values())
    outcome = elect({ordinal: of_history("any", report) for ordinal, report in answers.items()}, terms)
    return replace(outcome, succeeds=latest) if isinstance(outcome, election.Elect) else outcome


def of_history(uuid: str, report: Report) -> Report:
    position, view = report.position, report.last_view
    return replace(
        report,
        position=Position(uuid, position.seqno) if position is not None and position.known else position,
        last_view=replace(view, uuid=uuid) if view is not None else None,
    )


def seqno_only_request(
    request: GrantRequest, voter: Report, answers: Mapping[int, Report], terms: Terms
) -> object:
    """As if every uuid were the voter's."""
    claim, succeeds = request.candidate, request.candidacy.succeeds
    uuid = voter.last_view.uuid if voter.last_view else voter.position.uuid if voter.position else None
    if uuid is not None:
        claim = replace(claim, position=Position(uuid, claim.position.seqno) if claim.position else None)
        succeeds = replace(succeeds, uuid=uuid) if succeeds else None
    candidacy = replace(request.candidacy, succeeds=succeeds)
    return judge_request(replace(request, candidate=claim, candidacy=candidacy), voter, answers, terms)


def by_flag(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    flagged = [
        ordinal
        for ordinal, report in sorted(answers.items())
        if report.safe_to_bootstrap and not report.running
    ]
    if not flagged:
        return elect(answers, terms)
    return election.Elect(
        flagged[0], (flagged[0],), election.latest_view(answers.values()), "it says safe_to_bootstrap"
    )


def who_answers(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    """A time-out is an absence: those who answer are all there is."""
    views = {
        ordinal: replace(report, last_view=shrunk(report.last_view, answers))
        for ordinal, report in answers.items()
    }
    return elect(views, as_many(answers, terms))


def shrunk(view: View | None, answers: Mapping[int, Report]) -> View | None:
    return replace(view, members=tuple(o for o in view.members if o in answers)) if view is not None else None


def majority(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    """A majority of the declared members decides, whatever the latest view was."""
    if 2 * len(answers) <= terms.declared or all(election.is_fresh(report) for report in answers.values()):
        return elect(answers, terms)
    return who_answers(answers, terms)


def first_of_two(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    """A failed look-up makes a new cluster."""
    return elect(declaring(answers), as_many(answers, terms))


def as_many(answers: Mapping[int, Report], terms: Terms) -> Terms:
    """As if those who answer were all there are."""
    return replace(terms, declared=min(terms.declared, len(answers)), named=tuple(answers))


def declaring(answers: Mapping[int, Report]) -> dict[int, Report]:
    return {ordinal: replace(report, declared=1) for ordinal, report in answers.items()}


def salvage(evidence: directory.Evidence, *, engine_asked: bool) -> directory.Verdict:
    """An incomplete directory passes for one that crashed."""
    verdict = judge(evidence, engine_asked=engine_asked)
    if verdict.directory is Directory.INCOMPLETE and evidence.last_view is not None:
        position = Position(evidence.last_view.uuid, evidence.last_view.seqno + 9)
        return directory.Verdict(Directory.CRASHED, position, False, "")
    return verdict


def highest_tie(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    outcome = elect(answers, terms)
    if isinstance(outcome, election.Elect):
        best = answers[outcome.candidate].position
        equal = [o for o in outcome.electorate if answers[o].position == best]
        return replace(outcome, candidate=max(equal))
    return outcome


def least_advanced(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    outcome = elect(answers, terms)
    if isinstance(outcome, election.Elect):
        able = [o for o in outcome.electorate if election.may_bootstrap(answers[o])]
        return replace(outcome, candidate=min(able, default=outcome.candidate))
    return outcome


def no_conflict(*_: object) -> None:
    """Every candidate gets a grant."""


def expired(grant: Grant, last_view: View | None) -> bool:
    """A grant counts only until the next request."""
    return True


def spent_by_any(grant: Grant, last_view: View | None) -> bool:
    """Also by a view that the voter had as it granted."""
    return last_view is not None and (grant.succeeds is None or last_view.seqno > grant.succeeds.seqno)


def running_is_settled(report: Report) -> bool:
    return report.running or not report.unsettled


def refuses_nothing_of_running(
    request: GrantRequest, voter: Report, answers: Mapping[int, Report], terms: Terms
) -> object:
    position = voter.position or Position("", -1)
    still = replace(voter, running=False, unsettled=False, position=position)
    return judge_request(
        request, still if voter.ordinal != request.candidate.ordinal else voter, answers, terms
    )


def never_ahead(request: GrantRequest, voter: Report, answers: Mapping[int, Report], terms: Terms) -> object:
    """A voter does not compare its own position and view."""
    return judge_request(request, replace(voter, position=None, last_view=None), answers, terms)


def old_answers_count(
    request: GrantRequest, voter: Report, answers: Mapping[int, Report], terms: Terms
) -> object:
    return judge_request(request, voter, answers, replace(terms, outdated=frozenset()))


def always_vouches(*_: object) -> bool:
    return True


def joiner_lost_all(evidence: directory.Evidence, *, engine_asked: bool) -> directory.Verdict:
    unknown = evidence.grastate is None or not Position(evidence.grastate.uuid, 0).known
    if evidence.has_files and evidence.joining and unknown:
        return directory.Verdict(Directory.INCOMPLETE, None, False, "")
    return judge(evidence, engine_asked=engine_asked)


def engine_not_asked(evidence: directory.Evidence, *, engine_asked: bool) -> directory.Verdict:
    """seqno -1 is taken for 'nothing', as if the last view were all that is known."""
    verdict = judge(evidence, engine_asked=engine_asked)
    if verdict.ask_engine and evidence.last_view is not None:
        position = Position(evidence.last_view.uuid, evidence.last_view.seqno)
        return directory.Verdict(Directory.CRASHED, position, False, "")
    return verdict


def keeps_campaign(_: Situation) -> tuple[Action, ...]:
    """A candidate that gives way does not say so on its disk."""
    return ()


def discards(me: Report) -> str | None:
    return "a Primary lives"


def silent_is_void(grant: Grant, candidate: Report) -> bool:
    """A candidate that answers without a server has surely given up."""
    return not candidate.running


def own_candidacy(situation: Situation, outcome: election.Elect, in_place: bool) -> object:
    """Epochs are not raised above those of others."""
    return replace(candidacy(situation, outcome, in_place), epoch=1)


def half(view: View, answers: Mapping[int, Report]) -> tuple[int, ...]:
    here = tuple(o for o in view.members if o in answers and election.counts(answers[o]))
    return here if 2 * len(here) >= len(view.members) else ()


def any_whole(view: View, answers: Mapping[int, Report]) -> tuple[int, ...]:
    here = tuple(o for o in view.members if o in answers and election.may_bootstrap(answers[o]))
    return here if 2 * len(here) > len(view.members) else ()


def all_known(reports: Mapping[int, Report]) -> dict[int, Report]:
    known = gaps.known_gaps(reports.values())
    return {ordinal: report for ordinal, report in reports.items() if gaps.left_behind(report, known) is None}


def news_of_all(situation: Situation) -> tuple[Action, ...]:
    me = situation.me
    component = (report for report in situation.answers.values() if in_same_component(me, report))
    news = tuple(gap for gap in gaps.known_gaps((me, *component)) if gap not in me.gaps)
    return (Learn(news),) if news else ()


def faults_unseen(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    return elect({ordinal: replace(report, faults=0) for ordinal, report in answers.items()}, terms)


def no_break(views: tuple[View, ...], view: View, *, goes_on: bool) -> tuple[View, ...]:
    return told(views, view, goes_on=True)


def by_views_alone(report: Report, known: Iterable[Gap]) -> Gap | None:
    """Who is ahead of a gap in the same view counts as before."""
    position = report.position
    told = replace(position, seqno=0) if position is not None and position.known else position
    return left_behind(replace(report, position=told), known)


def by_views_only(report: Report, known: Iterable[Gap]) -> Gap | None:
    """A volume without a view counts, whatever it received."""
    return left_behind(report, known if report.last_view is not None else ())


def whatever_the_epoch(
    request: GrantRequest, held: Grant | None, voter: Report, answers: Mapping[int, Report]
) -> str | None:
    """A person's word frees the grant of who is gone, early or late."""
    word = request.candidacy.override
    if word is not None and held is not None and held.candidate in word.without:
        return None
    return conflict(request, held, voter, answers)


def strays_vouch(view: View, answers: Mapping[int, Report], behind: Mapping[int, Report]) -> bool:
    return vouches(view, {o: replace(report, strayed=None) for o, report in answers.items()}, behind)


def short_name(situation: Situation, candidacy: Candidacy) -> Gap | None:
    """An old copy of a volume makes another gap of the same name."""
    made = gap_made(situation, candidacy)
    return replace(made, id=made.id.rpartition("-")[0]) if made is not None else None


def one_name(cluster: str, _: object) -> str:
    return cluster


def nobody(*_: object) -> tuple[int, ...]:
    return ()


def running_first(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    outcome = elect_in_place(answers, terms)
    if not isinstance(outcome, election.Elect):
        return outcome
    running = [o for o in outcome.electorate if reform.waits_without_primary(answers[o])]
    return replace(outcome, candidate=min(running, default=outcome.candidate))


def impatient(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    return elect(answers, replace(terms, overdue=True))


candidacy = candidate._candidacy
_who: list[int] = []
"""The member that decides just now."""


def tells_who(situation: Situation) -> Decision:
    _who[:] = [situation.me.ordinal]
    return absent.without_server(situation)


def tells_who_runs(situation: Situation) -> Decision:
    _who[:] = [situation.me.ordinal]
    return present.with_server(situation)


def votes_for_itself(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    """Whoever has data sees itself as the candidate: then only the grants stand between two Primaries."""
    outcome = elect(answers, terms)
    if isinstance(outcome, election.Elect) and outcome.succeeds and election.may_bootstrap(answers[_who[0]]):
        return replace(outcome, candidate=_who[0])
    return outcome


def all_later(me: Report, known: tuple[View, ...]) -> tuple[View, ...]:
    return known[1:]
