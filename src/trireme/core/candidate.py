"""A candidate's side of the election: it asks everybody's grant, then bootstraps; what it goes on without is a gap."""

from collections.abc import Iterable
from dataclasses import replace

from trireme.api.position import ZERO_UUID, Position
from trireme.api.report import Candidacy, Gap, Override, Phase, Report
from trireme.core import election, gaps, grants
from trireme.core.situation import (
    Action,
    AskGrants,
    Bootstrap,
    Decision,
    Initialize,
    Reform,
    Situation,
    Withdraw,
)


def campaign(situation: Situation, outcome: election.Elect, *, in_place: bool = False) -> Decision:
    """``outcome`` elects this member. ``in_place``: its server runs, and makes its group a Primary."""
    candidacy = _candidacy(situation, outcome, in_place)
    asked = situation.campaign
    if asked is None or asked.candidacy != candidacy or not asked.granted.issuperset(outcome.electorate):
        refused = asked.refused if asked is not None and asked.candidacy == candidacy else {}
        heard = "; ".join(f"member {o} refuses: {why}" for o, why in sorted(refused.items()))
        why = f"{outcome.why}; asks for grants in epoch {candidacy.epoch}"
        action = AskGrants(candidacy, outcome.electorate, outcome.majority)
        return Decision(Phase.ELECTING, f"{why} ({heard})" if heard else why, (action,), again=0.5)
    who = election.names(outcome.electorate)
    if in_place:
        why = f"elected in epoch {candidacy.epoch} by {who}: makes its group a Primary in place"
        return Decision(Phase.NON_PRIMARY, why, (Reform(candidacy.epoch),))
    if election.is_fresh(situation.me) and not situation.prepared:
        why = f"elected in epoch {candidacy.epoch}: makes the first data directory"
        return Decision(Phase.INITIALIZING, why, (Initialize(candidacy.epoch),))
    why = f"elected in epoch {candidacy.epoch} by {who}: bootstraps"
    gap = _gap(situation, candidacy)
    return Decision(Phase.BOOTSTRAPPING, why, (Bootstrap(situation.me.position, outcome.succeeds, gap),))


def withdrawal(situation: Situation) -> tuple[Action, ...]:
    """Who gives way says so on its disk: then those who granted it are free."""
    mine = situation.me.candidacy
    return (Withdraw(mine.epoch),) if mine is not None and mine.epoch > situation.me.withdrawn else ()


def _candidacy(situation: Situation, outcome: election.Elect, in_place: bool) -> Candidacy:
    """An open candidacy for the same succession is taken up again: the grants given to it still stand."""
    mine = situation.me.candidacy
    everyone = {**situation.answers, situation.me.ordinal: situation.me}
    wanted = Candidacy(
        epoch=mine.epoch if mine is not None else 0,
        succeeds=outcome.succeeds,
        without=outcome.without,
        override=outcome.override,
        founding=outcome.founding,
        in_place=in_place,
    )
    if mine == wanted and mine.epoch > situation.me.withdrawn and not _overtaken(situation, mine):
        return mine
    return replace(wanted, epoch=grants.next_epoch(everyone))


def _overtaken(situation: Situation, mine: Candidacy) -> bool:
    """Somebody granted this member a later epoch than its disk knows; or, no earlier one, to a member that the person who
    chose this one said to be gone."""
    given = [
        report.grant for report in (situation.me, *situation.answers.values()) if report.grant is not None
    ]
    gone = mine.override.without if mine.override is not None else ()
    return any(
        (grant.candidate == situation.me.ordinal and grant.epoch > mine.epoch)
        or (grant.candidate in gone and grant.epoch >= mine.epoch)
        for grant in given
    )


def _gap(situation: Situation, candidacy: Candidacy) -> Gap | None:
    """What may be missing from now on, for people and for those who come back."""
    me, word = situation.me, candidacy.override
    if not candidacy.without and word is None:
        return None
    views = [*situation.answers.values(), me]
    unknown = Position(ZERO_UUID, -1)
    return Gap(
        id=f"{me.volume[:8]}-{candidacy.epoch}-{me.incarnation[:4]}",
        position=me.position if me.position is not None else unknown,
        missing=candidacy.without,
        view=election.latest_view(views) if word is not None else candidacy.succeeds,
        abandoned=_abandoned(me, word) if word is not None else (),
        undone=_undone(me, situation.answers.values()) if word is not None else (),
        by=word.by if word is not None else "the policy for missing members",
    )


def _abandoned(me: Report, word: Override) -> tuple[str, ...]:
    """What the person gave up; and the candidate's own history, where its data begin another. (Where their position is
    known, the history goes on all the same.)"""
    mine = gaps.histories_of(me) if word.new_history else set()
    goes_on = {me.position.uuid} if me.position is not None and me.position.known else set()
    return tuple(sorted({*word.give_up, *mine} - goes_on))


def _undone(me: Report, others: Iterable[Report]) -> tuple[str, ...]:
    """The person chose one that the cluster had gone on without: what came since is given up."""
    return tuple(gap.id for gap in gaps.not_known_to(me, gaps.known_gaps(others)))
