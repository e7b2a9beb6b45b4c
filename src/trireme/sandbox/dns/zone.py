"""The records of ``cluster.local``, computed from Services and EndpointSlices as CoreDNS does. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from trireme.sandbox.store.interface import Object

DOMAIN = "cluster.local"
REVERSE = "in-addr.arpa"
SERVICE_LABEL = "kubernetes.io/service-name"

Record = TypeVar("Record", str, "Srv")


@dataclass(frozen=True, slots=True, order=True)
class Srv:
    """The data of one SRV record; ``target`` without the final dot."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass
class Records:
    """What one name has."""

    a: list[str] = field(default_factory=list)
    srv: list[Srv] = field(default_factory=list)
    ptr: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Zone:
    """Names in lower case without the final dot. ``parents`` exist only because something is below them."""

    names: Mapping[str, Records]
    parents: frozenset[str]

    def find(self, name: str) -> Records | None:
        """The records of the name, none in it if only names below it exist; None: there is no such name."""
        found = self.names.get(name)
        if found is None and name in self.parents:
            return Records()
        return found


def build(services: Iterable[Object], slices: Iterable[Object], nameserver: str) -> Zone:
    """The zone as it is now. A headless Service without a ready endpoint has no name, as with CoreDNS."""
    by_service: dict[tuple[str, str], list[Object]] = defaultdict(list)
    for each in slices:
        metadata = each["metadata"]
        by_service[metadata["namespace"], (metadata.get("labels") or {}).get(SERVICE_LABEL, "")].append(each)
    names: dict[str, Records] = defaultdict(Records)
    names[f"ns.dns.{DOMAIN}"].a.append(nameserver)
    for service in services:
        metadata = service["metadata"]
        base = f"{metadata['name']}.{metadata['namespace']}.svc.{DOMAIN}"
        _add_service(names, base, service.get("spec") or {})
        headless = (service.get("spec") or {}).get("clusterIP") == "None"
        for each in by_service[metadata["namespace"], metadata["name"]]:
            _add_endpoints(names, base, each, in_service=headless)
    for records in names.values():
        records.srv = _weighted(records.srv)
    frozen = {name.lower(): records for name, records in names.items()}
    return Zone(frozen, frozenset(_parents(frozen)))


def _add_service(names: dict[str, Records], base: str, spec: Mapping[str, Any]) -> None:
    address = spec.get("clusterIP")
    if not address or address == "None":
        return
    names[base].a.append(address)
    names[reverse_name(address)].ptr.append(base)
    for port in spec.get("ports") or ():
        _add_srv(names, base, port, base)


def _add_endpoints(names: dict[str, Records], base: str, each: Object, *, in_service: bool) -> None:
    """``in_service``: the Service's own name leads to the endpoints, not only each endpoint's name to itself."""
    for endpoint in each.get("endpoints") or ():
        if not (endpoint.get("conditions") or {}).get("ready", True):
            continue
        for address in endpoint["addresses"]:
            host = f"{endpoint.get('hostname') or address.replace('.', '-')}.{base}"
            _once(names[host].a, address)
            _once(names[reverse_name(address)].ptr, host)
            if not in_service:
                continue
            _once(names[base].a, address)
            for port in each.get("ports") or ():
                _add_srv(names, base, port, host)


def _add_srv(names: dict[str, Records], base: str, port: Mapping[str, Any], target: str) -> None:
    record = Srv(0, 0, int(port["port"]), target)
    _once(names[base].srv, record)
    if port.get("name"):
        protocol = str(port.get("protocol", "TCP")).lower()
        _once(names[f"_{port['name']}._{protocol}.{base}"].srv, record)


def _once(records: list[Record], record: Record) -> None:
    if record not in records:
        records.append(record)


def reverse_name(address: str) -> str:
    """127.20.16.3 is asked for as 3.16.20.127.in-addr.arpa."""
    return ".".join([*reversed(address.split(".")), REVERSE])


def _weighted(records: list[Srv]) -> list[Srv]:
    """All of one priority share a weight of 100."""
    weight = max(1, 100 // len(records)) if records else 0
    return [Srv(each.priority, weight, each.port, each.target) for each in records]


def _parents(names: Iterable[str]) -> Iterable[str]:
    """CoreDNS denies ``_tcp.SERVICE…`` although there are names below it; so does this zone."""
    for name in names:
        labels = name.split(".")
        for start in range(1, len(labels)):
            if not labels[start].startswith("_"):
                yield ".".join(labels[start:])
