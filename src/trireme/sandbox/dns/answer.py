"""From a query and the zone to a response. Pure, but for the order of records, which is shuffled as CoreDNS does."""

import random

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from trireme.sandbox.dns.zone import DOMAIN, REVERSE, Records, Zone

TTL_SECONDS = 5
"""CoreDNS' default for its kubernetes plugin."""

MAX_UDP_BYTES = 1232
"""The most that is sent in one datagram, whatever the client offers: the common limit since 2020."""

PLAIN_UDP_BYTES = 512
ANY = 255
NAMESERVER = f"ns.dns.{DOMAIN}"


def text_name(name: dns.name.Name) -> str:
    """In lower case without the final dot, as the zone has it."""
    return name.to_text(omit_final_dot=True).lower()


def respond(query: dns.message.Message, zone: Zone, serial: int, rng: random.Random) -> dns.message.Message:
    """The authoritative answer to a query of one question; REFUSED for names of other zones."""
    response = dns.message.make_response(query, recursion_available=False)
    if not query.question:
        response.set_rcode(dns.rcode.FORMERR)
        return response
    question = query.question[0]
    name = text_name(question.name)
    apex = _apex(name)
    if apex is None or question.rdclass != dns.rdataclass.IN:
        response.set_rcode(dns.rcode.REFUSED)
        return response
    response.flags |= dns.flags.AA
    if name == apex and question.rdtype in (dns.rdatatype.SOA, dns.rdatatype.NS):
        _answer_apex(response, serial)
        return response
    records = zone.find(name)
    if records is None and name != apex:
        response.set_rcode(dns.rcode.NXDOMAIN)
    elif records is not None:
        _answer(response, records, zone, rng)
    if not response.answer:
        response.authority.append(_soa(apex, serial))
    return response


def _apex(name: str) -> str | None:
    for apex in (DOMAIN, REVERSE):
        if name == apex or name.endswith(f".{apex}"):
            return apex
    return None


def _answer_apex(response: dns.message.Message, serial: int) -> None:
    question = response.question[0]
    if question.rdtype == dns.rdatatype.SOA:
        response.answer.append(_soa(text_name(question.name), serial))
    else:
        response.answer.append(_rrset(question.name, dns.rdatatype.NS, [f"{NAMESERVER}."]))


def _answer(response: dns.message.Message, records: Records, zone: Zone, rng: random.Random) -> None:
    name, kind = response.question[0].name, response.question[0].rdtype
    if kind in (dns.rdatatype.A, ANY) and records.a:
        response.answer.append(_rrset(name, dns.rdatatype.A, rng.sample(records.a, len(records.a))))
    if kind in (dns.rdatatype.PTR, ANY) and records.ptr:
        response.answer.append(_rrset(name, dns.rdatatype.PTR, [f"{host}." for host in records.ptr]))
    if kind in (dns.rdatatype.SRV, ANY) and records.srv:
        texts = [f"{each.priority} {each.weight} {each.port} {each.target}." for each in records.srv]
        response.answer.append(_rrset(name, dns.rdatatype.SRV, rng.sample(texts, len(texts))))
        for target in sorted({each.target for each in records.srv}):
            found = zone.find(target.lower())
            if found is not None and found.a:
                host = dns.name.from_text(f"{target}.")
                response.additional.append(_rrset(host, dns.rdatatype.A, found.a))


def _rrset(name: dns.name.Name, kind: dns.rdatatype.RdataType, texts: list[str]) -> dns.rrset.RRset:
    rrset = dns.rrset.RRset(name, dns.rdataclass.IN, kind)
    for text in texts:
        rrset.add(dns.rdata.from_text(dns.rdataclass.IN, kind, text), TTL_SECONDS)
    return rrset


def _soa(apex: str, serial: int) -> dns.rrset.RRset:
    text = f"{NAMESERVER}. hostmaster.{DOMAIN}. {serial} 7200 1800 86400 {TTL_SECONDS}"
    return _rrset(dns.name.from_text(f"{apex}."), dns.rdatatype.SOA, [text])


def udp_wire(query: dns.message.Message, response: dns.message.Message) -> bytes:
    """What fits the client's datagram; without answers and marked truncated when the whole does not."""
    limit = PLAIN_UDP_BYTES if query.edns < 0 else max(PLAIN_UDP_BYTES, min(query.payload, MAX_UDP_BYTES))
    wire = response.to_wire(max_size=65535)
    if len(wire) <= limit:
        return wire
    if response.additional:
        response.additional = []
        wire = response.to_wire(max_size=65535)
        if len(wire) <= limit:
            return wire
    return truncated(query).to_wire()


def truncated(query: dns.message.Message) -> dns.message.Message:
    """An empty answer that says: ask by TCP."""
    response = dns.message.make_response(query, recursion_available=False)
    response.flags |= dns.flags.AA | dns.flags.TC
    return response


def failed(query: dns.message.Message, rcode: dns.rcode.Rcode) -> dns.message.Message:
    """An answer of nothing but this code."""
    response = dns.message.make_response(query, recursion_available=False)
    response.set_rcode(rcode)
    return response
