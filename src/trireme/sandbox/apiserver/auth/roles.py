"""The ClusterRoles that every cluster has: cluster-admin, admin, edit, view."""

from collections.abc import Sequence

from trireme.sandbox.apiserver.auth.rbac import GROUP
from trireme.sandbox.store.interface import ExistsError, Object, Store

READ = ["get", "list", "watch"]
WRITE = ["create", "delete", "deletecollection", "patch", "update"]
CORE = [
    "configmaps",
    "endpoints",
    "events",
    "persistentvolumeclaims",
    "pods",
    "pods/log",
    "pods/status",
    "serviceaccounts",
    "services",
]
VIEWED = [
    ([""], [*CORE, "namespaces"]),
    (["apps"], ["controllerrevisions", "deployments", "replicasets", "statefulsets"]),
    (["apps"], ["deployments/scale", "replicasets/scale", "statefulsets/scale"]),
    (["batch"], ["jobs"]),
    (["discovery.k8s.io"], ["endpointslices"]),
    (["policy"], ["poddisruptionbudgets"]),
    (["networking.k8s.io"], ["networkpolicies"]),
]
EDITED = [
    *VIEWED,
    ([""], ["secrets", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "pods/eviction"]),
]
OWNED = [
    *EDITED,
    ([GROUP], ["roles", "rolebindings"]),
    (["authorization.k8s.io"], ["localsubjectaccessreviews"]),
]

Grants = Sequence[tuple[list[str], list[str]]]


def provide_default_roles(store: Store) -> None:
    """Creates what is missing; what somebody changed stays."""
    everything = [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
        {"verbs": ["*"], "nonResourceURLs": ["*"]},
    ]
    roles = {
        "cluster-admin": everything,
        "admin": _rules(OWNED, [*READ, *WRITE]),
        "edit": _rules(EDITED, [*READ, *WRITE]),
        "view": _rules(VIEWED, READ),
    }
    for name, rules in roles.items():
        _create(store, "clusterroles", {"kind": "ClusterRole", "metadata": _metadata(name), "rules": rules})
    subject = {"kind": "Group", "apiGroup": GROUP, "name": "system:masters"}
    binding = {
        "kind": "ClusterRoleBinding",
        "metadata": _metadata("cluster-admin"),
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [subject],
    }
    _create(store, "clusterrolebindings", binding)


def _rules(grants: Grants, verbs: list[str]) -> list[Object]:
    return [{"verbs": verbs, "apiGroups": groups, "resources": resources} for groups, resources in grants]


def _metadata(name: str) -> Object:
    return {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}


def _create(store: Store, plural: str, obj: Object) -> None:
    try:
        store.create(GROUP, plural, {"apiVersion": f"{GROUP}/v1", **obj})
    except ExistsError:
        return
