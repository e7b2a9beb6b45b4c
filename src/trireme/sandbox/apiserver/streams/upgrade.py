"""Takes a connection over from HTTP."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import bad_request

READ_AHEAD = 256 * 1024


@dataclass(frozen=True, slots=True)
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Upgraded(web.Response):
    """What a handler returns when it has answered on the bare connection: aiohttp then only closes it."""

    def __init__(self) -> None:
        super().__init__(status=101)
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


async def upgrade(call: Call, protocol: str, headers: Mapping[str, str]) -> Connection:
    """Answers 101 and hands the bare connection over. The client sends nothing before it has read that.

    Raises ApiError (400) when the client did not ask for ``protocol``.
    """
    request = call.request
    if protocol.lower() not in request.headers.get("Upgrade", "").lower():
        raise bad_request(f"Upgrade request required: {protocol}")
    await request.read()
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client went away")
    reader = asyncio.StreamReader(limit=READ_AHEAD)
    handover = asyncio.StreamReaderProtocol(reader)
    transport.set_protocol(handover)
    handover.connection_made(transport)
    writer = asyncio.StreamWriter(transport, handover, reader, asyncio.get_running_loop())
    lines = [
        f"{name}: {value}"
        for name, value in {"Connection": "Upgrade", "Upgrade": protocol, **headers}.items()
    ]
    writer.write(("HTTP/1.1 101 Switching Protocols\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode())
    await writer.drain()
    return Connection(reader, writer)
