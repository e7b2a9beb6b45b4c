"""One of several replicas acts: the one that holds the Lease, by the API server's compare-and-swap.

Who cannot renew stops acting before anybody else may begin: it gives up after two thirds of the lease's time, by its
own monotonic clock. Another one takes over when it has seen no renewal for the whole of it, by its own clock again,
so clocks that differ do no harm. Two leaders at once would be no disaster: every action is idempotent and names the
uid of what it takes away.
"""

import asyncio
import time
from datetime import UTC, datetime
from http import HTTPStatus

from trireme.adapters.cluster_api import ClusterApi, Object, RefusedError
from trireme.base.errors import TriremeError
from trireme.operator.kinds import LEASE
from trireme.operator.log import logger

NAME = "trireme-operator"
log = logger("trireme.operator")


class Leader:
    """``leads()`` at any moment; ``changed`` is set when that may have become different."""

    def __init__(self, api: ClusterApi, namespace: str, identity: str, seconds: float) -> None:
        self._api = api
        self._namespace = namespace
        self._identity = identity
        self._seconds = seconds
        self._renewed = float("-inf")
        self._seen: tuple[str, float] = ("", 0.0)
        """The Lease's resourceVersion, and since when it is that."""
        self.changed = asyncio.Event()

    def leads(self) -> bool:
        return time.monotonic() - self._renewed < self._seconds * 2 / 3

    async def run(self) -> None:
        """Until cancelled; then the Lease is given up, so that another replica need not wait."""
        try:
            while True:
                await self._round()
                await asyncio.sleep(self._seconds / 5)
        finally:
            if self.leads():
                await self._release()

    async def _round(self) -> None:
        led = self.leads()
        try:
            async with asyncio.timeout(self._seconds / 3):
                await self._try()
        except (TriremeError, TimeoutError) as error:
            log.warning("the lease was not renewed", error=str(error) or "no answer in time")
        if self.leads() != led:
            log.info("leads" if self.leads() else "leads no more", lease=NAME, identity=self._identity)
            self.changed.set()

    async def _try(self) -> None:
        asked = time.monotonic()
        try:
            lease = await self._api.get(LEASE.path(self._namespace, NAME))
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            made = self._lease({}, transitions=0)
            await self._write("POST", LEASE.collection(self._namespace), made, asked)
            return
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, asked)
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder and holder != self._identity and asked - self._seen[1] < self._seconds:
            self._renewed = float("-inf")
            return
        transitions = int(spec.get("leaseTransitions") or 0) + (holder != self._identity)
        wanted = self._lease(lease["metadata"], transitions)
        await self._write("PUT", LEASE.path(self._namespace, NAME), wanted, asked)

    async def _write(self, method: str, path: str, lease: Object, asked: float) -> None:
        try:
            answer = await self._api.write(method, path, lease)
        except RefusedError as error:
            if error.status == HTTPStatus.CONFLICT:
                return
            raise
        self._renewed = asked
        self._seen = (answer["metadata"]["resourceVersion"], asked)

    def _lease(self, metadata: Object, transitions: int) -> Object:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        kept = {key: metadata[key] for key in ("resourceVersion", "uid") if key in metadata}
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.name,
            "metadata": {"name": NAME, "namespace": self._namespace, **kept},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(self._seconds),
                "leaseTransitions": transitions,
                "renewTime": now,
                "acquireTime": now,
            },
        }

    async def _release(self) -> None:
        self._renewed = float("-inf")
        try:
            async with asyncio.timeout(2):
                lease = await self._api.get(LEASE.path(self._namespace, NAME))
                if (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                    freed = self._lease(lease["metadata"], int(lease["spec"].get("leaseTransitions") or 0))
                    freed["spec"]["holderIdentity"] = ""
                    await self._api.write("PUT", LEASE.path(self._namespace, NAME), freed)
        except (TriremeError, TimeoutError) as error:
            log.warning("the lease was not given up", error=str(error) or "no answer in time")
