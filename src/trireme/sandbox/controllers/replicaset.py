"""The ReplicaSet controller: as many pods as asked for, no identity."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from trireme.sandbox.controllers.events import Clock, Recorder
from trireme.sandbox.controllers.objects import (
    available,
    condition,
    controlled_by,
    finished,
    key_of,
    labels_of,
    name_of,
    phase_of,
    ready,
    seconds_until_available,
    selects,
    status_of,
    terminating,
    timestamp,
    uid_of,
)
from trireme.sandbox.controllers.ownership import adopt
from trireme.sandbox.controllers.pods import pod_of
from trireme.sandbox.controllers.runner import Names, Resource, controllers_key, itself
from trireme.sandbox.controllers.writes import Create, Delete, Emit, SetStatus, Write, apply
from trireme.sandbox.store.interface import Change, Key, NotFoundError, Object, RefusedError, Store

REPLICA_FAILURE = "ReplicaFailure"


def plan_replicas(workload: Object, pods: Sequence[Object], now: datetime) -> list[Write]:
    """``pods`` are those that it controls."""
    active = [pod for pod in pods if not terminating(pod) and not finished(pod)]
    writes: list[Write] = []
    if not terminating(workload):
        missing = workload["spec"].get("replicas", 1) - len(active)
        writes += [Create("", "pods", _pod(workload)) for _ in range(missing)]
        if missing < 0:
            writes += _delete(workload, sorted(active, key=_worth)[:-missing])
        if missing > 0:
            message = f"Created {missing} pod(s)"
            writes.append(Emit(workload, "Normal", "SuccessfulCreate", message))
    return [SetStatus(key_of("apps", "replicasets", workload), _status(workload, active, now)), *writes]


def _pod(workload: Object) -> Object:
    pod = pod_of(workload["spec"]["template"], workload)
    pod["metadata"]["generateName"] = f"{name_of(workload)}-"
    return pod


def _delete(workload: Object, pods: Iterable[Object]) -> list[Write]:
    writes: list[Write] = []
    for pod in pods:
        writes.append(Delete(key_of("", "pods", pod), uid_of(pod)))
        writes.append(Emit(workload, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}"))
    return writes


def _worth(pod: Object) -> tuple[bool, bool, bool, list[int]]:
    """Least first: without a node, pending, unready, newest."""
    created = str(pod["metadata"].get("creationTimestamp", ""))
    newest_first = [-ord(letter) for letter in created]
    return bool(pod["spec"].get("nodeName")), phase_of(pod) == "Running", ready(pod), newest_first


def refusal(workload: Object, why: str, now: datetime) -> SetStatus:
    """The API server does not take its pods: said in a condition until all are there."""
    known = condition(workload, REPLICA_FAILURE) or {}
    said = {
        "type": REPLICA_FAILURE,
        "status": "True",
        "reason": "FailedCreate",
        "message": why,
        "lastTransitionTime": known.get("lastTransitionTime", timestamp(now)),
    }
    return SetStatus(key_of("apps", "replicasets", workload), {**status_of(workload), "conditions": [said]})


def _status(workload: Object, active: Sequence[Object], now: datetime) -> Object:
    known = status_of(workload).get("conditions")
    missing = len(active) < workload["spec"].get("replicas", 1)
    return _counts(workload, active, now) | ({"conditions": known} if known and missing else {})


def _counts(workload: Object, active: Sequence[Object], now: datetime) -> Object:
    template = workload["spec"]["template"].get("metadata", {}).get("labels") or {}
    min_ready = workload["spec"].get("minReadySeconds") or 0
    return {
        "observedGeneration": workload["metadata"].get("generation", 1),
        "replicas": len(active),
        "fullyLabeledReplicas": sum(template.items() <= labels_of(pod).items() for pod in active),
        "readyReplicas": sum(ready(pod) for pod in active),
        "availableReplicas": sum(available(pod, min_ready, now) for pod in active),
    }


class ReplicaSetController:
    name = "replicaset"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recorder = Recorder(store, "replicaset-controller", clock)

    def sources(self) -> Mapping[Resource, Names]:
        return {("apps", "replicasets"): itself, ("", "pods"): self._of_pod}

    async def reconcile(self, key: Key) -> float | None:
        try:
            workload = self._store.get(key)
        except NotFoundError:
            return None
        now = self._clock()
        apply(self._store, self._recorder, adopt(workload, self._store.list("", "pods", key.namespace)))
        pods = [pod for pod in self._store.list("", "pods", key.namespace) if controlled_by(pod, workload)]
        try:
            apply(self._store, self._recorder, plan_replicas(workload, pods, now))
        except RefusedError as error:
            apply(self._store, self._recorder, [refusal(self._store.get(key), str(error), now)])
            raise
        min_ready = workload["spec"].get("minReadySeconds") or 0
        waits = (seconds_until_available(pod, min_ready, now) for pod in pods)
        return min((wait for wait in waits if wait), default=None)

    def _of_pod(self, change: Change) -> Iterable[Key]:
        yield from controllers_key("apps", "replicasets", "ReplicaSet")(change)
        for workload in self._store.list("apps", "replicasets", change.key.namespace):
            if selects(workload["spec"].get("selector"), labels_of(change.new)):
                yield key_of("apps", "replicasets", workload)
