"""What the operator knows that a GaleraCluster does not say. Pure."""

from dataclasses import dataclass

from trireme.api.resource import GaleraCluster
from trireme.base.errors import PermanentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Of one operator, for all its clusters."""

    image: str
    """For clusters that name none."""
    domain: str = "cluster.local"
    """The DNS domain of the Kubernetes cluster."""
    openshift: bool = False
    """The project's SCC chooses uid and fsGroup, and refuses pods that choose themselves."""


def image_of(cluster: GaleraCluster, options: Options) -> str:
    """The image of the members: the spec's, else the one that they last ran together, else the operator's own.

    An upgrade of the operator is none of the clusters' servers, and an image that never came up is forgotten when it is
    taken out of the spec.
    """
    image = cluster.spec.image or cluster.status.image or options.image
    if not image:
        raise PermanentError(
            f"GaleraCluster {cluster.full_name}: spec.image is not set, and the operator has no default image; "
            "set one of them"
        )
    return image
