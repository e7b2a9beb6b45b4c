"""A node with a real store, and pods made of /bin/sh and Python."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trireme.sandbox.node.interface import Endpoint, NodeSettings, Timing
from trireme.sandbox.node.node import Node
from trireme.sandbox.store.interface import Key, NotFoundError, Object
from trireme.sandbox.store.memory import MemoryStore

IMAGE = "trireme/trireme:0.1.0"
PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.05
"""How often a condition outside of the store (a log, a process) is looked at."""


class CountedAddresses:
    """127.9.0.1, 127.9.0.2, …: never the same twice."""

    def __init__(self) -> None:
        self._by_uid: dict[str, str] = {}
        self._count = 0

    def assign(self, pod_uid: str) -> str:
        if pod_uid not in self._by_uid:
            self._count += 1
            self._by_uid[pod_uid] = f"127.9.0.{self._count}"
        return self._by_uid[pod_uid]

    def release(self, pod_uid: str) -> None:
        self._by_uid.pop(pod_uid, None)


def mint_token(
    *, namespace: str, service_account: str, pod_name: str, pod_uid: str, audience: str, seconds: int
) -> str:
    return f"token-of-{namespace}-{service_account}-{pod_name}"


@dataclass
class Laboratory:
    """A running node, and what a test asks of it."""

    store: MemoryStore
    node: Node
    directory: Path

    def pod(self, name: str = "pod") -> Object:
        return self.store.get(Key("", "pods", "default", name))

    def create(self, resource: str, obj: Object) -> Object:
        obj["metadata"].setdefault("namespace", "default")
        return self.store.create("", resource, obj)

    async def until(self, what: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
        """Wait until ``what()`` is true and return it; a missing object counts as not yet."""
        changed = asyncio.Event()
        unsubscribe = self.store.subscribe(lambda _: changed.set())
        try:
            async with asyncio.timeout(seconds):
                while True:
                    with contextlib.suppress(NotFoundError, KeyError, IndexError, FileNotFoundError):
                        if found := what():
                            return found
                    changed.clear()
                    waiting = asyncio.ensure_future(changed.wait())
                    await asyncio.wait({waiting}, timeout=POLL_SECONDS)
                    waiting.cancel()
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s; pods: {self.store.list('', 'pods')}") from None
        finally:
            unsubscribe()

    async def until_phase(self, phase: str, name: str = "pod") -> Object:
        await self.until(lambda: self.pod(name)["status"]["phase"] == phase)
        return self.pod(name)

    async def until_gone(self, name: str = "pod", *, seconds: float = PATIENCE_SECONDS) -> None:
        await self.until(lambda: not self._exists(name), seconds=seconds)

    def _exists(self, name: str) -> bool:
        return any(pod["metadata"]["name"] == name for pod in self.store.list("", "pods"))

    def delete(self, name: str = "pod", grace: int | None = None) -> None:
        self.store.delete(Key("", "pods", "default", name), grace_seconds=grace)

    def log(self, name: str = "pod", container: str = "main", start: int = 0) -> str:
        """The text of one start's log, without times and stream names."""
        metadata = self.pod(name)["metadata"]
        folder = f"default_{name}_{metadata['uid']}"
        raw = (self.directory / "logs" / folder / container / f"{start}.log").read_text()
        return "".join(line.split(" ", 3)[3] for line in raw.splitlines(keepends=True))

    def events(self, reason: str) -> list[str]:
        return [found["message"] for found in self.store.list("", "events") if found["reason"] == reason]


@contextlib.asynccontextmanager
async def laboratory(
    directory: Path, *, store: MemoryStore | None = None, timing: Timing | None = None
) -> AsyncIterator[Laboratory]:
    """A node that is cancelled, with all that it runs, at the end."""
    store = store or MemoryStore()
    certificate = directory / "ca.crt"
    certificate.write_text("CERTIFICATE")
    settings = NodeSettings(
        directory=directory / "node",
        host_address="127.9.255.1",
        nameserver=Endpoint("127.9.255.10", 5353),
        api=Endpoint("127.9.255.2", 6443),
        ca_certificate=certificate,
        timing=timing or Timing(first_backoff=0.2, longest_backoff=1.0, config_retry=0.5),
    )
    node = Node(store, settings, addresses=CountedAddresses(), mint_token=mint_token)
    task = asyncio.create_task(node.run())
    try:
        yield Laboratory(store, node, settings.directory)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def container(script: str, name: str = "main", **fields: Any) -> Object:
    """A container that runs a shell script."""
    return {"name": name, "image": IMAGE, "command": ["/bin/sh", "-c", script], **fields}


def make_pod(*containers: Object, name: str = "pod", metadata: Object | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", **(metadata or {})},
        "spec": {"containers": list(containers), "terminationGracePeriodSeconds": 5, **spec},
    }


def alive(pid: int) -> bool:
    """Whether this process of the host exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
