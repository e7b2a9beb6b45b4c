"""exec: connects a process in a container with a client, whatever protocol carries it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from trireme.sandbox.apiserver.node import ExecProcess
from trireme.sandbox.store.interface import Object

DRAIN_SECONDS = 2.0
"""How long output may still come after the process ended: its children may hold the stream open for ever."""


@dataclass(frozen=True, slots=True)
class Stdin:
    """None: the client closed its end."""

    chunk: bytes | None


@dataclass(frozen=True, slots=True)
class Resize:
    width: int
    height: int


class Client(Protocol):
    """The client's side of an exec, over SPDY or WebSocket."""

    def received(self) -> AsyncIterator[Stdin | Resize]:
        """Ends when the client is gone."""
        ...

    async def stdout(self, chunk: bytes) -> None:
        """Raises ConnectionError when the client is gone."""
        ...

    async def stderr(self, chunk: bytes) -> None: ...

    async def finish(self, status: Object) -> None:
        """The last word: how the process ended."""
        ...


async def converse(process: ExecProcess, client: Client) -> None:
    """Returns when the process has ended and the client knows, or when the client is gone."""
    output = asyncio.gather(_pump(process.stdout, client.stdout), _pump(process.stderr, client.stderr))
    listening = asyncio.ensure_future(_listen(process, client))
    waiting = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait({listening, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(output, DRAIN_SECONDS)
        await client.finish(exit_status(waiting.result()))
    except ConnectionError:
        return
    finally:
        process.kill()
        for task in (output, listening, waiting):
            task.cancel()
        await asyncio.gather(output, listening, waiting, return_exceptions=True)


def exit_status(code: int) -> Object:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    cause = {"reason": "ExitCode", "message": str(code)}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [cause]},
    }


async def _pump(source: AsyncIterator[bytes], sink: Callable[[bytes], Awaitable[None]]) -> None:
    async for chunk in source:
        await sink(chunk)


async def _listen(process: ExecProcess, client: Client) -> None:
    async for message in client.received():
        if isinstance(message, Resize):
            process.resize(width=message.width, height=message.height)
        elif message.chunk is None:
            await process.close_stdin()
        else:
            await process.write(message.chunk)
