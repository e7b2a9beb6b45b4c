"""Which address of 127/8 means what. A sandbox owns one second octet: 127.OCTET.x.y."""

import ipaddress
import socket
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trireme.base.durable import write_durably
from trireme.base.errors import PermanentError

FIRST_OCTET, LAST_OCTET = 16, 250
"""Below are 127.0 and 127.1, which other programs use."""

API_PORT = 6443
API_SERVICE_PORT = 443
"""Where clients in pods look for it by name. An ordinary user cannot listen there."""
SERVICE_BITS = range(1 << 8, 16 << 8)
"""127.OCTET.1.0 to 127.OCTET.15.255, by their last sixteen bits."""
POD_BITS = range(16 << 8, 255 << 8)


@dataclass(frozen=True, slots=True)
class Network:
    """The addresses of one sandbox."""

    octet: int

    def address(self, low: int) -> str:
        """The address with these last sixteen bits."""
        return f"127.{self.octet}.{low >> 8}.{low & 255}"

    @property
    def api(self) -> str:
        return self.address(1)

    @property
    def node(self) -> str:
        return self.address(2)

    @property
    def dns(self) -> str:
        return self.address(10)

    @property
    def kubernetes_service(self) -> str:
        """ClusterIP of Service ``kubernetes``: the API server listens there itself."""
        return self.api

    def owns(self, address: str) -> bool:
        return address.startswith(f"127.{self.octet}.")

    def moved(self, address: str) -> str:
        """The same address in this network, for one of a network that the sandbox had before."""
        return self.address(low_bits(address))


def low_bits(address: str) -> int:
    """The last sixteen bits of an IPv4 address."""
    return int(ipaddress.IPv4Address(address)) & 0xFFFF


def free_service_address(network: Network, name: str, taken: Collection[str]) -> str:
    """A ClusterIP for a Service. The first choice follows from its name: made anew, it has it again.

    Raises PermanentError when all 3840 are taken.
    """
    start = zlib.crc32(name.encode())
    for step in range(len(SERVICE_BITS)):
        low = SERVICE_BITS[(start + step) % len(SERVICE_BITS)]
        if low & 255 in (0, 255):
            continue
        if network.address(low) not in taken:
            return network.address(low)
    raise PermanentError(f"no free Service address in 127.{network.octet}.1.0-15.255: {len(taken)} are taken")


class PodAddresses:
    """One address for each pod object; a released one comes round again only after all others.

    Implements the node's ``Addresses``.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._next = POD_BITS.start
        self._by_uid: dict[str, str] = {}

    def keep(self, pod_uid: str, address: str) -> None:
        """This pod had its address before this process started; later ones get addresses after it."""
        if not self._network.owns(address):
            return
        self._by_uid[pod_uid] = address
        self._next = max(self._next, low_bits(address) + 1)

    def assign(self, pod_uid: str) -> str:
        """The same address for the same uid until it is released. Raises PermanentError when none is free."""
        known = self._by_uid.get(pod_uid)
        if known is not None:
            return known
        used = set(self._by_uid.values())
        offset = self._next - POD_BITS.start
        for step in range(len(POD_BITS)):
            low = POD_BITS[(offset + step) % len(POD_BITS)]
            address = self._network.address(low)
            if low & 255 not in (0, 255) and address not in used:
                self._next = low + 1
                self._by_uid[pod_uid] = address
                return address
        raise PermanentError(
            f"no free pod address in 127.{self._network.octet}.16.0-254.255: {len(used)} in use"
        )

    def release(self, pod_uid: str) -> None:
        self._by_uid.pop(pod_uid, None)


class Claim:
    """A held claim to a network: no other sandbox of this machine gets the same octet while it is held.

    Held by binding an abstract Unix socket: it needs no file outside the folder, every user of the same
    network namespace sees it, and the kernel drops it when the process dies.
    """

    def __init__(self, network: Network, holder: socket.socket) -> None:
        self.network = network
        self._holder = holder

    def release(self) -> None:
        self._holder.close()


def claim_network(folder: Path) -> Claim:
    """Claim the network that ``folder`` had last time, or a free one, and record it there.

    Raises PermanentError when every octet is in use.
    """
    record = folder / "network"
    for octet in _preferences(folder, record):
        network = Network(octet)
        holder = _hold(octet)
        if holder is None:
            continue
        if not can_listen(network.api, API_PORT):
            holder.close()
            continue
        write_durably(record, f"{octet}\n".encode(), mode=0o644)
        return Claim(network, holder)
    raise PermanentError(
        f"no free network 127.{FIRST_OCTET}-{LAST_OCTET} for the sandbox: other sandboxes, or a program that "
        f"listens on port {API_PORT} of every address, hold them; stop one"
    )


def _preferences(folder: Path, record: Path) -> Iterator[int]:
    with suppress(OSError, ValueError):
        yield int(record.read_text())
    count = LAST_OCTET - FIRST_OCTET + 1
    start = zlib.crc32(str(folder.resolve()).encode())
    for step in range(count):
        yield FIRST_OCTET + (start + step) % count


def _hold(octet: int) -> socket.socket | None:
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        holder.bind(f"\0trireme-sandbox-{octet}")
    except OSError:
        holder.close()
        return None
    return holder


def can_listen(address: str, port: int) -> bool:
    """Whether the address is free, and this user may listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
