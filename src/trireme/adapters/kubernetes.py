"""What an agent asks of the Kubernetes API: the role label of pods, and where pods are whose address the name service
does not know yet. The data plane works without it.

Each is a short-lived process of its own (:mod:`trireme.adapters.pod_label`, :mod:`trireme.adapters.pod_addresses`):
it is rare, and TLS would cost the agent 8 MB for its whole life.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from trireme.base.errors import TemporaryError

TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")

CALL_SECONDS = 15.0
"""Longer than one request may take (10 s), so that its own words about a failure are heard."""


class PodLabels:
    """Role labels of this cluster's pods, set as the pod's own ServiceAccount."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._spare: asyncio.subprocess.Process | None = None

    @property
    def available(self) -> bool:
        """False outside a pod, or where no token is mounted: labels are then left alone."""
        return _in_a_pod()

    async def make_ready(self) -> None:
        """Start the process of the next change now: its own start, 0.1 to 0.3 s, is then not waited for. Idempotent."""
        if self._spare is None or self._spare.returncode is not None:
            self._spare = await self._start()

    async def set_roles(self, changes: Sequence[tuple[str, str]]) -> dict[str, bool | None]:
        """Label pods, ``(pod, role)`` each, one after the other. A pod that is gone needs no label.

        Of each pod that was labelled, whether Kubernetes finds it ready; None for one that is gone. Those that
        follow a new writer which is not ready yet are left out (:func:`trireme.adapters.pod_label.in_order`).

        Raises TemporaryError where the API does not answer, is slow, or refuses: the later ones are then not labelled.
        """
        await self.make_ready()
        process, self._spare = self._spare, None
        assert process is not None
        orders = " ".join(f"{pod}={role}" for pod, role in changes)
        output = await _answer(process, orders, f"labelling {', '.join(pod for pod, _ in changes)}")
        found: dict[str, bool | None] = {}
        for line in output.splitlines():
            found |= json.loads(line)
        return found

    async def close(self) -> None:
        if self._spare is not None:
            await _end(self._spare)

    async def _start(self) -> asyncio.subprocess.Process:
        return await _run("trireme.adapters.pod_label", self._namespace)


class PodAddresses:
    """Where pods of this cluster are, asked as the pod's own ServiceAccount."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    @property
    def available(self) -> bool:
        """False outside a pod, or where no token is mounted."""
        return _in_a_pod()

    async def find(self, pods: Sequence[str]) -> dict[str, str]:
        """The addresses of those that have one. Raises TemporaryError where the API does not tell."""
        process = await _run("trireme.adapters.pod_addresses", self._namespace, *pods)
        found: dict[str, str] = json.loads(await _answer(process, "", f"looking for {', '.join(pods)}"))
        return found


def _in_a_pod() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ and TOKEN.exists()


async def _run(module: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _answer(process: asyncio.subprocess.Process, orders: str, what: str) -> bytes:
    """Its output, once it has ended well. Raises TemporaryError with its own words, or that it took too long."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            output, errors = await process.communicate(orders.encode())
    except TimeoutError:
        raise TemporaryError(f"{what}: no answer within {CALL_SECONDS:.0f} s") from None
    finally:
        await _end(process)
    if process.returncode != 0:
        raise TemporaryError(errors.decode(errors="replace").strip() or f"{what} failed")
    return output


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
