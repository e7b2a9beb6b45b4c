"""The Deployment controller: moves replicas from old ReplicaSets to the new one within the allowed surge."""

import copy
from collections.abc import Mapping, Sequence

from trireme.sandbox.controllers.events import Clock, Recorder
from trireme.sandbox.controllers.objects import (
    condition,
    controlled_by,
    digest,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    portion,
    status_of,
    terminating,
    timestamp,
    uid_of,
)
from trireme.sandbox.controllers.replicaset import REPLICA_FAILURE
from trireme.sandbox.controllers.runner import Names, Resource, controllers_key, itself
from trireme.sandbox.controllers.writes import Create, Delete, Emit, Replace, SetStatus, Write, apply
from trireme.sandbox.store.interface import Key, NotFoundError, Object, Store

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"


def plan_deployment(workload: Object, sets: Sequence[Object], now: str) -> list[Write]:
    """``sets`` are the ReplicaSets that it controls; ``now`` is an RFC 3339 time."""
    if terminating(workload):
        return []
    template_hash = digest(workload["spec"]["template"])
    new = next((each for each in sets if labels_of(each).get(HASH_LABEL) == template_hash), None)
    old = [each for each in sets if each is not new]
    status = SetStatus(key_of("apps", "deployments", workload), _status(workload, new, sets, now))
    if workload["spec"].get("paused"):
        return [status]
    newest = max((_revision(each) for each in sets), default=0)
    if new is None:
        made = _new_set(workload, template_hash, newest + 1)
        return [Create("apps", "replicasets", made), *_marked(workload, newest + 1), status]
    if old and _revision(new) < newest:
        bumped = copy.deepcopy(new)
        bumped["metadata"]["annotations"][REVISION] = str(newest + 1)
        return [Replace("apps", "replicasets", bumped), *_marked(workload, newest + 1), status]
    return [*_move(workload, new, old), *_trim(workload, old), status]


def _move(workload: Object, new: Object, old: Sequence[Object]) -> list[Write]:
    replicas = int(workload["spec"].get("replicas", 1))
    strategy = workload["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        if any(_wanted(each) or status_of(each).get("replicas") for each in old):
            return [write for each in old for write in _scale(workload, each, 0)]
        return _scale(workload, new, replicas)
    rolling = strategy.get("rollingUpdate") or {}
    surge = portion(rolling.get("maxSurge", "25%"), replicas, default=1, round_up=True)
    unavailable = portion(rolling.get("maxUnavailable", "25%"), replicas, default=0, round_up=False)
    if not surge and not unavailable:
        unavailable = 1
    total = sum(_wanted(each) for each in (new, *old))
    target = min(replicas, _wanted(new) + max(0, replicas + surge - total))
    return [*_scale(workload, new, target), *_shrink(workload, new, old, replicas - unavailable)]


def _shrink(workload: Object, new: Object, old: Sequence[Object], min_available: int) -> list[Write]:
    """Take from the old sets what is not needed to keep ``min_available``; unhealthy replicas first."""
    missing_in_new = max(0, _wanted(new) - _available(new))
    removable = sum(_wanted(each) for each in (new, *old)) - min_available - missing_in_new
    spare = sum(_available(each) for each in (new, *old)) - min_available
    writes: list[Write] = []
    for each in sorted(old, key=_revision):
        unhealthy = min(max(0, _wanted(each) - _available(each)), max(0, removable))
        healthy = min(_wanted(each) - unhealthy, max(0, spare), max(0, removable - unhealthy))
        removable -= unhealthy + healthy
        spare -= healthy
        writes += _scale(workload, each, _wanted(each) - unhealthy - healthy)
    return writes


def _scale(workload: Object, replica_set: Object, replicas: int) -> list[Write]:
    if _wanted(replica_set) == replicas:
        return []
    changed = copy.deepcopy(replica_set)
    changed["spec"]["replicas"] = replicas
    way = "up" if replicas > _wanted(replica_set) else "down"
    message = f"Scaled {way} replica set {name_of(replica_set)} from {_wanted(replica_set)} to {replicas}"
    return [Replace("apps", "replicasets", changed), Emit(workload, "Normal", "ScalingReplicaSet", message)]


def _trim(workload: Object, old: Sequence[Object]) -> list[Write]:
    limit = workload["spec"].get("revisionHistoryLimit", 10)
    idle = [each for each in old if not _wanted(each) and not status_of(each).get("replicas")]
    surplus = sorted(idle, key=_revision)[: max(0, len(idle) - limit)]
    return [Delete(key_of("apps", "replicasets", each), uid_of(each)) for each in surplus]


def _new_set(workload: Object, template_hash: str, revision: int) -> Object:
    """It starts with none; the next pass gives it what the strategy allows."""
    template = copy.deepcopy(workload["spec"]["template"])
    template.setdefault("metadata", {}).setdefault("labels", {})[HASH_LABEL] = template_hash
    selector = copy.deepcopy(workload["spec"]["selector"])
    selector.setdefault("matchLabels", {})[HASH_LABEL] = template_hash
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name_of(workload)}-{template_hash}",
            "namespace": namespace_of(workload),
            "labels": dict(template["metadata"]["labels"]),
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [owner_reference(workload)],
        },
        "spec": {
            "replicas": 0,
            "minReadySeconds": workload["spec"].get("minReadySeconds") or 0,
            "selector": selector,
            "template": template,
        },
        "status": {"replicas": 0},
    }


def _marked(workload: Object, revision: int) -> list[Write]:
    marked = copy.deepcopy(workload)
    annotations = marked["metadata"].get("annotations") or {}
    marked["metadata"]["annotations"] = {**annotations, REVISION: str(revision)}
    return [Replace("apps", "deployments", marked)]


def _revision(replica_set: Object) -> int:
    return int((replica_set["metadata"].get("annotations") or {}).get(REVISION, 0))


def _wanted(replica_set: Object) -> int:
    return int(replica_set["spec"].get("replicas", 1))


def _available(replica_set: Object) -> int:
    return int(status_of(replica_set).get("availableReplicas") or 0)


def _status(workload: Object, new: Object | None, sets: Sequence[Object], now: str) -> Object:
    replicas = int(workload["spec"].get("replicas", 1))
    created = sum(int(status_of(each).get("replicas") or 0) for each in sets)
    available = sum(_available(each) for each in sets)
    updated = int(status_of(new).get("replicas") or 0) if new else 0
    complete = updated == replicas == created == available
    rolling = (workload["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    failure = condition(new, REPLICA_FAILURE) if new else None
    spare = portion(rolling.get("maxUnavailable", "25%"), replicas, default=0, round_up=False)
    return {
        "observedGeneration": workload["metadata"].get("generation", 1),
        "replicas": created,
        "updatedReplicas": updated,
        "readyReplicas": sum(int(status_of(each).get("readyReplicas") or 0) for each in sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, replicas - available),
        "conditions": [
            _condition(workload, "Available", available >= replicas - spare, now),
            _condition(workload, "Progressing", True, now)
            | {"reason": "NewReplicaSetAvailable" if complete else "ReplicaSetUpdated"},
            *([failure] if failure is not None else []),
        ],
    }


def _condition(workload: Object, type_: str, holds: bool, now: str) -> Object:
    status = str(holds)
    known = condition(workload, type_) or {}
    since = known.get("lastTransitionTime", now) if known.get("status") == status else now
    reason = "MinimumReplicasAvailable" if holds else "MinimumReplicasUnavailable"
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": "",
        "lastTransitionTime": since,
        "lastUpdateTime": since,
    }


class DeploymentController:
    name = "deployment"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recorder = Recorder(store, "deployment-controller", clock)

    def sources(self) -> Mapping[Resource, Names]:
        return {
            ("apps", "deployments"): itself,
            ("apps", "replicasets"): controllers_key("apps", "deployments", "Deployment"),
        }

    async def reconcile(self, key: Key) -> float | None:
        try:
            workload = self._store.get(key)
        except NotFoundError:
            return None
        everything = self._store.list("apps", "replicasets", key.namespace)
        sets = [each for each in everything if controlled_by(each, workload)]
        writes = plan_deployment(workload, sets, timestamp(self._clock()))
        apply(self._store, self._recorder, writes)
        return None
