"""The members: one StatefulSet, and the budget of disruptions. Pure."""

from trireme.api.resource import GaleraCluster
from trireme.manifests.cluster.names import Names, Object, metadata, selector


def stateful_set(cluster: GaleraCluster, template: Object) -> Object:
    """All pods at once, because the agents agree who bootstraps and who joins; none replaced but by the operator.

    Volumes of members that were scaled away are the operator's to delete: Kubernetes would also delete those of a
    cluster that hibernates.
    """
    spec = cluster.spec
    body: Object = {
        "replicas": 0 if spec.hibernate else spec.replicas,
        "serviceName": Names(cluster.name).internal,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "OnDelete"},
        "selector": {"matchLabels": selector(cluster)},
        "template": template,
    }
    if not spec.storage.ephemeral:
        body["persistentVolumeClaimRetentionPolicy"] = {
            "whenDeleted": spec.storage.pvc_retention_policy.when_deleted,
            "whenScaled": "Retain",
        }
        body["volumeClaimTemplates"] = [_claim(cluster)]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(cluster, cluster.name),
        "spec": body,
    }


def _claim(cluster: GaleraCluster) -> Object:
    storage = cluster.spec.storage
    spec: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage.size}},
    }
    if storage.storage_class_name is not None:
        spec["storageClassName"] = storage.storage_class_name
    return {"metadata": {"name": "data"}, "spec": spec}


def disruption_budget(cluster: GaleraCluster) -> Object | None:
    """A drain takes the next member only when the last one is back: ready means Synced."""
    budget = cluster.spec.pod_disruption_budget
    if not budget.enabled:
        return None
    if budget.min_available is not None:
        bound: Object = {"minAvailable": budget.min_available}
    else:
        bound = {"maxUnavailable": 1 if budget.max_unavailable is None else budget.max_unavailable}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(cluster, cluster.name),
        "spec": {**bound, "selector": {"matchLabels": selector(cluster)}},
    }
