"""What Kubernetes' objects say of the members. Never raises: what is missing reads as not known."""

import re
from collections.abc import Iterable, Mapping

from trireme.adapters.cluster_api import Object
from trireme.adapters.pod_state import SERVER_CONTAINER, pod_state
from trireme.api.names import ROLE_LABEL
from trireme.api.resource import amount
from trireme.core.reconcile.seen import PodSeen, SetSeen, VolumeSeen
from trireme.manifests.cluster import RESTART_HASH

VOLUME = "data"
PASSING = frozenset({"ContainerCreating", "PodInitializing", "Waiting", "Running", "Pending", "Terminating"})
"""A pod in these may come up by itself."""

SCHEDULER_CHARACTERS = 100
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
        state, ordinal = pod_state(pod), int(number[1])
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
            trouble=_trouble(state.state, state.message, running=state.running),
            beside=_beside(pod),
            restarts=sum(int(each.get("restartCount", 0)) for each in _containers(pod)),
            configs=_configs(pod.get("spec") or {}),
        )
    return found


def _containers(pod: Object) -> list[Object]:
    return (pod.get("status") or {}).get("containerStatuses") or []


def _beside(pod: Object) -> str:
    for each in _containers(pod):
        if each["name"] != SERVER_CONTAINER and not each.get("ready"):
            waiting = (each.get("state") or {}).get("waiting") or {}
            return f"container {each['name']} is not ready ({waiting.get('reason') or 'it runs'})"
    return ""


def _trouble(word: str, message: str, *, running: bool) -> str:
    if running or (word in PASSING and not (word == "Pending" and message)):
        return ""
    if word == "Pending":
        return f"no node takes its pod: {_short(message)}"
    return f"{word}: {message}" if message else word


def _short(message: str) -> str:
    """What the scheduler says of the nodes; what it says of preemption is the same once more."""
    said = re.sub(_BESIDE_NODES, "", message).strip(" .,")
    return said if len(said) <= SCHEDULER_CHARACTERS else said[: SCHEDULER_CHARACTERS - 1].rstrip(" ,") + "…"


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
