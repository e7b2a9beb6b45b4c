"""What the node asks of the rest of the sandbox. Whoever composes a :class:`Node` passes these in."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

NODE_NAME = "sandbox"
"""The only node there is."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An IPv4 address and a port of it."""

    address: str
    port: int


class Addresses(Protocol):
    """The pod network: one loopback address for each pod object."""

    def assign(self, pod_uid: str) -> str:
        """The IPv4 address (127/8) of this pod: the same one for the same uid until it is released."""
        ...

    def release(self, pod_uid: str) -> None:
        """The pod is gone. Does nothing for a uid that has no address."""
        ...


class TokenMinter(Protocol):
    """Makes the bearer tokens that pods present to the API server."""

    def __call__(
        self,
        *,
        namespace: str,
        service_account: str,
        pod_name: str,
        pod_uid: str,
        audience: str,
        seconds: int,
    ) -> str:
        """A token valid for ``seconds``; ``audience`` is '' for the API server itself."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """Every delay of the node, in seconds; the defaults are the kubelet's. Tests shorten them."""

    first_backoff: float = 10.0
    longest_backoff: float = 300.0
    backoff_reset: float = 600.0
    """A container that ran this long starts again from ``first_backoff``."""
    config_retry: float = 10.0
    """How long until a missing Secret, key or volume is looked for again if no change announced it."""
    heartbeat: float = 10.0
    """How often the Node's status is renewed."""
    token_lifetime: int = 3607
    """Of the ServiceAccount tokens; renewed when 80 % of it has passed."""


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Where the node keeps its files and what it tells its pods."""

    directory: Path
    """Everything the node writes is below this: volumes, logs, generated files."""
    host_address: str
    """``status.hostIP``: the loopback address that stands for this machine."""
    nameserver: Endpoint
    """The sandbox's DNS server."""
    api: Endpoint
    """What pods get as KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT."""
    ca_certificate: Path
    """PEM file of the CA that signed the API server's certificate: ``ca.crt`` beside each token."""
    images: Path | None = None
    """JSON: names of images beside this machine's, and where their roots are. Read at each container's start."""
    cluster_domain: str = "cluster.local"
    timing: Timing = field(default_factory=Timing)
