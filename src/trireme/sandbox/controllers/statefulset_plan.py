"""What a StatefulSet does next, decided from its objects alone, as in Kubernetes' stateful_set_control.go."""

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from trireme.sandbox.controllers.objects import (
    available,
    finished,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    phase_of,
    portion,
    ready,
    seconds_until_available,
    status_of,
    terminating,
    uid_of,
)
from trireme.sandbox.controllers.pods import pod_of
from trireme.sandbox.controllers.revisions import REVISION_LABEL, Revisions, revise
from trireme.sandbox.controllers.statefulset_claims import claims_of, mount_claims, retention
from trireme.sandbox.controllers.writes import Create, Delete, Emit, SetStatus, Write
from trireme.sandbox.store.interface import Object

POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
POD_INDEX_LABEL = "apps.kubernetes.io/pod-index"


@dataclass(frozen=True, slots=True)
class Plan:
    """Writes to apply in order, and after how many seconds to look again though nothing changed."""

    writes: tuple[Write, ...]
    look_again: float | None


@dataclass(frozen=True, slots=True)
class Situation:
    """A StatefulSet and what belongs to it: ``pods`` by ordinal, ``claims`` by name."""

    workload: Object
    pods: Mapping[int, Object]
    claims: Mapping[str, Object]
    revisions: Revisions
    now: datetime

    @property
    def replicas(self) -> int:
        return int(self.workload["spec"].get("replicas", 1))

    @property
    def ordered(self) -> bool:
        return bool(self.workload["spec"].get("podManagementPolicy", "OrderedReady") != "Parallel")

    @property
    def rolling(self) -> Object | None:
        """Parameters of the rolling update; None for OnDelete."""
        strategy = self.workload["spec"].get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return None
        return strategy.get("rollingUpdate") or {}

    @property
    def partition(self) -> int:
        return int((self.rolling or {}).get("partition") or 0)

    @property
    def min_ready_seconds(self) -> int:
        return int(self.workload["spec"].get("minReadySeconds") or 0)

    def available(self, pod: Object) -> bool:
        return available(pod, self.min_ready_seconds, self.now)

    def healthy(self, pod: Object) -> bool:
        return self.available(pod) and not terminating(pod)


def plan(
    workload: Object,
    pods: Sequence[Object],
    claims: Sequence[Object],
    revisions: Sequence[Object],
    now: datetime,
) -> Plan:
    """One pass. ``pods`` and ``revisions`` are those that it controls, ``claims`` all of its namespace."""
    if terminating(workload):
        return Plan((), None)
    revised = revise(workload, revisions, pods)
    situation = Situation(
        workload,
        {ordinal_of(workload, pod): pod for pod in pods},
        {name_of(claim): claim for claim in claims},
        revised,
        now,
    )
    waits = (seconds_until_available(pod, situation.min_ready_seconds, now) for pod in pods)
    owned = retention(workload, situation.pods, claims)
    steps = _steps(situation)
    doomed = {write.uid for write in steps if isinstance(write, Delete)}
    status = SetStatus(key_of("apps", "statefulsets", workload), next_status(situation, doomed))
    return Plan(
        (*revised.writes, *owned, status, *steps), min((wait for wait in waits if wait), default=None)
    )


def ordinal_of(workload: Object, pod: Object) -> int:
    """The number at the end of the pod's name; -1 if the name is not one of this set's."""
    prefix, _, number = name_of(pod).rpartition("-")
    return int(number) if prefix == name_of(workload) and number.isdigit() else -1


def _steps(situation: Situation) -> list[Write]:
    writes, settled = _fill(situation)
    if not settled:
        return writes
    condemned, settled = _condemn(situation)
    writes += condemned
    if not settled or situation.rolling is None:
        return writes
    return writes + _roll(situation)


def _fill(situation: Situation) -> tuple[list[Write], bool]:
    """Create what is missing, lowest ordinal first. False: an ordered set waits here."""
    writes: list[Write] = []
    for ordinal in range(situation.replicas):
        pod = situation.pods.get(ordinal)
        if pod is None:
            writes += _create(situation, ordinal)
        elif finished(pod) and not terminating(pod):
            writes += _delete(situation, pod, "RecreatingTerminatedPod")
        elif phase_of(pod) == "Pending" and not terminating(pod):
            # A claim deleted under a pod that still waits for it is made again.
            writes += [
                Create("", "persistentvolumeclaims", each) for each in _missing_claims(situation, ordinal)
            ]
        if situation.ordered and (pod is None or not situation.healthy(pod)):
            return writes, False
    return writes, True


def _condemn(situation: Situation) -> tuple[list[Write], bool]:
    """Delete what is beyond ``replicas``, highest ordinal first; an ordered set deletes one at a time."""
    condemned = [pod for ordinal, pod in sorted(situation.pods.items()) if ordinal >= situation.replicas]
    writes: list[Write] = []
    for pod in reversed(condemned):
        if terminating(pod):
            if situation.ordered:
                return writes, False
            continue
        writes += _delete(situation, pod, "SuccessfulDelete")
        if situation.ordered:
            return writes, False
    return writes, True


def _roll(situation: Situation) -> list[Write]:
    """Delete outdated pods, highest ordinal first, never more than may be unavailable at once."""
    limit = (situation.rolling or {}).get("maxUnavailable")
    allowed = max(1, portion(limit, situation.replicas, default=1, round_up=True))
    writes: list[Write] = []
    unavailable = 0
    for ordinal in range(situation.replicas - 1, situation.partition - 1, -1):
        pod = situation.pods.get(ordinal)
        if pod is None:
            unavailable += 1
        elif labels_of(pod).get(REVISION_LABEL) != situation.revisions.update and not terminating(pod):
            writes += _delete(situation, pod, "SuccessfulDelete")
            unavailable += 1
        elif not situation.healthy(pod):
            unavailable += 1
        if unavailable >= allowed:
            return writes
    return writes


def _create(situation: Situation, ordinal: int) -> list[Write]:
    pod = new_pod(situation, ordinal)
    claims = _missing_claims(situation, ordinal)
    kind_name = f"Pod {name_of(pod)} in StatefulSet {name_of(situation.workload)}"
    going = [name for name in _claims_in_use(situation, ordinal) if terminating(situation.claims[name])]
    if going:
        message = f"create {kind_name} failed error: pvc {going[0]} is being deleted"
        return [Emit(situation.workload, "Warning", "FailedCreate", message)]
    return [
        *(Create("", "persistentvolumeclaims", claim) for claim in claims),
        Create("", "pods", pod),
        *(
            Emit(
                situation.workload,
                "Normal",
                "SuccessfulCreate",
                f"create Claim {name_of(claim)} {kind_name} success",
            )
            for claim in claims
        ),
        Emit(situation.workload, "Normal", "SuccessfulCreate", f"create {kind_name} successful"),
    ]


def _delete(situation: Situation, pod: Object, reason: str) -> list[Write]:
    message = f"delete Pod {name_of(pod)} in StatefulSet {name_of(situation.workload)} successful"
    return [Delete(key_of("", "pods", pod), uid_of(pod)), Emit(situation.workload, "Normal", reason, message)]


def _missing_claims(situation: Situation, ordinal: int) -> list[Object]:
    wanted = claims_of(situation.workload, ordinal).values()
    return [claim for claim in wanted if name_of(claim) not in situation.claims]


def _claims_in_use(situation: Situation, ordinal: int) -> list[str]:
    wanted = claims_of(situation.workload, ordinal).values()
    return [name_of(claim) for claim in wanted if name_of(claim) in situation.claims]


def new_pod(situation: Situation, ordinal: int) -> Object:
    """The pod of this ordinal, of the old revision where the update has not yet come."""
    workload, revisions = situation.workload, situation.revisions
    revision = revisions.update
    parameters = situation.rolling
    if parameters is not None:
        held_back = situation.partition if parameters else status_of(workload).get("currentReplicas", 0)
        if ordinal < held_back:
            revision = revisions.current
    template = copy.deepcopy(revisions.templates[revision])
    pod = pod_of(template, workload)
    name = f"{name_of(workload)}-{ordinal}"
    pod["metadata"]["name"] = name
    pod["metadata"]["labels"] |= {
        POD_NAME_LABEL: name,
        POD_INDEX_LABEL: str(ordinal),
        REVISION_LABEL: revision,
    }
    pod["spec"]["hostname"] = name
    pod["spec"]["subdomain"] = workload["spec"].get("serviceName", "")
    mount_claims(pod, workload, ordinal)
    return pod


def next_status(situation: Situation, doomed: Collection[str] = ()) -> Object:
    """Counted from the pods that exist now; ends an update when every pod has and holds the new revision.

    ``doomed`` are the uids of the pods that this very pass deletes: they count for no revision any more, because
    ``currentReplicas`` decides which revision their successors get.
    """
    revisions, old = situation.revisions, status_of(situation.workload)
    living = [pod for pod in situation.pods.values() if not terminating(pod) and uid_of(pod) not in doomed]
    updated = sum(labels_of(pod).get(REVISION_LABEL) == revisions.update for pod in living)
    current = sum(labels_of(pod).get(REVISION_LABEL) == revisions.current for pod in living)
    ready_count = sum(ready(pod) for pod in situation.pods.values())
    current_name = revisions.current
    complete = updated == situation.replicas == len(situation.pods) == ready_count
    if situation.rolling is not None and complete:
        current_name, current = revisions.update, updated
    counted = {"readyReplicas": ready_count, "currentReplicas": current, "updatedReplicas": updated}
    return {
        "observedGeneration": situation.workload["metadata"].get("generation", 1),
        "replicas": len(situation.pods),
        **{name: count for name, count in counted.items() if count},
        "availableReplicas": sum(situation.available(pod) for pod in situation.pods.values()),
        "currentRevision": current_name,
        "updateRevision": revisions.update,
        "collisionCount": old.get("collisionCount", 0),
    }


def refusal(workload: Object) -> str | None:
    """What the sandbox does not emulate of this StatefulSet, as a message; None if all of it."""
    start = (workload["spec"].get("ordinals") or {}).get("start", 0)
    if start:
        return (
            f"StatefulSet {namespace_of(workload)}/{name_of(workload)}: spec.ordinals.start is {start}; "
            "the sandbox counts from 0 only: remove the field"
        )
    return None
