"""Kubernetes' news, by kopf: each only wakes the loop of the cluster concerned. Nothing is decided on them.

kopf runs in a thread and an event loop of its own: it ends every task of its loop when one of its watches fails, and
is then started again. What is missed meanwhile is found by the loops' own looks.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import kopf

from trireme.adapters.cluster_api import open_session
from trireme.adapters.kubeconfig import Access
from trireme.api.names import GROUP
from trireme.operator.kinds import CLUSTER, WATCHED, Kind
from trireme.operator.log import logger
from trireme.operator.watches import Watches

SELECTOR = "app.kubernetes.io/name=trireme"
INSTANCE = "app.kubernetes.io/instance"
RESTART_SECONDS = (1.0, 30.0)
"""Pause before kopf is started again: the first, and the longest."""
IDENTITY = "trireme-operator"
"""Among kopf's own peers, which are not used. Of itself kopf asks for the user's name, and a pod's uid has none."""

Wake = Callable[[str, str, Kind, str], None]
"""Called with namespace, name of the cluster, kind and resourceVersion of what changed; in kopf's thread."""
log = logger("trireme.operator")


class News:
    """The watches, in the background."""

    def __init__(self, access: Access, namespaces: tuple[str, ...], wake: Wake) -> None:
        self._access = access
        self._namespaces = namespaces
        self._wake = wake
        self._thread = threading.Thread(target=self._run, name="news", daemon=True)
        self._stopping = False
        self._stop: Callable[[], object] | None = None
        self.restarts = 0
        self.watches = Watches(namespaces)

    def start(self) -> None:
        logging.getLogger("kopf").setLevel(logging.ERROR)
        self._thread.start()

    def stop(self, seconds: float = 3.0) -> None:
        self._stopping = True
        if self._stop is not None:
            self._stop()
        self._thread.join(seconds)

    def _run(self) -> None:
        pause = RESTART_SECONDS[0]
        while not self._stopping:
            began = time.monotonic()
            try:
                asyncio.run(self._watch())
            except Exception as error:
                self.watches.failed(str(error) or repr(error))
                log.warning("the watches ended and are started again", error=str(error) or repr(error))
            if time.monotonic() - began > RESTART_SECONDS[1]:
                pause = RESTART_SECONDS[0]
            if not self._stopping:
                time.sleep(pause)
                pause = min(pause * 2, RESTART_SECONDS[1])
                self.restarts += 1

    async def _watch(self) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stop.set)
        await kopf.operator(
            registry=self._registry(),
            settings=_settings(),
            standalone=True,
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            stop_flag=stop,
            identity=IDENTITY,  # type: ignore[arg-type]
        )

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry)
        async def login(**_: Any) -> kopf.AiohttpSession:
            session = await open_session(
                self._access,
                limit=0,
                trace_configs=[self.watches.trace()],
                timeout=aiohttp.ClientTimeout(total=None),
            )
            return kopf.AiohttpSession(server=self._access.cluster.server, aiohttp_session=session)

        for kind in WATCHED:
            self._on_event(registry, kind)
        return registry

    def _on_event(self, registry: kopf.OperatorRegistry, kind: Kind) -> None:
        group, _, version = kind.api_version.rpartition("/")

        @kopf.on.event(group, version, kind.plural, id=kind.plural, registry=registry)  # type: ignore[arg-type]
        async def heard(name: str, namespace: str, labels: Any, meta: Any, **_: Any) -> None:
            cluster = name if kind is CLUSTER else labels.get(INSTANCE)
            if cluster:
                self._wake(namespace, cluster, kind, str(meta.get("resourceVersion", "")))


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.connect_timeout = 5
    settings.networking.request_timeout = 30
    settings.queueing.idle_timeout = 1.0
    settings.queueing.exit_timeout = 0.5
    settings.watching.label_selectors[lambda resource: resource.group != GROUP] = SELECTOR
    return settings
