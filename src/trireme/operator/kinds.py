"""The kinds that the operator reads and writes, and their paths in the API."""

from dataclasses import dataclass

from trireme.api.names import GROUP


@dataclass(frozen=True, slots=True)
class Kind:
    """``api_version`` as objects say it."""

    name: str
    api_version: str
    plural: str

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    def collection(self, namespace: str | None) -> str:
        """Path of all objects of a namespace, or of all namespaces."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        within = f"/namespaces/{namespace}" if namespace is not None else ""
        return f"{root}{within}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        return f"{self.collection(namespace)}/{name}"


CLUSTER = Kind("GaleraCluster", f"{GROUP}/v1alpha1", "galeraclusters")
POD = Kind("Pod", "v1", "pods")
CLAIM = Kind("PersistentVolumeClaim", "v1", "persistentvolumeclaims")
SECRET = Kind("Secret", "v1", "secrets")
EVENT = Kind("Event", "v1", "events")
LEASE = Kind("Lease", "coordination.k8s.io/v1", "leases")
CLASS = Kind("StorageClass", "storage.k8s.io/v1", "storageclasses")
SET = Kind("StatefulSet", "apps/v1", "statefulsets")

MADE = (
    SET,
    Kind("Service", "v1", "services"),
    Kind("ConfigMap", "v1", "configmaps"),
    Kind("ServiceAccount", "v1", "serviceaccounts"),
    Kind("Role", "rbac.authorization.k8s.io/v1", "roles"),
    Kind("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings"),
    Kind("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
    Kind("Deployment", "apps/v1", "deployments"),
)
"""What the operator applies, and looks at for drift."""

BY_NAME = {kind.name: kind for kind in MADE}
WATCHED = (CLUSTER, POD, CLAIM, *MADE)
