"""How many members there are: the first ones, more, fewer, none and back. One at a time, and never below quorum."""

from trireme.core.reconcile.actions import Apply, AskSwitchover, ClusterPhase, Scale, Step
from trireme.core.reconcile.drift import stamped
from trireme.core.reconcile.facts import (
    heir,
    led_elsewhere,
    podless,
    primaries,
    stopped,
    synced,
    trouble,
    writer,
)
from trireme.core.reconcile.keep import with_replicas
from trireme.core.reconcile.seen import SetSeen, View


def create(view: View) -> Step:
    """There is no StatefulSet. Where there are pods, an earlier one was taken away: it is made again around them."""
    wanted = view.wanted
    staying = [ordinal for ordinal, pod in view.pods.items() if not pod.terminating]
    if wanted.hibernate and not staying:
        phase = ClusterPhase.HIBERNATING if view.pods else ClusterPhase.HIBERNATED
        return Step(phase=phase, why="hibernates: it has no members", actions=_made(view, 0))
    members = max(staying) + 1 if staying else wanted.replicas
    phase = ClusterPhase.FORMING if wanted.history is None else ClusterPhase.RECOVERING
    return Step(
        phase=ClusterPhase.UPDATING if staying else phase,
        why=f"makes the StatefulSet for {members} members",
        actions=_made(view, members),
    )


def _made(view: View, members: int) -> tuple[Apply, ...]:
    return (Apply(stamped(with_replicas(view.wanted.set, members)), "it is missing"),)


def hibernate(view: View, found: SetSeen) -> Step:
    """All leave in order, the writer last, which is member 0 by then. Volumes are kept."""
    if found.replicas == 0 and not view.pods:
        return Step(phase=ClusterPhase.HIBERNATED, why="hibernates: its volumes are kept", again=30.0)
    if leaving := sorted(o for o in view.pods if o >= found.replicas):
        return Step(
            phase=ClusterPhase.HIBERNATING, why=f"waits until member {leaving[-1]} has left", again=1.0
        )
    if found.replicas > 1 and (moved := writer_moves(view, {0}, ClusterPhase.HIBERNATING)) is not None:
        return moved
    last = found.replicas - 1
    return Step(
        phase=ClusterPhase.HIBERNATING,
        why=f"member {last} leaves, to hibernate",
        actions=(Scale(found.uid, last),),
        again=1.0,
    )


def wake(view: View, found: SetSeen) -> Step | None:
    """From none to all at once: they agree by themselves who bootstraps."""
    if found.replicas or view.pods:
        return None
    return Step(
        phase=ClusterPhase.RECOVERING if view.wanted.history else ClusterPhase.FORMING,
        why=f"starts {view.wanted.replicas} members",
        actions=(Scale(found.uid, view.wanted.replicas),),
    )


def needed(view: View, found: SetSeen) -> Step | None:
    """No Primary lives, and one may come only with members that have no pod: those of the latest view (invariant 4),
    and for the first start all (invariant 6). Too many leave again in order, once a Primary lives."""
    if set(view.pods) != set(range(found.replicas)) or set(view.reports) != set(view.pods):
        return None
    views = [report.last_view for report in view.reports.values() if report.last_view is not None]
    if len({each.uuid for each in views}) > 1:
        return None
    latest = max(views, key=lambda each: each.seqno, default=None)
    if latest is not None:
        members = max(latest.members, default=0) + 1
    else:
        members = view.wanted.replicas if view.wanted.history is None else 0
    if members <= found.replicas:
        return None
    return Step(
        phase=ClusterPhase.RECOVERING if view.wanted.history else ClusterPhase.FORMING,
        why=f"starts {members} members: without member {members - 1} no Primary may come",
        actions=(Scale(found.uid, members),),
        again=1.0,
    )


def scale(view: View, found: SetSeen) -> Step | None:
    """Towards the wanted number, one member at a time."""
    if leaving := sorted(o for o in view.pods if o >= found.replicas):
        return Step(phase=ClusterPhase.SCALING, why=f"waits until member {leaving[-1]} has left", again=1.0)
    if found.replicas < view.wanted.replicas:
        return _up(view, found)
    return _down(view, found) if found.replicas > view.wanted.replicas else None


def _up(view: View, found: SetSeen) -> Step:
    """The next one gets its copy from a secondary, if there is one: the last one must be Synced first."""
    number = found.replicas
    living = [o for o in view.pods if synced(view, o)]
    waiting = [o for o in sorted(view.pods) if o not in living and not stopped(view, o)]
    if waiting or not living:
        said = trouble(view, view.pods[waiting[0]]) if waiting else "no member is Synced"
        return Step(phase=ClusterPhase.SCALING, why=f"adds member {number} later: {said}")
    return Step(
        phase=ClusterPhase.SCALING,
        why=f"adds member {number}",
        actions=(Scale(found.uid, number + 1),),
        again=1.0,
    )


def _down(view: View, found: SetSeen) -> Step:
    """The highest ordinal leaves, when those that stay can do without it, and the writer is one of them."""
    last = found.replicas - 1
    staying = range(last)
    away = [o for o in staying if not synced(view, o)]
    if away:
        pod = view.pods.get(min(away))
        said = trouble(view, pod) if pod is not None else podless(view, min(away))
        why = f"member {last} stays until the others are Synced: {said}"
        return Step(phase=ClusterPhase.SCALING, why=why)
    final = {o for o in staying if o < view.wanted.replicas}
    if (moved := writer_moves(view, final, ClusterPhase.SCALING)) is not None:
        return moved
    return Step(
        phase=ClusterPhase.SCALING,
        why=f"member {last} leaves: {view.wanted.replicas} are wanted",
        actions=(Scale(found.uid, last),),
        again=1.0,
    )


def writer_moves(view: View, among: set[int], phase: ClusterPhase) -> Step | None:
    """Hand the role to one of ``among`` and wait until clients are led there; None when that is so.

    None also where nobody could take it, or no Primary lives: then there is nothing to hand over.
    """
    now = writer(view)
    if not primaries(view) or now is None:
        return None
    if now in among:
        elsewhere = led_elsewhere(view, now)
        return Step(phase=phase, why=elsewhere, again=0.5) if elsewhere is not None else None
    best = heir(view, among)
    if best is None or not synced(view, now):
        return None
    return hand_over(view, now, best, phase)


def hand_over(view: View, now: int, to: int, phase: ClusterPhase) -> Step:
    """Ask once; while the writer's report names the heir, only wait."""
    report = view.reports.get(now)
    why = f"member {now} hands the writer's role to member {to}" + view.refused("switchover")
    if report is not None and report.heir is not None:
        return Step(
            phase=phase, why=f"member {now} hands the writer's role to member {report.heir}", again=0.5
        )
    return Step(phase=phase, why=why, actions=(AskSwitchover(now, to),), again=0.5)
