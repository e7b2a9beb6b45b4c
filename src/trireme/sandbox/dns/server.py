"""The DNS server: UDP and TCP at one address, the zone rebuilt from the store when it changed."""

import asyncio
import logging
import random
import struct
from dataclasses import replace
from pathlib import Path
from typing import assert_never

import dns.exception
import dns.message
import dns.rcode

from trireme.base.errors import PermanentError
from trireme.sandbox.dns.answer import failed, respond, text_name, truncated, udp_wire
from trireme.sandbox.dns.faults import Fault, FaultSwitch, Mode
from trireme.sandbox.dns.zone import Records, Zone, build
from trireme.sandbox.store.interface import Change, Store

log = logging.getLogger(__name__)

PORT = 53
HIGH_PORT = 10053
"""Where an ordinary user may listen."""

TCP_IDLE_SECONDS = 30.0
_SOURCES = {("", "services"), ("discovery.k8s.io", "endpointslices")}


class DnsServer:
    """Serves the store's Services at ``address``. ``folder`` is where faults are switched."""

    def __init__(self, store: Store, address: str, folder: Path, rng: random.Random | None = None) -> None:
        self._store = store
        self._address = address
        self._switch = FaultSwitch(folder)
        self._rng = rng or random.Random()  # noqa: S311 - the order of records
        self._zone: Zone | None = None
        self._stale: Zone | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self._unsubscribe = store.subscribe(self._forget)
        self.port = 0

    async def start(self) -> None:
        """Listen at port 53, or at a high one. Raises PermanentError if neither is to be had."""
        refused: list[str] = []
        for port in (PORT, HIGH_PORT):
            try:
                await self._listen(port)
            except OSError as error:
                refused.append(f"port {port}: {error.strerror}")
                continue
            self.port = port
            self._current()
            return
        raise PermanentError(f"the sandbox's DNS cannot listen at {self._address}: {', '.join(refused)}")

    async def _listen(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._serve_stream, self._address, port, reuse_address=True)
        try:
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self), local_addr=(self._address, port)
            )
        except OSError:
            server.close()
            raise
        self._server = server

    async def stop(self) -> None:
        self._unsubscribe()
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
        for task in self._answers:
            task.cancel()

    def _forget(self, change: Change) -> None:
        if (change.key.group, change.key.resource) not in _SOURCES:
            return
        self._poll_faults()
        if self._zone is not None:
            # Soon, not with the next query: a fault that begins later is to find the zone as it was before it.
            asyncio.get_running_loop().call_soon(self._current)
        self._zone = None

    def _current(self) -> Zone:
        if self._zone is None:
            services = self._store.list("", "services")
            slices = self._store.list("discovery.k8s.io", "endpointslices")
            self._zone = build(services, slices, self._address)
        return self._zone

    def received(self, wire: bytes, client: tuple[str, int]) -> None:
        """One datagram. Answered in a task of its own, so that a delayed one delays no other."""
        task = asyncio.get_running_loop().create_task(self._reply(wire, client))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _reply(self, wire: bytes, client: tuple[str, int]) -> None:
        answer = await self.answer(wire, stream=False)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, client)

    async def _serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                async with asyncio.timeout(TCP_IDLE_SECONDS):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    wire = await reader.readexactly(length)
                answer = await self.answer(wire, stream=True)
                if answer is None:
                    return
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            return
        finally:
            writer.close()

    async def answer(self, wire: bytes, *, stream: bool) -> bytes | None:
        """The response to one query; None when none is to be sent."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        fault = self._fault(query)
        response = await self._faulty(query, fault, stream=stream)
        if response is None:
            return None
        return response.to_wire(max_size=65535) if stream else udp_wire(query, response)

    def _fault(self, query: dns.message.Message) -> Fault | None:
        self._poll_faults()
        return self._switch.find(text_name(query.question[0].name)) if query.question else None

    def _poll_faults(self) -> None:
        try:
            if self._switch.poll():
                self._stale = self._current()
        except (OSError, ValueError) as error:
            log.warning("the DNS faults file is not readable, it is ignored: %s", error)

    async def _faulty(
        self, query: dns.message.Message, fault: Fault | None, *, stream: bool
    ) -> dns.message.Message | None:
        zone = self._current()
        if fault is None:
            return self._truth(query, zone)
        match fault.mode:
            case Mode.DELAY:
                await asyncio.sleep(fault.seconds)
                return self._truth(query, self._current())
            case Mode.DROP:
                return None
            case Mode.SERVFAIL:
                return failed(query, dns.rcode.SERVFAIL)
            case Mode.REFUSED:
                return failed(query, dns.rcode.REFUSED)
            case Mode.NXDOMAIN:
                return failed(query, dns.rcode.NXDOMAIN)
            case Mode.EMPTY:
                return failed(query, dns.rcode.NOERROR)
            case Mode.STALE:
                return self._truth(query, self._stale or zone)
            case Mode.WRONG:
                return self._truth(query, _readdressed(zone, fault.addresses))
            case Mode.TRUNCATE:
                return self._truth(query, zone) if stream else truncated(query)
            case _:
                assert_never(fault.mode)

    def _truth(self, query: dns.message.Message, zone: Zone) -> dns.message.Message:
        return respond(query, zone, self._store.version, self._rng)


def _readdressed(zone: Zone, addresses: tuple[str, ...]) -> Zone:
    """The same names, each with an A record of these addresses in turn."""
    changed: dict[str, Records] = {}
    given = 0
    for name, records in zone.names.items():
        wrong = [addresses[(given + index) % len(addresses)] for index in range(len(records.a))]
        given += len(wrong)
        changed[name] = replace(records, a=wrong)
    return Zone(changed, zone.parents)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.received(data, addr)

    def error_received(self, exc: Exception) -> None:
        log.debug("DNS: %s", exc)
