"""Handing the writer's role to another member on request, while both serve. Pure.

The writer names its heir in its report; the heir opens the next term once it is able; the writer serves until
clients are led to the heir, and asks its own to connect anew once all nodes do so (:mod:`trireme.core.draining`).
Which pod is labelled first is :mod:`trireme.core.routing`'s. Whoever of the two dies meanwhile, the ordinary
succession of :mod:`trireme.core.writer` goes on from what is left.
"""

from collections.abc import Mapping

from trireme.api.commands import Switchover
from trireme.api.names import PRIMARY
from trireme.api.report import Report, WriterClaim
from trireme.core.draining import SETTLE_SECONDS, Drain, advance, led_to
from trireme.core.health import ready, role
from trireme.core.situation import Action, Dismiss, DropHeir, Heir, Situation
from trireme.core.writer import in_same_component, may_write

SWITCHOVER_SECONDS = 15.0
"""Longest wait for the heir to claim the role. It needs two message round trips; then it is not coming."""

LED_AWAY_SECONDS = 60.0
"""Longest wait of a former writer, which serves on, for clients to be led to the new one. Whom it closed earlier would
come back, and stay: the API server may be away for a while, or the new writer's pod not ready."""

STRANDED_SECONDS = 10.0
"""A writer that Kubernetes does not lead clients to stays it that long: a probe may have missed it."""


def stranded(me: Report, found: Mapping[int, bool]) -> bool:
    """This writer serves, and Kubernetes does not lead clients to it: its node's kubelet ended, or is cut off.

    ``found``: by ordinal, whether the API says that the member's pod is ready.
    """
    return role(me) == PRIMARY and ready(me).ok and not found.get(me.ordinal, True)


def relief(me: Report, answers: Mapping[int, Report], found: Mapping[int, bool], since: float) -> int | None:
    """Whom a writer that has been stranded for ``since`` seconds is to hand its role to: one that clients reach."""
    if since < STRANDED_SECONDS or not stranded(me, found) or me.heir is not None:
        return None
    able = (o for o, r in answers.items() if in_same_component(me, r) and may_write(r) and found.get(o))
    return min(able, default=None)


def judge(request: Switchover, me: Report, answers: Mapping[int, Report], heir: int | None) -> int | str:
    """The ordinal to hand the role to, or why the request is refused. ``heir``: named already, if any."""
    if me.writer is None or me.server is None or not me.server.primary:
        return f"member {me.ordinal} is in no Primary ({me.phase}: {me.why}): ask the writer"
    if me.writer.ordinal != me.ordinal:
        return f"member {me.ordinal} is not the writer, member {me.writer.ordinal} is: ask that one"
    if me.leaving:
        return f"member {me.ordinal} is leaving, and hands the role over by itself"
    if heir is not None and request.to not in (None, heir):
        return f"member {me.ordinal} is handing the role to member {heir}: wait for that, then ask again"
    if heir is not None:
        return heir
    able = sorted(o for o, r in answers.items() if in_same_component(me, r) and may_write(r))
    if request.to is None:
        return able[0] if able else "no other member is Synced: nobody can take the role"
    if request.to == me.ordinal:
        return f"member {me.ordinal} is the writer already"
    return request.to if request.to in able else _unable(request.to, me, answers)


def _unable(ordinal: int, me: Report, answers: Mapping[int, Report]) -> str:
    report = answers.get(ordinal)
    if report is None:
        others = ", ".join(map(str, sorted(answers))) or "none"
        return f"member {ordinal} does not answer member {me.ordinal} (members that do: {others})"
    if report.leaving:
        return f"member {ordinal} is leaving ({report.why})"
    if report.primary and not in_same_component(me, report):
        return f"member {ordinal} is in a Primary of another history"
    return f"member {ordinal} is {report.phase}, not Synced: {report.why}"


def follow_up(situation: Situation, claim: WriterClaim | None) -> tuple[Action, ...]:
    """What a member in a Primary does about a role that it hands over, or has lost. ``claim``: the one to hold."""
    me = situation.me
    if claim is None:
        return ()
    if claim.ordinal == me.ordinal:
        failed = _failed(situation.heir, situation) if situation.heir is not None else None
        stay: tuple[Action, ...] = (Dismiss(None),) if situation.drain is not None else ()
        return (*stay, DropHeir(failed)) if failed is not None else stay
    drain = situation.drain
    if drain is None:
        had_it = me.writer is not None and me.writer.ordinal == me.ordinal
        return (Dismiss(Drain(since=situation.now)),) if had_it else ()
    new = situation.answers.get(claim.ordinal)
    step = advance(
        drain,
        situation.clients,
        now=situation.now,
        led_away=new is not None and led_to(new, claim),
        settle=SETTLE_SECONDS if situation.labelled else 0.0,
        patience=LED_AWAY_SECONDS,
    )
    return (Dismiss(None if step.done else step.drain, step.close, step.overdue),)


def _failed(heir: Heir, situation: Situation) -> str | None:
    """Why the heir that this writer named will not come; None while it may. Silence proves nothing for a while."""
    report = situation.answers.get(heir.ordinal)
    if report is not None and not (in_same_component(situation.me, report) and may_write(report)):
        return _unable(heir.ordinal, situation.me, situation.answers)
    if situation.now - heir.since >= SWITCHOVER_SECONDS:
        return f"member {heir.ordinal} did not take the role within {SWITCHOVER_SECONDS:.0f} s"
    return None
