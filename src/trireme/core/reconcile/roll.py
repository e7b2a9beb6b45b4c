"""Changes that take a restart: secondaries first, one at a time, each Synced again before the next; the writer last,
after another took its role and clients are led there. A broken member stops it; reverting the spec replaces that one.
"""

from trireme.api.report import Phase
from trireme.core.reconcile.actions import Action, ClusterPhase, DeletePod, Evict, Step
from trireme.core.reconcile.facts import (
    declared,
    has_settings,
    heir,
    lame,
    podless,
    primaries,
    stopped,
    synced,
    trouble,
    unrest,
    writer,
)
from trireme.core.reconcile.members import hand_over
from trireme.core.reconcile.seen import PodSeen, SetSeen, Strategy, View

AGAIN_AND_AGAIN = 3
"""Restarts of a member's containers since its pod got the new settings that are no accident."""
IN_VAIN_SECONDS = 10.0
"""An outdated member that runs no server and shows no progress for so long is replaced, while a Primary lives."""
RECOVERY_SECONDS = 60.0
"""The same where no Primary lives."""
FAILING_SECONDS = 20.0
"""A member that runs no server with the wanted settings, and gets no further, is said to be stuck after so long."""


def outdated(view: View) -> list[int]:
    """Ordinals whose members lack the wanted settings, the highest first."""
    return sorted((o for o in view.pods if not has_settings(view, o)), reverse=True)


def replace_broken(view: View, found: SetSeen) -> Step | None:
    """An outdated member that provably runs no server gets the wanted settings at once: it cannot get worse.

    This is how reverting the spec undoes a stuck update, and how a cluster that never started is mended.
    """
    if view.wanted.strategy is not Strategy.ROLLING_UPDATE or found.hash != view.wanted.restart_hash:
        return None
    if not found.observed:
        return None
    broken = [
        view.pods[o]
        for o in sorted(outdated(view))
        if (stopped(view, o) and _hopeless(view, o)) or _waits_in_vain(view, o)
    ]
    if not broken:
        return None
    names = ", ".join(str(pod.ordinal) for pod in broken)
    return Step(
        phase=ClusterPhase.UPDATING,
        why=f"member {names} runs no server with its old settings: it gets the new ones",
        actions=tuple(DeletePod(pod.name, pod.uid) for pod in broken),
        again=1.0,
    )


def _waits_in_vain(view: View, ordinal: int) -> bool:
    """Kubernetes names no trouble where a container waits for a Secret or a volume that is not there. A member whose
    agent answers does not wait: what Kubernetes knows of its pod lags."""
    pod = view.pods[ordinal]
    starts = not pod.running and not pod.terminating and ordinal not in view.reports
    return starts and view.unmoved.get(ordinal, 0.0) > IN_VAIN_SECONDS


def _hopeless(view: View, ordinal: int) -> bool:
    """It does not come up by itself: its pod does not start, its agent needs a person, or it tries in vain.

    Without a Primary it is given more time: it may be the one that the others wait for.
    """
    report = view.reports.get(ordinal)
    if report is None or report.phase is Phase.BLOCKED:
        return True
    patience = IN_VAIN_SECONDS if primaries(view) else RECOVERY_SECONDS
    return view.unmoved.get(ordinal, 0.0) > patience


def roll(view: View, found: SetSeen) -> Step | None:
    """One restart, or why not now."""
    wanted = view.wanted
    left = outdated(view)
    if not left:
        return None
    if wanted.strategy is not Strategy.ROLLING_UPDATE:
        return None
    if found.hash != wanted.restart_hash:
        return Step(phase=ClusterPhase.UPDATING, why="the StatefulSet gets the new settings first", again=0.5)
    first = {o for o in left if lame(view, o)}
    if (why := unrest(view, first) or _relapse(view)) is not None:
        return wait(view, why)
    now = writer(view)
    secondaries = sorted((o for o in left if o != now), key=lambda o: (o not in first, -o))
    if secondaries:
        pod = view.pods[secondaries[0]]
        why = f"member {pod.ordinal} restarts with the new settings, {len(left)} to go"
        return Step(phase=ClusterPhase.UPDATING, why=why, actions=(restart(view, pod),), again=1.0)
    return _writer(view, view.pods[left[0]])


def _relapse(view: View) -> str | None:
    """The new settings are no good where a container ends soon after each start: it is ready for moments only."""
    again = sorted(o for o in view.relapsed if o in view.pods and has_settings(view, o))
    return f"a container of member {again[0]} was restarted a moment ago" if again else None


def _writer(view: View, pod: PodSeen) -> Step:
    """Last of all: its role goes first. A single member has nobody to give it to."""
    best = heir(view, set(view.pods) - {pod.ordinal})
    if best is not None:
        return hand_over(view, pod.ordinal, best, ClusterPhase.UPDATING)
    why = f"member {pod.ordinal} restarts with the new settings; nobody can take its role meanwhile"
    return Step(phase=ClusterPhase.UPDATING, why=why, actions=(restart(view, pod),), again=1.0)


def restart(view: View, pod: PodSeen) -> Action:
    """Within the disruption budget, so that a drain at the same moment is noticed; past one that forbids all.

    Past it, too, for a member that no client is led to: the budget counts it as missing already.
    """
    if view.wanted.budget_blocks or lame(view, pod.ordinal):
        return DeletePod(pod.name, pod.uid)
    return Evict(pod.name, pod.uid)


def wait(view: View, why: str, phase: ClusterPhase = ClusterPhase.UPDATING) -> Step:
    """Not now. Stuck where a member that has the new settings does not come up."""
    stuck = stuck_member(view)
    if stuck is None:
        return Step(phase=phase, why=f"waits: {why}", again=1.0)
    what = f"the update stopped: {stuck}. The other members keep serving; revert the spec to go back"
    return Step(phase=phase, why=what, again=5.0, stuck=True)


def stuck_member(view: View) -> str | None:
    """A member with the wanted settings that does not get to Synced: by evidence, or past the deadline."""
    for ordinal in declared(view):
        missing = ordinal not in view.pods and ordinal in view.uncreated
        if missing and view.unmoved.get(ordinal, 0.0) > FAILING_SECONDS:
            return podless(view, ordinal)
    for ordinal, pod in sorted(view.pods.items()):
        again = ordinal in view.relapsed
        if not has_settings(view, ordinal) or pod.terminating or (synced(view, ordinal) and not again):
            continue
        report = view.reports.get(ordinal)
        if again and pod.restarts >= AGAIN_AND_AGAIN:
            return (
                f"member {ordinal}: {pod.beside or 'a container of its pod'}, restarted {pod.restarts} times"
            )
        if pod.beside_never:
            return f"member {ordinal}: {pod.beside}"
        if pod.trouble or (report is not None and report.phase is Phase.BLOCKED):
            return trouble(view, pod)
        unmoved = view.unmoved.get(ordinal, 0.0)
        patience = FAILING_SECONDS if stopped(view, ordinal) else view.wanted.deadline
        if unmoved > patience:
            return f"{trouble(view, pod)} (no progress for {unmoved:.0f} s)"
    return None
