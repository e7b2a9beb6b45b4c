"""Loopback addresses that nobody else on this machine uses."""

import os
import socket

FIRST, COUNT = 20, 100
"""Second octets tried. The sandbox and the tests take theirs from 128 on."""


def free_net() -> int:
    """A second octet of 127/8; raises RuntimeError when every one is taken."""
    for offset in range(COUNT):
        net = FIRST + (os.getpid() + offset) % COUNT
        if all(_free(f"127.{net}.2.10", port) for port in (3306, 4567, 8080)):
            return net
    raise RuntimeError(f"every network from 127.{FIRST} to 127.{FIRST + COUNT - 1} is in use")


def _free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
