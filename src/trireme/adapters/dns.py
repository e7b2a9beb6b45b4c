"""Finding the members by the headless Service's SRV record. An error here says nothing about any member."""

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.SRV import SRV

from trireme.base.errors import TemporaryError

QUERY_SECONDS = 2.0
"""One question to one name server. Cluster DNS answers in milliseconds."""


class Resolver:
    """SRV look-ups by the pod's own resolver configuration, read again each time: it is small, and it may change."""

    def __init__(self, resolv_conf: Path = Path("/etc/resolv.conf"), nameservers: str | None = None) -> None:
        """``nameservers``: ``address:port,…`` instead of resolv.conf, which cannot name a port."""
        self._resolv_conf = resolv_conf
        self._given = nameservers if nameservers is not None else os.environ.get("TRIREME_NAMESERVERS")

    async def members(self, name: str) -> dict[str, tuple[str, ...]]:
        """The targets of SRV ``name`` and their addresses, by target host name.

        Raises TemporaryError when no server gives an authoritative answer, or the name has no SRV records:
        never an empty answer that could be read as absence.
        """
        answer = await self._ask(name, dns.rdatatype.SRV)
        targets = sorted({str(r.target) for rrset in answer.answer for r in rrset if isinstance(r, SRV)})
        if not targets:
            raise TemporaryError(f"SRV {name} has no records (yet)")
        extra = _addresses(answer.additional)
        missing = [target for target in targets if target not in extra]
        found = await asyncio.gather(*(self._address(target) for target in missing))
        extra.update(zip(missing, found, strict=True))
        return {target: extra[target] for target in targets}

    async def _address(self, name: str) -> tuple[str, ...]:
        for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
            try:
                found = _addresses((await self._ask(name, kind)).answer)
            except TemporaryError:
                continue
            if found:
                return next(iter(found.values()))
        return ()

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        query = dns.message.make_query(dns.name.from_text(name), kind)
        heard = []
        for address, port in self._servers():
            try:
                answer, _ = await dns.asyncquery.udp_with_fallback(query, address, QUERY_SECONDS, port)
            except (dns.exception.DNSException, OSError) as error:
                heard.append(f"{address}: {error or type(error).__name__}")
                continue
            if answer.rcode() == dns.rcode.NOERROR:
                return answer
            heard.append(f"{address}: {dns.rcode.to_text(answer.rcode())}")
        raise TemporaryError(
            f"{dns.rdatatype.to_text(kind)} {name}: {'; '.join(heard) or 'no name server configured'}"
        )

    def _servers(self) -> Sequence[tuple[str, int]]:
        if self._given:
            pairs = (item.strip().rpartition(":") for item in self._given.split(","))
            return [(address.strip("[]"), int(port)) for address, _, port in pairs]
        try:
            lines = self._resolv_conf.read_text().splitlines()
        except OSError as error:
            raise TemporaryError(f"{self._resolv_conf}: {error}") from error
        words = (line.split() for line in lines)
        return [(word[1], 53) for word in words if len(word) > 1 and word[0] == "nameserver"]


def _addresses(section: Sequence[object]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for rrset in section:
        values = tuple(sorted(r.address for r in rrset if isinstance(r, A | AAAA)))  # type: ignore[attr-defined]
        if values:
            found[str(rrset.name)] = values  # type: ignore[attr-defined]
    return found


def ordinal_of(host: str) -> int | None:
    """The ordinal in a pod's name (``demo-2`` or ``demo-2.demo-internal.…``), None if there is none."""
    name = host.split(".", 1)[0]
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isdigit() else None


def is_loopback(address: str) -> bool:
    """On one machine each pod has a loopback address of its own, and listens on that alone."""
    return address.startswith("127.") and socket.inet_aton(address)[0] == 127
