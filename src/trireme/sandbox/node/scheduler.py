"""Binds pods to the only node, or says why they cannot be."""

from datetime import datetime

from trireme.sandbox.controllers.events import Recorder
from trireme.sandbox.controllers.objects import finished, key_of, name_of, namespace_of, timestamp
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
    for volume in pod["spec"].get("volumes") or ():
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim is None:
            continue
        try:
            found = store.get(Key("", "persistentvolumeclaims", namespace_of(pod), claim))
        except NotFoundError:
            return f'persistentvolumeclaim "{claim}" not found'
        if (found.get("status") or {}).get("phase") != "Bound":
            return "pod has unbound immediate PersistentVolumeClaims"
    return None


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
    message = f"0/1 nodes are available: {why}."
    known = _scheduled(pod)
    if known.get("message") == message:
        return

    def change(waiting: Object) -> None:
        since = known.get("lastTransitionTime") or timestamp(now)
        condition = {
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastTransitionTime": since,
        }
        _set_scheduled(waiting, condition)

    store.mutate(key_of("", "pods", pod), change)
    recorder.emit(pod, "Warning", "FailedScheduling", message)


def _scheduled(pod: Object) -> Object:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((found for found in conditions if found["type"] == "PodScheduled"), {})


def _set_scheduled(pod: Object, condition: Object) -> None:
    status = pod.setdefault("status", {})
    others = [found for found in status.get("conditions") or () if found["type"] != "PodScheduled"]
    status["conditions"] = [*others, {"type": "PodScheduled", "lastProbeTime": None, **condition}]
    status.setdefault("phase", "Pending")
