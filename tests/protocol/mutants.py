"""Wrong rules: each is a mistake that a careful person could make, or that others made. Each must be caught.

A mutant replaces one function of the core, or breaks one promise of the executor (:class:`~.world.Rules`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from tests.protocol import acting, group
from tests.protocol.world import Rules, Violation
from trireme.api.position import Position, View
from trireme.api.report import Directory, Gap, Grant, GrantRequest, Report
from trireme.core import (
    absent,
    branches,
    candidate,
    decide,
    directory,
    election,
    gaps,
    grants,
    present,
    reform,
    retiring,
)
from trireme.core.branches import told
from trireme.core.situation import Action, Decision, Learn, Situation
from trireme.core.terms import Terms
from trireme.core.writer import in_same_component

elect, judge, judge_request = election.elect, directory.judge, grants.judge_request
elect_in_place, left_behind = reform.elect_in_place, gaps.left_behind
conflict, vouches = grants._conflict, election._vouches


@dataclass(frozen=True, slots=True)
class Mutant:
    """``changes``: module, name, replacement."""

    name: str
    changes: tuple[tuple[Any, str, Callable[..., Any]], ...] = ()
    rules: Rules = field(default_factory=Rules)

    def is_caught_by(self, violation: Violation | None) -> bool:
        """Where members are made to disagree on the candidate, a stalemate is no find."""
        return violation is not None and (self.rules.one_opinion or violation.invariant != "progress")

    @contextmanager
    def at_work(self) -> Iterator[Rules]:
        with ExitStack() as stack:
            for module, name, replacement in self.changes:
                stack.enter_context(patch.object(module, name, replacement))
            yield self.rules


def _seqno_only(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    latest = election.latest_view(answers.values())
    outcome = elect({ordinal: _of_history("any", report) for ordinal, report in answers.items()}, terms)
    return replace(outcome, succeeds=latest) if isinstance(outcome, election.Elect) else outcome


def _of_history(uuid: str, report: Report) -> Report:
    position, view = report.position, report.last_view
    return replace(
        report,
        position=Position(uuid, position.seqno) if position is not None and position.known else position,
        last_view=replace(view, uuid=uuid) if view is not None else None,
    )


def _seqno_only_request(
    request: GrantRequest, voter: Report, answers: Mapping[int, Report], terms: Terms
) -> object:
    """As if every uuid were the voter's."""
    claim, succeeds = request.candidate, request.candidacy.succeeds
    uuid = voter.last_view.uuid if voter.last_view else voter.position.uuid if voter.position else None
    if uuid is not None:
        claim = replace(claim, position=Position(uuid, claim.position.seqno) if claim.position else None)
        succeeds = View(uuid, succeeds.seqno, succeeds.members) if succeeds else None
    candidacy = replace(request.candidacy, succeeds=succeeds)
    return judge_request(replace(request, candidate=claim, candidacy=candidacy), voter, answers, terms)


def _by_flag(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
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


def _who_answers(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    """A time-out is an absence: those who answer are all there is."""
    views = {
        ordinal: replace(report, last_view=_shrunk(report.last_view, answers))
        for ordinal, report in answers.items()
    }
    return elect(views, _as_many(answers, terms))


def _shrunk(view: View | None, answers: Mapping[int, Report]) -> View | None:
    return replace(view, members=tuple(o for o in view.members if o in answers)) if view is not None else None


def _majority(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    """A majority of the declared members decides, whatever the latest view was."""
    if 2 * len(answers) <= terms.declared or all(election.is_fresh(report) for report in answers.values()):
        return elect(answers, terms)
    return _who_answers(answers, terms)


def _first_of_two(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    """A failed look-up makes a new cluster."""
    return elect(_declaring(answers), _as_many(answers, terms))


def _as_many(answers: Mapping[int, Report], terms: Terms) -> Terms:
    """As if those who answer were all there are."""
    return replace(terms, declared=min(terms.declared, len(answers)), named=tuple(answers))


def _declaring(answers: Mapping[int, Report]) -> dict[int, Report]:
    return {ordinal: replace(report, declared=1) for ordinal, report in answers.items()}


def _salvage(evidence: directory.Evidence, *, engine_asked: bool) -> directory.Verdict:
    """An incomplete directory passes for one that crashed."""
    verdict = judge(evidence, engine_asked=engine_asked)
    if verdict.directory is Directory.INCOMPLETE and evidence.last_view is not None:
        position = Position(evidence.last_view.uuid, evidence.last_view.seqno + 9)
        return directory.Verdict(Directory.CRASHED, position, False, "")
    return verdict


def _highest_tie(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    outcome = elect(answers, terms)
    if isinstance(outcome, election.Elect):
        best = answers[outcome.candidate].position
        equal = [o for o in outcome.electorate if answers[o].position == best]
        return replace(outcome, candidate=max(equal))
    return outcome


def _least_advanced(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    outcome = elect(answers, terms)
    if isinstance(outcome, election.Elect):
        able = [o for o in outcome.electorate if election.may_bootstrap(answers[o])]
        return replace(outcome, candidate=min(able, default=outcome.candidate))
    return outcome


def _no_conflict(*_: object) -> None:
    """Every candidate gets a grant."""


def _expired(grant: Grant, last_view: View | None) -> bool:
    """A grant counts only until the next request."""
    return True


def _spent_by_any(grant: Grant, last_view: View | None) -> bool:
    """Also by a view that the voter had as it granted."""
    return last_view is not None and (grant.succeeds is None or last_view.seqno > grant.succeeds.seqno)


def _running_is_settled(report: Report) -> bool:
    return report.running or not report.unsettled


def _refuses_nothing_of_running(
    request: GrantRequest, voter: Report, answers: Mapping[int, Report], terms: Terms
) -> object:
    position = voter.position or Position("", -1)
    still = replace(voter, running=False, unsettled=False, position=position)
    return judge_request(
        request, still if voter.ordinal != request.candidate.ordinal else voter, answers, terms
    )


def _never_ahead(request: GrantRequest, voter: Report, answers: Mapping[int, Report], terms: Terms) -> object:
    """A voter does not compare its own position and view."""
    return judge_request(request, replace(voter, position=None, last_view=None), answers, terms)


def _old_answers_count(
    request: GrantRequest, voter: Report, answers: Mapping[int, Report], terms: Terms
) -> object:
    return judge_request(request, voter, answers, replace(terms, outdated=frozenset()))


def _always_vouches(*_: object) -> bool:
    return True


def _joiner_lost_all(evidence: directory.Evidence, *, engine_asked: bool) -> directory.Verdict:
    unknown = evidence.grastate is None or not Position(evidence.grastate.uuid, 0).known
    if evidence.has_files and evidence.joining and unknown:
        return directory.Verdict(Directory.INCOMPLETE, None, False, "")
    return judge(evidence, engine_asked=engine_asked)


def _engine_not_asked(evidence: directory.Evidence, *, engine_asked: bool) -> directory.Verdict:
    """seqno -1 is taken for 'nothing', as if the last view were all that is known."""
    verdict = judge(evidence, engine_asked=engine_asked)
    if verdict.ask_engine and evidence.last_view is not None:
        position = Position(evidence.last_view.uuid, evidence.last_view.seqno)
        return directory.Verdict(Directory.CRASHED, position, False, "")
    return verdict


def _keeps_campaign(_: Situation) -> tuple[Action, ...]:
    """A candidate that gives way does not say so on its disk."""
    return ()


def _discards(me: Report) -> str | None:
    return "a Primary lives"


def _silent_is_void(grant: Grant, candidate: Report) -> bool:
    """A candidate that answers without a server has surely given up."""
    return not candidate.running


def _own_candidacy(situation: Situation, outcome: election.Elect, in_place: bool) -> object:
    """Epochs are not raised above those of others."""
    return replace(candidacy(situation, outcome, in_place), epoch=1)


def _half(view: View, answers: Mapping[int, Report]) -> tuple[int, ...]:
    here = tuple(o for o in view.members if o in answers and election.counts(answers[o]))
    return here if 2 * len(here) >= len(view.members) else ()


def _any_whole(view: View, answers: Mapping[int, Report]) -> tuple[int, ...]:
    here = tuple(o for o in view.members if o in answers and election.may_bootstrap(answers[o]))
    return here if 2 * len(here) > len(view.members) else ()


def _all_known(reports: Mapping[int, Report]) -> dict[int, Report]:
    known = gaps.known_gaps(reports.values())
    return {ordinal: report for ordinal, report in reports.items() if gaps.left_behind(report, known) is None}


def _news_of_all(situation: Situation) -> tuple[Action, ...]:
    me = situation.me
    component = (report for report in situation.answers.values() if in_same_component(me, report))
    news = tuple(gap for gap in gaps.known_gaps((me, *component)) if gap not in me.gaps)
    return (Learn(news),) if news else ()


def _faults_unseen(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    return elect({ordinal: replace(report, faults=0) for ordinal, report in answers.items()}, terms)


def _no_break(views: tuple[View, ...], view: View, *, goes_on: bool) -> tuple[View, ...]:
    return told(views, view, goes_on=True)


def _by_views_alone(report: Report, known: Iterable[Gap]) -> Gap | None:
    """Who is ahead of a gap in the same view counts as before."""
    position = report.position
    told = replace(position, seqno=0) if position is not None and position.known else position
    return left_behind(replace(report, position=told), known)


def _by_views_only(report: Report, known: Iterable[Gap]) -> Gap | None:
    """A volume without a view counts, whatever it received."""
    return left_behind(report, known if report.last_view is not None else ())


def _whatever_the_epoch(
    request: GrantRequest, held: Grant | None, voter: Report, answers: Mapping[int, Report]
) -> str | None:
    """A person's word frees the grant of who is gone, early or late."""
    word = request.candidacy.override
    if word is not None and held is not None and held.candidate in word.without:
        return None
    return conflict(request, held, voter, answers)


def _strays_vouch(view: View, answers: Mapping[int, Report], behind: Mapping[int, Report]) -> bool:
    return vouches(view, {o: replace(report, strayed=None) for o, report in answers.items()}, behind)


def _one_name(cluster: str, _: object) -> str:
    return cluster


def _nobody(*_: object) -> tuple[int, ...]:
    return ()


def _running_first(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    outcome = elect_in_place(answers, terms)
    if not isinstance(outcome, election.Elect):
        return outcome
    running = [o for o in outcome.electorate if reform.waits_without_primary(answers[o])]
    return replace(outcome, candidate=min(running, default=outcome.candidate))


def _impatient(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    return elect(answers, replace(terms, overdue=True))


candidacy = candidate._candidacy
_who: list[int] = []
"""The member that decides just now."""


def _tells_who(situation: Situation) -> Decision:
    _who[:] = [situation.me.ordinal]
    return absent.without_server(situation)


def _tells_who_runs(situation: Situation) -> Decision:
    _who[:] = [situation.me.ordinal]
    return present.with_server(situation)


def _votes_for_itself(answers: Mapping[int, Report], terms: Terms) -> election.Outcome:
    """Whoever has data sees itself as the candidate: then only the grants stand between two Primaries."""
    outcome = elect(answers, terms)
    if isinstance(outcome, election.Elect) and outcome.succeeds and election.may_bootstrap(answers[_who[0]]):
        return replace(outcome, candidate=_who[0])
    return outcome


RIVALRY: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (decide, "without_server", _tells_who),
    (decide, "with_server", _tells_who_runs),
    (election, "elect", _votes_for_itself),
)
"""No mutant: a disturbance that grants must withstand. It may end in a stalemate, never in two Primaries."""
RIVALS = Rules(one_opinion=False)

MUTANTS = (
    Mutant("seqnos of different uuids are compared", (
        (election, "elect", _seqno_only), (grants, "judge_request", _seqno_only_request))),
    Mutant("safe_to_bootstrap is trusted", ((election, "elect", _by_flag),)),
    Mutant("a time-out is an absence", ((election, "elect", _who_answers),)),
    Mutant("the latest view is ignored: a majority of the declared decides", ((election, "elect", _majority),)),
    Mutant("a failed look-up makes a new cluster", ((election, "elect", _first_of_two),)),
    Mutant("an incomplete directory may bootstrap", ((directory, "judge", _salvage),)),
    Mutant("the engine is not asked for its position", ((directory, "judge", _engine_not_asked),)),
    Mutant("ties go to the highest ordinal", ((election, "elect", _highest_tie),)),
    Mutant("the lowest ordinal bootstraps, whatever its position", (
        (election, "elect", _least_advanced), (grants, "judge_request", _never_ahead))),
    Mutant("a grant is given to every candidate", (*RIVALRY, (grants, "_conflict", _no_conflict)), RIVALS),
    Mutant("a grant expires", (*RIVALRY, (grants, "is_spent", _expired)), RIVALS),
    Mutant("a candidate that does not run is taken to have given up", (
        *RIVALRY, (grants, "is_void", _silent_is_void)), RIVALS),
    Mutant("a grant is given while a server runs", (
        (election, "is_settled", _running_is_settled), (absent, "_run", _nobody),
        (grants, "judge_request", _refuses_nothing_of_running))),
    Mutant("a voter does not compare what it knows itself", (
        *RIVALRY, (grants, "judge_request", _never_ahead)), RIVALS),
    Mutant("a candidate gives way without writing it down", (
        (absent, "withdrawal", _keeps_campaign), (present, "withdrawal", _keeps_campaign))),
    Mutant("every candidacy has the same epoch", ((candidate, "_candidacy", _own_candidacy),)),
    Mutant("members without memory vouch for the latest view", ((election, "_vouches", _always_vouches),)),
    Mutant("a joiner's data counts for nothing", ((directory, "judge", _joiner_lost_all),)),
    Mutant("a joiner's data is set aside at once", ((absent, "_worthless", _discards),)),
    Mutant("half of the latest view is a majority", ((election, "_majority", _half),)),
    Mutant("joiners and those who left count for a majority", (
        (election, "_majority", _any_whole), (grants, "counts", election.may_bootstrap))),
    Mutant("those who stay away are not waited for, whatever the policy", (
        (election, "elect", _impatient), (grants, "_refusal_without", _no_conflict))),
    Mutant("what a late member has beyond a gap is not noticed", ((gaps, "diverged", _no_conflict),)),
    Mutant("members that the cluster went on without count as before", (
        (election, "went_through", dict), (grants, "left_behind", _no_conflict))),
    Mutant("a gap that a member had only heard of excludes the missing", ((election, "went_through", _all_known),)),
    Mutant("a server that was cut off learns of the gap without coming through it", (
        (present, "_news_of_mates", _news_of_all),)),
    Mutant("a joiner that is ahead of the latest view is passed over", ((election, "_ahead", _nobody),)),
    Mutant("two branches of one history are not told apart", (
        (branches, "strayed", _no_conflict), (branches, "ahead_of", _no_conflict))),
    Mutant("two branches of one history are compared by seqno", ((election, "parted", _no_conflict),)),
    Mutant("a member that missed views takes those that it knows for all", ((group, "told", _no_break),)),
    Mutant("all wait for the lowest ordinal, though its server cannot start", ((election, "elect", _faults_unseen),)),
    Mutant("servers from before a gap connect by themselves", ((acting, "group_name", _one_name),)),
    Mutant("what a person gave up binds all the same", ((candidate, "_undone", _nobody),)),
    Mutant("a grant to a person's choice is spent by a view from before it", ((grants, "is_spent", _spent_by_any),)),
    Mutant("two who went on without each other leave each other behind, and who is left over goes on alone", (
        (election, "opposed", _no_conflict),)),
    Mutant("an old copy from before a gap vouches that nobody went on since", ((election, "forgetful", _nobody),)),
    Mutant("a member of another branch vouches for its last view", ((election, "_vouches", _strays_vouch),)),
    Mutant("a late request of a person's choice takes a later grant back", ((grants, "_conflict", _whatever_the_epoch),)),
    Mutant("what a volume without a view received is of the branch that lives", (
        *((module, "left_behind", _by_views_only) for module in (gaps, grants)),)),
    Mutant("an answer from before a grant tells what became of it", ((grants, "judge_request", _old_answers_count),)),
    Mutant("who is ahead of a person's choice, in no later view, counts as before", (
        *((module, "left_behind", _by_views_alone) for module in (gaps, grants)),)),
    Mutant("who joins after a person's choice keeps a view that was given up", (
        (gaps, "view_given_up", _no_conflict),)),
    Mutant("a new copy is taken while the others have only received what is set aside", (
        (retiring, "_has_all_of", _always_vouches),)),
    Mutant("a gap is not written down", ((candidate, "_gap", _no_conflict),)),
    Mutant("a group makes itself a Primary though one that stopped is ahead", (
        (present, "elect_in_place", _running_first), (absent, "elect_in_place", _running_first),
        (grants, "judge_request", _never_ahead))),
    Mutant("grants are forgotten at a restart", rules=Rules(lasting_grants=False)),
    Mutant("a grant is given before it is on disk", rules=Rules(durable_grants=False)),
    Mutant("views are not kept", rules=Rules(durable_views=False)),
)  # fmt: skip
