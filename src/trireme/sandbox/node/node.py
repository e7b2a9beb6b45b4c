"""The node of the sandbox: binds pods to itself and runs each as processes of this machine."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from datetime import UTC, datetime

from trireme.sandbox.apiserver.node import NodeAccess
from trireme.sandbox.controllers.events import Recorder
from trireme.sandbox.controllers.objects import namespace_of, uid_of
from trireme.sandbox.node.access import PodAccess
from trireme.sandbox.node.context import Context, PodPaths
from trireme.sandbox.node.heartbeat import keep_node_object
from trireme.sandbox.node.interface import NODE_NAME, Addresses, NodeSettings, TokenMinter
from trireme.sandbox.node.runtime import Runtime
from trireme.sandbox.node.scheduler import schedule
from trireme.sandbox.node.worker import PodWorker
from trireme.sandbox.store.interface import Change, Object, Store

log = logging.getLogger(__name__)

_SCHEDULES = frozenset({"pods", "persistentvolumeclaims", "persistentvolumes", "nodes"})
_PROJECTED = frozenset({"configmaps", "secrets"})


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Node:
    """Runs in the event loop of the main thread: the kernel ends each container with the thread that made it."""

    def __init__(
        self,
        store: Store,
        settings: NodeSettings,
        *,
        addresses: Addresses,
        mint_token: TokenMinter,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._context = Context(store, settings, addresses, mint_token, Recorder(store, "kubelet", now), now)
        self._scheduler = Recorder(store, "default-scheduler", now)
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._unscheduled = asyncio.Event()
        self._leaving = False

    async def run(self) -> None:
        """Until cancelled, which kills every container; :meth:`stop` first ends them in order."""
        store = self._context.store
        self._tidy()
        unsubscribe = store.subscribe(self._changed)
        try:
            for pod in store.list("", "pods"):
                self._consider(pod)
            self._unscheduled.set()
            async with asyncio.TaskGroup() as group:
                group.create_task(keep_node_object(self._context), name="node heartbeat")
                group.create_task(self._schedule(), name="scheduler")
        finally:
            unsubscribe()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def stop(self, grace: float) -> None:
        """End every container in order, killing after ``grace`` seconds; the pods stay in the store."""
        self._leaving = True
        for worker in self._workers.values():
            worker.leave(grace)
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    @property
    def access(self) -> NodeAccess:
        """For the API server: logs and exec."""
        return PodAccess(self._context.settings.directory, self.container)

    def container(self, pod: Object, name: str) -> Runtime | None:
        """The running container of that name in this instance of the pod."""
        worker = self._workers.get(uid_of(pod))
        return worker.runtime(name) if worker else None

    def _tidy(self) -> None:
        """Make the folders, closed to other users as volumes hold secrets; drop those of pods that have gone."""
        directory = self._context.settings.directory
        known = [PodPaths.of(directory, pod) for pod in self._context.store.list("", "pods")]
        kept = {path for paths in known for path in (paths.root, paths.logs)}
        for folder in (directory, directory / "pods", directory / "logs"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (*(directory / "pods").iterdir(), *(directory / "logs").iterdir()):
            if path not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def _changed(self, change: Change) -> None:
        if change.key.group != "":
            return
        if change.key.resource in _SCHEDULES:
            self._unscheduled.set()
        if change.key.resource == "pods":
            self._consider(change.new, gone=change.kind == "DELETED")
        elif change.key.resource in _PROJECTED:
            for worker in self._workers.values():
                if worker.namespace == change.key.namespace:
                    worker.refresh()

    def _consider(self, pod: Object, *, gone: bool = False) -> None:
        uid = uid_of(pod)
        worker = self._workers.get(uid)
        if worker is not None:
            worker.wake()
        elif pod["spec"].get("nodeName") == NODE_NAME and not (self._leaving or gone):
            worker = self._workers[uid] = PodWorker(self._context, pod)
            name = f"pod {namespace_of(pod)}/{pod['metadata']['name']}"
            task = self._tasks[uid] = asyncio.get_running_loop().create_task(worker.run(), name=name)
            task.add_done_callback(lambda _: self._forget(uid))

    def _forget(self, uid: str) -> None:
        self._workers.pop(uid, None)
        self._tasks.pop(uid, None)

    async def _schedule(self) -> None:
        while True:
            await self._unscheduled.wait()
            self._unscheduled.clear()
            schedule(self._context.store, self._scheduler, self._context.now())
