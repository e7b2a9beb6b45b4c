"""Decisions of a member whose server runs."""

from typing import assert_never

from trireme.api.report import Phase, Report, WriterClaim
from trireme.core import election
from trireme.core.branches import longer
from trireme.core.candidate import campaign, withdrawal
from trireme.core.election import names
from trireme.core.gaps import known_gaps
from trireme.core.reform import (
    STUCK_SECONDS,
    belongs_to_main_group,
    elect_in_place,
    outsiders,
    waits_without_primary,
)
from trireme.core.rivals import not_served, served_instead
from trireme.core.situation import (
    Action,
    Claim,
    Decision,
    Dismiss,
    Launch,
    Learn,
    MarkSynced,
    Situation,
    StopServer,
)
from trireme.core.switchover import follow_up
from trireme.core.writer import choose_writer, in_same_component

STEADY_SECONDS = 2.0
"""Between looks in the steady state: news arrives by wake-ups (view changes, other agents), this is the backstop."""


MOVING_SECONDS = 0.1
"""Between looks while the writer's role or its clients move."""


NOT_REPLICATING = (
    "its server does not replicate (somebody set wsrep_on=OFF): compare what was written here since, then "
    "SET GLOBAL wsrep_on=ON"
)
"""It says that it is Primary, and names no history."""


def with_server(situation: Situation) -> Decision:
    server = situation.me.server
    if server is None and situation.refusal is not None:
        return Decision(Phase.BLOCKED, situation.refusal)
    if server is None and situation.answered:
        return Decision(Phase.UNRESPONSIVE, "its server runs, and does not answer its agent")
    if server is None:
        return _starting(situation)
    if not server.primary:
        return _not_primary(situation)
    if not server.uuid:
        return Decision(Phase.BLOCKED, NOT_REPLICATING, _news_of_mates(situation))
    other = served_instead(situation.me, situation.answers)
    if other:
        return Decision(Phase.BLOCKED, _served_elsewhere(situation.me, other), _news_of_mates(situation))
    claim = choose_writer(situation.me, situation.answers)
    actions: tuple[Action, ...] = (
        (Claim(claim),) if claim is not None and claim != situation.me.writer else ()
    )
    actions = (*_news_of_mates(situation), *follow_up(situation, claim), *actions)
    if server.synced:
        done = () if situation.unmarked else (MarkSynced(),)
        why = f"Synced in a Primary of {server.size}: {_duty(situation, claim)}{_rival(situation)}"
        hurry = situation.heir is not None or any(isinstance(action, Dismiss) for action in actions)
        return Decision(
            Phase.SYNCED, why, (*done, *actions), again=MOVING_SECONDS if hurry else STEADY_SECONDS
        )
    if server.state == 2:
        return Decision(Phase.DONOR, f"gives a state transfer in a Primary of {server.size}", actions)
    return Decision(Phase.JOINING, f"catches up with the Primary ({server.comment or 'joining'})", actions)


def _duty(situation: Situation, claim: WriterClaim | None) -> str:
    if claim is None:
        return "replicates"
    if claim.ordinal != situation.me.ordinal:
        return f"follows writer {claim.ordinal}"
    return (
        "takes the writes"
        if situation.heir is None
        else f"hands the writes to member {situation.heir.ordinal}"
    )


def _served_elsewhere(me: Report, other: tuple[int, ...]) -> str:
    uuid = me.server.uuid if me.server is not None else "unknown"
    return (
        f"two Primaries live, and clients are led to {names(other)}: what was written here, in history {uuid}, is not "
        "there. Compare the two, then delete the data of the one that is to join the other"
    )


def _rival(situation: Situation) -> str:
    others = not_served(situation.me, situation.answers)
    return f"; {names(others)} in another Primary, which gets no clients: compare the two" if others else ""


def _news_of_mates(situation: Situation) -> tuple[Action, ...]:
    """From members of a group of the same name only: who is still in the old one has not come through the gap."""
    me = situation.me
    mates = tuple(
        report
        for report in situation.answers.values()
        if in_same_component(me, report) and report.group_name == me.group_name
    )
    news = tuple(gap for gap in known_gaps((me, *mates)) if gap not in me.gaps)
    views = longer(me, mates)
    return (Learn(news, views),) if news or views else ()


ABANDONED_SECONDS = 20.0
"""Without a Primary anywhere, and without any progress: longer than Galera takes to re-form one (evs: 6 s)."""


def _starting(situation: Situation) -> Decision:
    abandoned = not any(report.primary for report in situation.answers.values())
    if situation.launch is Launch.JOIN and abandoned and _joins_in_vain(situation):
        why = "the Primary that it was joining is gone, and cannot come back by itself: stops, to elect one"
        return Decision(Phase.JOINING, why, (StopServer(failed="the Primary that it was joining is gone"),))
    if situation.launch is Launch.JOIN and abandoned and situation.stalled > ABANDONED_SECONDS:
        why = (
            "the Primary that it was joining is gone, and nothing arrives: stops, so that one can be elected"
        )
        return Decision(Phase.JOINING, why, (StopServer(failed="the Primary that it was joining is gone"),))
    if situation.me.received_bytes is not None:
        amount = f"{situation.me.received_bytes / 2**20:.1f} MiB"
        return Decision(Phase.TRANSFERRING, f"receives a state transfer ({amount} so far)")
    if situation.launch is Launch.BOOTSTRAP:
        return Decision(Phase.BOOTSTRAPPING, "its server starts as the first of the Primary")
    return Decision(Phase.JOINING, "its server starts and joins the Primary")


def _joins_in_vain(situation: Situation) -> bool:
    """A Primary that this member's former process was in ended without it. Galera makes it again only where every
    process of its last view is back, and that one never is. (The new one was told of no view: it was never let in.)
    A transfer that arrives goes on (invariant 8)."""
    me = situation.me
    if me.received_bytes is not None:
        return False
    left = [report for report in situation.answers.values() if waits_without_primary(report)]
    return me.joined_at is None and any(r.last_view and me.ordinal in r.last_view.members for r in left)


def _not_primary(situation: Situation) -> Decision:
    """Galera re-forms the Primary by itself once everyone of the last view is back; else stop, and elect."""
    me = situation.me
    if situation.cut_off:
        why = "its server left the group for good, and runs on without it: stops it, to start anew"
        return Decision(Phase.NON_PRIMARY, why, (StopServer(failed="its server left the group"),))
    chosen = election.word_in_force({**situation.answers, me.ordinal: me})
    if chosen is not None:
        why = f"{chosen.by} chose member {chosen.candidate} to bootstrap: stops, so that positions are final"
        return Decision(Phase.NON_PRIMARY, why, (StopServer(),))
    members = me.last_view.members if me.last_view else ()
    silent = [o for o in members if o != me.ordinal and o not in situation.answers]
    if situation.launch is Launch.BOOTSTRAP and me.last_view is None:
        return Decision(Phase.BOOTSTRAPPING, "its server is about to become Primary")
    primaries = [report for report in situation.answers.values() if report.primary]
    if primaries and all(report.group_name != me.group_name for report in primaries):
        why = "the cluster went on without this member, in a group of another name: stops, to join that one"
        return Decision(Phase.NON_PRIMARY, why, (StopServer(),))
    if primaries:
        return Decision(Phase.NON_PRIMARY, "connects to the Primary")
    if silent and not situation.terms.overdue:
        return Decision(Phase.NON_PRIMARY, f"lost the Primary; waits for {names(silent)} of its last view")
    return _without_primary(situation, members)


def _without_primary(situation: Situation, members: tuple[int, ...]) -> Decision:
    """All of the last view answered, or need not be waited for."""
    me = situation.me
    everyone = {**situation.answers, me.ordinal: me}
    running = [o for o in members if o in everyone and everyone[o].running]
    if len(running) == len(members) and situation.without_primary < STUCK_SECONDS:
        why = "lost the Primary; every server of its last view runs and reconnects"
        return Decision(Phase.NON_PRIMARY, why, withdrawal(situation))
    if me.joining:
        return _stop("it was joining, and has had no vote yet")
    outcome = elect_in_place(everyone, situation.terms)
    match outcome:
        case election.Elect() if outcome.without:
            return _stop(f"{outcome.why}, in a group of another name")
        case election.Elect() if not everyone[outcome.candidate].running:
            return _stop(f"{outcome.why}, and its server does not run")
        case election.Elect() if outsiders(outcome, everyone):
            return _for_outsiders(situation, outcome, outsiders(outcome, everyone))
        case election.Elect(candidate=candidate) if candidate == me.ordinal:
            return campaign(situation, outcome, in_place=True)
        case election.Elect():
            return Decision(Phase.NON_PRIMARY, f"lost the Primary; {outcome.why}", withdrawal(situation))
        case election.Wait():
            return Decision(Phase.NON_PRIMARY, f"lost the Primary; {outcome.why}")
        case election.Split() | election.Hopeless():
            return Decision(Phase.BLOCKED, outcome.why)
        case _:
            assert_never(outcome)


def _stop(why: str) -> Decision:
    return Decision(
        Phase.NON_PRIMARY, f"lost the Primary; {why}: stops too, so that positions are final", (StopServer(),)
    )


def _for_outsiders(situation: Situation, outcome: election.Elect, apart: tuple[int, ...]) -> Decision:
    """Servers that are not connected are given time to connect; then the smaller groups stop."""
    if situation.without_primary < STUCK_SECONDS or belongs_to_main_group(situation):
        return Decision(Phase.NON_PRIMARY, f"lost the Primary; {names(apart)} to connect or to stop first")
    return _stop(f"{outcome.why}, and this server is not connected with it")
