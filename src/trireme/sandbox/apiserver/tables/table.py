"""Tables (meta.k8s.io/v1) from objects."""

from collections.abc import Iterable

from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.tables import core, others, pods, workloads
from trireme.sandbox.apiserver.tables.cells import Column
from trireme.sandbox.store.interface import Object

COLUMNS: dict[tuple[str, str], tuple[Column, ...]] = {
    ("", "pods"): pods.COLUMNS,
    ("", "namespaces"): core.NAMESPACE,
    ("", "configmaps"): core.CONFIGMAP,
    ("", "secrets"): core.SECRET,
    ("", "serviceaccounts"): core.SERVICE_ACCOUNT,
    ("", "services"): core.SERVICE,
    ("", "endpoints"): core.ENDPOINTS,
    ("", "persistentvolumeclaims"): core.CLAIM,
    ("", "persistentvolumes"): core.VOLUME,
    ("", "nodes"): core.NODE,
    ("", "events"): core.EVENT,
    ("discovery.k8s.io", "endpointslices"): core.ENDPOINT_SLICE,
    ("apiextensions.k8s.io", "customresourcedefinitions"): others.ROLE,
    ("apps", "statefulsets"): workloads.STATEFULSET,
    ("apps", "deployments"): workloads.DEPLOYMENT,
    ("apps", "replicasets"): workloads.REPLICASET,
    ("apps", "controllerrevisions"): workloads.CONTROLLER_REVISION,
    ("batch", "jobs"): workloads.JOB,
    ("policy", "poddisruptionbudgets"): workloads.DISRUPTION_BUDGET,
    ("rbac.authorization.k8s.io", "roles"): others.ROLE,
    ("rbac.authorization.k8s.io", "clusterroles"): others.ROLE,
    ("rbac.authorization.k8s.io", "rolebindings"): others.BINDING,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): others.BINDING,
    ("storage.k8s.io", "storageclasses"): others.STORAGE_CLASS,
    ("scheduling.k8s.io", "priorityclasses"): others.PRIORITY_CLASS,
    ("coordination.k8s.io", "leases"): others.LEASE,
    ("networking.k8s.io", "networkpolicies"): others.NETWORK_POLICY,
}


def to_table(kind: Kind, objects: Iterable[Object], include: str, version: str) -> Object:
    """``include``: how much of each object goes into its row: None, Metadata or Object."""
    columns = (
        kind.definition.columns if kind.definition else COLUMNS.get((kind.group, kind.plural), others.OTHER)
    )
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [_definition(column) for column in columns],
        "rows": [_row(kind, columns, obj, include) for obj in objects],
    }


def _definition(column: Column) -> Object:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description or column.name,
        "priority": column.priority or int(column.wide),
    }


def _row(kind: Kind, columns: tuple[Column, ...], obj: Object, include: str) -> Object:
    row: Object = {"cells": [column.cell(obj) for column in columns]}
    if include == "Object":
        row["object"] = {"apiVersion": kind.api_version, "kind": kind.kind, **obj}
    elif include != "None":
        identity = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        row["object"] = {**identity, "metadata": obj["metadata"]}
    return row
