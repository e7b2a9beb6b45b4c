"""The ``format`` of strings: those that Kubernetes checks and the sandbox checks too."""

import base64
import binascii
import ipaddress
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime
from urllib.parse import urlsplit

UNCHECKED = frozenset({"password", "int-or-string", "quantity", "float", "double"})
"""Kubernetes looks at none of these either."""

DURATION = re.compile(r"([+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w))+|0")
HOST_LABEL = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
MAIL = re.compile(r"[^@\s]+@[^@\s]+")
MAC = re.compile(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}([:-][0-9A-Fa-f]{2}){0,2}")
RANGES = {"int32": 31, "int64": 63, "uint32": 32, "uint64": 64}
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def is_emulated(name: str) -> bool:
    return name in CHECKS or name in UNCHECKED or name in RANGES


def string_fits(name: str, text: str) -> bool:
    """True for formats that say nothing of strings."""
    check = CHECKS.get(name)
    try:
        return check is None or check(text)
    except (ValueError, binascii.Error):
        return False


def integer_fits(name: str, number: float) -> bool:
    if name not in RANGES:
        return True
    bits = RANGES[name]
    return 0 <= number < 1 << bits if name.startswith("u") else -(1 << bits) <= number < 1 << bits


def _date_time(text: str) -> bool:
    return DATE_TIME.fullmatch(text) is not None and bool(datetime.fromisoformat(text.upper()))


def _host(text: str) -> bool:
    labels = text.removesuffix(".").split(".")
    return len(text) <= 255 and all(HOST_LABEL.fullmatch(each) for each in labels)


def _is_uuid(version: int | None) -> Callable[[str], bool]:
    return lambda text: version in (None, uuid.UUID(text).version)


CHECKS: dict[str, Callable[[str], bool]] = {
    "date-time": _date_time,
    "datetime": _date_time,
    "date": lambda text: bool(date.fromisoformat(text)),
    "duration": lambda text: DURATION.fullmatch(text) is not None,
    "byte": lambda text: bool(base64.b64decode(text, validate=True)) or not text,
    "ipv4": lambda text: bool(ipaddress.IPv4Address(text)),
    "ipv6": lambda text: bool(ipaddress.IPv6Address(text)),
    "cidr": lambda text: "/" in text and bool(ipaddress.ip_network(text, strict=False)),
    "mac": lambda text: MAC.fullmatch(text) is not None,
    "hostname": _host,
    "email": lambda text: MAIL.fullmatch(text) is not None,
    "uri": lambda text: bool(urlsplit(text).scheme or text.startswith("/")),
    "uuid": _is_uuid(None),
    "uuid3": _is_uuid(3),
    "uuid4": _is_uuid(4),
    "uuid5": _is_uuid(5),
}
