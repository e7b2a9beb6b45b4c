"""Everything a cluster needs is there and as it should be; what it needs no more goes; what is not ours stays.

None of this restarts a member: the StatefulSet replaces no pod by itself (OnDelete).
"""

from collections.abc import Iterable, Iterator

from trireme.core.reconcile.actions import Action, Apply, Prune
from trireme.core.reconcile.drift import APPLIED, drift, left_behind, owned, ref, stamp, stamped
from trireme.core.reconcile.seen import Object, SetSeen, Strategy, View

CLAIMS = "volumeClaimTemplates"


def foreign(view: View) -> tuple[str, ...]:
    """Objects that have the name of one of ours and are somebody else's, in words."""
    uid = view.wanted.uid
    names = [ref(obj) for obj in (*view.wanted.objects, view.wanted.set)]
    there = {name: view.live[name] for name in names if name in view.live}
    found = [name for name, live in there.items() if not (owned(live, uid) or left_behind(live))]
    return tuple(
        f"{kind} {name} exists already and is not of this cluster: remove or rename it"
        for kind, name in found
    )


def unapplied(view: View, actions: Iterable[Action]) -> tuple[str, ...]:
    """Of what is to be applied, what the API server did not take the last time, in words."""
    due = [each.obj for each in actions if isinstance(each, Apply)]
    found = [(*ref(obj), *view.unapplied[ref(obj)], stamp(obj)) for obj in due if ref(obj) in view.unapplied]
    return tuple(
        f"the API server refuses {kind} {name}: {said}"
        for kind, name, refused, said, now in found
        if refused == now
    )


def keep(view: View) -> Iterator[Action]:
    """Apply what is missing or drifted; remove what is owned and wanted no more."""
    for obj in view.wanted.objects:
        if (why := _due(view, obj)) is not None:
            yield Apply(stamped(obj), why)
    wanted = {ref(obj) for obj in (*view.wanted.objects, view.wanted.set)}
    used = {("ConfigMap", name) for name in _configs(view)}
    for name, live in view.live.items():
        if name in used:
            continue
        if name not in wanted and owned(live, view.wanted.uid) and not _going(live):
            yield Prune(name, live["apiVersion"], live["metadata"]["uid"])


def _configs(view: View) -> set[str]:
    """What pods name, or would name: a member that starts again must find what it had."""
    named = view.set.configs if view.set is not None else frozenset()
    return set(named).union(*(pod.configs for pod in view.pods.values()))


def keep_set(view: View, found: SetSeen) -> Iterator[Action]:
    """Apply the StatefulSet's settings, its replicas and claim templates as they are.

    Other claim templates need another object, which is made once all pods are there; and it may be these settings that
    bring the pods.
    """
    wanted = view.wanted
    if found.terminating:
        return
    if wanted.strategy is Strategy.NEVER and found.hash != wanted.restart_hash:
        return
    obj = with_replicas(wanted.set, found.replicas)
    live = view.live.get(ref(obj))
    if found.size != wanted.size:
        if found.hash == wanted.restart_hash or live is None:
            return
        obj = {**obj, "spec": {**obj["spec"], CLAIMS: live["spec"].get(CLAIMS)}}
    if (why := _due(view, obj)) is not None:
        yield Apply(stamped(obj), why)


def with_replicas(obj: Object, replicas: int) -> Object:
    return {**obj, "spec": {**obj["spec"], "replicas": replicas}}


def _due(view: View, obj: Object) -> str | None:
    """Why to apply the object; None where there is nothing to do, or it is not ours to touch."""
    name = ref(obj)
    live = view.live.get(name)
    if live is None:
        return "it is missing"
    if left_behind(live) and not _going(live):
        return "a resource that is gone left it behind"
    if not owned(live, view.wanted.uid) or _going(live):
        return None
    made = stamped(obj)
    before = (live["metadata"].get("annotations") or {}).get(APPLIED)
    if before != made["metadata"]["annotations"][APPLIED]:
        return "its settings changed"
    where = drift(made, live)
    return f"somebody changed {where}" if where is not None and where != view.tolerated.get(name) else None


def _going(live: Object) -> bool:
    return bool(live["metadata"].get("deletionTimestamp"))
