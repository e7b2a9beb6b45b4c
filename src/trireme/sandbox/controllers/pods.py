"""Pods made from a template, as every workload controller makes them. Pure."""

import copy

from trireme.sandbox.controllers.objects import labels_of, namespace_of, owner_reference
from trireme.sandbox.store.interface import Object


def pod_of(template: Object, owner: Object) -> Object:
    """A pod without a name yet, controlled by ``owner``."""
    metadata = copy.deepcopy(template.get("metadata") or {})
    spec = copy.deepcopy(template["spec"])
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("restartPolicy", "Always")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": namespace_of(owner),
            "labels": dict(metadata.get("labels") or {}),
            "annotations": dict(metadata.get("annotations") or {}),
            "ownerReferences": [owner_reference(owner)],
            **({"finalizers": metadata["finalizers"]} if metadata.get("finalizers") else {}),
        },
        "spec": spec,
        "status": {"phase": "Pending"},
    }


def relabelled(pod: Object, labels: dict[str, str]) -> Object:
    """A copy with these labels on top."""
    changed = copy.deepcopy(pod)
    changed["metadata"]["labels"] = {**labels_of(pod), **labels}
    return changed
