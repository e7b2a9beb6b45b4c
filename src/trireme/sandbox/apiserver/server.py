"""The server as a whole: its certificate, its port, its life."""

from collections.abc import Callable
from pathlib import Path

from trireme.sandbox.apiserver.node import NodeAccess
from trireme.sandbox.store.interface import Object, Store


class ApiServer:
    """Serves ``store`` at ``https://address:port``; keys and kubeconfig (mode 0600) are kept in ``directory``.

    ``allocate_cluster_ip`` gives a new Service its address: a free one, or the one that ``spec.clusterIP``
    asks for; it raises ValueError when that is taken or out of range.
    """

    def __init__(
        self,
        store: Store,
        *,
        address: str,
        port: int,
        directory: Path,
        node: NodeAccess,
        allocate_cluster_ip: Callable[[Object], str],
    ) -> None:
        self._store = store

    @property
    def kubeconfig(self) -> Path:
        """Of an administrator (group system:masters)."""
        raise NotImplementedError

    @property
    def ca_certificate(self) -> Path:
        """PEM: what a pod gets as ca.crt."""
        raise NotImplementedError

    def mint_token(self, namespace: str, serviceaccount: str) -> str:
        """A bearer token for a pod that runs as this account. Valid as long as the account lives."""
        raise NotImplementedError

    async def start(self) -> None:
        """Returns when the port is open. Raises OSError when it is taken."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Ends watches and streams; returns within 5 s."""
        raise NotImplementedError
