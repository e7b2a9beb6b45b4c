"""Services on the network: a stable ClusterIP for each, and proxies from it to the ready endpoints."""

import errno
import logging
from collections.abc import Iterable, Mapping

from trireme.sandbox.controllers.endpoints import SERVICE_LABEL
from trireme.sandbox.controllers.events import Clock, Recorder
from trireme.sandbox.controllers.objects import labels_of, spec_of
from trireme.sandbox.controllers.runner import Names, Resource, itself
from trireme.sandbox.network.addresses import (
    API_PORT,
    SERVICE_BITS,
    Network,
    free_service_address,
    low_bits,
)
from trireme.sandbox.network.proxy import PortProxy, Target
from trireme.sandbox.store.interface import Change, Key, NotFoundError, Object, Store

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
"""How soon a port that another program holds is tried again."""

CLIENT_AFFINITY_SECONDS = 10800


def wants_address(service: Object) -> bool:
    """Headless and ExternalName Services have none."""
    return spec_of(service).get("type") != "ExternalName" and spec_of(service).get("clusterIP") != "None"


def targets(slices: Iterable[Object], port_name: str) -> list[Target]:
    """Where connections go: the ready endpoints; if none is, those that still serve while terminating."""
    ready: list[Target] = []
    leaving: list[Target] = []
    for each in slices:
        for port in each.get("ports") or ():
            if (port.get("name") or "") != port_name or port.get("protocol", "TCP") != "TCP":
                continue
            for endpoint in each.get("endpoints") or ():
                conditions = endpoint.get("conditions") or {}
                found = [Target(address, port["port"]) for address in endpoint["addresses"]]
                if conditions.get("ready", True):
                    ready += found
                elif conditions.get("serving") and conditions.get("terminating"):
                    leaving += found
    return sorted(ready or leaving)


def cluster_ip_for(store: Store, network: Network, service: Object) -> str:
    """The address for a new Service: the one that it asks for, or a free one.

    Raises ValueError when the one asked for is taken or not of this network's Service range.
    """
    metadata = service["metadata"]
    wanted = spec_of(service).get("clusterIP")
    taken = {spec_of(each).get("clusterIP", "") for each in store.list("", "services")}
    if not wanted:
        return free_service_address(network, f"{metadata.get('namespace')}/{metadata['name']}", taken)
    if not network.owns(wanted) or low_bits(wanted) not in SERVICE_BITS:
        raise ValueError(
            f"{wanted}: the range of valid IPs is {network.address(SERVICE_BITS.start)} to "
            f"{network.address(SERVICE_BITS.stop - 1)}"
        )
    if wanted in taken:
        raise ValueError(f"{wanted}: provided IP is already allocated")
    return str(wanted)


class ServiceController:
    """Assigns addresses and keeps the proxies as the EndpointSlices say."""

    name = "service"

    def __init__(self, store: Store, clock: Clock, network: Network) -> None:
        self._store = store
        self._network = network
        self._recorder = Recorder(store, "service-proxy", clock)
        self._proxies: dict[Key, dict[str, PortProxy]] = {}

    def sources(self) -> Mapping[Resource, Names]:
        return {("", "services"): itself, ("discovery.k8s.io", "endpointslices"): _service_of_slice}

    async def reconcile(self, key: Key) -> float | None:
        try:
            service = self._store.get(key)
        except NotFoundError:
            service = None
        if service is None or not wants_address(service):
            for proxy in self._proxies.pop(key, {}).values():
                proxy.close()
            return None
        address = self._address(key, service)
        if address == self._network.api:
            return None
        return self._proxy(key, service, address)

    def close(self) -> None:
        """Stop every proxy."""
        for proxies in self._proxies.values():
            for proxy in proxies.values():
                proxy.close()
        self._proxies.clear()

    def _address(self, key: Key, service: Object) -> str:
        address = str(spec_of(service).get("clusterIP") or "")
        if address and self._network.owns(address):
            return address
        taken = {spec_of(each).get("clusterIP", "") for each in self._store.list("", "services")}
        chosen = self._network.moved(address) if address.startswith("127.") else ""
        if not chosen or chosen in taken:
            chosen = free_service_address(self._network, f"{key.namespace}/{key.name}", taken)

        def assign(obj: Object) -> None:
            obj["spec"] |= {
                "clusterIP": chosen,
                "clusterIPs": [chosen],
                "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack",
            }

        self._store.mutate(key, assign)
        return chosen

    def _proxy(self, key: Key, service: Object, address: str) -> float | None:
        slices = [
            each
            for each in self._store.list("discovery.k8s.io", "endpointslices", key.namespace)
            if labels_of(each).get(SERVICE_LABEL) == key.name
        ]
        proxies = self._proxies.setdefault(key, {})
        wanted = {
            f"{port.get('name', '')}:{port['port']}": port
            for port in spec_of(service).get("ports") or ()
            if port.get("protocol", "TCP") == "TCP"
        }
        for gone in proxies.keys() - wanted.keys():
            proxies.pop(gone).close()
        again = None
        for name, port in wanted.items():
            proxy = proxies.get(name)
            if proxy is None or proxy.address != address:
                proxy = proxies[name] = PortProxy(address, port["port"], affinity_seconds=_affinity(service))
            try:
                proxy.serve(targets(slices, port.get("name") or ""))
            except OSError as error:
                hint = (
                    "only root may listen on ports below 1024: choose a higher Service port"
                    if error.errno == errno.EACCES
                    else "does a program of this machine listen on this port of every address? Trying again"
                )
                message = f"cannot listen at {address}:{port['port']}: {error.strerror}; {hint}"
                self._recorder.emit(service, "Warning", "ProxyFailed", message)
                again = RETRY_SECONDS
        return again


def _affinity(service: Object) -> int | None:
    if spec_of(service).get("sessionAffinity") != "ClientIP":
        return None
    configured = (spec_of(service).get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return int(configured.get("timeoutSeconds", CLIENT_AFFINITY_SECONDS))


def kubernetes_service(network: Network, service_port: int) -> list[tuple[str, str, Object]]:
    """The Service ``kubernetes``, the API server itself, and its slice: (group, resource, object)."""
    metadata = {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver"}}
    port = {"name": "https", "port": API_PORT, "protocol": "TCP"}
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "type": "ClusterIP",
            "clusterIP": network.api,
            "clusterIPs": [network.api],
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "sessionAffinity": "None",
            "ports": [{**port, "port": service_port, "targetPort": API_PORT}],
        },
        "status": {"loadBalancer": {}},
    }
    endpoints: Object = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": {SERVICE_LABEL: "kubernetes"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [network.api], "conditions": {"ready": True}}],
        "ports": [port],
    }
    return [("", "services", service), ("discovery.k8s.io", "endpointslices", endpoints)]


def _service_of_slice(change: Change) -> Iterable[Key]:
    name = labels_of(change.new).get(SERVICE_LABEL)
    return (Key("", "services", change.key.namespace, name),) if name else ()
