"""A TCP proxy for one Service port: what kube-proxy's rules do, in user space. It carries SQL.

As with kube-proxy: a new connection goes to the next ready endpoint; with none it is refused; an endpoint
that leaves the Service keeps the connections that it has.
"""

import asyncio
import logging
import random
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

BUFFER_BYTES = 256 * 1024
"""Read at once, and held for a peer that reads slowly before the sender is paused."""

CONNECT_SECONDS = 10.0
BACKLOG = 512
_BIND_ADDRESS_NO_PORT = 24
"""IP_BIND_ADDRESS_NO_PORT of Linux: choose the port at connect, so that it may be shared between targets."""
_LINGER_RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    address: str
    port: int


@dataclass
class Balancer:
    """Chooses the target of a new connection: round robin, or the same as before for the same client."""

    affinity_seconds: int | None = None
    targets: tuple[Target, ...] = ()
    _next: int = field(default_factory=lambda: random.randrange(1 << 16))  # noqa: S311 - not a secret
    _known: dict[str, tuple[Target, float]] = field(default_factory=dict)

    def choose(self, client: str, now: float) -> Target | None:
        """``now`` in seconds of any steady clock. None: there is no target."""
        if not self.targets:
            return None
        if self.affinity_seconds is None:
            return self._take()
        target, since = self._known.get(client, (None, now))
        if target is None or target not in self.targets or now - since > self.affinity_seconds:
            target = self._take()
        self._known[client] = (target, now)
        return target

    def _take(self) -> Target:
        self._next += 1
        return self.targets[self._next % len(self.targets)]


class Pipe(asyncio.BufferedProtocol):
    """One end of a proxied connection: what it receives goes to the other, no faster than that takes it."""

    def __init__(self) -> None:
        self._view = memoryview(bytearray(BUFFER_BYTES))
        self._transport: asyncio.Transport | None = None
        self._other = self
        self._early = bytearray()
        self._ended = False
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def join(self, other: "Pipe") -> None:
        """Make two ends of one connection; before either is connected."""
        self._other, other._other = other, self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends at once what the other end, connected before, has received for it."""
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=BUFFER_BYTES)
        self._transport = transport
        if self._early:
            transport.write(bytes(self._early))
            self._early.clear()
        if self._other._ended:
            transport.write_eof()

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        # A copy: the transport keeps what it cannot send at once, and this buffer is filled again.
        content, transport = bytes(self._view[:nbytes]), self._other._transport
        if transport is None:
            self._other._early += content
        else:
            transport.write(content)

    def eof_received(self) -> bool:
        """Half-close goes through; the other direction stays open until it ends too."""
        self._ended = True
        transport = self._other._transport
        if self._other._ended and transport is not None:
            transport.close()
            return False
        if transport is not None and not transport.is_closing():
            with suppress(OSError):
                transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)
        transport = self._other._transport
        if transport is None or transport.is_closing():
            return
        if exc is None:
            transport.close()
        else:
            reset(transport)

    def pause_writing(self) -> None:
        transport = self._other._transport
        if transport is not None and not transport.is_closing():
            transport.pause_reading()

    def resume_writing(self) -> None:
        transport = self._other._transport
        if transport is not None and not transport.is_closing():
            transport.resume_reading()

    def abort(self) -> None:
        """Cut this end now."""
        if self._transport is not None:
            self._transport.abort()


def reset(transport: asyncio.WriteTransport) -> None:
    """Close so that the peer sees a reset connection rather than an orderly end."""
    holder = transport.get_extra_info("socket")
    if holder is not None:
        with suppress(OSError):
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    transport.abort()


class PortProxy:
    """Listens at one address and port while there are targets."""

    def __init__(self, address: str, port: int, *, affinity_seconds: int | None = None) -> None:
        self.address = address
        self.port = port
        self._balancer = Balancer(affinity_seconds)
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def targets(self) -> tuple[Target, ...]:
        return self._balancer.targets

    def serve(self, targets: Sequence[Target]) -> None:
        """Use these targets for new connections from now on; without any, connections are refused.

        Raises OSError when it cannot listen; the targets are kept for the next try.
        """
        self._balancer.targets = tuple(targets)
        if targets and self._listener is None:
            self._listen()
        elif not targets:
            self._deafen()

    def close(self) -> None:
        """Stop listening and cut what is connected."""
        self._deafen()
        for task in self._connections:
            task.cancel()

    def _listen(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            listener.bind((self.address, self.port))
            listener.listen(BACKLOG)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        name = f"service {self.address}:{self.port}"
        self._accepting = asyncio.get_running_loop().create_task(self._accept(listener), name=name)

    def _deafen(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, (address, _) = await loop.sock_accept(listener)
            except OSError as error:
                log.warning("service %s:%d: accept: %s", self.address, self.port, error)
                await asyncio.sleep(0.1)
                continue
            task = loop.create_task(self._forward(client, address))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _forward(self, client: socket.socket, address: str) -> None:
        """Connect through and stay until both ends are done."""
        with client:
            target = self._balancer.choose(address, asyncio.get_running_loop().time())
            try:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server = await _connect(target, address)
            except (OSError, TimeoutError) as error:
                log.debug("service %s:%d to %s: %s", self.address, self.port, target, error)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
                return
            with server:
                await _carry(client, server)


async def _connect(target: Target | None, source: str) -> socket.socket:
    """A connection that shows the target the client's own address. Raises OSError or TimeoutError."""
    if target is None:
        raise ConnectionRefusedError("no target")
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        server.setblocking(False)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        server.bind((source, 0))
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(server, (target.address, target.port))
    except BaseException:
        server.close()
        raise
    return server


async def _carry(client: socket.socket, server: socket.socket) -> None:
    """Join two connected sockets until both are closed; cancelling cuts them."""
    loop = asyncio.get_running_loop()
    near, far = Pipe(), Pipe()
    near.join(far)
    try:
        await loop.create_connection(lambda: far, sock=server)
        await loop.create_connection(lambda: near, sock=client)
        await asyncio.gather(near.lost, far.lost)
    finally:
        near.abort()
        far.abort()
