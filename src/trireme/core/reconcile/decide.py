"""The operator's decision: one pure function of one view. The first rule that applies decides about the members.

What restarts or moves nothing (objects, live variables, larger claims) is done beside it, in every round.
"""

from collections.abc import Iterable
from dataclasses import replace

from trireme.core.reconcile import members, requests, roll, volumes
from trireme.core.reconcile.actions import Action, ClusterPhase, Decision, Step
from trireme.core.reconcile.facts import (
    podless,
    primaries,
    served_by,
    synced,
    trouble,
    unrest,
    without_vote,
    writer,
)
from trireme.core.reconcile.keep import foreign, keep, keep_set, unapplied
from trireme.core.reconcile.seen import SetSeen, Strategy, View

STEADY_SECONDS = 30.0
"""Between two looks at a cluster where nothing is to be done. Kubernetes' own news wake earlier."""
REFUSED_SECONDS = 5.0
"""The same while settings are refused: a Secret that was missing tells nobody that it is there now."""

AWAY_SECONDS = 5.0
"""The same while the arbitrator has no vote."""

TO_THE_END = (
    ClusterPhase.FORMING,
    ClusterPhase.SCALING,
    ClusterPhase.UPDATING,
    ClusterPhase.REBUILDING,
    ClusterPhase.RECOVERING,
)
"""What was begun is over when all members are Synced again."""


def decide(view: View) -> Decision:
    """Everything to do now for one cluster, and why."""
    wanted = view.wanted
    if wanted.deleting:
        step = Step(
            phase=ClusterPhase.DELETING, why="is being deleted: its members leave in order", again=5.0
        )
        return _decision(view, step)
    if wanted.suspend:
        step = Step(
            phase=ClusterPhase.SUSPENDED, why="suspended: the operator changes nothing", again=STEADY_SECONDS
        )
        return _decision(view, step)
    if wanted.refusal is not None:
        why = f"the settings are not applied: {wanted.refusal}"
        return _decision(view, _blocked(view, why, REFUSED_SECONDS))
    in_the_way = foreign(view)
    if in_the_way:
        return _decision(view, _blocked(view, in_the_way[0], 5.0), foreign=in_the_way)
    if view.set is None:
        made = members.create(view)
        return _with(view, replace(made, actions=()), (*keep(view), *made.actions))
    told = (*requests.variables(view), *requests.labels(view))
    beside = (*keep(view), *keep_set(view, view.set), *volumes.expand(view), *told)
    return _with(view, _step(view, view.set), beside)


def _with(view: View, step: Step, beside: tuple[Action, ...]) -> Decision:
    """Where the API server does not take an object, no member is touched: it would get half of the spec."""
    refused = unapplied(view, beside)
    if refused:
        step = _blocked(view, f"the settings are not applied: {refused[0]}", REFUSED_SECONDS)
    return _decision(view, step, beside, unapplied=refused)


def _blocked(view: View, why: str, again: float) -> Step:
    """A person is needed. *Blocked* is for clusters that do not serve: where the writer does, it reads like an outage."""
    now = served_by(view)
    if now is None:
        return Step(phase=ClusterPhase.BLOCKED, why=why, again=again, stuck=True)
    why = f"{why} (member {now} takes the writes as before)"
    return Step(phase=ClusterPhase.DEGRADED, why=why, again=again, stuck=True)


def _step(view: View, found: SetSeen) -> Step:
    """What is done about the members: at most one thing that interrupts anything.

    A rule that can do something comes before one that waits: each has its own conditions.
    """
    if found.terminating:
        return Step(phase=ClusterPhase.UPDATING, why="the StatefulSet is being deleted", again=1.0)
    if view.wanted.hibernate:
        return members.hibernate(view, found)
    woken = members.wake(view, found)
    if woken is not None:
        return woken
    mended = roll.replace_broken(view, found)
    if mended is not None:
        return mended
    if not primaries(view):
        return without_primary(view, found)
    rules = (
        members.scale(view, found),
        volumes.template(view, found),
        requests.rebuild(view),
        requests.switchover(view),
        roll.roll(view, found),
        volumes.replace(view),
        volumes.leftover(view, found),
    )
    steps = [step for step in rules if step is not None]
    moving = (step for step in steps if step.actions or step.rebuild or step.primary_done is not None)
    return next(moving, None) or next(iter(steps), None) or steady(view, found)


def without_primary(view: View, found: SetSeen) -> Step:
    """No member that answers is Primary. The agents mend that by themselves; nothing here may disturb them.

    Members whose agents do not answer may well serve: that is said, and nothing is concluded from it (invariant 5).
    """
    quiet = [pod for pod in view.pods.values() if pod.ordinal not in view.reports]
    if quiet and any(pod.ready for pod in quiet):
        said = trouble(view, min(quiet, key=lambda pod: pod.ordinal))
        return Step(phase=ClusterPhase.UNKNOWN, why=f"cannot tell: {said}", again=2.0)
    phase = ClusterPhase.RECOVERING if view.wanted.history else ClusterPhase.FORMING
    blocked = [r for r in view.reports.values() if r.phase == "Blocked"]
    if blocked:
        first = min(blocked, key=lambda report: report.ordinal)
        why = f"member {first.ordinal} is Blocked: {first.why}"
        return Step(phase=ClusterPhase.BLOCKED, why=why, again=2.0, stuck=True)
    more = members.needed(view, found)
    if more is not None:
        return more
    missing = [o for o in range(found.replicas) if o not in view.pods]
    if missing:
        return Step(
            phase=phase,
            why=_no_pod(view, missing[0]),
            again=1.0,
            stuck=roll.stuck_member(view) is not None,
        )
    waiting = [pod for _, pod in sorted(view.pods.items()) if not synced(view, pod.ordinal)]
    why = trouble(view, waiting[0]) if waiting else "no member is Primary"
    return Step(phase=phase, why=why, again=1.0, stuck=bool(waiting and waiting[0].trouble))


def _no_pod(view: View, ordinal: int) -> str:
    if ordinal in view.uncreated:
        return podless(view, ordinal)
    return (
        f"waits for the pod of member {ordinal}; if it does not come, "
        f"`kubectl describe statefulset {view.wanted.name}` says why"
    )


def steady(view: View, found: SetSeen) -> Step:
    """Nothing to do. Somebody may still be away: the agents bring it back."""
    why = unrest(view)
    left = roll.outdated(view)
    if why is not None:
        stuck = roll.stuck_member(view) is not None
        phase = next((each for each in TO_THE_END if each == view.wanted.phase), ClusterPhase.DEGRADED)
        return Step(phase=phase, why=why, again=1.0, stuck=stuck)
    if left and view.wanted.strategy is not Strategy.ROLLING_UPDATE:
        names = ", ".join(map(str, sorted(left)))
        why = f"runs; member {names} takes the new settings when its pod is deleted ({view.wanted.strategy})"
        if view.wanted.strategy is Strategy.NEVER:
            why = f"runs; the new settings are not given to member {names} (updateStrategy Never)"
        return Step(phase=ClusterPhase.RUNNING, why=why, again=STEADY_SECONDS)
    why = f"all {found.replicas} members are Synced, member {writer(view)} takes the writes"
    if view.arbitrator_away:
        return Step(phase=ClusterPhase.RUNNING, why=f"{why}; {without_vote(view)}", again=AWAY_SECONDS)
    return Step(phase=ClusterPhase.RUNNING, why=why, again=STEADY_SECONDS)


def _decision(
    view: View,
    step: Step,
    beside: Iterable[Action] = (),
    *,
    foreign: tuple[str, ...] = (),
    unapplied: tuple[str, ...] = (),
) -> Decision:
    return Decision(
        phase=step.phase,
        why=step.why,
        actions=(*beside, *step.actions),
        wake_at=view.now + step.again,
        stuck=step.stuck,
        primary_done=step.primary_done,
        rebuild=step.rebuild,
        foreign=foreign,
        unapplied=unapplied,
    )
