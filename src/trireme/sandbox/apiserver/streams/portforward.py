"""pods/portforward over SPDY/3.1: for each connection, a stream of data and one for an error text."""

import asyncio
import contextlib

from aiohttp import web

from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import bad_request
from trireme.sandbox.apiserver.streams.spdy import SpdyConnection, SpdyStream
from trireme.sandbox.apiserver.streams.upgrade import Upgraded, upgrade
from trireme.sandbox.apiserver.tables.cells import dig

PROTOCOL = "portforward.k8s.io"
CONNECT_SECONDS = 5.0
CHUNK = 64 * 1024


class Forwarding:
    """The streams of one client, paired by their request's number."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._errors: dict[str, SpdyStream] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def opened(self, stream: SpdyStream) -> None:
        request = stream.headers.get("requestid", "")
        if stream.headers.get("streamtype") == "error":
            self._errors[request] = stream
            return
        task = asyncio.ensure_future(self._carry(stream, self._errors.get(request)))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _carry(self, data: SpdyStream, errors: SpdyStream | None) -> None:
        port = int(data.headers.get("port", "0"))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(self._address, port)
        except OSError as error:
            if errors is not None:
                await errors.write(
                    f"failed to connect to {self._address}:{port}: {error.strerror or error}".encode()
                )
        else:
            sending = asyncio.ensure_future(_to_pod(data, writer))
            with contextlib.suppress(ConnectionError):
                await _to_client(reader, data)
            sending.cancel()
            writer.close()
        # Old clients keep their side open until the error stream has ended.
        with contextlib.suppress(ConnectionError):
            await data.end()
            if errors is not None:
                await errors.end()


async def port_forward(call: Call) -> web.StreamResponse:
    """Until the client goes. Newer clients try WebSocket first and fall back. Raises ApiError (400)."""
    pod = call.existing()
    address = dig(pod, "status.podIP")
    if dig(pod, "status.phase") != "Running" or not address:
        raise bad_request(
            f"unable to forward port because pod is not running. Current status={dig(pod, 'status.phase')}"
        )
    bare = await upgrade(call, "SPDY/3.1", {"X-Stream-Protocol-Version": PROTOCOL})
    forwarding = Forwarding(address)
    try:
        await SpdyConnection(bare.reader, bare.writer, forwarding.opened).run()
    finally:
        for task in forwarding.tasks:
            task.cancel()
    return Upgraded()


async def _to_pod(data: SpdyStream, writer: asyncio.StreamWriter) -> None:
    while (chunk := await data.read()) is not None:
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()


async def _to_client(reader: asyncio.StreamReader, data: SpdyStream) -> None:
    while chunk := await reader.read(CHUNK):
        await data.write(chunk)
