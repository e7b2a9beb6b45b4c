"""Addresses, and proxies on real sockets."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.sandbox.workloads import clock, cluster, service, until
from trireme.sandbox.controllers.endpoints import EndpointsController
from trireme.sandbox.network.addresses import Network, PodAddresses, claim_network, free_service_address
from trireme.sandbox.network.proxy import Balancer, PortProxy, Target
from trireme.sandbox.network.services import ServiceController, cluster_ip_for, targets
from trireme.sandbox.store.interface import Key, Object
from trireme.sandbox.store.memory import MemoryStore

NETWORK = Network(252)
FRONT = "127.252.1.1"
BACK = "127.252.16.1"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class TestAddresses:
    def test_a_pod_keeps_its_address_and_the_next_pod_gets_a_new_one(self) -> None:
        addresses = PodAddresses(NETWORK)
        first = addresses.assign("a")
        assert addresses.assign("a") == first
        addresses.release("a")
        assert addresses.assign("b") != first

    def test_addresses_from_before_a_restart_are_kept(self) -> None:
        addresses = PodAddresses(NETWORK)
        addresses.keep("a", "127.252.17.5")
        assert addresses.assign("a") == "127.252.17.5"
        assert addresses.assign("b") == "127.252.17.6"

    def test_no_network_or_broadcast_address(self) -> None:
        addresses = PodAddresses(NETWORK)
        given = [addresses.assign(str(number)) for number in range(600)]
        assert len(set(given)) == 600
        assert not [each for each in given if each.endswith((".0", ".255"))]

    def test_a_service_made_again_has_its_old_address(self) -> None:
        first = free_service_address(NETWORK, "default/demo", ())
        assert free_service_address(NETWORK, "default/demo", ()) == first
        assert free_service_address(NETWORK, "default/demo", (first,)) != first

    def test_two_sandboxes_have_two_networks_and_keep_them(self, tmp_path: Path) -> None:
        folders = [tmp_path / "a", tmp_path / "b"]
        for folder in folders:
            folder.mkdir()
        (folders[1] / "network").write_text("200\n")
        (folders[0] / "network").write_text("200\n")
        first, second = (claim_network(folder) for folder in folders)
        assert first.network.octet == 200
        assert second.network.octet != 200
        first.release()
        second.release()
        again = claim_network(folders[1])
        assert again.network == second.network
        again.release()


@contextlib.asynccontextmanager
async def backend(serve: Serve, address: str = BACK, port: int = 3306) -> AsyncIterator[None]:
    server = await asyncio.start_server(serve, address, port)
    try:
        yield
    finally:
        server.close()


@pytest.fixture
async def proxy() -> AsyncIterator[PortProxy]:
    made = PortProxy(FRONT, 3306)
    yield made
    made.close()


async def name_of_peer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says first, as MariaDB does: its own address and the client's."""
    own, peer = writer.get_extra_info("sockname")[0], writer.get_extra_info("peername")[0]
    writer.write(f"{own} {peer}".encode())
    await writer.drain()
    writer.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything back, then the end after the end."""
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


async def greeting(local: str | None = None) -> str:
    reader, writer = await asyncio.open_connection(FRONT, 3306, local_addr=(local, 0) if local else None)
    async with asyncio.timeout(5):
        said = await reader.read()
    writer.close()
    return said.decode()


class TestProxy:
    async def test_refuses_without_targets(self, proxy: PortProxy) -> None:
        proxy.serve([])
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(FRONT, 3306)

    async def test_refuses_again_when_the_last_target_leaves(self, proxy: PortProxy) -> None:
        async with backend(name_of_peer):
            proxy.serve([Target(BACK, 3306)])
            assert await greeting()
            proxy.serve([])
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(FRONT, 3306)

    async def test_the_target_sees_the_clients_address(self, proxy: PortProxy) -> None:
        async with backend(name_of_peer):
            proxy.serve([Target(BACK, 3306)])
            assert await greeting("127.252.16.77") == f"{BACK} 127.252.16.77"

    async def test_takes_turns(self, proxy: PortProxy) -> None:
        other = "127.252.16.2"
        async with backend(name_of_peer), backend(name_of_peer, other):
            proxy.serve([Target(BACK, 3306), Target(other, 3306)])
            seen = [(await greeting()).split()[0] for _ in range(4)]
            assert sorted(seen) == [BACK, BACK, other, other]

    async def test_a_connection_outlives_its_target_in_the_service(self, proxy: PortProxy) -> None:
        async with backend(echo):
            proxy.serve([Target(BACK, 3306)])
            reader, writer = await asyncio.open_connection(FRONT, 3306)
            writer.write(b"one")
            assert await reader.readexactly(3) == b"one"
            proxy.serve([])
            writer.write(b"two")
            assert await reader.readexactly(3) == b"two"
            writer.close()

    async def test_half_close_goes_through(self, proxy: PortProxy) -> None:
        async with backend(echo):
            proxy.serve([Target(BACK, 3306)])
            reader, writer = await asyncio.open_connection(FRONT, 3306)
            writer.write(b"all of it")
            writer.write_eof()
            async with asyncio.timeout(5):
                assert await reader.read() == b"all of it"
            writer.close()

    async def test_a_target_that_refuses_cuts_the_client(self, proxy: PortProxy) -> None:
        proxy.serve([Target(BACK, 3306)])
        with pytest.raises(ConnectionError):
            reader, _ = await asyncio.open_connection(FRONT, 3306)
            async with asyncio.timeout(5):
                if not await reader.read():
                    raise ConnectionResetError

    async def test_a_slow_reader_loses_nothing(self, proxy: PortProxy) -> None:
        content = os.urandom(8 * 1024 * 1024)

        async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(content)
            await writer.drain()
            writer.close()

        async with backend(send):
            proxy.serve([Target(BACK, 3306)])
            reader, writer = await asyncio.open_connection(FRONT, 3306)
            received = bytearray()
            async with asyncio.timeout(20):
                while chunk := await reader.read(100_000):
                    received += chunk
                    await asyncio.sleep(0)
            assert received == content
            writer.close()

    def test_affinity_keeps_a_client_at_its_target(self) -> None:
        balancer = Balancer(60, (Target("a", 1), Target("b", 1)))
        first = balancer.choose("client", 0.0)
        assert {balancer.choose("client", 30.0) for _ in range(4)} == {first}
        balancer.targets = tuple(each for each in balancer.targets if each != first)
        assert balancer.choose("client", 31.0) != first


class TestServices:
    def slice_with(self, **conditions: bool) -> Object:
        endpoint = {"addresses": [BACK], "conditions": conditions}
        return {"ports": [{"name": "mysql", "port": 3306}], "endpoints": [endpoint]}

    def test_ready_endpoints_are_targets(self) -> None:
        assert targets([self.slice_with(ready=True)], "mysql") == [Target(BACK, 3306)]
        assert targets([self.slice_with(ready=False)], "mysql") == []
        assert targets([self.slice_with(ready=True)], "http") == []

    def test_those_that_end_but_serve_are_better_than_none(self) -> None:
        leaving = self.slice_with(ready=False, serving=True, terminating=True)
        assert targets([leaving], "mysql") == [Target(BACK, 3306)]
        other = {**self.slice_with(ready=True)}
        other["endpoints"] = [{"addresses": ["127.252.16.2"], "conditions": {"ready": True}}]
        assert targets([leaving, other], "mysql") == [Target("127.252.16.2", 3306)]

    def test_an_address_that_is_asked_for_must_be_free_and_in_range(self) -> None:
        store = MemoryStore()
        store.create("", "services", service("taken", {}, clusterIP="127.252.1.9"))
        assert cluster_ip_for(store, NETWORK, service("new", {}, clusterIP="127.252.1.10")) == "127.252.1.10"
        for wrong in ("127.252.1.9", "10.0.0.1", "127.252.16.1"):
            with pytest.raises(ValueError, match=wrong):
                cluster_ip_for(store, NETWORK, service("new", {}, clusterIP=wrong))

    async def test_a_service_gets_an_address_and_leads_to_its_pods(self) -> None:
        store = MemoryStore()
        store.create("", "services", service("demo", {"app": "demo"}))
        pod: Object = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "demo-0", "namespace": "default", "labels": {"app": "demo"}},
            "spec": {"containers": [{"name": "main", "ports": [{"name": "mysql", "containerPort": 3306}]}]},
            "status": {
                "phase": "Running",
                "podIP": BACK,
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
        store.create("", "pods", pod)
        services = ServiceController(store, clock, NETWORK)
        key = Key("", "services", "default", "demo")
        async with backend(name_of_peer), cluster(store, [EndpointsController(store, clock), services]):
            await until(store, lambda: store.get(key)["spec"].get("clusterIP"))
            address = store.get(key)["spec"]["clusterIP"]
            assert NETWORK.owns(address)
            await until(store, lambda: store.list("discovery.k8s.io", "endpointslices"))
            await eventually(lambda: _listens(address))
            reader, writer = await asyncio.open_connection(address, 3306)
            assert (await reader.read()).startswith(BACK.encode())
            writer.close()
            store.delete(key)
            await eventually(lambda: not _listens(address))
        services.close()


async def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for what only the kernel knows. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)


def _listens(address: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, 3306)) == 0
