"""The ServiceAccount's token volume, which every pod gets unless it says that it wants none. Pure."""

import copy

from trireme.sandbox.node.context import CA_CONFIG_MAP
from trireme.sandbox.store.interface import Object

DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME = "kube-api-access"


def with_token(pod: Object, account: Object | None, lifetime: int) -> Object:
    """A copy of ``pod`` in which each container without a mount at DIRECTORY has one."""
    if not _wanted(pod, account):
        return pod
    changed = copy.deepcopy(pod)
    spec = changed["spec"]
    lacking = [
        container
        for container in (*(spec.get("initContainers") or ()), *spec["containers"])
        if not any(mount["mountPath"] == DIRECTORY for mount in container.get("volumeMounts") or ())
    ]
    if not lacking:
        return pod
    spec["volumes"] = [*(spec.get("volumes") or ()), _volume(lifetime)]
    for container in lacking:
        mount = {"name": VOLUME, "mountPath": DIRECTORY, "readOnly": True}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
    return changed


def _wanted(pod: Object, account: Object | None) -> bool:
    for holder in (pod["spec"], account or {}):
        if "automountServiceAccountToken" in holder:
            return bool(holder["automountServiceAccountToken"])
    return True


def _volume(lifetime: int) -> Object:
    namespace = {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}
    certificate = {"name": CA_CONFIG_MAP, "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    return {
        "name": VOLUME,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"path": "token", "expirationSeconds": lifetime}},
                {"configMap": certificate},
                {"downwardAPI": {"items": [namespace]}},
            ]
        },
    }
