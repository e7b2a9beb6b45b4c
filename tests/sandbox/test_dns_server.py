"""The DNS server on real sockets: UDP, TCP, its faults, and what glibc's own resolver makes of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import pytest

from tests.sandbox.workloads import service
from trireme.sandbox.dns.faults import Fault, Mode, write_faults
from trireme.sandbox.dns.server import DnsServer
from trireme.sandbox.store.interface import Key, Object
from trireme.sandbox.store.memory import MemoryStore

ADDRESS = "127.251.0.10"
INTERNAL = "demo-internal.default.svc.cluster.local"


def slice_of(*addresses: str) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "demo-internal-x",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "demo-internal"},
        },
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": [address], "hostname": f"demo-{number}", "conditions": {"ready": True}}
            for number, address in enumerate(addresses)
        ],
        "ports": [{"name": "galera", "port": 4567, "protocol": "TCP"}],
    }


@dataclass
class Running:
    store: MemoryStore
    server: DnsServer
    folder: Path

    async def ask(self, name: str, kind: str = "A", *, tcp: bool = False, seconds: float = 2) -> list[str]:
        """The answer's records as text. Raises dns.exception.Timeout, or RuntimeError with the code."""
        query = dns.message.make_query(name, kind)
        call = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
        response = await call(query, ADDRESS, port=self.server.port, timeout=seconds)
        if response.rcode() != dns.rcode.NOERROR:
            raise RuntimeError(dns.rcode.to_text(response.rcode()))
        return sorted(item.to_text() for rrset in response.answer for item in rrset)

    def move(self, *addresses: str) -> None:
        key = Key("discovery.k8s.io", "endpointslices", "default", "demo-internal-x")
        self.store.mutate(key, lambda obj: obj.update(endpoints=slice_of(*addresses)["endpoints"]))

    def fail(self, *faults: Fault) -> None:
        write_faults(self.folder, faults)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    store = MemoryStore()
    store.create("", "services", service("demo-internal", {}, headless=True))
    store.create("discovery.k8s.io", "endpointslices", slice_of("127.251.16.1", "127.251.16.2"))
    server = DnsServer(store, ADDRESS, tmp_path)
    await server.start()
    yield Running(store, server, tmp_path)
    await server.stop()


async def test_answers_by_udp_and_tcp(running: Running) -> None:
    for tcp in (False, True):
        assert await running.ask(INTERNAL, tcp=tcp) == ["127.251.16.1", "127.251.16.2"]


async def test_follows_the_store(running: Running) -> None:
    assert await running.ask(f"demo-0.{INTERNAL}") == ["127.251.16.1"]
    running.move("127.251.16.9")
    assert await running.ask(f"demo-0.{INTERNAL}") == ["127.251.16.9"]


async def test_many_members_are_found_by_tcp(running: Running) -> None:
    running.move(*(f"127.251.16.{number}" for number in range(1, 101)))
    query = dns.message.make_query(f"_galera._tcp.{INTERNAL}", "SRV")
    response, by_tcp = await dns.asyncquery.udp_with_fallback(
        query, ADDRESS, port=running.server.port, timeout=5
    )
    assert by_tcp
    assert len(response.answer[0]) == 100


@pytest.mark.parametrize(
    ("mode", "code"),
    [(Mode.SERVFAIL, "SERVFAIL"), (Mode.REFUSED, "REFUSED"), (Mode.NXDOMAIN, "NXDOMAIN")],
)
async def test_fails_with_a_code_and_recovers(running: Running, mode: Mode, code: str) -> None:
    running.fail(Fault(mode))
    with pytest.raises(RuntimeError, match=code):
        await running.ask(INTERNAL)
    running.fail()
    assert await running.ask(INTERNAL)


async def test_a_fault_is_of_the_names_that_it_names(running: Running) -> None:
    running.fail(Fault(Mode.NXDOMAIN, names="demo-1.*"))
    assert await running.ask(f"demo-0.{INTERNAL}") == ["127.251.16.1"]
    with pytest.raises(RuntimeError, match="NXDOMAIN"):
        await running.ask(f"demo-1.{INTERNAL}")


async def test_drops(running: Running) -> None:
    running.fail(Fault(Mode.DROP))
    with pytest.raises(dns.exception.Timeout):
        await running.ask(INTERNAL, seconds=0.3)


async def test_a_late_answer_delays_no_other(running: Running) -> None:
    running.fail(Fault(Mode.DELAY, names="demo-0.*", seconds=0.5))
    loop = asyncio.get_running_loop()
    start = loop.time()
    late = asyncio.create_task(running.ask(f"demo-0.{INTERNAL}"))
    await running.ask(f"demo-1.{INTERNAL}")
    assert loop.time() - start < 0.4
    assert await late == ["127.251.16.1"]
    assert loop.time() - start >= 0.5


async def test_stale_addresses(running: Running) -> None:
    running.fail(Fault(Mode.STALE))
    running.move("127.251.16.9")
    assert await running.ask(f"demo-0.{INTERNAL}") == ["127.251.16.1"]
    running.fail()
    assert await running.ask(f"demo-0.{INTERNAL}") == ["127.251.16.9"]


async def test_wrong_addresses(running: Running) -> None:
    running.fail(Fault(Mode.WRONG, addresses=("127.251.99.99",)))
    assert await running.ask(f"demo-0.{INTERNAL}") == ["127.251.99.99"]


async def test_an_empty_answer(running: Running) -> None:
    running.fail(Fault(Mode.EMPTY))
    assert await running.ask(INTERNAL) == []


async def test_a_faults_file_of_rubbish_changes_nothing(running: Running) -> None:
    (running.folder / "dns-faults.json").write_text("{")
    assert await running.ask(INTERNAL)


async def test_rubbish_is_not_answered(running: Running) -> None:
    assert await running.server.answer(b"\x00", stream=False) is None
