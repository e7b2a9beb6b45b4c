"""The server as a whole: its certificate, its port, its life."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from trireme.sandbox.apiserver.auth.certificates import provide_certificates, write_kubeconfig
from trireme.sandbox.apiserver.auth.rbac import Authorizer
from trireme.sandbox.apiserver.auth.roles import provide_default_roles
from trireme.sandbox.apiserver.auth.tokens import YEAR, Bound, Tokens
from trireme.sandbox.apiserver.call import Cluster
from trireme.sandbox.apiserver.custom.definitions import Definitions
from trireme.sandbox.apiserver.dispatch import Dispatcher
from trireme.sandbox.apiserver.faults import Faults
from trireme.sandbox.apiserver.internal import complete
from trireme.sandbox.apiserver.kinds import Registry, builtin_registry
from trireme.sandbox.apiserver.node import NodeAccess
from trireme.sandbox.store.interface import Object
from trireme.sandbox.store.memory import MemoryStore

log = logging.getLogger(__name__)

BODY_LIMIT = 3 * 1024 * 1024
"""Bytes of a request's body, as in Kubernetes."""

GOODBYE_SECONDS = 0.5
"""How long running requests may finish when the server stops; watches never finish by themselves."""


class ApiServer:
    """Serves ``store`` at ``https://address:port``; keys and kubeconfig are kept in ``directory``.

    ``allocate_cluster_ip`` gives a new Service its address: a free one, or the one that ``spec.clusterIP``
    asks for; it raises ValueError when that is taken or out of range. ``folder`` is where faults are switched;
    by default ``directory``. ``service_port`` is opened as well where this user may, for clients in pods that
    know the server by its Service's name only.
    """

    def __init__(
        self,
        store: MemoryStore,
        *,
        address: str,
        port: int,
        directory: Path,
        node: NodeAccess,
        allocate_cluster_ip: Callable[[Object], str],
        folder: Path | None = None,
        service_port: int | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._address, self._port, self._service_port = address, port, service_port
        self._certificates = provide_certificates(directory, address)
        self._tokens = Tokens(directory, store, time.time)
        self._kubeconfig = directory / "kubeconfig"
        write_kubeconfig(
            self._kubeconfig, url=self.url, ca=self._certificates.ca, token=self._tokens.administrator
        )
        self._store = store
        self._registry = builtin_registry()
        self._faults = Faults(folder or directory)
        self._cluster = Cluster(
            store, self._registry, Authorizer(store), self._tokens, node, allocate_cluster_ip, self._faults
        )
        self._definitions = Definitions(store, self._registry, self._cluster.now)
        self._runner: web.AppRunner | None = None
        self._sites: list[web.TCPSite] = []
        self._following: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"https://{self._address}:{self._port}"

    @property
    def kubeconfig(self) -> Path:
        """Of an administrator (group system:masters). Mode 0600."""
        return self._kubeconfig

    @property
    def ca_certificate(self) -> Path:
        """PEM: what a pod gets as ca.crt."""
        return self._certificates.ca

    @property
    def registry(self) -> Registry:
        """All kinds that are served at this moment, custom ones included."""
        return self._registry

    def mint_token(
        self,
        namespace: str,
        service_account: str,
        *,
        pod_name: str = "",
        pod_uid: str = "",
        audience: str = "",
        seconds: int = YEAR,
    ) -> str:
        """A bearer token; it dies with the account, and with the pod if one is named. Raises NotFoundError."""
        bound = Bound(pod_name, pod_uid) if pod_name else None
        return self._tokens.mint(namespace, service_account, seconds=seconds, audience=audience, bound=bound)

    def complete(self, group: str, resource: str, obj: Object) -> None:
        """Defaults and admission for what a controller is about to create, in place. Raises RefusedError."""
        complete(self._cluster, group, resource, obj)

    async def start(self) -> None:
        """Returns when the port is open. Raises OSError when it is taken."""
        provide_default_roles(self._store)
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", Dispatcher(self._cluster).handle)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=GOODBYE_SECONDS
        )
        await runner.setup()
        self._definitions.start()
        try:
            await self._listen(runner)
        except OSError:
            self._definitions.stop()
            await runner.cleanup()
            raise
        self._runner = runner
        self._following = asyncio.create_task(self._faults.follow(self._switch))

    async def _listen(self, runner: web.AppRunner) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificates.server, self._certificates.server_key)
        site = web.TCPSite(runner, self._address, self._port, ssl_context=context)
        await site.start()
        self._sites.append(site)
        if self._service_port is not None:
            extra = web.TCPSite(runner, self._address, self._service_port, ssl_context=context)
            try:
                await extra.start()
            except OSError as error:
                log.info("the API server is not at port %d too: %s", self._service_port, error.strerror)
            else:
                self._sites.append(extra)

    async def _switch(self) -> None:
        """Close the port, or open it again, as the faults say."""
        assert self._runner is not None
        if self._faults.refuses_all and self._sites:
            for site in self._sites:
                await site.stop()
            self._sites.clear()
            for connection in self._runner.server.connections if self._runner.server else ():
                if connection.transport is not None:
                    connection.transport.abort()
        elif not self._faults.refuses_all and not self._sites:
            await self._listen(self._runner)

    async def stop(self) -> None:
        """Ends watches and streams; returns within a few seconds."""
        if self._following is not None:
            self._following.cancel()
            self._following = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            self._definitions.stop()
