"""What every sandbox has from the start, put there again if somebody removed it."""

from collections.abc import Iterable

from trireme.sandbox.apiserver.writes.priority import system_classes
from trireme.sandbox.controllers.namespaces import initial_namespaces
from trireme.sandbox.controllers.volumes import default_class
from trireme.sandbox.network.addresses import Network
from trireme.sandbox.network.services import kubernetes_service
from trireme.sandbox.store.interface import ExistsError, Key, Object, Store


def seed(store: Store, network: Network, api_port: int) -> None:
    """Namespaces, StorageClass and PriorityClasses, Service ``kubernetes`` at this network's address and ``api_port``."""
    for namespace in initial_namespaces():
        _create(store, "", "namespaces", namespace)
    _create(store, "storage.k8s.io", "storageclasses", default_class())
    for each in system_classes():
        _create(store, "scheduling.k8s.io", "priorityclasses", each)
    for group, resource, obj in kubernetes_service(network, api_port):
        if not _create(store, group, resource, obj):
            _follow(store, group, resource, obj, ("spec", "endpoints", "ports"))


def _create(store: Store, group: str, resource: str, obj: Object) -> bool:
    try:
        store.create(group, resource, obj)
    except ExistsError:
        return False
    return True


def _follow(store: Store, group: str, resource: str, obj: Object, fields: Iterable[str]) -> None:
    metadata = obj["metadata"]

    def change(known: Object) -> None:
        known.update({field: obj[field] for field in fields if field in obj})

    store.mutate(Key(group, resource, metadata["namespace"], metadata["name"]), change)


def forget_readiness(store: Store) -> None:
    """No pod is ready that the store remembers as ready: whatever ran has ended with the sandbox."""
    for pod in store.list("", "pods"):
        metadata = pod["metadata"]
        store.mutate(Key("", "pods", metadata["namespace"], metadata["name"]), _unready)


def _unready(pod: Object) -> None:
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        container["ready"] = False
    for condition in status.get("conditions") or ():
        if condition["type"] in ("Ready", "ContainersReady"):
            condition["status"] = "False"
