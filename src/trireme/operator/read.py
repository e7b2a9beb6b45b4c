"""What Kubernetes' objects say of the members. Never raises: what is missing reads as not known."""

import re
from collections.abc import Iterable, Mapping

from trireme.adapters.cluster_api import Object
from trireme.adapters.pod_state import SERVER_CONTAINER, container_trouble, one_line, pod_state
from trireme.api.names import ROLE_LABEL
from trireme.api.resource import amount
from trireme.core.cluster_seen import Pod
from trireme.core.reconcile.seen import PodSeen, SetSeen, VolumeSeen
from trireme.manifests.cluster import ARBITRATOR, COMPONENT_LABEL, RESTART_HASH

VOLUME = "data"
PASSING = frozenset({"ContainerCreating", "PodInitializing", "Waiting", "Running", "Pending", "Terminating"})
"""A pod in these may come up by itself."""

CRASHES = "CrashLoopBackOff"
"""It was started, and may be fine next time."""
SCHEDULER_CHARACTERS = 104
_BESIDE_NODES = r"(\.? no new claims to deallocate,?)? preemption: .*"
"""Its sentence names every kind of node, and ends in every condition and Event."""


def pods_seen(cluster: str, pods: Iterable[Object]) -> dict[int, PodSeen]:
    """By ordinal; pods of other things of the cluster are left out."""
    found = {}
    for pod in pods:
        metadata = pod["metadata"]
        number = re.fullmatch(re.escape(cluster) + r"-(\d+)", metadata["name"])
        if number is None:
            continue
        state, other, ordinal = pod_state(pod), _other(pod), int(number[1])
        found[ordinal] = PodSeen(
            ordinal=ordinal,
            name=metadata["name"],
            uid=metadata["uid"],
            hash=(metadata.get("annotations") or {}).get(RESTART_HASH, ""),
            terminating="deletionTimestamp" in metadata,
            ready=state.ready,
            running=state.running,
            node=state.node,
            role=(metadata.get("labels") or {}).get(ROLE_LABEL, ""),
            trouble=_trouble(state),
            beside=_beside(other),
            beside_never=other is not None and _never(other),
            restarts=sum(int(each.get("restartCount", 0)) for each in _containers(pod)),
            configs=_configs(pod.get("spec") or {}),
        )
    return found


def _containers(pod: Object) -> list[Object]:
    return (pod.get("status") or {}).get("containerStatuses") or []


def _other(pod: Object) -> Object | None:
    """A container beside the agent's that is not ready: one that never will be, if there is one."""
    found = [each for each in _containers(pod) if each["name"] != SERVER_CONTAINER and not each.get("ready")]
    return min(found, key=lambda each: not _never(each), default=None)


def _never(container: Object) -> bool:
    waiting = (container.get("state") or {}).get("waiting") or {}
    return waiting.get("reason", CRASHES) not in PASSING | {CRASHES}


def _beside(container: Object | None) -> str:
    if container is None:
        return ""
    word, message = container_trouble(container)
    ended = "it ended" if "terminated" in (container.get("state") or {}) else "it runs"
    why = ": ".join(filter(None, (word, one_line(message)))) or ended
    return f"container {container['name']} is not ready ({why})"


def _trouble(state: Pod) -> str:
    word, message = state.state, state.message
    if state.running or (word in PASSING and not (word == "Pending" and message)):
        return ""
    if word == "Pending":
        return f"no node takes its pod: {_short(message)}"
    where = f"container {state.container}" if state.container not in ("", SERVER_CONTAINER) else ""
    return ": ".join(filter(None, (where, word, message)))


def _short(message: str) -> str:
    """What the scheduler says of the nodes, in whole reasons; what it says of preemption is the same once more."""
    first, *others = re.sub(_BESIDE_NODES, "", message).strip(" .,").split(", ")
    for each in others:
        if len(first) + len(each) + 2 > SCHEDULER_CHARACTERS:
            return f"{first}, …"
        first = f"{first}, {each}"
    return first


def arbitrator_away(deployment: Object | None, pods: Iterable[Object]) -> str:
    """Why the arbitrator has no vote, in Kubernetes' words; '' where it has one."""
    status = (deployment or {}).get("status") or {}
    if int(status.get("readyReplicas") or 0) > 0:
        return ""
    for pod in pods:
        labels = pod["metadata"].get("labels") or {}
        if labels.get(COMPONENT_LABEL) == ARBITRATOR and "deletionTimestamp" not in pod["metadata"]:
            return _trouble(pod_state(pod)) or "it is not in the group yet"
    for each in status.get("conditions") or ():
        if each.get("type") == "ReplicaFailure":
            return one_line(each.get("message", ""))
    return "it has no pod yet"


def volumes_seen(
    cluster: str, claims: Iterable[Object], expandable: Mapping[str, bool]
) -> dict[int, VolumeSeen]:
    """The members' data claims, by ordinal."""
    found = {}
    for claim in claims:
        metadata, spec = claim["metadata"], claim.get("spec") or {}
        number = re.fullmatch(re.escape(f"{VOLUME}-{cluster}") + r"-(\d+)", metadata["name"])
        if number is None:
            continue
        found[int(number[1])] = VolumeSeen(
            ordinal=int(number[1]),
            name=metadata["name"],
            uid=metadata["uid"],
            requested=_bytes((spec.get("resources") or {}).get("requests")),
            capacity=_bytes((claim.get("status") or {}).get("capacity")),
            terminating="deletionTimestamp" in metadata,
            expandable=expandable.get(str(spec.get("storageClassName") or ""), True),
        )
    return found


def set_seen(found: Object | None) -> SetSeen | None:
    """The StatefulSet, None where there is none."""
    if found is None:
        return None
    metadata, spec, status = found["metadata"], found.get("spec") or {}, found.get("status") or {}
    template = ((spec.get("template") or {}).get("metadata") or {}).get("annotations") or {}
    return SetSeen(
        uid=metadata["uid"],
        replicas=int(spec.get("replicas", 1)),
        hash=template.get(RESTART_HASH, ""),
        size=set_size(found),
        observed=int(status.get("observedGeneration") or 0) >= int(metadata.get("generation") or 0),
        terminating="deletionTimestamp" in metadata,
        configs=_configs((spec.get("template") or {}).get("spec") or {}),
    )


def _configs(pod_spec: Object) -> frozenset[str]:
    """ConfigMaps that a pod mounts, or takes its environment from."""
    named = [each.get("configMap") for each in pod_spec.get("volumes") or ()]
    for container in (*(pod_spec.get("containers") or ()), *(pod_spec.get("initContainers") or ())):
        named += [each.get("configMapRef") for each in container.get("envFrom") or ()]
    return frozenset(str(each["name"]) for each in named if each)


def set_size(found: Object) -> int | None:
    """Bytes that its claim template asks for; None where it has none."""
    templates = (found.get("spec") or {}).get("volumeClaimTemplates") or []
    for each in templates:
        if each["metadata"]["name"] == VOLUME:
            return _bytes((each["spec"].get("resources") or {}).get("requests"))
    return None


def _bytes(amounts: Mapping[str, str] | None) -> int:
    try:
        return int(amount(str((amounts or {}).get("storage", "0"))))
    except ValueError:
        return 0
