"""Stopping in order (invariant 9): hand the writer role over, let transactions finish, then stop the server."""

from trireme.api.report import Phase
from trireme.core.situation import Claim, Decision, Exit, Situation, StopServer
from trireme.core.writer import choose_writer, in_same_component, may_write

HANDOVER_SECONDS = 5.0
"""Longest wait, from the request to stop, for a successor that claims the role and to whom clients are led.

Agents wake each other: the claim takes two message round trips, the label of its pod two calls of the API.
"""
DRAIN_SECONDS = 10.0
"""Longest wait, from the request to stop, for clients' open transactions. What is left then is rolled back."""


def leave(situation: Situation) -> Decision:
    """``stop_since`` is set. Nothing here ends the work early because of the time: the supervisor owns the deadline."""
    me = situation.me
    if not me.running and situation.busy is None:
        return Decision(Phase.LEAVING, "stopped in order", (Exit(),))
    if situation.cut_off:
        return Decision(
            Phase.LEAVING, "stops a server that left the group", (StopServer(failed="it left the group"),)
        )
    if me.server is None or not me.server.primary:
        return Decision(Phase.LEAVING, "stops a server that is not in service", (StopServer(),))
    waited = situation.now - (situation.stop_since or situation.now)
    claim = choose_writer(me, situation.answers)
    keep = (Claim(claim),) if claim is not None and claim != me.writer else ()
    heirs = [r for r in situation.answers.values() if in_same_component(me, r) and may_write(r)]
    writes = claim is not None and claim.ordinal == me.ordinal
    if writes and heirs and waited < HANDOVER_SECONDS:
        return Decision(Phase.LEAVING, "hands the writer role over before it stops", keep, again=0.1)
    heir = situation.answers.get(claim.ordinal) if claim is not None else None
    if heir is not None and heir.unrouted and waited < HANDOVER_SECONDS:
        why = f"serves until clients are led to the new writer, member {heir.ordinal}"
        return Decision(Phase.LEAVING, why, keep, again=0.1)
    if situation.transactions and waited < DRAIN_SECONDS:
        why = f"waits for {situation.transactions} open transactions to finish"
        return Decision(Phase.LEAVING, why, keep, again=0.1)
    return Decision(Phase.LEAVING, "leaves the group and stops its server", (*keep, StopServer()))
