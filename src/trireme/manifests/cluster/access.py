"""What a member may do: find and label the members' pods, and fill the one Secret of its cluster. Nothing else. Pure."""

from trireme.api.resource import MAX_MEMBERS, GaleraCluster
from trireme.manifests.cluster.names import Names, Object, metadata

RBAC = "rbac.authorization.k8s.io"


def access(cluster: GaleraCluster) -> list[Object]:
    """ServiceAccount, unless the user gives one, and the Role of a member with its binding."""
    account = cluster.spec.service_account_name
    own: list[Object] = (
        []
        if account is not None
        else [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(cluster, cluster.name)}]
    )
    return [*own, _role(cluster), _binding(cluster, account or cluster.name)]


def _role(cluster: GaleraCluster) -> Object:
    """By name: the right to patch any pod would be the right to run any image in this namespace."""
    names = Names(cluster.name)
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": metadata(cluster, cluster.name),
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["pods"],
                "resourceNames": [names.pod(ordinal) for ordinal in range(MAX_MEMBERS)],
                "verbs": ["get", "patch"],
            },
            {
                "apiGroups": [""],
                "resources": ["secrets"],
                "resourceNames": [cluster.name],
                "verbs": ["get", "create", "patch"],
            },
        ],
    }


def _binding(cluster: GaleraCluster, account: str) -> Object:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": metadata(cluster, cluster.name),
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": cluster.name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": cluster.namespace}],
    }
