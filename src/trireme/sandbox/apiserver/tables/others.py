"""Columns of roles, bindings, storage and priority classes, leases and network policies."""

from trireme.sandbox.apiserver.tables.cells import AGE, NAME, Column, dig, field, selector_text
from trireme.sandbox.store.interface import Object


def _role(binding: Object) -> str:
    return f"{binding['roleRef']['kind']}/{binding['roleRef']['name']}"


def _subjects(kind: str, title: str) -> Column:
    def cell(binding: Object) -> str:
        found = [each for each in binding.get("subjects") or () if each["kind"] == kind]
        if kind == "ServiceAccount":
            return ", ".join(f"{each.get('namespace', '')}/{each['name']}" for each in found)
        return ", ".join(each["name"] for each in found)

    return Column(title, cell, wide=True)


def _class_name(storage_class: Object) -> str:
    annotations = storage_class["metadata"].get("annotations") or {}
    is_default = annotations.get("storageclass.kubernetes.io/is-default-class") == "true"
    return (
        f"{storage_class['metadata']['name']} (default)"
        if is_default
        else str(storage_class["metadata"]["name"])
    )


ROLE = (NAME, Column("Created At", field("metadata.creationTimestamp"), type="date"))
BINDING = (
    NAME,
    Column("Role", _role),
    AGE,
    _subjects("User", "Users"),
    _subjects("Group", "Groups"),
    _subjects("ServiceAccount", "ServiceAccounts"),
)
STORAGE_CLASS = (
    Column("Name", _class_name, format="name"),
    Column("Provisioner", field("provisioner")),
    Column("ReclaimPolicy", field("reclaimPolicy", "Delete")),
    Column("VolumeBindingMode", field("volumeBindingMode", "Immediate")),
    Column("AllowVolumeExpansion", field("allowVolumeExpansion", False)),
    AGE,
)
PRIORITY_CLASS = (
    NAME,
    Column("Value", field("value"), type="integer"),
    Column("Global-Default", field("globalDefault", False), type="boolean"),
    AGE,
    Column("PreemptionPolicy", field("preemptionPolicy")),
)
LEASE = (NAME, Column("Holder", field("spec.holderIdentity")), AGE)
NETWORK_POLICY = (NAME, Column("Pod-Selector", lambda obj: selector_text(dig(obj, "spec.podSelector"))), AGE)
OTHER = (NAME, AGE)
