"""How the objects of a cluster are called and labelled (DESIGN: the Kubernetes contract). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from trireme.api.names import GROUP
from trireme.api.resource import API_VERSION, KIND, GaleraCluster

Object: TypeAlias = dict[str, Any]

RESTART_HASH = f"{GROUP}/restart-hash"
"""Annotation of pods: a hash of all that takes a restart. A pod needs one iff its hash is not the desired template's."""

COMPONENT_LABEL = "app.kubernetes.io/component"
DATABASE = "database"
ARBITRATOR = "arbitrator"
CONTAINER = "mariadb"
FIELD_MANAGER = "trireme-operator"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a cluster's objects, all from its own."""

    cluster: str

    @property
    def internal(self) -> str:
        """The headless Service: the members among themselves."""
        return f"{self.cluster}-internal"

    @property
    def primary(self) -> str:
        return f"{self.cluster}-primary"

    @property
    def secondary(self) -> str:
        return f"{self.cluster}-secondary"

    @property
    def live(self) -> str:
        """The ConfigMap of settings that take no restart."""
        return f"{self.cluster}-live"

    @property
    def arbitrator(self) -> str:
        return f"{self.cluster}-arbitrator"

    def pod(self, ordinal: int) -> str:
        return f"{self.cluster}-{ordinal}"

    def claim(self, ordinal: int) -> str:
        return f"data-{self.pod(ordinal)}"


def selector(cluster: GaleraCluster, component: str = DATABASE) -> dict[str, str]:
    """The labels that select the pods of a component; never more, for a StatefulSet's selector cannot change."""
    return {
        "app.kubernetes.io/name": "trireme",
        "app.kubernetes.io/instance": cluster.name,
        COMPONENT_LABEL: component,
    }


def selector_text(cluster: GaleraCluster) -> str:
    """The same for status.selector."""
    return ",".join(f"{key}={value}" for key, value in selector(cluster).items())


def metadata(
    cluster: GaleraCluster,
    name: str,
    *,
    component: str = DATABASE,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Object:
    """Metadata of an object that this cluster owns. A user's labels never replace Trireme's."""
    inherited = cluster.spec.inherit_metadata
    own = {**selector(cluster, component), "app.kubernetes.io/managed-by": FIELD_MANAGER}
    found: Object = {
        "name": name,
        "namespace": cluster.namespace,
        "labels": {**inherited.labels, **(labels or {}), **own},
    }
    notes = {**inherited.annotations, **(annotations or {})}
    if notes:
        found["annotations"] = notes
    found["ownerReferences"] = [owner(cluster)]
    return found


def owner(cluster: GaleraCluster) -> Object:
    """Whoever deletes the GaleraCluster deletes what it owns."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": cluster.name,
        "uid": cluster.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
