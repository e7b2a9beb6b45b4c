"""Columns of the core group's other kinds."""

from trireme.sandbox.apiserver.tables.cells import (
    AGE,
    NAME,
    NONE,
    UNKNOWN,
    UNSET,
    Column,
    dig,
    field,
    first_few,
    joined,
    since,
)
from trireme.sandbox.store.interface import Object

ACCESS_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
ROLE_LABEL = "node-role.kubernetes.io/"


def access_modes(path: str) -> Column:
    return Column("Access Modes", lambda obj: ",".join(ACCESS_MODES[m] for m in dig(obj, path, ())))


def data_size(obj: Object) -> int:
    return len(obj.get("data") or ()) + len(obj.get("binaryData") or ())


def service_ports(service: Object) -> str:
    ports = dig(service, "spec.ports", ())
    return joined(f"{each['port']}/{each.get('protocol', 'TCP')}" for each in ports)


def service_selector(service: Object) -> str:
    return joined(f"{key}={value}" for key, value in sorted(dig(service, "spec.selector", {}).items()))


def volume_status(obj: Object) -> str:
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    return str(dig(obj, "status.phase", ""))


def claimant(volume: Object) -> str:
    claim = dig(volume, "spec.claimRef")
    return f"{claim.get('namespace', '')}/{claim['name']}" if claim else ""


def endpoint_addresses(endpoints: Object) -> str:
    subsets = endpoints.get("subsets") or ()
    found = [
        f"{address['ip']}:{port['port']}" if port else address["ip"]
        for subset in subsets
        for port in subset.get("ports") or [None]
        for address in subset.get("addresses") or ()
    ]
    return first_few(found)


def slice_ports(endpoint_slice: Object) -> str:
    return first_few([str(each.get("port", "*")) for each in endpoint_slice.get("ports") or ()]).replace(
        NONE, UNSET
    )


def slice_addresses(endpoint_slice: Object) -> str:
    rows = endpoint_slice.get("endpoints") or ()
    found = [address for row in rows for address in row.get("addresses") or ()]
    return first_few(found).replace(NONE, UNSET)


def node_status(node: Object) -> str:
    words = [
        "Ready" if each["status"] == "True" else "NotReady"
        for each in dig(node, "status.conditions", [])
        if each["type"] == "Ready"
    ] or ["Unknown"]
    if dig(node, "spec.unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def node_roles(node: Object) -> str:
    labels = node["metadata"].get("labels") or {}
    return joined(sorted(key.removeprefix(ROLE_LABEL) for key in labels if key.startswith(ROLE_LABEL)))


def node_address(kind: str) -> Column:
    def cell(node: Object) -> str:
        rows = dig(node, "status.addresses", [])
        return str(next((each["address"] for each in rows if each["type"] == kind), NONE))

    return Column(kind.removesuffix("IP") + "-IP", cell, wide=True)


def event_object(event: Object) -> str:
    involved = event.get("involvedObject", {})
    return f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"


def event_source(event: Object) -> str:
    source = event.get("source") or {"component": event.get("reportingComponent", "")}
    return ", ".join(filter(None, (source.get("component"), source.get("host"))))


def event_last_seen(event: Object) -> str:
    last = dig(event, "series.lastObservedTime") or event.get("lastTimestamp")
    return since(last or event.get("eventTime") or event.get("firstTimestamp"))


def event_first_seen(event: Object) -> str:
    return since(event.get("firstTimestamp") or event.get("eventTime"))


def event_count(event: Object) -> int:
    return int(dig(event, "series.count") or event.get("count") or 1)


NAMESPACE = (NAME, Column("Status", field("status.phase")), AGE)
CONFIGMAP = (NAME, Column("Data", data_size), AGE)
SECRET = (NAME, Column("Type", field("type")), Column("Data", data_size), AGE)
SERVICE_ACCOUNT = (NAME, AGE)
SERVICE = (
    NAME,
    Column("Type", field("spec.type")),
    Column("Cluster-IP", field("spec.clusterIP", NONE)),
    Column("External-IP", lambda _: NONE),
    Column("Port(s)", service_ports),
    AGE,
    Column("Selector", service_selector, wide=True),
)
ENDPOINTS = (NAME, Column("Endpoints", endpoint_addresses), AGE)
ENDPOINT_SLICE = (
    NAME,
    Column("AddressType", field("addressType")),
    Column("Ports", slice_ports),
    Column("Endpoints", slice_addresses),
    AGE,
)
CLAIM = (
    NAME,
    Column("Status", volume_status),
    Column("Volume", field("spec.volumeName")),
    Column("Capacity", field("status.capacity.storage")),
    access_modes("status.accessModes"),
    Column("StorageClass", field("spec.storageClassName")),
    Column("VolumeAttributesClass", lambda _: UNSET),
    AGE,
    Column("VolumeMode", field("spec.volumeMode", UNSET), wide=True),
)
VOLUME = (
    NAME,
    Column("Capacity", field("spec.capacity.storage")),
    access_modes("spec.accessModes"),
    Column("Reclaim Policy", field("spec.persistentVolumeReclaimPolicy")),
    Column("Status", volume_status),
    Column("Claim", claimant),
    Column("StorageClass", field("spec.storageClassName")),
    Column("VolumeAttributesClass", lambda _: UNSET),
    Column("Reason", field("status.reason")),
    AGE,
    Column("VolumeMode", field("spec.volumeMode", UNSET), wide=True),
)
NODE = (
    NAME,
    Column("Status", node_status),
    Column("Roles", node_roles),
    AGE,
    Column("Version", field("status.nodeInfo.kubeletVersion")),
    node_address("InternalIP"),
    node_address("ExternalIP"),
    Column("OS-Image", field("status.nodeInfo.osImage", UNKNOWN), wide=True),
    Column("Kernel-Version", field("status.nodeInfo.kernelVersion", UNKNOWN), wide=True),
    Column("Container-Runtime", field("status.nodeInfo.containerRuntimeVersion", UNKNOWN), wide=True),
)
EVENT = (
    Column("Last Seen", event_last_seen),
    Column("Type", field("type")),
    Column("Reason", field("reason")),
    Column("Object", event_object),
    Column("Subobject", field("involvedObject.fieldPath"), wide=True),
    Column("Source", event_source, wide=True),
    Column("Message", lambda event: str(event.get("message", "")).strip()),
    Column("First Seen", event_first_seen, wide=True),
    Column("Count", event_count, wide=True),
    Column("Name", lambda event: event["metadata"]["name"], wide=True, format="name"),
)
