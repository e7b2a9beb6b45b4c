"""Binds pods to the only node, or says why they cannot be."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from trireme.sandbox.controllers.events import Recorder
from trireme.sandbox.controllers.objects import (
    finished,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    selects,
    timestamp,
)
from trireme.sandbox.node.interface import NODE_NAME
from trireme.sandbox.store.interface import Key, NotFoundError, Object, Store

SCHEDULER_NAME = "default-scheduler"


def schedule(store: Store, recorder: Recorder, now: datetime) -> None:
    """Look at every pod that has no node yet."""
    for pod in store.list("", "pods"):
        if _waits(pod):
            why = obstacle(store, pod)
            if why is None:
                _bind(store, recorder, pod, now)
            else:
                _report(store, recorder, pod, why, now)


def obstacle(store: Store, pod: Object) -> str | None:
    """Why the pod cannot run on this node, in the scheduler's words; None if it can."""
    return next(_obstacles(store, pod), None)


def _obstacles(store: Store, pod: Object) -> Iterator[str]:
    try:
        node = store.get(Key("", "nodes", "", NODE_NAME))
    except NotFoundError:
        yield "no nodes available to schedule pods"
        return
    if node["spec"].get("unschedulable"):
        yield "0/1 nodes are available: 1 node(s) were unschedulable."
    yield from (f"0/1 nodes are available: {why}." for why in _unbound_claims(store, pod))
    if not (pod["spec"].get("nodeSelector") or {}).items() <= labels_of(node).items():
        yield "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    others = [other for other in store.list("", "pods", namespace_of(pod)) if _placed(other)]
    if _shuns(pod, others):
        yield "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules."
    spread = (_cannot_spread(pod, labels_of(node), others, each) for each in _spread_constraints(pod))
    yield from (
        f"0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints{why}."
        for why in spread
        if why is not None
    )


def _unbound_claims(store: Store, pod: Object) -> Iterator[str]:
    for volume in pod["spec"].get("volumes") or ():
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim is None:
            continue
        try:
            found = store.get(Key("", "persistentvolumeclaims", namespace_of(pod), claim))
        except NotFoundError:
            yield f'persistentvolumeclaim "{claim}" not found'
            continue
        if (found.get("status") or {}).get("phase") != "Bound":
            yield f'persistentvolumeclaim "{claim}" is not bound yet'


def _shuns(pod: Object, others: Iterable[Object]) -> bool:
    """With one node every topology has one domain: a required anti-affinity allows no second match."""
    affinity = (pod["spec"].get("affinity") or {}).get("podAntiAffinity") or {}
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    labels = [labels_of(other) for other in others]
    return any(selects(term.get("labelSelector"), found) for term in terms for found in labels)


def _spread_constraints(pod: Object) -> list[Object]:
    given = pod["spec"].get("topologySpreadConstraints") or ()
    return [each for each in given if each["whenUnsatisfiable"] == "DoNotSchedule"]


def _cannot_spread(
    pod: Object, node: Mapping[str, str], others: Iterable[Object], constraint: Object
) -> str | None:
    """With one node there is one domain, which differs from none: but where more of them must be there."""
    if constraint["topologyKey"] not in node:
        return " (missing required label)"
    if constraint.get("minDomains", 1) <= 1:
        return None
    selector = constraint.get("labelSelector")
    there = sum(selects(selector, labels_of(other)) for other in others)
    return "" if there + selects(selector, labels_of(pod)) > constraint["maxSkew"] else None


def _placed(pod: Object) -> bool:
    return bool(pod["spec"].get("nodeName")) and not finished(pod)


def _waits(pod: Object) -> bool:
    spec, metadata = pod["spec"], pod["metadata"]
    ours = spec.get("schedulerName", SCHEDULER_NAME) == SCHEDULER_NAME
    held = spec.get("nodeName") or spec.get("schedulingGates") or metadata.get("deletionTimestamp")
    return ours and not held and not finished(pod)


def _bind(store: Store, recorder: Recorder, pod: Object, now: datetime) -> None:
    def change(bound: Object) -> None:
        bound["spec"]["nodeName"] = NODE_NAME
        _set_scheduled(bound, {"status": "True", "lastTransitionTime": timestamp(now)})

    store.mutate(key_of("", "pods", pod), change)
    message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {NODE_NAME}"
    recorder.emit(pod, "Normal", "Scheduled", message)


def _report(store: Store, recorder: Recorder, pod: Object, why: str, now: datetime) -> None:
    """Once for each new reason: repeating it would change nothing for whoever waits."""
    known = _scheduled(pod)
    if known.get("message") == why:
        return
    since = known.get("lastTransitionTime") or timestamp(now)
    state = {"status": "False", "reason": "Unschedulable", "message": why, "lastTransitionTime": since}
    store.mutate(key_of("", "pods", pod), lambda waiting: _set_scheduled(waiting, state))
    recorder.emit(pod, "Warning", "FailedScheduling", why)


def _scheduled(pod: Object) -> Object:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((found for found in conditions if found["type"] == "PodScheduled"), {})


def _set_scheduled(pod: Object, state: Object) -> None:
    status = pod.setdefault("status", {})
    others = [found for found in status.get("conditions") or () if found["type"] != "PodScheduled"]
    status["conditions"] = [*others, {"type": "PodScheduled", "lastProbeTime": None, **state}]
    status.setdefault("phase", "Pending")
