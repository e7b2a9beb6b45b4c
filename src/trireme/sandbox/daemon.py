"""The sandbox's process: store, API server, controllers, node, DNS and proxies in one event loop."""

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

from trireme.base.errors import TriremeError
from trireme.sandbox.admitting import AdmittingStore
from trireme.sandbox.apiserver.server import ApiServer
from trireme.sandbox.controllers.deployment import DeploymentController
from trireme.sandbox.controllers.disruption import DisruptionController
from trireme.sandbox.controllers.endpoints import EndpointsController
from trireme.sandbox.controllers.expiry import EventExpiry
from trireme.sandbox.controllers.garbage import GarbageCollector
from trireme.sandbox.controllers.job import JobController
from trireme.sandbox.controllers.namespaces import NamespaceController
from trireme.sandbox.controllers.objects import status_of, uid_of
from trireme.sandbox.controllers.replicaset import ReplicaSetController
from trireme.sandbox.controllers.runner import Runner
from trireme.sandbox.controllers.statefulset import StatefulSetController
from trireme.sandbox.controllers.volumes import ClaimController, VolumeController
from trireme.sandbox.dns.server import DnsServer
from trireme.sandbox.folder import READY, Folder, Lock
from trireme.sandbox.network.addresses import (
    API_PORT,
    API_SERVICE_PORT,
    Network,
    PodAddresses,
    can_listen,
    claim_network,
)
from trireme.sandbox.network.services import ServiceController, cluster_ip_for
from trireme.sandbox.node.interface import Endpoint, NodeSettings
from trireme.sandbox.node.node import Node
from trireme.sandbox.seed import forget_readiness, seed
from trireme.sandbox.store.memory import MemoryStore, open_store

log = logging.getLogger(__name__)

STOP_SECONDS = 600.0
"""The longest that pods may take to end in order: the grace period of the plain manifests."""

LOG_LIMIT_BYTES = 10 * 1024 * 1024


def _clock() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """One sandbox from start to end. ``stopping`` is set to end it in order, ``hurry`` to end it at once."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.stopping = asyncio.Event()
        self.hurry = asyncio.Event()

    async def run(self, started: Callable[[], None]) -> None:
        """Until ``stopping``. Raises TriremeError or OSError when it cannot start."""
        async with AsyncExitStack() as stack:
            lock = Lock(self.folder)
            stack.callback(lock.release)
            claim = claim_network(self.folder.path)
            stack.callback(claim.release)
            store = open_store(self.folder.store)
            stack.callback(store.close)
            api_port = API_SERVICE_PORT if can_listen(claim.network.api, API_SERVICE_PORT) else API_PORT
            seed(store, claim.network, api_port)
            forget_readiness(store)
            await self._serve(stack, store, claim.network, started)

    async def _serve(
        self, stack: AsyncExitStack, store: MemoryStore, network: Network, started: Callable[[], None]
    ) -> None:
        dns = DnsServer(store, network.dns, self.folder.path)
        await dns.start()
        stack.push_async_callback(dns.stop)
        node = self._node(store, network, Endpoint(network.dns, dns.port))
        services = ServiceController(store, _clock, network)
        stack.callback(services.close)
        async with asyncio.TaskGroup() as group:
            always = group.create_task(Runner(store, [EndpointsController(store, _clock), services]).run())
            await self._api.start()
            stack.push_async_callback(self._api.stop)
            link(self._api.kubeconfig, self.folder.kubeconfig)
            workloads = group.create_task(self._workloads(store).run())
            running = group.create_task(node.run())
            log.info("the sandbox in %s runs, API at https://%s:%d", self.folder.path, network.api, API_PORT)
            started()
            await self.stopping.wait()
            log.info("stopping: the pods end in order, at most %.0f s", STOP_SECONDS)
            workloads.cancel()
            await self._stop_pods(node)
            running.cancel()
            always.cancel()

    def _node(self, store: MemoryStore, network: Network, nameserver: Endpoint) -> Node:
        """The node, and the API server that asks it for logs."""
        addresses = PodAddresses(network)
        for pod in store.list("", "pods"):
            if status_of(pod).get("podIP"):
                addresses.keep(uid_of(pod), status_of(pod)["podIP"])
        settings = NodeSettings(
            directory=self.folder.node,
            host_address=network.node,
            nameserver=nameserver,
            api=Endpoint(network.api, API_PORT),
            ca_certificate=self.folder.api / "ca.crt",
            images=self.folder.images,
        )
        node = Node(store, settings, addresses=addresses, mint_token=self._mint_token)
        self._api = ApiServer(
            store,
            address=network.api,
            port=API_PORT,
            directory=self.folder.api,
            node=node.access,
            allocate_cluster_ip=lambda service: cluster_ip_for(store, network, service),
            folder=self.folder.path,
            service_port=API_SERVICE_PORT,
        )
        return node

    def _mint_token(
        self,
        *,
        namespace: str,
        service_account: str,
        pod_name: str,
        pod_uid: str,
        audience: str,
        seconds: int,
    ) -> str:
        return self._api.mint_token(
            namespace,
            service_account,
            pod_name=pod_name,
            pod_uid=pod_uid,
            audience=audience,
            seconds=seconds,
        )

    def _workloads(self, store: MemoryStore) -> Runner:
        """The controllers that make and remove objects."""
        admitting = AdmittingStore(store, self._api.complete)
        volumes = self.folder.volumes
        return Runner(
            admitting,
            [
                NamespaceController(admitting, _clock, self._api.ca_certificate),
                StatefulSetController(admitting, _clock),
                DeploymentController(admitting, _clock),
                ReplicaSetController(admitting, _clock),
                JobController(admitting, _clock),
                ClaimController(admitting, _clock, volumes),
                VolumeController(admitting, _clock, volumes),
                DisruptionController(admitting, _clock),
                GarbageCollector(admitting, _clock),
                EventExpiry(admitting, _clock),
            ],
        )

    async def _stop_pods(self, node: Node) -> None:
        """In order, unless ``hurry`` says to kill."""
        orderly = asyncio.create_task(node.stop(STOP_SECONDS))
        hurried = asyncio.create_task(self.hurry.wait())
        await asyncio.wait((orderly, hurried), return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not orderly.done():
            log.info("in a hurry: killing the pods")
            await node.stop(0)
        await orderly


def link(target: Path, name: Path) -> None:
    """A symbolic link that a person finds, replaced if it is there."""
    if target == name:
        return
    with suppress(FileNotFoundError):
        name.unlink()
    name.symlink_to(os.path.relpath(target, name.parent))


async def _main(folder: Folder, ready_fd: int) -> int:
    sandbox = Sandbox(folder)
    loop = asyncio.get_running_loop()

    def stop_at_once() -> None:
        sandbox.hurry.set()
        sandbox.stopping.set()

    loop.add_signal_handler(signal.SIGTERM, sandbox.stopping.set)
    loop.add_signal_handler(signal.SIGINT, stop_at_once)

    def started() -> None:
        os.write(ready_fd, READY)
        os.close(ready_fd)

    reasons: list[str] = []
    try:
        await sandbox.run(started)
    except* (TriremeError, OSError) as group:
        reasons += [str(error) for error in _leaves(group)]
    if not reasons:
        log.info("stopped")
        return 0
    for reason in reasons:
        log.error("%s", reason)
    with suppress(OSError):
        os.write(ready_fd, "\n".join(reasons).encode())
    return 1


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _leaves(each)
        else:
            yield each


def main() -> None:
    """``python -m trireme.sandbox.daemon FOLDER FD``: started by ``trireme sandbox up``, in the background."""
    folder, ready_fd = Folder.at(Path(sys.argv[1])), int(sys.argv[2])
    if folder.log.exists() and folder.log.stat().st_size > LOG_LIMIT_BYTES:
        folder.log.replace(folder.log.with_suffix(".log.1"))
    # Every proxied connection takes two descriptors, and pods inherit the limit: as container runtimes do.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    sys.exit(asyncio.run(_main(folder, ready_fd)))


if __name__ == "__main__":
    main()
