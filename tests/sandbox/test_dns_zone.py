"""The records that Services and EndpointSlices give, and the answers made of them."""

import random

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from tests.sandbox.workloads import running, service, stateful_set
from trireme.sandbox.controllers.endpoints import slices
from trireme.sandbox.dns.answer import respond, udp_wire
from trireme.sandbox.dns.zone import Srv, Zone, build
from trireme.sandbox.store.interface import Object

INTERNAL = "demo-internal.default.svc.cluster.local"


def pod(number: int, *, ready: bool = True) -> Object:
    template = stateful_set()["spec"]["template"]
    made: Object = {
        "metadata": {
            "name": f"demo-{number}",
            "namespace": "default",
            "uid": f"uid-{number}",
            "labels": {"app": "demo"},
        },
        "spec": {**template["spec"], "hostname": f"demo-{number}", "subdomain": "demo-internal"},
    }
    return running(made, f"127.99.16.{number + 1}", ready=ready)


def zone_of(*pods: Object, publish: bool = False, **spec: object) -> Zone:
    """A headless Service ``demo-internal`` and a ClusterIP Service ``demo`` in front of the same pods."""
    internal = service(
        "demo-internal", {"app": "demo"}, headless=True, publishNotReadyAddresses=publish, **spec
    )
    internal |= {"apiVersion": "v1", "kind": "Service"}
    front = service("demo", {"app": "demo"}, clusterIP="127.99.1.1")
    every = [*slices(internal, pods), *slices(front, pods)]
    return build([internal, front], every, "127.99.0.10")


def ask(zone: Zone, name: str, kind: str) -> dns.message.Message:
    return respond(dns.message.make_query(name, kind), zone, 7, random.Random(1))


def texts(response: dns.message.Message) -> list[str]:
    return sorted(item.to_text() for rrset in response.answer for item in rrset)


class TestZone:
    def test_a_service_with_an_address(self) -> None:
        records = zone_of(pod(0)).names["demo.default.svc.cluster.local"]
        assert records.a == ["127.99.1.1"]
        assert records.srv == [Srv(0, 100, 3306, "demo.default.svc.cluster.local")]

    def test_a_headless_service_is_its_ready_pods(self) -> None:
        zone = zone_of(pod(0), pod(1), pod(2, ready=False))
        assert zone.names[INTERNAL].a == ["127.99.16.1", "127.99.16.2"]
        assert zone.names[f"demo-1.{INTERNAL}"].a == ["127.99.16.2"]
        assert zone.find(f"demo-2.{INTERNAL}") is None

    def test_publishing_those_that_are_not_ready(self) -> None:
        zone = zone_of(pod(0, ready=False), publish=True)
        assert zone.names[f"demo-0.{INTERNAL}"].a == ["127.99.16.1"]

    def test_srv_of_a_named_port_leads_to_each_pod(self) -> None:
        zone = zone_of(pod(0), pod(1))
        assert zone.names[f"_mysql._tcp.{INTERNAL}"].srv == [
            Srv(0, 50, 3306, f"demo-0.{INTERNAL}"),
            Srv(0, 50, 3306, f"demo-1.{INTERNAL}"),
        ]

    def test_addresses_lead_back_to_names(self) -> None:
        zone = zone_of(pod(0))
        assert f"demo-0.{INTERNAL}" in zone.names["1.16.99.127.in-addr.arpa"].ptr
        assert zone.names["1.1.99.127.in-addr.arpa"].ptr == ["demo.default.svc.cluster.local"]

    def test_a_headless_service_without_pods_has_no_name(self) -> None:
        assert zone_of().find(INTERNAL) is None


class TestAnswers:
    def test_srv_brings_the_addresses_along(self) -> None:
        response = ask(zone_of(pod(0), pod(1)), f"_mysql._tcp.{INTERNAL}", "SRV")
        assert texts(response) == [f"0 50 3306 demo-{n}.{INTERNAL}." for n in (0, 1)]
        assert sorted(item.to_text() for rrset in response.additional for item in rrset) == [
            "127.99.16.1",
            "127.99.16.2",
        ]
        assert response.flags & dns.flags.AA
        assert response.answer[0].ttl == 5

    @pytest.mark.parametrize("name", [f"DEMO-0.{INTERNAL}", f"demo-0.{INTERNAL.upper()}"])
    def test_case_does_not_matter(self, name: str) -> None:
        assert texts(ask(zone_of(pod(0)), name, "A")) == ["127.99.16.1"]

    def test_a_missing_name_is_denied_with_soa(self) -> None:
        response = ask(zone_of(pod(0)), f"demo-9.{INTERNAL}", "A")
        assert response.rcode() == dns.rcode.NXDOMAIN
        assert [rrset.rdtype for rrset in response.authority] == [dns.rdatatype.SOA]

    @pytest.mark.parametrize(
        "name", [f"demo-0.{INTERNAL}", "demo.default.svc.cluster.local", "default.svc.cluster.local"]
    )
    def test_a_name_without_such_a_record_is_empty_not_denied(self, name: str) -> None:
        response = ask(zone_of(pod(0)), name, "AAAA")
        assert response.rcode() == dns.rcode.NOERROR
        assert not response.answer
        assert [rrset.rdtype for rrset in response.authority] == [dns.rdatatype.SOA]

    def test_what_lies_between_a_service_and_its_ports_is_denied(self) -> None:
        """As CoreDNS 1.14 answers."""
        assert ask(zone_of(pod(0)), f"_tcp.{INTERNAL}", "SRV").rcode() == dns.rcode.NXDOMAIN

    @pytest.mark.parametrize(
        ("kind", "start"), [("SOA", "ns.dns.cluster.local."), ("NS", "ns.dns.cluster.local.")]
    )
    def test_the_zone_itself(self, kind: str, start: str) -> None:
        (record,) = texts(ask(zone_of(), "cluster.local", kind))
        assert record.startswith(start)

    def test_other_zones_are_refused(self) -> None:
        assert ask(zone_of(), "example.org", "A").rcode() == dns.rcode.REFUSED

    def test_an_answer_too_large_for_a_datagram_says_so(self) -> None:
        zone = zone_of(*(pod(number) for number in range(60)))
        query = dns.message.make_query(f"_mysql._tcp.{INTERNAL}", "SRV")
        wire = udp_wire(query, respond(query, zone, 7, random.Random(1)))
        assert len(wire) <= 512
        assert dns.message.from_wire(wire).flags & dns.flags.TC
