"""What the user says of the pods, laid over what Trireme says; what would break an invariant is refused. Pure."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from trireme.api.resource import GaleraCluster
from trireme.api.resource.pods import Affinity, Container
from trireme.api.resource.spec_rules import OWN_VOLUMES
from trireme.base.errors import PermanentError
from trireme.manifests.cluster.names import Object

_READABLE = frozenset({"data", "tmp", "run"})
"""Trireme's volumes that a container of the user's may mount; `data` for reading only."""


def dumped(model: BaseModel) -> Object:
    """The part as Kubernetes writes it."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def merged(own: Mapping[str, Any], given: Mapping[str, Any]) -> Object:
    """``given`` over ``own``, object by object; lists and values of ``given`` win whole."""
    result: Object = copy.deepcopy(dict(own))
    for key, value in given.items():
        below = result.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[key] = merged(below, value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def user_containers(containers: Iterable[Container], image: str, security: Mapping[str, Any]) -> list[Object]:
    """The user's containers, as restricted as Trireme's unless they say otherwise."""
    found = []
    for each in containers:
        given = dumped(each)
        security_context = merged(security, given.pop("securityContext", {}))
        head = {"name": each.name, "image": each.image or image}
        found.append({**head, **given, **head, "securityContext": security_context})
    return found


def user_affinity(affinity: Affinity, labels: Mapping[str, str]) -> Object:
    """A pod's affinity, with the rule against two members on one node where that is asked for."""
    found: Object = {
        "nodeAffinity": affinity.node_affinity,
        "podAffinity": affinity.pod_affinity,
        "podAntiAffinity": copy.deepcopy(affinity.pod_anti_affinity),
    }
    if affinity.anti_affinity_enabled:
        rule = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": dict(labels)}}
        against = found["podAntiAffinity"] or {}
        required = "requiredDuringSchedulingIgnoredDuringExecution"
        against[required] = [*against.get(required, []), rule]
        found["podAntiAffinity"] = against
    return {key: value for key, value in found.items() if value}


def check_mounts(cluster: GaleraCluster) -> None:
    """Raises PermanentError for a mount of a volume that is not there, and for one that could harm the data."""
    known = {*(each.name for each in cluster.spec.volumes)}
    for field, volume, writes in _mounts(cluster):
        if volume in known:
            continue
        if volume not in OWN_VOLUMES:
            problem = f"mounts volume {volume!r}, which spec.volumes does not have; add it there"
        elif field.startswith("volumeMounts"):
            problem = f"mounts volume {volume!r}, which is Trireme's own and mounted already; take it out"
        elif volume not in _READABLE:
            problem = f"mounts volume {volume!r}, which holds what is Trireme's alone; take it out"
        elif volume == "data" and writes:
            problem = (
                "mounts the members' data for writing: only the server may write there (invariant 10); "
                "set readOnly: true"
            )
        else:
            continue
        raise PermanentError(f"GaleraCluster {cluster.full_name}: spec.{field} {problem}")


def _mounts(cluster: GaleraCluster) -> Iterator[tuple[str, str, bool]]:
    """Where it is said, the volume, whether it is mounted for writing."""
    for mount in cluster.spec.volume_mounts:
        yield f"volumeMounts {mount.mount_path}", mount.name, True
    for field, containers in (
        ("sidecarContainers", cluster.spec.sidecar_containers),
        ("initContainers", cluster.spec.init_containers),
    ):
        for container in containers:
            for raw in dumped(container).get("volumeMounts") or ():
                yield f"{field} {container.name}", str(raw.get("name")), raw.get("readOnly") is not True
