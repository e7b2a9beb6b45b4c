"""A command in a pod's container, over a WebSocket, with its streams, its terminal and its exit status.

The protocols of `kubectl exec`: v5 can say that the input ends; v4, all that API servers before 1.30 speak,
cannot.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from trireme.adapters.cluster_api import ClusterApi, RefusedError
from trireme.base.errors import PermanentError, UncertainError

V5 = "v5.channel.k8s.io"
V4 = "v4.channel.k8s.io"

_INPUT, _OUTPUT, _ERRORS, _STATUS, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255

Sink = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Container:
    """Where to run it."""

    namespace: str
    pod: str
    container: str


@dataclass(frozen=True, slots=True)
class Size:
    """Of a terminal, in characters."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """This side of the command. With ``sizes`` it gets a terminal, whose output has no separate errors."""

    stdin: AsyncIterator[bytes]
    stdout: Sink
    stderr: Sink
    sizes: AsyncIterator[Size] | None = None
    """The terminal's size now, and again whenever it changes."""
    ends: bool = True
    """The command waits for the end of ``stdin``."""


async def run(api: ClusterApi, where: Container, command: list[str], streams: Streams) -> int:
    """Run ``command`` until it ends; its exit status.

    Raises PermanentError if it could not be started, UncertainError if the connection broke while it ran.
    What its sinks raise comes through.
    """
    terminal = streams.sizes is not None
    parameters = [
        ("container", where.container),
        ("stdin", "true"),
        ("stdout", "true"),
        ("stderr", "false" if terminal else "true"),
        ("tty", "true" if terminal else "false"),
        *(("command", word) for word in command),
    ]
    path = f"/api/v1/namespaces/{where.namespace}/pods/{where.pod}/exec"
    try:
        async with api.websocket(path, parameters, [V5, V4]) as socket:
            return await _attend(socket, where, streams)
    except RefusedError as refusal:
        if refusal.status == HTTPStatus.FORBIDDEN:
            raise PermanentError(
                f"{refusal} (it takes the rights to get and to create pods/exec)"
            ) from refusal
        raise


async def _attend(socket: aiohttp.ClientWebSocketResponse, where: Container, streams: Streams) -> int:
    """Carry all streams until the command ends."""
    if streams.ends and socket.protocol != V5:
        raise PermanentError(
            "this Kubernetes is older than 1.30 and cannot tell a command that its input ends: "
            "type into the shell, or give the statement with -e"
        )
    senders = [asyncio.create_task(_send_input(socket, streams.stdin))]
    if streams.sizes is not None:
        senders.append(asyncio.create_task(_send_sizes(socket, streams.sizes)))
    try:
        return await _receive(socket, where, streams)
    finally:
        for each in senders:
            each.cancel()
        await asyncio.gather(*senders, return_exceptions=True)


async def _send_input(socket: aiohttp.ClientWebSocketResponse, chunks: AsyncIterator[bytes]) -> None:
    """A command may end before it has read everything; its status says so, not a broken pipe."""
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        async for chunk in chunks:
            await socket.send_bytes(bytes([_INPUT]) + chunk)
        if socket.protocol == V5:
            await socket.send_bytes(bytes([_CLOSE, _INPUT]))


async def _send_sizes(socket: aiohttp.ClientWebSocketResponse, sizes: AsyncIterator[Size]) -> None:
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        async for size in sizes:
            message = json.dumps({"Width": size.columns, "Height": size.rows}).encode()
            await socket.send_bytes(bytes([_RESIZE]) + message)


async def _receive(socket: aiohttp.ClientWebSocketResponse, where: Container, streams: Streams) -> int:
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        channel, content = message.data[0], message.data[1:]
        if channel == _STATUS:
            return _exit_status(content, where)
        if channel in (_OUTPUT, _ERRORS) and content:
            (streams.stdout if channel == _OUTPUT else streams.stderr)(content)
    raise UncertainError(
        f"the connection to pod {where.pod} broke (code {socket.close_code}): "
        f"nobody knows how the command ended there"
    )


def _exit_status(content: bytes, where: Container) -> int:
    """From the Status object that ends every command."""
    status = json.loads(content)
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    said = status.get("message", "no reason given")
    raise PermanentError(
        f"the command could not be run in container {where.container} of {where.pod}: {said}"
    )
