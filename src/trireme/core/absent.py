"""Decisions of a member whose server does not run: recover its position, join a Primary, or elect one."""

from collections.abc import Mapping
from typing import assert_never

from trireme.api.position import View
from trireme.api.report import Directory, Gap, Phase, Report
from trireme.core import branches, election, gaps
from trireme.core.candidate import campaign, withdrawal
from trireme.core.reform import elect_in_place
from trireme.core.rivals import main_side
from trireme.core.situation import (
    AskEngine,
    Decision,
    Join,
    MarkStrayed,
    Situation,
)
from trireme.core.upgrading import can_copy
from trireme.core.writer import may_write

CHOOSE = (
    "Compare the two, then give this member's data up (trireme rebuild), or stop the others and go on from it "
    "(trireme recover)"
)
"""What is left to a person where two branches of one history have a right of their own."""


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
    everyone = {**situation.answers, situation.me.ordinal: situation.me}
    outcome = elect_in_place(everyone, situation.terms)
    match outcome:
        case election.Elect(candidate=candidate) if candidate == situation.me.ordinal and _run(
            outcome, everyone
        ):
            why = f"{outcome.why}; servers of {election.names(_run(outcome, everyone))} to stop first"
            return Decision(Phase.WAITING, why)
        case election.Elect(candidate=candidate) if candidate == situation.me.ordinal:
            return campaign(situation, outcome)
        case election.Elect():
            return Decision(Phase.WAITING, outcome.why, withdrawal(situation))
        case election.Wait():
            return Decision(Phase.WAITING, _with_patience(outcome, situation))
        case election.Split() | election.Hopeless():
            return Decision(Phase.BLOCKED, outcome.why)
        case _:
            assert_never(outcome)


def _run(outcome: election.Elect, everyone: Mapping[int, Report]) -> tuple[int, ...]:
    """Of those who must grant: whose positions are not final yet."""
    return tuple(ordinal for ordinal in outcome.electorate if everyone[ordinal].running)


def _join(situation: Situation, primaries: list[Report]) -> Decision:
    me = situation.me
    living = {report.server.uuid for report in primaries if report.server is not None}
    if len(living) > 1:
        return Decision(
            Phase.BLOCKED, f"two Primaries live, of histories {' and '.join(sorted(living))}: joins neither"
        )
    primaries = main_side(primaries)
    known = gaps.known_gaps(primaries)
    beyond = gaps.diverged(me, known)
    apart = gaps.unknown_there(me, known)
    if apart is not None:
        return _apart(me, apart, gaps.left_behind(me, known))
    others = gaps.histories_of(me) - living - gaps.abandoned(gaps.not_known_to(me, known))
    if others:
        why = f"its data is of history {', '.join(sorted(others))}, the Primary's is {', '.join(living)}: not overwritten"
        return Decision(Phase.BLOCKED, why)
    branch = _of_another_branch(me, primaries) if beyond is None else None
    if branch is not None:
        return branch
    ahead = _joins_first(situation, primaries)
    if ahead is not None:
        return Decision(
            Phase.WAITING, f"a Primary lives; lets member {ahead} connect first", withdrawal(situation)
        )
    writer = next((r.writer.ordinal for r in primaries if r.writer is not None), None)
    offered = None if situation.doubtful or beyond is not None else me.position
    older = [report for report in primaries if can_copy(situation.version, report)]
    if offered is None and not older:
        return Decision(Phase.WAITING, _too_old(situation.version, primaries), withdrawal(situation))
    donors = _donors(situation, older or primaries, writer)
    action = Join(
        addresses=tuple(sorted(report.address for report in primaries)),
        donors=donors,
        position=offered,
        votes=(me.position is not None and beyond is None) or sum(_serves(r) for r in primaries) > 1,
        discard=_worthless(me) if beyond is None else _beyond(me, beyond),
        group_name=primaries[0].group_name,
        gaps=known,
        forget_view=gaps.view_given_up(me, known),
    )
    how = "by an incremental transfer if it can" if offered is not None else "by a full state transfer"
    if beyond is not None:
        how = f"{how}: {_beyond(me, beyond)}"
    return Decision(Phase.JOINING, f"a Primary lives: joins it {how}", (*withdrawal(situation), action))


def _apart(me: Report, mine: Gap, theirs: Gap | None) -> Decision:
    """Each went on without the other, most likely because a person said so twice: it does not pass by waiting. Where the
    Primary knows of nothing that excludes this member, it is one that was cut off, and ends as soon as it notices."""
    if theirs is None:
        went_on = f"the cluster went on without {election.names(mine.missing)} from {mine.position}"
        why = f"a Primary answers that does not know that {went_on}: does not join that one"
        return Decision(Phase.WAITING, why)
    why = (
        f"its data at {me.position} and the Primary's are two branches of one history: this one {_left(mine)} from "
        f"{mine.position}, the Primary's {_left(theirs)} from {theirs.position}; nothing is merged or overwritten. "
        f"{CHOOSE}"
    )
    return Decision(Phase.BLOCKED, why)


def _left(gap: Gap) -> str:
    return f"went on without {election.names(gap.missing)}" if gap.missing else "was chosen by a person"


def _donors(situation: Situation, primaries: list[Report], writer: int | None) -> tuple[str, ...]:
    """Names, best first: synced members, the writer last; after each failed transfer the next one is first.

    One that got its own data by a transfer not long ago may refuse every joiner (its write-set cache begins after the
    group's certification index: ENOMSG, measured): where it is the only other, the writer must get its turn.
    """
    able = sorted(
        (r for r in primaries if may_write(r) and _can_serve(r, situation.me)), key=lambda r: r.name
    )
    others = tuple(r.name for r in able if r.ordinal != writer)
    turn = situation.failures % len(able) if able else 0
    if turn < len(others):
        return _rotate(others, turn)
    return (*(r.name for r in able if r.ordinal == writer), *others)


def _too_old(own: str, primaries: list[Report]) -> str:
    theirs = sorted({r.server.version.partition("-")[0] for r in primaries if r.server is not None})
    return (
        f"it needs a full copy, and who could give one has MariaDB {', '.join(theirs)}; this image has {own}, and an "
        "older server cannot use it: nothing is asked for; give this member their image"
    )


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
    A server that was up and answers no more (frozen, say) does not connect, and is not waited for; nor is a member
    of another branch, which does not join this Primary, or one that is to set its data aside, and may wait with that.
    """
    known, views = gaps.known_gaps(primaries), branches.known_views(primaries)
    inside = {ordinal for report in primaries if report.last_view for ordinal in report.last_view.members}
    for ordinal, report in sorted(situation.answers.items()):
        if report.primary or (ordinal in inside and report.running):
            continue
        starts = report.running and report.phase is not Phase.UNRESPONSIVE
        connects = report.server is None and (starts or report.phase is Phase.JOINING)
        comes = ordinal < situation.me.ordinal and not report.running and not report.held_up
        comes = comes and not (report.rebuilding and report.position is not None)
        comes = comes and gaps.unknown_there(report, known) is None
        comes = comes and not branches.kept_apart(report, views, known)
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


def _of_another_branch(me: Report, primaries: list[Report]) -> Decision | None:
    """Nothing tells which of two branches is the right one: clients may have been told of both."""
    known = branches.known_views(primaries)
    proof = branches.strayed(me, known, gaps.known_gaps(primaries))
    if proof is not None:
        why = (
            f"its data at {me.position} and the Primary's are two branches of one history ({_words(proof)} is of one of "
            f"them only; an old copy of a volume was put back, say): nothing is merged or overwritten. {CHOOSE}"
        )
        mark = (MarkStrayed(proof),) if branches.proven(me, proof) else ()
        return Decision(Phase.BLOCKED, why, mark)
    later = branches.ahead_of(me, known)
    if later is None:
        return None
    why = (
        f"its data came through {_words(later)}, of which the Primary was not told: it lags, or it is another branch of "
        "this history (an old copy of a volume was put back, say); does not join it before that is known"
    )
    return Decision(Phase.BLOCKED if branches.passed(primaries, later) else Phase.WAITING, why)


def _words(view: View) -> str:
    return f"view {view.seqno} of {election.names(view.members)}"


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
