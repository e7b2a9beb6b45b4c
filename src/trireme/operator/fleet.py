"""All clusters: who there is, one loop for each, and whom a piece of news concerns."""

import asyncio
import time
from collections.abc import Callable

from trireme.adapters.cluster_api import ClusterApi
from trireme.base.errors import TriremeError
from trireme.operator.kinds import CLUSTER, Kind
from trireme.operator.log import logger
from trireme.operator.loop import Loop
from trireme.operator.metrics import Metrics

LIST_SECONDS = 300.0
"""All clusters are listed so often, for news that never came."""
DEAF_LIST_SECONDS = 10.0
"""The same while no news comes: how soon a cluster that is new is found."""
FAILED_SECONDS = 2.0
TICK_SECONDS = 5.0

Identity = tuple[str, str]
log = logger("trireme.operator")


class Fleet:
    def __init__(
        self,
        api: ClusterApi,
        namespaces: tuple[str, ...],
        make: Callable[[Identity], Loop],
        metrics: Metrics,
        hears: Callable[[], str | None],
    ) -> None:
        """``hears``: why no news comes, in words; None while it does."""
        self._api = api
        self._namespaces = namespaces
        self._make = make
        self._metrics = metrics
        self._hears = hears
        self._loops: dict[Identity, Loop] = {}
        self._tasks: dict[Identity, asyncio.Task[None]] = {}
        self.listed = False
        self.failure = "the clusters were not listed yet"
        self.deaf: str | None = None
        self.ticked = time.monotonic()

    def news(self, namespace: str, name: str, kind: Kind, version: str) -> None:
        """In the event loop's own thread. Only the resource itself makes a loop."""
        identity = (namespace, name)
        loop = self._loops.get(identity)
        if loop is not None:
            loop.wake(kind, version)
        elif kind is CLUSTER:
            self._begin(identity)

    def wake_all(self) -> None:
        for loop in self._loops.values():
            loop.wake(None)

    async def run(self) -> None:
        """Until cancelled."""
        listed_at = float("-inf")
        try:
            while True:
                self.ticked = time.monotonic()
                self._listen()
                pause = LIST_SECONDS if self.deaf is None else DEAF_LIST_SECONDS
                if self.ticked - listed_at > pause and await self._list():
                    listed_at = time.monotonic()
                await asyncio.sleep(TICK_SECONDS if self.listed else FAILED_SECONDS)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _listen(self) -> None:
        before, self.deaf = self.deaf, self._hears()
        if before is None and self.deaf is not None:
            log.warning(self.deaf)
        elif before is not None and self.deaf is None:
            log.info("news comes again")

    async def _list(self) -> bool:
        try:
            for namespace in self._namespaces or (None,):
                for each in await self._api.list(CLUSTER.collection(namespace)):
                    self._begin((each["metadata"]["namespace"], each["metadata"]["name"]))
        except TriremeError as error:
            self.failure = str(error)
            log.warning("the clusters cannot be listed", error=str(error))
            return False
        self.listed, self.failure = True, ""
        return True

    def _begin(self, identity: Identity) -> None:
        if identity in self._loops:
            return
        loop = self._make(identity)
        task = asyncio.create_task(loop.run())
        self._loops[identity], self._tasks[identity] = loop, task
        task.add_done_callback(lambda done: self._ended(identity, done))
        self._metrics.clusters.set(len(self._loops))

    def _ended(self, identity: Identity, task: asyncio.Task[None]) -> None:
        if self._tasks.get(identity) is task:
            del self._loops[identity], self._tasks[identity]
        self._metrics.clusters.set(len(self._loops))
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a loop ended", namespace=identity[0], cluster=identity[1], error=repr(error))
