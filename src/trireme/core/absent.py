"""Decisions of a member whose server does not run: recover its position, join a Primary, or elect one."""

from typing import assert_never

from trireme.api.position import ZERO_UUID, Position
from trireme.api.report import Candidacy, Directory, Gap, Override, Phase, Report
from trireme.core import election, gaps, grants
from trireme.core.situation import (
    Action,
    AskEngine,
    AskGrants,
    Bootstrap,
    Decision,
    Initialize,
    Join,
    Situation,
    Withdraw,
)
from trireme.core.writer import may_write


def without_server(situation: Situation) -> Decision:
    if situation.engine_due:
        return Decision(Phase.RECOVERING, "asks the storage engine for its position", (AskEngine(),))
    if situation.now < situation.retry_at:
        wait = situation.retry_at - situation.now
        why = f"tries again soon (after {situation.failures} failures): {situation.last_failure}"
        return Decision(Phase.WAITING, why, again=min(wait, 1.0))
    primaries = [report for report in situation.answers.values() if report.primary]
    if primaries:
        return _join(situation, primaries)
    outcome = election.elect({**situation.answers, situation.me.ordinal: situation.me}, situation.terms)
    match outcome:
        case election.Elect(candidate=candidate) if candidate == situation.me.ordinal:
            return _campaign(situation, outcome)
        case election.Elect():
            return Decision(Phase.WAITING, outcome.why, _withdrawal(situation))
        case election.Wait():
            return Decision(Phase.WAITING, _with_patience(outcome, situation))
        case election.Split() | election.Hopeless():
            return Decision(Phase.BLOCKED, outcome.why)
        case _:
            assert_never(outcome)


def _join(situation: Situation, primaries: list[Report]) -> Decision:
    me = situation.me
    living = {report.server.uuid for report in primaries if report.server is not None}
    if len(living) > 1:
        return Decision(
            Phase.BLOCKED, f"two Primaries live, of histories {' and '.join(sorted(living))}: joins neither"
        )
    known = gaps.known_gaps(primaries)
    beyond = gaps.diverged(me, known)
    others = gaps.histories_of(me) - living - gaps.abandoned(gap for gap in known if gap not in me.gaps)
    if others:
        why = f"its data is of history {', '.join(sorted(others))}, the Primary's is {', '.join(living)}: not overwritten"
        return Decision(Phase.BLOCKED, why)
    ahead = _joins_first(situation, primaries)
    if ahead is not None:
        return Decision(
            Phase.WAITING, f"a Primary lives; lets member {ahead} connect first", _withdrawal(situation)
        )
    writer = next((r.writer.ordinal for r in primaries if r.writer is not None), None)
    donors = _donors(situation, primaries, writer)
    offered = None if situation.doubtful or beyond is not None else me.position
    action = Join(
        addresses=tuple(sorted(report.address for report in primaries)),
        donors=donors,
        position=offered,
        votes=(me.position is not None and beyond is None) or sum(_serves(r) for r in primaries) > 1,
        discard=_worthless(me) if beyond is None else _beyond(me, beyond),
        gaps=tuple(gap for gap in known if gap not in me.gaps),
    )
    how = "by an incremental transfer if it can" if offered is not None else "by a full state transfer"
    if beyond is not None:
        how = f"{how}: {_beyond(me, beyond)}"
    return Decision(Phase.JOINING, f"a Primary lives: joins it {how}", (*_withdrawal(situation), action))


def _donors(situation: Situation, primaries: list[Report], writer: int | None) -> tuple[str, ...]:
    """Names, best first: synced members but the writer; the writer where no other can serve this member."""
    able = sorted(
        (r for r in primaries if may_write(r) and _can_serve(r, situation.me)), key=lambda r: r.name
    )
    others = tuple(r.name for r in able if r.ordinal != writer)
    return _rotate(others, situation.failures) or tuple(r.name for r in able)


def _serves(report: Report) -> bool:
    """It has the data. With two of these a joiner's vote makes three, and any one may die; beside a single one its
    vote would make two, and its death in the transfer would take the Primary from the other (both measured)."""
    return report.server is not None and report.server.serving


def _can_serve(donor: Report, joiner: Report) -> bool:
    """A donor that has itself just joined cannot give write sets from before: Galera marks those that it received
    while joining, and the joiner's incremental transfer breaks off (measured; mariadbd then hangs)."""
    if joiner.position is None or donor.joined_at is None:
        return True
    return joiner.position.seqno >= donor.joined_at


def _joins_first(situation: Situation, primaries: list[Report]) -> int | None:
    """Who is to connect before this member, None if it is its turn.

    Members that connect at the same moment cost the living Primary 5 to 8 s, and may make it non-Primary for a
    while (measured: 8 of 10 rounds); one after the other they cost nothing. Their state transfers overlap.
    """
    inside = {ordinal for report in primaries if report.last_view for ordinal in report.last_view.members}
    for ordinal, report in sorted(situation.answers.items()):
        if report.primary or (ordinal in inside and report.running):
            continue
        connects = report.server is None and (report.running or report.phase is Phase.JOINING)
        comes = ordinal < situation.me.ordinal and not report.running and not report.held_up
        if connects or comes:
            return ordinal
    return None


def _worthless(me: Report) -> str | None:
    """Invariant 10: this member's own evidence says so, and a Primary of the same history lives.

    Doubtful data is not worthless: it stays until the transfer overwrites it, by which time the donor has it all.
    """
    if me.directory is Directory.INCOMPLETE:
        return "a state transfer broke off"
    if me.directory is Directory.UNKNOWN:
        return "no position can be found"
    if me.directory is Directory.FRESH:
        return "a first start did not finish"
    return None


def _beyond(me: Report, gap: Gap) -> str:
    return f"its data at {me.position} is beyond {gap.position}, from where the cluster went on without it"


def _campaign(situation: Situation, outcome: election.Elect) -> Decision:
    candidacy = _candidacy(situation, outcome)
    campaign = situation.campaign
    if (
        campaign is None
        or campaign.candidacy != candidacy
        or not campaign.granted.issuperset(outcome.electorate)
    ):
        refused = campaign.refused if campaign is not None and campaign.candidacy == candidacy else {}
        heard = "; ".join(f"member {o} refuses: {why}" for o, why in sorted(refused.items()))
        why = f"{outcome.why}; asks for grants in epoch {candidacy.epoch}"
        action = AskGrants(candidacy, outcome.electorate, outcome.majority)
        return Decision(Phase.ELECTING, f"{why} ({heard})" if heard else why, (action,), again=0.5)
    if election.is_fresh(situation.me) and not situation.prepared:
        why = f"elected in epoch {candidacy.epoch}: makes the first data directory"
        return Decision(Phase.INITIALIZING, why, (Initialize(candidacy.epoch),))
    why = f"elected in epoch {candidacy.epoch} by {election.names(outcome.electorate)}: bootstraps"
    gap = _gap(situation, candidacy)
    return Decision(Phase.BOOTSTRAPPING, why, (Bootstrap(situation.me.position, outcome.succeeds, gap),))


def _gap(situation: Situation, candidacy: Candidacy) -> Gap | None:
    """What may be missing from now on, for people and for those who come back."""
    me, word = situation.me, candidacy.override
    if not candidacy.without and word is None:
        return None
    views = [*situation.answers.values(), me]
    unknown = Position(ZERO_UUID, -1)
    return Gap(
        id=f"{me.volume}-{candidacy.epoch}",
        position=me.position if me.position is not None else unknown,
        missing=candidacy.without,
        view=election.latest_view(views) if word is not None else candidacy.succeeds,
        abandoned=_abandoned(me, word) if word is not None else (),
        by=word.by if word is not None else "the policy for missing members",
    )


def _abandoned(me: Report, word: Override) -> tuple[str, ...]:
    """What the person gave up; and the candidate's own history, where its data begin another."""
    mine = gaps.histories_of(me) if word.new_history else set()
    return tuple(sorted({*word.give_up, *mine}))


def _candidacy(situation: Situation, outcome: election.Elect) -> Candidacy:
    """An open candidacy for the same succession is taken up again: the grants given to it still stand."""
    mine = situation.me.candidacy
    everyone = {**situation.answers, situation.me.ordinal: situation.me}
    overtaken = any(
        report.grant is not None
        and mine is not None
        and report.grant.epoch > mine.epoch
        and report.grant.candidate == situation.me.ordinal
        for report in everyone.values()
    )
    usable = mine is not None and mine.epoch > situation.me.withdrawn and not overtaken
    fields = (outcome.succeeds, outcome.without, outcome.override, outcome.founding)
    if mine is not None and usable and (mine.succeeds, mine.without, mine.override, mine.founding) == fields:
        return mine
    return Candidacy(
        epoch=grants.next_epoch(everyone),
        succeeds=outcome.succeeds,
        without=outcome.without,
        override=outcome.override,
        founding=outcome.founding,
    )


def _withdrawal(situation: Situation) -> tuple[Action, ...]:
    mine = situation.me.candidacy
    return (Withdraw(mine.epoch),) if mine is not None and mine.epoch > situation.me.withdrawn else ()


def _with_patience(outcome: election.Wait, situation: Situation) -> str:
    why = _with_silence(outcome.why, situation)
    if (
        situation.patience is None
        or situation.patience <= 0
        or not any(o not in situation.answers for o in outcome.members)
    ):
        return why
    left = f"{situation.patience:.0f} s" if situation.patience < 120 else f"{situation.patience / 60:.0f} min"
    return f"{why}; in {left} a majority of that view may go on without"


def _with_silence(why: str, situation: Situation) -> str:
    if not situation.silent:
        return why
    return f"{why} ({'; '.join(f'{who}: {reason}' for who, reason in sorted(situation.silent.items())[:3])})"


def _rotate(donors: tuple[str, ...], turns: int) -> tuple[str, ...]:
    """After a failed transfer the next donor is asked first."""
    if not donors:
        return ()
    start = turns % len(donors)
    return donors[start:] + donors[:start]
