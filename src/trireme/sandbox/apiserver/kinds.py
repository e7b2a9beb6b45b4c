"""The kinds that the sandbox serves: a table. Custom resource definitions add to it while it runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from trireme.sandbox.apiserver.custom.definition import Definition
from trireme.sandbox.apiserver.schema.catalogue import builtin
from trireme.sandbox.apiserver.schema.types import Struct
from trireme.sandbox.store.interface import Object

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CREATE_ONLY = ("create",)


@dataclass(frozen=True, slots=True)
class Kind:
    """``subresources`` beyond the plain object; ``status`` means that only that one writes .status."""

    group: str
    version: str
    kind: str
    plural: str
    struct: Struct
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    in_all: bool = False
    list_kind: str = ""
    singular: str = ""
    categories: tuple[str, ...] = ()
    definition: Definition | None = None

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def has_status(self) -> bool:
        return "status" in self.subresources

    @property
    def custom(self) -> bool:
        return self.definition is not None

    @property
    def stored_version(self) -> str:
        """The apiVersion under which objects are kept."""
        return self.definition.storage_version if self.definition is not None else self.api_version

    def present(self, obj: Object) -> Object:
        """A stored object as this kind and version shows it. ``obj`` stays as it is."""
        return obj if self.definition is None else self.definition.present(obj, self.api_version)


POD_SUBRESOURCES = ("status", "eviction", "log", "exec", "attach", "portforward", "proxy")
WORKLOAD = ("status", "scale")


@dataclass(slots=True)
class Registry:
    """Kinds by where their URLs point."""

    _kinds: dict[tuple[str, str, str], Kind] = field(default_factory=dict)

    def add(self, kind: Kind) -> None:
        self._kinds[kind.group, kind.version, kind.plural] = kind

    def remove(self, kind: Kind) -> None:
        self._kinds.pop((kind.group, kind.version, kind.plural), None)

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self._kinds.get((group, version, plural))

    def any_version(self, group: str, plural: str) -> Kind | None:
        return next((k for k in self if (k.group, k.plural) == (group, plural)), None)

    def of_kind(self, api_version: str, kind: str) -> Kind | None:
        return next((k for k in self if (k.api_version, k.kind) == (api_version, kind)), None)

    def group_versions(self) -> list[tuple[str, str]]:
        """Core first, then in the order of the table: kubectl prefers the earlier of two groups."""
        return list(dict.fromkeys((kind.group, kind.version) for kind in self))

    def __iter__(self) -> Iterator[Kind]:
        return iter(tuple(self._kinds.values()))


def builtin_registry() -> Registry:
    registry = Registry()
    for kind in (*_core(), *_groups(), *_reviews()):
        registry.add(kind)
    return registry


def _struct(file: str, name: str) -> Struct:
    return builtin().struct(file, name)


def _core() -> Iterator[Kind]:
    def core(
        name: str,
        plural: str,
        *short: str,
        namespaced: bool = True,
        subresources: tuple[str, ...] = (),
        in_all: bool = False,
        file: str = "core",
    ) -> Kind:
        struct = _struct(file, name)
        return Kind("", "v1", name, plural, struct, namespaced, short, subresources, in_all=in_all)

    yield core("ConfigMap", "configmaps", "cm")
    yield core("Endpoints", "endpoints", "ep")
    yield core("Event", "events", "ev")
    yield core("Namespace", "namespaces", "ns", namespaced=False, subresources=("status",))
    yield core("Node", "nodes", "no", namespaced=False, subresources=("status",))
    yield core("PersistentVolumeClaim", "persistentvolumeclaims", "pvc", subresources=("status",))
    yield core("PersistentVolume", "persistentvolumes", "pv", namespaced=False, subresources=("status",))
    yield core("Pod", "pods", "po", subresources=POD_SUBRESOURCES, in_all=True, file="pod")
    yield core("Secret", "secrets")
    yield core("ServiceAccount", "serviceaccounts", "sa", subresources=("token",))
    yield core("Service", "services", "svc", subresources=("status", "proxy"), in_all=True)


def _groups() -> Iterator[Kind]:
    def named(group: str, file: str, name: str, plural: str, **more: object) -> Kind:
        return Kind(group, "v1", name, plural, _struct(file, name), **more)  # type: ignore[arg-type]

    yield named("apps", "apps", "ControllerRevision", "controllerrevisions")
    yield named(
        "apps", "apps", "Deployment", "deployments", short=("deploy",), subresources=WORKLOAD, in_all=True
    )
    yield named(
        "apps", "apps", "ReplicaSet", "replicasets", short=("rs",), subresources=WORKLOAD, in_all=True
    )
    yield named(
        "apps", "apps", "StatefulSet", "statefulsets", short=("sts",), subresources=WORKLOAD, in_all=True
    )
    yield named("batch", "batch", "Job", "jobs", subresources=("status",), in_all=True)
    yield named(
        "policy",
        "policy",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        short=("pdb",),
        subresources=("status",),
    )
    rbac = "rbac.authorization.k8s.io"
    yield named(rbac, "rbac", "ClusterRoleBinding", "clusterrolebindings", namespaced=False)
    yield named(rbac, "rbac", "ClusterRole", "clusterroles", namespaced=False)
    yield named(rbac, "rbac", "RoleBinding", "rolebindings")
    yield named(rbac, "rbac", "Role", "roles")
    yield named("discovery.k8s.io", "discovery", "EndpointSlice", "endpointslices")
    yield named("coordination.k8s.io", "coordination", "Lease", "leases")
    yield named(
        "storage.k8s.io", "storage", "StorageClass", "storageclasses", namespaced=False, short=("sc",)
    )
    yield named(
        "scheduling.k8s.io", "scheduling", "PriorityClass", "priorityclasses", namespaced=False, short=("pc",)
    )
    yield named(
        "apiextensions.k8s.io",
        "apiextensions",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        namespaced=False,
        short=("crd", "crds"),
        subresources=("status",),
        categories=("api-extensions",),
    )
    yield named("networking.k8s.io", "networking", "NetworkPolicy", "networkpolicies", short=("netpol",))


def _reviews() -> Iterator[Kind]:
    """Questions in the form of objects: asked by POST, never stored."""
    group = "authorization.k8s.io"
    for name in ("SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"):
        struct = _struct("authorization", name)
        yield Kind(group, "v1", name, f"{name.lower()}s", struct, namespaced=False, verbs=CREATE_ONLY)
    struct = _struct("authorization", "LocalSubjectAccessReview")
    yield Kind(
        group, "v1", "LocalSubjectAccessReview", "localsubjectaccessreviews", struct, verbs=CREATE_ONLY
    )
    group = "authentication.k8s.io"
    for name in ("TokenReview", "SelfSubjectReview"):
        struct = _struct("authentication", name)
        yield Kind(group, "v1", name, f"{name.lower()}s", struct, namespaced=False, verbs=CREATE_ONLY)
