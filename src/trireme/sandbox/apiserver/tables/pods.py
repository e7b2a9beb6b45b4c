"""Columns of pods: the state of all its containers in one word."""

from trireme.sandbox.apiserver.tables.cells import AGE, NAME, NONE, Column, dig, field, parse_time, since
from trireme.sandbox.store.interface import Object


def ready(pod: Object) -> str:
    statuses = dig(pod, "status.containerStatuses", [])
    running = sum(1 for each in statuses if each.get("ready") and "running" in each.get("state", {}))
    return f"{running}/{len(pod.get('spec', {}).get('containers', ()))}"


def status(pod: Object) -> str:
    """The reason that matters most: an unfinished init container, a waiting or ended container, deletion."""
    reason = dig(pod, "status.reason") or dig(pod, "status.phase", "")
    initializing = _init_reason(pod)
    reason = initializing or _container_reason(pod, str(reason))
    if "deletionTimestamp" in pod["metadata"]:
        return "Unknown" if dig(pod, "status.reason") == "NodeLost" else "Terminating"
    return reason


def _init_reason(pod: Object) -> str:
    statuses = dig(pod, "status.initContainerStatuses", [])
    for position, each in enumerate(statuses):
        state = each.get("state", {})
        ended = state.get("terminated")
        if ended is not None and ended.get("exitCode") == 0:
            continue
        if ended is not None:
            return "Init:" + (ended.get("reason") or _ended(ended))
        waiting = dig(state, "waiting.reason", "")
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{position}/{len(pod['spec'].get('initContainers', ()))}"
    return ""


def _container_reason(pod: Object, reason: str) -> str:
    running = False
    for each in reversed(dig(pod, "status.containerStatuses", [])):
        state = each.get("state", {})
        ended = state.get("terminated")
        if dig(state, "waiting.reason"):
            reason = state["waiting"]["reason"]
        elif ended is not None:
            reason = ended.get("reason") or _ended(ended)
        elif each.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        return "Running" if _is_ready(pod) else "NotReady"
    return reason


def _ended(ended: Object) -> str:
    signal = ended.get("signal")
    return f"Signal:{signal}" if signal else f"ExitCode:{ended.get('exitCode', 0)}"


def _is_ready(pod: Object) -> bool:
    conditions = dig(pod, "status.conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def restarts(pod: Object) -> str:
    """How often, and how long ago the last one was."""
    statuses = dig(pod, "status.containerStatuses", [])
    if _init_reason(pod):
        statuses = dig(pod, "status.initContainerStatuses", [])
    count = sum(each.get("restartCount", 0) for each in statuses)
    ends = [dig(each, "lastState.terminated.finishedAt") for each in statuses]
    moments = [end for end in ends if parse_time(end) is not None]
    return f"{count} ({since(max(moments))} ago)" if count and moments else str(count)


def readiness_gates(pod: Object) -> str:
    """How many of the gates are open."""
    gates = [each["conditionType"] for each in pod.get("spec", {}).get("readinessGates") or ()]
    if not gates:
        return NONE
    true = {each["type"] for each in dig(pod, "status.conditions", []) if each["status"] == "True"}
    return f"{sum(1 for gate in gates if gate in true)}/{len(gates)}"


COLUMNS = (
    NAME,
    Column("Ready", ready),
    Column("Status", status),
    Column("Restarts", restarts),
    AGE,
    Column("IP", field("status.podIP", NONE), wide=True),
    Column("Node", field("spec.nodeName", NONE), wide=True),
    Column("Nominated Node", field("status.nominatedNodeName", NONE), wide=True),
    Column("Readiness Gates", readiness_gates, wide=True),
)
