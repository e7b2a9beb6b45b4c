"""The status of PodDisruptionBudgets, by which the API server judges evictions."""

from collections.abc import Iterable, Mapping, Sequence

from trireme.sandbox.controllers.events import Clock, Recorder
from trireme.sandbox.controllers.objects import (
    controller_of,
    key_of,
    labels_of,
    portion,
    ready,
    selects,
    spec_of,
    terminating,
    timestamp,
)
from trireme.sandbox.controllers.runner import Names, Resource, itself
from trireme.sandbox.controllers.writes import SetStatus, apply
from trireme.sandbox.store.interface import Change, Key, NotFoundError, Object, Store


def budget_status(budget: Object, pods: Sequence[Object], expected: int, now: str) -> Object:
    """``pods`` are those that it selects; ``expected`` how many their controllers want."""
    spec = spec_of(budget)
    healthy = sum(ready(pod) and not terminating(pod) for pod in pods)
    if spec.get("maxUnavailable") is not None:
        missing = portion(spec["maxUnavailable"], expected, default=0, round_up=True)
        desired = max(0, expected - missing)
    else:
        desired = portion(spec.get("minAvailable"), expected, default=1, round_up=True)
    allowed = max(0, healthy - desired) if expected else 0
    return {
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
        "expectedPods": expected,
        "observedGeneration": budget["metadata"].get("generation", 1),
        "conditions": [_condition(budget, allowed, now)],
    }


def _condition(budget: Object, allowed: int, now: str) -> Object:
    status = "True" if allowed else "False"
    known = ((budget.get("status") or {}).get("conditions") or [{}])[0]
    return {
        "type": "DisruptionAllowed",
        "status": status,
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
        "observedGeneration": budget["metadata"].get("generation", 1),
        "lastTransitionTime": known.get("lastTransitionTime", now) if known.get("status") == status else now,
    }


class DisruptionController:
    name = "disruption"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recorder = Recorder(store, "controllermanager", clock)

    def sources(self) -> Mapping[Resource, Names]:
        return {
            ("policy", "poddisruptionbudgets"): itself,
            ("", "pods"): self._budgets,
            ("apps", "statefulsets"): self._budgets,
            ("apps", "replicasets"): self._budgets,
        }

    async def reconcile(self, key: Key) -> float | None:
        try:
            budget = self._store.get(key)
        except NotFoundError:
            return None
        selector = spec_of(budget).get("selector")
        pods = [
            pod for pod in self._store.list("", "pods", key.namespace) if selects(selector, labels_of(pod))
        ]
        status = budget_status(budget, pods, self._expected(key.namespace, pods), timestamp(self._clock()))
        apply(self._store, self._recorder, [SetStatus(key, status)])
        return None

    def _expected(self, namespace: str, pods: Sequence[Object]) -> int:
        """The sum of what the pods' controllers want; a pod without one counts for itself."""
        wanted: dict[str, int] = {}
        alone = 0
        for pod in pods:
            owner = controller_of(pod)
            resource = {"StatefulSet": "statefulsets", "ReplicaSet": "replicasets"}.get(
                (owner or {}).get("kind", "")
            )
            if owner is None or resource is None:
                alone += 1
                continue
            try:
                found = self._store.get(Key("apps", resource, namespace, owner["name"]))
            except NotFoundError:
                continue
            wanted[owner["uid"]] = int(found["spec"].get("replicas", 1))
        return alone + sum(wanted.values())

    def _budgets(self, change: Change) -> Iterable[Key]:
        budgets = self._store.list("policy", "poddisruptionbudgets", change.key.namespace)
        return [key_of("policy", "poddisruptionbudgets", budget) for budget in budgets]
