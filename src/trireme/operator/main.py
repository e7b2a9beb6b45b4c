"""``trireme operator``: puts the parts together, and ends on SIGTERM within seconds. Whatever was begun is resumed."""

import asyncio
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from ipaddress import ip_address

import aiohttp

from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.kubeconfig import Access, find_access
from trireme.adapters.peers import ANSWER_SECONDS
from trireme.base.errors import PermanentError, TemporaryError
from trireme.manifests.cluster import Options
from trireme.operator.fleet import Fleet
from trireme.operator.http import OperatorServer
from trireme.operator.kinds import POD, Kind
from trireme.operator.leader import Leader
from trireme.operator.log import logger, set_up_log
from trireme.operator.loop import Loop, Parts
from trireme.operator.metrics import Metrics
from trireme.operator.news import News
from trireme.operator.observe import Classes, Observer
from trireme.operator.settings import Settings, read_settings

EXIT_CONFIG = 78
OWN_POD_ATTEMPTS, OWN_POD_SECONDS = 15, 2.0
STALL_SECONDS = 60.0
"""Without a tick for so long the event loop hangs: Kubernetes restarts the pod."""

log = logger("trireme.operator")


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    try:
        settings = read_settings(arguments, os.environ)
        set_up_log()
        access = find_access(os.environ)
        asyncio.run(_run(settings, access))
    except PermanentError as error:
        sys.stderr.write(f"trireme: {error}\n")
        return EXIT_CONFIG
    except TemporaryError as error:
        sys.stderr.write(f"trireme: {error}\n")
        return 1
    return 0


async def _run(settings: Settings, access: Access) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(
            ClusterApi(access, lambda method: metrics.api_calls.labels(method).inc())
        )
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=256, limit_per_host=4, keepalive_timeout=60),
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            )
        )
        if not settings.image:
            settings = replace(settings, image=await _own_image(api, settings))
        await Operator(settings, access, Clients(api, session), metrics).run(stop)


async def _own_image(api: ClusterApi, settings: Settings) -> str:
    """That of the pod that this runs in; '' where it runs in none, or may not look.

    Raises TemporaryError where the API server stays silent: without it new clusters would be refused.
    """
    for attempt in range(OWN_POD_ATTEMPTS):
        try:
            pod = await api.get(POD.path(settings.own_namespace, settings.identity))
            return str(pod["spec"]["containers"][0]["image"])
        except PermanentError as error:
            log.warning("clusters must name their image: the operator does not know its own", why=str(error))
            return ""
        except TemporaryError as error:
            log.warning("the operator's own pod cannot be read yet", why=str(error), attempt=attempt)
            await asyncio.sleep(OWN_POD_SECONDS)
    raise TemporaryError("the API server did not tell the operator's own image: it starts anew")


@dataclass(frozen=True, slots=True)
class Clients:
    """How to reach the API server, and the agents."""

    api: ClusterApi
    agents: aiohttp.ClientSession


class Operator:
    """All parts of one process."""

    def __init__(self, settings: Settings, access: Access, clients: Clients, metrics: Metrics) -> None:
        self._settings = settings
        api, self._session = clients.api, clients.agents
        self._metrics = metrics
        self._classes = Classes(api)
        self._leader = Leader(api, settings.own_namespace, settings.identity, settings.lease_seconds)
        turns = asyncio.Semaphore(settings.rounds)
        self._news = News(access, settings.namespaces, self._heard)
        self._fleet = Fleet(
            api, settings.namespaces, self._loop, self._metrics, hears=self._news.watches.deaf
        )
        self._parts = Parts(
            api,
            self._leader,
            self._metrics,
            turns,
            settings.steady_seconds,
            deaf=lambda: self._fleet.deaf is not None,
        )
        self._options = Options(image=settings.image, domain=settings.domain, openshift=settings.openshift)
        self._events = asyncio.get_running_loop()
        self._metrics.follow(self._news)
        self._server = OperatorServer(
            _listen(settings.listen), settings.port, self._not_live, self._not_ready, self._metrics
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set."""
        await self._server.start()
        self._news.start()
        tasks = [
            asyncio.create_task(part) for part in (self._leader.run(), self._fleet.run(), self._follow())
        ]
        log.info("operates", namespaces=",".join(self._settings.namespaces) or "all")
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()
        finally:
            for task in (*tasks, stopped):
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)
            await asyncio.to_thread(self._news.stop)
            await self._server.close()

    def _loop(self, identity: tuple[str, str]) -> Loop:
        observer = Observer(self._parts.api, self._classes, self._session, identity, self._options)
        return Loop(self._parts, observer, identity)

    def _heard(self, namespace: str, name: str, kind: Kind, version: str) -> None:
        """In kopf's thread."""
        self._events.call_soon_threadsafe(self._fleet.news, namespace, name, kind, version)

    async def _follow(self) -> None:
        """A new leader looks at everything at once."""
        while True:
            await self._leader.changed.wait()
            self._leader.changed.clear()
            self._metrics.leads.set(self._leader.leads())
            if self._leader.leads():
                self._fleet.wake_all()

    def _not_live(self) -> str | None:
        since = time.monotonic() - self._fleet.ticked
        return f"no tick for {since:.0f} s" if since > STALL_SECONDS else None

    def _not_ready(self) -> str | None:
        return self._fleet.deaf if self._fleet.listed else self._fleet.failure


def _listen(address: str) -> str:
    """A loopback address is this pod's alone and the only one to listen on; otherwise all are."""
    try:
        return address if ip_address(address).is_loopback else ""
    except ValueError:
        return ""
