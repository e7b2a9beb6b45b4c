"""The Node object: who this machine is, and a sign of life."""

import asyncio
import os
import platform
from typing import Any

from trireme.sandbox.controllers.objects import timestamp
from trireme.sandbox.node.context import Context
from trireme.sandbox.node.interface import NODE_NAME
from trireme.sandbox.node.resources import capacity
from trireme.sandbox.store.interface import Key, NotFoundError, Object

_HEALTHY = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("True", "KubeletReady", "the sandbox runs pods as processes of this machine"),
}


async def keep_node_object(context: Context) -> None:
    """Until cancelled: make the object if it is missing, and renew its status."""
    while True:
        key = Key("", "nodes", "", NODE_NAME)
        try:
            context.store.mutate(key, lambda node: node.update(status=_status(context, node)))
        except NotFoundError:
            context.store.create("", "nodes", _node(context))
        await asyncio.sleep(context.settings.timing.heartbeat)


def _node(context: Context) -> Object:
    labels = {
        "kubernetes.io/hostname": NODE_NAME,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": _architecture(),
        "topology.kubernetes.io/zone": NODE_NAME,
        "topology.kubernetes.io/region": NODE_NAME,
    }
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE_NAME, "labels": labels}, "spec": {}}
    return {**node, "status": _status(context, node)}


def _status(context: Context, node: Object) -> dict[str, Any]:
    now = timestamp(context.now())
    known = {entry["type"]: entry for entry in (node.get("status") or {}).get("conditions") or ()}
    amounts = {name: str(amount) for name, amount in capacity().items()}
    return {
        "capacity": amounts,
        "allocatable": amounts,
        "addresses": [
            {"type": "InternalIP", "address": context.settings.host_address},
            {"type": "Hostname", "address": NODE_NAME},
        ],
        "conditions": [
            {
                "type": kind,
                "status": holds,
                "lastHeartbeatTime": now,
                "lastTransitionTime": known.get(kind, {}).get("lastTransitionTime", now),
                "reason": reason,
                "message": message,
            }
            for kind, (holds, reason, message) in _HEALTHY.items()
        ],
        "nodeInfo": {
            "machineID": "",
            "systemUUID": "",
            "bootID": "",
            "kernelVersion": platform.release(),
            "osImage": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
            "containerRuntimeVersion": "bubblewrap://0.8",
            "kubeletVersion": "v1.36.0-trireme-sandbox",
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": _architecture(),
        },
    }


def _architecture() -> str:
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
