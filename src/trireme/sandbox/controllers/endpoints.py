"""EndpointSlices and Endpoints of Services with a selector, decided as Kubernetes' controllers do."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trireme.sandbox.controllers.events import Clock, Recorder
from trireme.sandbox.controllers.objects import (
    digest,
    finished,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    ready,
    spec_of,
    status_of,
    terminating,
    uid_of,
)
from trireme.sandbox.controllers.runner import Names, Resource, itself
from trireme.sandbox.controllers.writes import Create, Delete, Replace, Write, apply
from trireme.sandbox.store.interface import Change, Key, NotFoundError, Object, Store

SERVICE_LABEL = "kubernetes.io/service-name"
MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
HEADLESS_LABEL = "service.kubernetes.io/headless"

Ports = list[dict[str, Any]]


def headless(service: Object) -> bool:
    return bool(spec_of(service).get("clusterIP") == "None")


def endpoint_ports(service: Object, pod: Object) -> Ports:
    """The service's ports as numbers on this pod; a named target port that the pod lacks is left out."""
    ports = []
    for port in spec_of(service).get("ports") or ():
        number = _target(port, pod)
        if number is not None:
            ports.append(
                {"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")}
            )
    return ports


def _target(port: Mapping[str, Any], pod: Object) -> int | None:
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    for container in spec_of(pod).get("containers") or ():
        for offered in container.get("ports") or ():
            same_protocol = offered.get("protocol", "TCP") == port.get("protocol", "TCP")
            if offered.get("name") == target and same_protocol:
                return int(offered["containerPort"])
    return None


def endpoint(service: Object, pod: Object) -> Object:
    """One pod as an endpoint. ``serving`` is its readiness; ``ready`` is what clients go by."""
    publish = bool(spec_of(service).get("publishNotReadyAddresses"))
    serving = ready(pod)
    entry: Object = {
        "addresses": [status_of(pod)["podIP"]],
        "conditions": {
            "ready": publish or (serving and not terminating(pod)),
            "serving": serving,
            "terminating": terminating(pod),
        },
        "targetRef": _target_ref(pod),
    }
    if spec_of(pod).get("nodeName"):
        entry["nodeName"] = spec_of(pod)["nodeName"]
    if spec_of(pod).get("hostname") and spec_of(pod).get("subdomain") == name_of(service):
        entry["hostname"] = spec_of(pod)["hostname"]
    return entry


def _target_ref(pod: Object) -> Object:
    return {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": uid_of(pod)}


def selected(service: Object, pods: Iterable[Object]) -> list[Object]:
    """The pods that have an address and are not finished, terminating ones included."""
    selector = spec_of(service)["selector"]
    return [
        pod
        for pod in pods
        if status_of(pod).get("podIP")
        and not finished(pod)
        and all(labels_of(pod).get(name) == value for name, value in selector.items())
    ]


def slices(service: Object, pods: Sequence[Object]) -> list[Object]:
    """One slice for each distinct set of ports: named ports may differ between pods."""
    by_ports: dict[str, tuple[Ports, list[Object]]] = {}
    for pod in pods:
        ports = endpoint_ports(service, pod)
        by_ports.setdefault(digest(ports), (ports, []))[1].append(endpoint(service, pod))
    if not by_ports:
        by_ports[digest([])] = ([], [])
    return [_slice(service, suffix, ports, found) for suffix, (ports, found) in sorted(by_ports.items())]


def _slice(service: Object, suffix: str, ports: Ports, endpoints: list[Object]) -> Object:
    labels = {**labels_of(service), SERVICE_LABEL: name_of(service), MANAGED_BY_LABEL: MANAGER}
    if headless(service):
        labels[HEADLESS_LABEL] = ""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name_of(service)}-{suffix[:5]}",
            "namespace": namespace_of(service),
            "labels": labels,
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    }


def endpoints_object(service: Object, pods: Sequence[Object]) -> Object:
    """The older Endpoints object; with terminating pods only where not-ready ones are published."""
    publish = bool(spec_of(service).get("publishNotReadyAddresses"))
    by_ports: dict[str, tuple[Ports, list[Object], list[Object]]] = {}
    for pod in pods:
        if terminating(pod) and not publish:
            continue
        ports = endpoint_ports(service, pod)
        _, ready_ones, others = by_ports.setdefault(digest(ports), (ports, [], []))
        described = endpoint(service, pod)
        address = {"ip": described["addresses"][0], "targetRef": described["targetRef"]}
        address |= {field: described[field] for field in ("hostname", "nodeName") if field in described}
        (ready_ones if publish or ready(pod) else others).append(address)
    subsets = []
    for ports, ready_ones, others in by_ports.values():
        subset: Object = {"addresses": ready_ones, "notReadyAddresses": others, "ports": ports}
        subsets.append({field: value for field, value in subset.items() if value})
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": name_of(service),
            "namespace": namespace_of(service),
            "labels": {**labels_of(service), "endpoints.kubernetes.io/managed-by": "endpoint-controller"},
            "ownerReferences": [owner_reference(service)],
        },
        "subsets": subsets,
    }


def differences(
    group: str, resource: str, known: Sequence[Object], wanted: Sequence[Object], fields: Sequence[str]
) -> list[Write]:
    """Writes that turn ``known`` into ``wanted``, comparing labels and ``fields``."""
    by_name = {name_of(obj): obj for obj in known}
    writes: list[Write] = []
    for obj in wanted:
        old = by_name.pop(name_of(obj), None)
        if old is None:
            writes.append(Create(group, resource, obj))
        elif labels_of(old) != labels_of(obj) or any(old.get(field) != obj.get(field) for field in fields):
            metadata = {**old["metadata"], "labels": labels_of(obj)}
            writes.append(Replace(group, resource, {**obj, "metadata": metadata}))
    writes += [Delete(key_of(group, resource, obj), uid_of(obj)) for obj in by_name.values()]
    return writes


class EndpointsController:
    name = "endpoints"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._recorder = Recorder(store, "endpoint-controller", clock)

    def sources(self) -> Mapping[Resource, Names]:
        return {
            ("", "services"): itself,
            ("", "pods"): self._services_of_pod,
            ("discovery.k8s.io", "endpointslices"): _service_of_slice,
            ("", "endpoints"): _service_of_endpoints,
        }

    async def reconcile(self, key: Key) -> float | None:
        try:
            service = self._store.get(key)
        except NotFoundError:
            return None
        if not spec_of(service).get("selector") or spec_of(service).get("type") == "ExternalName":
            return None
        pods = selected(service, self._store.list("", "pods", key.namespace))
        known = [
            obj
            for obj in self._store.list("discovery.k8s.io", "endpointslices", key.namespace)
            if labels_of(obj).get(SERVICE_LABEL) == key.name
            and labels_of(obj).get(MANAGED_BY_LABEL) == MANAGER
        ]
        old = [obj for obj in self._store.list("", "endpoints", key.namespace) if name_of(obj) == key.name]
        writes = differences(
            "discovery.k8s.io", "endpointslices", known, slices(service, pods), ("endpoints", "ports")
        )
        writes += differences("", "endpoints", old, [endpoints_object(service, pods)], ("subsets",))
        apply(self._store, self._recorder, writes)
        return None

    def _services_of_pod(self, change: Change) -> Iterable[Key]:
        """Those that select it, or selected it before its labels changed."""
        pods = [pod for pod in (change.old, change.new) if pod is not None]
        for service in self._store.list("", "services", change.key.namespace):
            selector = spec_of(service).get("selector") or {}
            if selector and any(selector.items() <= labels_of(pod).items() for pod in pods):
                yield key_of("", "services", service)


def _service_of_slice(change: Change) -> Iterable[Key]:
    name = labels_of(change.new).get(SERVICE_LABEL)
    return (Key("", "services", change.key.namespace, name),) if name else ()


def _service_of_endpoints(change: Change) -> Iterable[Key]:
    return (Key("", "services", change.key.namespace, change.key.name),)
