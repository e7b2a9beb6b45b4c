"""Volumes: grown in place where their class can, else by one member's replacement after the other; removed by policy."""

from collections.abc import Iterator

from trireme.core.reconcile.actions import Action, ClusterPhase, DeleteVolume, Expand, Recreate, Step
from trireme.core.reconcile.facts import heir, synced, unrest, writer
from trireme.core.reconcile.members import hand_over
from trireme.core.reconcile.roll import restart, wait
from trireme.core.reconcile.seen import SetSeen, View


def expand(view: View) -> Iterator[Action]:
    """Nothing is interrupted: every claim whose class can grow asks for the wanted size."""
    size = view.wanted.size
    if size is None:
        return
    for volume in view.volumes.values():
        if volume.requested < size and volume.expandable and not volume.terminating:
            yield Expand(volume.name, size)


def template(view: View, found: SetSeen) -> Step | None:
    """New members get the wanted size: a claim template cannot be changed, so the StatefulSet is made again."""
    if found.size == view.wanted.size or found.terminating:
        return None
    phase = ClusterPhase.UPDATING
    if set(view.pods) != set(range(found.replicas)) or any(pod.terminating for pod in view.pods.values()):
        return Step(
            phase=phase, why="the StatefulSet is made again for larger volumes once all pods are there"
        )
    return Step(
        phase=phase,
        why="the StatefulSet is made again, around its pods, for larger volumes",
        actions=(Recreate(found.uid),),
        again=0.5,
    )


def replace(view: View) -> Step | None:
    """One member whose volume cannot grow takes a new, larger one, filled by the others; the writer last."""
    size = view.wanted.size
    small = sorted((o for o, v in view.volumes.items() if _too_small(view, o, size)), reverse=True)
    going = [o for o, v in view.volumes.items() if v.terminating and o in view.pods]
    if not small and not going:
        return None
    if not view.wanted.replace_to_grow and not going:
        return None
    phase = ClusterPhase.UPDATING
    if len(view.pods) < 2:
        why = "the volume's class cannot grow it, and there is no other member to copy the data from"
        if going:
            why = (
                "its only volume is being deleted, and goes with its pod: copy the data before that pod ends"
            )
        return Step(phase=phase, why=why, again=30.0, stuck=True)
    if (restless := unrest(view)) is not None:
        return wait(view, restless, phase)
    now = writer(view)
    ordinal = next((o for o in [*going, *small] if o != now), now)
    if ordinal is None:
        return None
    pod, volume = view.pods[ordinal], view.volumes[ordinal]
    best = heir(view, set(view.pods) - {ordinal})
    if ordinal == now and best is not None:
        return hand_over(view, ordinal, best, phase)
    removal: tuple[Action, ...] = () if volume.terminating else (DeleteVolume(volume.name, volume.uid),)
    deleted = ordinal in going and volume.requested >= (size or 0)
    why = f"member {ordinal} gets a new, larger volume, filled by the others"
    if deleted:
        why = f"somebody deleted the volume of member {ordinal}: it gets a new one, filled by the others"
    return Step(phase=phase, why=why, actions=(*removal, restart(view, pod)), again=1.0)


def _too_small(view: View, ordinal: int, size: int | None) -> bool:
    volume = view.volumes[ordinal]
    return (
        size is not None
        and ordinal in view.pods
        and volume.requested < size
        and not volume.expandable
        and not volume.terminating
    )


def leftover(view: View, found: SetSeen) -> Step | None:
    """Claims of members that were scaled away, by policy, and only when all others are Synced."""
    wanted = view.wanted
    if not wanted.delete_scaled or wanted.hibernate or found.replicas != wanted.replicas:
        return None
    doomed = [
        volume
        for ordinal, volume in sorted(view.volumes.items())
        if ordinal >= wanted.replicas and ordinal not in view.pods and not volume.terminating
    ]
    if not doomed or unrest(view) is not None or not all(synced(view, o) for o in range(wanted.replicas)):
        return None
    names = ", ".join(volume.name for volume in doomed)
    return Step(
        phase=ClusterPhase.SCALING,
        why=f"deletes {names}: the retention policy says so",
        actions=tuple(DeleteVolume(volume.name, volume.uid) for volume in doomed),
    )
