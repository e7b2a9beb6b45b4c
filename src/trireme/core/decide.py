"""The agent's decision: one pure function of one situation."""

from trireme.api.report import Phase
from trireme.core.absent import without_server
from trireme.core.leaving import leave
from trireme.core.present import with_server
from trireme.core.retiring import mind_the_room, retire, stay_away
from trireme.core.situation import Decision, Inspect, Situation


def decide(situation: Situation) -> Decision:
    """What this member does next. The first rule that applies decides; each ends in one sentence of why."""
    if situation.stop_since is not None:
        return leave(situation)
    if situation.fault is not None and not situation.me.running:
        return Decision(Phase.BLOCKED, situation.fault, again=5.0)
    if situation.busy is not None:
        phase, why = situation.busy
        return Decision(phase, why)
    if situation.me.running and situation.retire_since is not None:
        return leave(situation)
    if situation.me.running:
        return retire(situation) or mind_the_room(situation, with_server(situation))
    if not situation.inspected:
        return Decision(Phase.STARTING, "looks at its data directory", (Inspect(),))
    return stay_away(situation) or without_server(situation)
