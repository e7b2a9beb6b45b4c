"""The ``format`` of values: what Kubernetes makes of each, compared with a real API server's answers."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime

GO_DURATION = re.compile(r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|[+-]?0")
PART = re.compile(r"\d+\s*([A-Za-zµ]+)")
UNITS = (
    ("ns", "nano"),
    ("us", "µs", "micro"),
    ("ms", "milli"),
    ("s", "sec"),
    ("m", "min"),
    ("h", "hr", "hour"),
    ("d", "day"),
    ("w", "week"),
)
"""Of durations that Go itself does not read: ``3 days``. Of the last word of each, a beginning is enough."""

NAME, LETTER = r"[^\W_]", r"[^\W\d_]"
HOST = re.compile(
    rf"{NAME}(?:-?(?:{NAME}){{0,62}})?|(?:{NAME}(?:(?:{NAME}|-){{0,61}}{NAME})?\.)+{LETTER}{{2,63}}"
)
"""One label, or several of which the last has letters only, two at least: ``a.b`` is none."""

ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
MAIL = re.compile(rf"{ADDRESS.pattern}|[^<>]*<{ADDRESS.pattern}>")
HEX = "[0-9A-Fa-f]"
MAC = re.compile(rf"{HEX}{{2}}([:-]){HEX}{{2}}(\1{HEX}{{2}}){{4,6}}|{HEX}{{4}}(\.{HEX}{{4}}){{2,3}}")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
DATE_TIME = re.compile(rf"{DATE.pattern}[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
RANGES = {"int32": 31, "int64": 63}
NUMBERS = frozenset({"float", "double"})
UNCHECKED = frozenset({"password"})
REFUSED = frozenset(
    {"bsonobjectid", "isbn", "isbn10", "isbn13", "creditcard", "ssn", "hexcolor", "rgbcolor"}
    | {"k8s-short-name", "k8s-long-name"}
)
"""Kubernetes checks these, the sandbox does not: a definition that uses one is refused."""


def is_recognized(kind: str, name: str) -> bool:
    """Kubernetes ignores any other format, and says so in a warning."""
    if kind in ("", "string"):
        return name in CHECKS or name in UNCHECKED or name in REFUSED
    return name in {"integer": frozenset(RANGES), "number": NUMBERS}.get(kind, frozenset())


def string_fits(name: str, text: str) -> bool:
    """True for formats that say nothing of strings."""
    check = CHECKS.get(name)
    try:
        return check is None or check(text)
    except (ValueError, binascii.Error):
        return False


def integer_fits(name: str, number: float) -> bool:
    return name not in RANGES or -(1 << RANGES[name]) <= number < 1 << RANGES[name]


def _date(text: str) -> bool:
    return DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))


def _date_time(text: str) -> bool:
    return DATE_TIME.fullmatch(text) is not None and bool(datetime.fromisoformat(text.upper()))


def _duration(text: str) -> bool:
    if GO_DURATION.fullmatch(text):
        return True
    units = [unit.lower() for unit in PART.findall(text)]
    return any(unit in words or unit.startswith(words[-1]) for unit in units for words in UNITS)


def _ipv4(text: str) -> bool:
    """Leading zeros are Go's to forgive."""
    parts = text.split(".")
    return len(parts) == 4 and all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts)


def _ipv6(text: str) -> bool:
    return "%" not in text and bool(ipaddress.IPv6Address(text))


def _uri(text: str) -> bool:
    """As url.ParseRequestURI: a scheme with something behind it, or a path from the root."""
    return re.fullmatch(r"(?:[A-Za-z][A-Za-z0-9+.-]*:\S+|/.*)", text) is not None and "[" not in re.sub(
        r"\[[^\]]*\]", "", text
    )


def _is_uuid(version: str, variant: str = "[89ab]") -> Callable[[str], bool]:
    form = rf"[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{version}[0-9a-f]{{3}}-?{variant}[0-9a-f]{{3}}-?[0-9a-f]{{12}}"
    return lambda text: re.fullmatch(form, text.lower()) is not None


CHECKS: dict[str, Callable[[str], bool]] = {
    "date-time": _date_time,
    "datetime": _date_time,
    "date": _date,
    "duration": _duration,
    "byte": lambda text: bool(base64.b64decode(text, validate=True)),
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "cidr": lambda text: "/" in text and bool(ipaddress.ip_network(text, strict=False)),
    "mac": lambda text: MAC.fullmatch(text) is not None,
    "hostname": lambda text: len(text) <= 255 and HOST.fullmatch(text) is not None,
    "email": lambda text: MAIL.fullmatch(text) is not None,
    "uri": _uri,
    "uuid": _is_uuid("[0-9a-f]", "[0-9a-f]"),
    "uuid3": _is_uuid("3", "[0-9a-f]"),
    "uuid4": _is_uuid("4"),
    "uuid5": _is_uuid("5"),
}
