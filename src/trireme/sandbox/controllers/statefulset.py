"""The StatefulSet controller: gathers what belongs to a set, decides by ``plan``, applies."""

from collections.abc import Iterable, Mapping

from trireme.sandbox.controllers.events import Clock, Recorder
from trireme.sandbox.controllers.objects import controlled_by
from trireme.sandbox.controllers.ownership import adopt
from trireme.sandbox.controllers.runner import Names, Resource, controllers_key, itself
from trireme.sandbox.controllers.statefulset_plan import ordinal_of, plan, refusal
from trireme.sandbox.controllers.writes import Emit, apply
from trireme.sandbox.store.interface import Change, Key, NotFoundError, Store


class StatefulSetController:
    name = "statefulset"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recorder = Recorder(store, "statefulset-controller", clock)

    def sources(self) -> Mapping[Resource, Names]:
        return {
            ("apps", "statefulsets"): itself,
            ("", "pods"): self._sets_of_pod,
            ("apps", "controllerrevisions"): controllers_key("apps", "statefulsets", "StatefulSet"),
            ("", "persistentvolumeclaims"): self._sets_of_namespace,
        }

    async def reconcile(self, key: Key) -> float | None:
        try:
            workload = self._store.get(key)
        except NotFoundError:
            return None
        message = refusal(workload)
        if message is not None:
            apply(self._store, self._recorder, [Emit(workload, "Warning", "NotEmulated", message)])
            return None
        now = self._clock()
        everything = self._store.list("", "pods", key.namespace)
        named = [pod for pod in everything if ordinal_of(workload, pod) >= 0]
        apply(self._store, self._recorder, adopt(workload, named))
        pods = [pod for pod in self._store.list("", "pods", key.namespace) if controlled_by(pod, workload)]
        kept = self._store.list("apps", "controllerrevisions", key.namespace)
        orphans = adopt(workload, kept, group="apps", resource="controllerrevisions")
        apply(self._store, self._recorder, orphans)
        revisions = self._store.list("apps", "controllerrevisions", key.namespace)
        decided = plan(
            workload,
            pods,
            self._store.list("", "persistentvolumeclaims", key.namespace),
            [revision for revision in revisions if controlled_by(revision, workload)],
            now,
        )
        apply(self._store, self._recorder, decided.writes)
        return decided.look_again

    def _sets_of_pod(self, change: Change) -> Iterable[Key]:
        """By name, so that a pod that is in the way of a set, or an orphan of it, is noticed too."""
        owner, dash, _ = change.key.name.rpartition("-")
        return (Key("apps", "statefulsets", change.key.namespace, owner),) if dash else ()

    def _sets_of_namespace(self, change: Change) -> Iterable[Key]:
        return [
            Key("apps", "statefulsets", change.key.namespace, workload["metadata"]["name"])
            for workload in self._store.list("apps", "statefulsets", change.key.namespace)
        ]
