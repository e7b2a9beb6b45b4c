"""exec over SPDY/3.1: one stream each for errors, input, output and the terminal's size. kubectl 1.20 to 1.30."""

import asyncio
import json
from collections.abc import AsyncIterator

from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import bad_request
from trireme.sandbox.apiserver.streams.remote_command import Resize, Stdin
from trireme.sandbox.apiserver.streams.spdy import SpdyConnection, SpdyStream
from trireme.sandbox.apiserver.streams.upgrade import upgrade
from trireme.sandbox.store.interface import Object

PROTOCOL = "v4.channel.k8s.io"
VERSION_HEADER = "X-Stream-Protocol-Version"
HANG_UP_SECONDS = 1.0
OPEN_SECONDS = 30.0
"""How long the client may take to open its streams, as in Kubernetes."""


class SpdyClient:
    """Implements ``remote_command.Client``."""

    def __init__(self, streams: dict[str, SpdyStream], running: asyncio.Task[None]) -> None:
        self._streams = streams
        self._running = running

    async def received(self) -> AsyncIterator[Stdin | Resize]:
        inbox: asyncio.Queue[Stdin | Resize] = asyncio.Queue(1)
        readers = [
            asyncio.ensure_future(_forward_stdin(self._streams.get("stdin"), inbox)),
            asyncio.ensure_future(_forward_sizes(self._streams.get("resize"), inbox)),
        ]
        message: asyncio.Future[Stdin | Resize] | None = None
        try:
            while True:
                message = asyncio.ensure_future(inbox.get())
                await asyncio.wait({message, self._running}, return_when=asyncio.FIRST_COMPLETED)
                if not message.done():
                    return
                yield message.result()
        finally:
            for reader in readers:
                reader.cancel()
            if message is not None:
                message.cancel()

    async def close(self) -> None:
        """Leave the client a moment to hang up itself: closing first could cut off what it has not read yet."""
        await asyncio.wait({self._running}, timeout=HANG_UP_SECONDS)
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def stdout(self, chunk: bytes) -> None:
        await self._write("stdout", chunk)

    async def stderr(self, chunk: bytes) -> None:
        await self._write("stderr", chunk)

    async def finish(self, status: Object) -> None:
        await self._write("error", json.dumps(status).encode())
        for stream in self._streams.values():
            await stream.end()

    async def _write(self, name: str, chunk: bytes) -> None:
        stream = self._streams.get(name)
        if stream is not None:
            await stream.write(chunk)


async def open_spdy(call: Call, wanted: set[str]) -> SpdyClient:
    """Raises ApiError (400), ConnectionError or TimeoutError when the client does not open what it asked for."""
    offered = ",".join(call.request.headers.getall(VERSION_HEADER, ()))
    if PROTOCOL not in [each.strip() for each in offered.split(",")]:
        raise bad_request(
            f"unable to upgrade: the client offers {offered or 'no protocol'}, the server {PROTOCOL}"
        )
    bare = await upgrade(call, "SPDY/3.1", {VERSION_HEADER: PROTOCOL})
    streams: dict[str, SpdyStream] = {}
    complete = asyncio.Event()

    def opened(stream: SpdyStream) -> None:
        streams[stream.headers.get("streamtype", "")] = stream
        if wanted <= streams.keys():
            complete.set()

    connection = SpdyConnection(bare.reader, bare.writer, opened)
    running = asyncio.ensure_future(connection.run())
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await complete.wait()
    except BaseException:
        running.cancel()
        raise
    return SpdyClient(streams, running)


async def _forward_stdin(stream: SpdyStream | None, inbox: asyncio.Queue[Stdin | Resize]) -> None:
    while stream is not None:
        chunk = await stream.read()
        await inbox.put(Stdin(chunk))
        if chunk is None:
            return


async def _forward_sizes(stream: SpdyStream | None, inbox: asyncio.Queue[Stdin | Resize]) -> None:
    while stream is not None and (chunk := await stream.read()) is not None:
        for line in chunk.splitlines():
            size = json.loads(line)
            await inbox.put(Resize(int(size["Width"]), int(size["Height"])))
