"""A pod's status from what the node knows of its containers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from trireme.sandbox.controllers.objects import timestamp
from trireme.sandbox.node.resources import quantity
from trireme.sandbox.node.state import Container, Running, State, Terminated, Waiting
from trireme.sandbox.store.interface import Object


@dataclass(frozen=True, slots=True)
class Facts:
    """What a pod's status says besides its containers."""

    now: datetime
    host_address: str
    pod_address: str
    """'' until one is assigned."""
    terminating: bool
    final: str = ""
    """Succeeded or Failed once the pod will never run again."""
    reason: str = ""
    message: str = ""


def status(pod: Object, containers: Sequence[Container], facts: Facts) -> dict[str, Any]:
    """The whole new status; conditions of other writers and unchanged transition times are kept."""
    known = pod.get("status") or {}
    inits = [container for container in containers if container.init]
    apps = [container for container in containers if not container.init]
    new = {**known, "phase": facts.final or phase(containers, pod["spec"].get("restartPolicy", "Always"))}
    new["startTime"] = known.get("startTime") or timestamp(facts.now)
    new["hostIP"], new["hostIPs"] = facts.host_address, [{"ip": facts.host_address}]
    if facts.pod_address:
        new["podIP"], new["podIPs"] = facts.pod_address, [{"ip": facts.pod_address}]
    new["qosClass"] = known.get("qosClass") or quality_of_service(pod)
    for field, value in (("reason", facts.reason), ("message", facts.message)):
        if value:
            new[field] = value
    images = {entry["name"]: entry.get("image", "") for entry in _all_specs(pod)}
    if inits:
        new["initContainerStatuses"] = [_container(init, images) for init in inits]
    new["containerStatuses"] = [_container(app, images) for app in apps]
    new["conditions"] = _conditions(pod, inits, apps, facts, str(new["phase"]))
    return new


def phase(containers: Sequence[Container], restart_policy: str) -> str:
    """Pending until every init container is done and every other one has been started once."""
    apps = [container for container in containers if not container.init]
    if not all(isinstance(app.state, Running) or app.latest_end for app in apps):
        return "Pending"
    ended = [app for app in apps if isinstance(app.state, Terminated)]
    if restart_policy == "Always" or len(ended) < len(apps):
        return "Running"
    if all(app.succeeded for app in apps):
        return "Succeeded"
    return "Failed" if restart_policy == "Never" else "Running"


def quality_of_service(pod: Object) -> str:
    resources = [entry.get("resources") or {} for entry in _all_specs(pod)]
    if not any(entry.get("requests") or entry.get("limits") for entry in resources):
        return "BestEffort"
    return "Guaranteed" if all(_guaranteed(entry) for entry in resources) else "Burstable"


def _guaranteed(resources: Object) -> bool:
    limits = resources.get("limits") or {}
    requests = {**limits, **(resources.get("requests") or {})}
    return all(
        name in limits and quantity(limits[name]) == quantity(requests[name]) for name in ("cpu", "memory")
    )


def _all_specs(pod: Object) -> list[Object]:
    return [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]


def _container(container: Container, images: Mapping[str, str]) -> Object:
    image = images.get(container.name, "")
    entry: Object = {
        "name": container.name,
        "image": image,
        "imageID": f"sandbox://{image}",
        "ready": container.ready,
        "started": container.started,
        "restartCount": container.restarts,
        "state": _state(container.state),
        "lastState": _state(container.last) if container.last else {},
    }
    identity = container.state.container_id if not isinstance(container.state, Waiting) else ""
    identity = identity or (container.last.container_id if container.last else "")
    return {**entry, "containerID": f"bubblewrap://{identity}"} if identity else entry


def _state(state: State) -> Object:
    match state:
        case Waiting(reason, message):
            return {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        case Running(started_at):
            return {"running": {"startedAt": timestamp(started_at)}}
        case Terminated():
            return {
                "terminated": {
                    "exitCode": state.exit_code,
                    "reason": state.reason,
                    **({"message": state.message} if state.message else {}),
                    "startedAt": timestamp(state.started_at),
                    "finishedAt": timestamp(state.finished_at),
                    "containerID": f"bubblewrap://{state.container_id}",
                }
            }
        case _:
            assert_never(state)


@dataclass(frozen=True, slots=True)
class _Condition:
    type: str
    holds: bool
    reason: str = ""
    message: str = ""


def _conditions(
    pod: Object, inits: Sequence[Container], apps: Sequence[Container], facts: Facts, phase_now: str
) -> list[Object]:
    known = {entry["type"]: entry for entry in (pod.get("status") or {}).get("conditions") or ()}
    ready = _containers_ready(apps, facts, phase_now)
    ours = (
        _Condition("PodReadyToStartContainers", bool(facts.pod_address) and not facts.final),
        _initialized(inits, phase_now),
        _ready(pod, ready, known, phase_now),
        ready,
        _Condition("PodScheduled", True),
    )
    written = {condition.type: _entry(condition, known.get(condition.type), facts.now) for condition in ours}
    return [*written.values(), *(entry for kind, entry in known.items() if kind not in written)]


def _entry(condition: _Condition, known: Object | None, now: datetime) -> Object:
    status_now = "True" if condition.holds else "False"
    same = known is not None and known.get("status") == status_now
    return {
        "type": condition.type,
        "status": status_now,
        "lastProbeTime": None,
        "lastTransitionTime": known["lastTransitionTime"] if known and same else timestamp(now),
        **({"reason": condition.reason} if condition.reason else {}),
        **({"message": condition.message} if condition.message else {}),
    }


def _initialized(inits: Sequence[Container], phase_now: str) -> _Condition:
    missing = [init.name for init in inits if not init.succeeded]
    if not missing:
        return _Condition("Initialized", True, "PodCompleted" if phase_now == "Succeeded" else "")
    return _Condition("Initialized", False, "ContainersNotInitialized", _listed("incomplete", missing))


def _containers_ready(apps: Sequence[Container], facts: Facts, phase_now: str) -> _Condition:
    if phase_now in ("Succeeded", "Failed"):
        reason = "PodCompleted" if phase_now == "Succeeded" else "PodFailed"
        return _Condition("ContainersReady", False, reason)
    missing = [app.name for app in apps if not app.ready or facts.terminating]
    if not missing:
        return _Condition("ContainersReady", True)
    return _Condition("ContainersReady", False, "ContainersNotReady", _listed("unready", missing))


def _ready(pod: Object, containers: _Condition, known: Mapping[str, Object], phase_now: str) -> _Condition:
    if not containers.holds:
        return _Condition("Ready", False, containers.reason, containers.message)
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or ()]
    closed = [gate for gate in gates if known.get(gate, {}).get("status") != "True"]
    if not closed:
        return _Condition("Ready", True)
    words = [
        f'corresponding condition of pod readiness gate "{gate}" '
        + ("is not True" if gate in known else "does not exist")
        for gate in closed
    ]
    return _Condition("Ready", False, "ReadinessGatesNotReady", "; ".join(words) + ".")


def _listed(kind: str, names: Sequence[str]) -> str:
    return f"containers with {kind} status: [{' '.join(names)}]"
