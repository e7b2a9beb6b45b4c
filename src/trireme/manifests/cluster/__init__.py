"""Every Kubernetes object that a GaleraCluster needs, as plain data. Pure: the same input gives the same objects."""

from dataclasses import dataclass, field

from trireme.api.resource import GaleraCluster, amount
from trireme.manifests.cluster.access import access
from trireme.manifests.cluster.arbitrator import arbitrator, needed
from trireme.manifests.cluster.config import live, my_cnf, server_settings
from trireme.manifests.cluster.names import (
    ARBITRATOR,
    COMPONENT_LABEL,
    FIELD_MANAGER,
    RESTART_HASH,
    Names,
    Object,
    selector,
    selector_text,
)
from trireme.manifests.cluster.options import Options, image_of
from trireme.manifests.cluster.pod import pod_template
from trireme.manifests.cluster.services import services
from trireme.manifests.cluster.statefulset import disruption_budget, stateful_set

__all__ = [
    "ARBITRATOR",
    "COMPONENT_LABEL",
    "FIELD_MANAGER",
    "RESTART_HASH",
    "Manifests",
    "Names",
    "Object",
    "Options",
    "image_of",
    "manifests",
    "objects",
    "selector",
    "selector_text",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """What a cluster needs, in the order of creation: what a pod needs to start comes before the pods."""

    others: tuple[Object, ...]
    """All but the StatefulSet."""
    set: Object
    restart_hash: str
    """A pod needs a restart iff its annotation :data:`RESTART_HASH` is another."""
    image: str
    size: int | None
    """Bytes of each member's volume; None for an ephemeral cluster."""
    variables: dict[str, str] = field(default_factory=dict)
    """Server variables that are set live, in the server's own spelling."""
    warnings: tuple[str, ...] = ()
    """What of the settings is allowed and unwise."""


def manifests(cluster: GaleraCluster, options: Options, founder: str | None = None) -> Manifests:
    """All of them. ``founder`` is ORDINAL:VOLUME, the operator's word that this volume may found the cluster alone.

    Raises PermanentError that names the field and the reason for what the user must not do.
    """
    settings = server_settings(cluster)
    config_map = my_cnf(cluster, settings)
    template = pod_template(cluster, options, config_map["metadata"]["name"])
    budget = disruption_budget(cluster)
    storage = cluster.spec.storage
    return Manifests(
        others=(
            *access(cluster),
            config_map,
            live(cluster, settings, founder),
            *services(cluster),
            *([budget] if budget is not None else []),
            *([arbitrator(cluster, options)] if needed(cluster) else []),
        ),
        set=stateful_set(cluster, template),
        restart_hash=template["metadata"]["annotations"][RESTART_HASH],
        image=image_of(cluster, options),
        size=None if storage.ephemeral or storage.size is None else int(amount(storage.size)),
        variables=settings.split.variables,
        warnings=settings.warnings,
    )


def objects(cluster: GaleraCluster, options: Options, founder: str | None = None) -> list[Object]:
    """The same as one list, the StatefulSet last."""
    built = manifests(cluster, options, founder)
    return [*built.others, built.set]
