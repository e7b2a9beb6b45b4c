"""All rules of a kind."""

from collections.abc import Callable, Iterator

from trireme.sandbox.apiserver.errors import Cause
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.rules import (
    config,
    definitions,
    metadata,
    pods,
    rbac,
    records,
    services,
    storage,
    workloads,
)
from trireme.sandbox.store.interface import Object

Rule = Callable[[Object], Iterator[Cause]]
UpdateRule = Callable[[Object, Object], Iterator[Cause]]

RULES: dict[tuple[str, str], Rule] = {
    ("", "pods"): pods.check_pod,
    ("", "services"): services.check_service,
    ("", "secrets"): config.check_secret,
    ("", "events"): records.check_event,
    ("coordination.k8s.io", "leases"): records.check_lease,
    ("", "configmaps"): config.check_config_map,
    ("", "persistentvolumeclaims"): storage.check_claim,
    ("", "persistentvolumes"): storage.check_volume,
    ("apiextensions.k8s.io", "customresourcedefinitions"): definitions.check_definition,
    ("apps", "statefulsets"): workloads.check_stateful_set,
    ("apps", "deployments"): workloads.check_deployment,
    ("apps", "replicasets"): workloads.check_replica_set,
    ("batch", "jobs"): workloads.check_job,
    ("policy", "poddisruptionbudgets"): workloads.check_disruption_budget,
    ("rbac.authorization.k8s.io", "roles"): rbac.check_role,
    ("rbac.authorization.k8s.io", "clusterroles"): rbac.check_cluster_role,
    ("rbac.authorization.k8s.io", "rolebindings"): rbac.check_binding,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): rbac.check_cluster_binding,
}
UPDATE_RULES: dict[tuple[str, str], UpdateRule] = {
    ("", "pods"): pods.check_pod_update,
    ("", "services"): services.check_service_update,
    ("", "secrets"): config.check_data_update,
    ("", "configmaps"): config.check_data_update,
    ("", "persistentvolumeclaims"): storage.check_claim_update,
    ("apiextensions.k8s.io", "customresourcedefinitions"): definitions.check_definition_update,
    ("apps", "statefulsets"): workloads.check_stateful_set_update,
    ("apps", "deployments"): workloads.check_selector_update,
    ("apps", "replicasets"): workloads.check_selector_update,
    ("batch", "jobs"): workloads.check_job_update,
    ("storage.k8s.io", "storageclasses"): storage.check_class_update,
    ("rbac.authorization.k8s.io", "rolebindings"): rbac.check_binding_update,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): rbac.check_binding_update,
}


def validate(kind: Kind, obj: Object) -> list[Cause]:
    """What is wrong with ``obj`` by itself. Its fields' types and words are known to be right."""
    causes = list(metadata.check_metadata(kind, obj["metadata"]))
    rule = RULES.get((kind.group, kind.plural))
    return causes + list(rule(obj)) if rule else causes


def validate_update(kind: Kind, new: Object, old: Object) -> list[Cause]:
    """What may not change. ``new`` is valid by itself."""
    rule = UPDATE_RULES.get((kind.group, kind.plural))
    return list(rule(new, old)) if rule else []
