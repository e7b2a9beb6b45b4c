"""Places pods on the sandbox's only node, when their claims are bound and the node takes pods."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trireme.sandbox.controllers.events import Clock, Recorder
from trireme.sandbox.controllers.objects import (
    condition,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    terminating,
    timestamp,
)
from trireme.sandbox.controllers.runner import Names, Resource, itself
from trireme.sandbox.controllers.volumes import claim_names
from trireme.sandbox.controllers.writes import Emit, Write, apply
from trireme.sandbox.store.interface import Change, Key, NotFoundError, Object, Store


def obstacle(pod: Object, nodes: Sequence[Object], claims: Mapping[str, Object]) -> str | None:
    """Why the pod cannot be placed on the only node, in the scheduler's words; None if it can."""
    for name in sorted(claim_names(pod)):
        if name not in claims:
            return f'persistentvolumeclaim "{name}" not found'
        if status_of(claims[name]).get("phase") != "Bound":
            return f'persistentvolumeclaim "{name}" is not bound yet'
    if not nodes:
        return "no nodes available to schedule pods"
    node = nodes[0]
    if spec_of(node).get("unschedulable"):
        return "0/1 nodes are available: 1 node(s) were unschedulable."
    selector = spec_of(pod).get("nodeSelector") or {}
    if not selector.items() <= labels_of(node).items():
        return "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    return None


class Scheduler:
    name = "scheduler"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recorder = Recorder(store, "default-scheduler", clock)

    def sources(self) -> Mapping[Resource, Names]:
        return {
            ("", "pods"): itself,
            ("", "persistentvolumeclaims"): self._waiting_pods,
            ("", "nodes"): self._waiting_pods,
        }

    async def reconcile(self, key: Key) -> float | None:
        try:
            pod = self._store.get(key)
        except NotFoundError:
            return None
        if spec_of(pod).get("nodeName") or terminating(pod):
            return None
        nodes = self._store.list("", "nodes")
        claims = self._store.list("", "persistentvolumeclaims", key.namespace)
        why = obstacle(pod, nodes, {name_of(claim): claim for claim in claims})
        if why is not None:
            self._wait(pod, why)
            return None
        self._place(pod, name_of(nodes[0]))
        return None

    def _place(self, pod: Object, node: str) -> None:
        now = timestamp(self._clock())

        def place(obj: Object) -> None:
            obj["spec"]["nodeName"] = node
            _set_scheduled(obj, {"status": "True", "lastTransitionTime": now})

        self._store.mutate(key_of("", "pods", pod), place)
        message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {node}"
        self._say(Emit(pod, "Normal", "Scheduled", message))

    def _wait(self, pod: Object, why: str) -> None:
        known = condition(pod, "PodScheduled") or {}
        if known.get("message") == why:
            return
        now = timestamp(self._clock())

        def wait(obj: Object) -> None:
            state = {"status": "False", "reason": "Unschedulable", "message": why, "lastTransitionTime": now}
            _set_scheduled(obj, state)

        self._store.mutate(key_of("", "pods", pod), wait)
        self._say(Emit(pod, "Warning", "FailedScheduling", why))

    def _say(self, write: Write) -> None:
        apply(self._store, self._recorder, [write])

    def _waiting_pods(self, change: Change) -> Iterable[Key]:
        for pod in self._store.list("", "pods", change.key.namespace or None):
            if not spec_of(pod).get("nodeName"):
                yield key_of("", "pods", pod)


def _set_scheduled(pod: Object, state: Mapping[str, Any]) -> None:
    status = pod.setdefault("status", {})
    others = [each for each in status.get("conditions") or () if each.get("type") != "PodScheduled"]
    status["conditions"] = [*others, {"type": "PodScheduled", **state}]
