"""Adopting orphans and releasing what is no longer selected, as every workload controller does. Pure."""

import copy
from collections.abc import Iterable

from trireme.sandbox.controllers.objects import (
    controlled_by,
    controller_of,
    keep,
    labels_of,
    owner_reference,
    selects,
    terminating,
    uid_of,
)
from trireme.sandbox.controllers.writes import Replace, Write
from trireme.sandbox.store.interface import Object


def adopt(
    workload: Object, pods: Iterable[Object], *, group: str = "", resource: str = "pods"
) -> list[Write]:
    """Own the matching pods (or other objects) that nobody controls; disown those whose labels no longer match."""
    if terminating(workload):
        return []
    selector = workload["spec"].get("selector")
    writes: list[Write] = []
    for pod in pods:
        if terminating(pod):
            continue
        matches = selects(selector, labels_of(pod))
        changed = copy.deepcopy(pod)
        if matches and controller_of(pod) is None:
            references = pod["metadata"].get("ownerReferences") or ()
            changed["metadata"]["ownerReferences"] = [*references, owner_reference(workload)]
        elif not matches and controlled_by(pod, workload):
            keep(changed, "ownerReferences", lambda each: each["uid"] != uid_of(workload))
        else:
            continue
        writes.append(Replace(group, resource, changed))
    return writes
