"""Stopping in order (invariant 9): hand the writer role over, let transactions finish, then stop the server."""

from dataclasses import replace

from trireme.api.report import Phase, WriterClaim
from trireme.core.draining import HANDOVER_SECONDS, SETTLE_SECONDS, Drain, advance, led_to
from trireme.core.situation import Action, Claim, Decision, Dismiss, Exit, Situation, StopServer
from trireme.core.writer import choose_writer, in_same_component, may_write

TURN_SECONDS = 15.0
"""From the request: some seconds for each of several who leave, and far from the end of a pod's grace (60 s or more)."""


def leave(situation: Situation) -> Decision:
    """``stop_since`` is set, or ``retire_since``: then the server stops, and the agent goes on.

    Nothing here ends the work early because of the time: the supervisor owns the deadline.
    """
    me = situation.me
    if not me.running and situation.busy is None:
        return Decision(Phase.LEAVING, "stopped in order", (Exit(),))
    if situation.cut_off:
        return Decision(
            Phase.LEAVING, "stops a server that left the group", (StopServer(failed="it left the group"),)
        )
    if me.server is None or not me.server.primary:
        return Decision(Phase.LEAVING, "stops a server that is not in service", (StopServer(),))
    claim = choose_writer(me, situation.answers)
    keep = (Claim(claim),) if claim is not None and claim != me.writer else ()
    waited = situation.now - _since(situation)
    writes = claim is not None and claim.ordinal == me.ordinal
    elsewhere = _served_elsewhere(situation)
    if writes and elsewhere and waited < HANDOVER_SECONDS:
        return Decision(Phase.LEAVING, "hands the writer role over before it stops", keep, again=0.1)
    return _drain(situation, claim, keep, elsewhere)


def _drain(
    situation: Situation, claim: WriterClaim | None, keep: tuple[Claim, ...], elsewhere: bool
) -> Decision:
    """Where nobody else serves, there is nowhere to lead clients to: only open transactions are waited for."""
    heir = situation.answers.get(claim.ordinal) if claim is not None else None
    step = advance(
        _begun(situation),
        [replace(client, local=False) for client in situation.clients],
        now=situation.now,
        led_away=not elsewhere or (heir is not None and claim is not None and led_to(heir, claim)),
        settle=SETTLE_SECONDS if situation.labelled and elsewhere else 0.0,
    )
    before = _leaves_first(situation)
    if step.done and before is not None:
        return Decision(Phase.LEAVING, f"lets member {before} leave the group first", keep, again=0.1)
    if step.done:
        last: tuple[Action, ...] = (
            (Dismiss(step.drain, step.close, step.overdue), StopServer()) if step.close else (StopServer(),)
        )
        return Decision(Phase.LEAVING, "leaves the group and stops its server", (*keep, *last))
    if step.drain.led_away is None and claim is not None:
        why = f"serves until clients are led to the new writer, member {claim.ordinal}"
    elif step.waiting:
        why = f"waits for {step.waiting} open transactions to finish"
    else:
        why = "serves until every node leads its clients to the others"
    return Decision(Phase.LEAVING, why, (*keep, Dismiss(step.drain, step.close, step.overdue)), again=0.1)


def _leaves_first(situation: Situation) -> int | None:
    """Who is to be out of the group before this member leaves it; None where it is its turn, or was long enough.

    Two that leave at the same moment may leave the others without a Primary for good: one of those took the first for
    gone and not the second, the rest the other way round, and the two that both wait for do not come back (seen where
    five were scaled to three on a busy machine).
    """
    me = situation.me
    if situation.now - _since(situation) > TURN_SECONDS:
        return None
    leavers = (
        ordinal
        for ordinal, report in situation.answers.items()
        if ordinal > me.ordinal and report.leaving and in_same_component(me, report)
    )
    return max(leavers, default=None)


def _begun(situation: Situation) -> Drain:
    """A drain from before, of a role that was handed over, ends here: readers, too, are led elsewhere only now."""
    since, drain = _since(situation), situation.drain
    return drain if drain is not None and drain.since >= since else Drain(since=since)


def _since(situation: Situation) -> float:
    known = (situation.stop_since, situation.retire_since)
    return min((since for since in known if since is not None), default=situation.now)


def _served_elsewhere(situation: Situation) -> bool:
    """Somebody else serves, or may: who is in the view and silent just now is not gone (invariant 5)."""
    me, answers = situation.me, situation.answers
    view = me.last_view.members if me.last_view is not None else ()
    unheard = any(ordinal != me.ordinal and ordinal not in answers for ordinal in view)
    return unheard or any(in_same_component(me, report) and may_write(report) for report in answers.values())
