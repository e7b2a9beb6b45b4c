"""exec over WebSocket: the first byte of each message names its channel. kubectl since 1.31."""

import json
from collections.abc import AsyncIterator

from aiohttp import WSMsgType, web

from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.streams.remote_command import Resize, Stdin
from trireme.sandbox.store.interface import Object

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
HEARTBEAT_SECONDS = 30.0


class WebSocketClient:
    """Implements ``remote_command.Client``."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def received(self) -> AsyncIterator[Stdin | Resize]:
        """v5's channel 255 closes the channel that its next byte names; v4 cannot close standard input."""
        async for message in self._socket:
            if message.type is not WSMsgType.BINARY or not message.data:
                continue
            channel, content = message.data[0], message.data[1:]
            if channel == STDIN and content:
                yield Stdin(content)
            elif channel == RESIZE and content:
                size = json.loads(content)
                yield Resize(int(size["Width"]), int(size["Height"]))
            elif channel == CLOSE and content[:1] == bytes([STDIN]):
                yield Stdin(None)

    async def stdout(self, chunk: bytes) -> None:
        await self._socket.send_bytes(bytes([STDOUT]) + chunk)

    async def stderr(self, chunk: bytes) -> None:
        await self._socket.send_bytes(bytes([STDERR]) + chunk)

    async def finish(self, status: Object) -> None:
        await self._socket.send_bytes(bytes([ERROR]) + json.dumps(status).encode())
        await self._socket.close()


async def open_websocket(call: Call) -> tuple[web.WebSocketResponse, WebSocketClient]:
    socket = web.WebSocketResponse(protocols=PROTOCOLS, heartbeat=HEARTBEAT_SECONDS, max_msg_size=1 << 20)
    await socket.prepare(call.request)
    return socket, WebSocketClient(socket)
