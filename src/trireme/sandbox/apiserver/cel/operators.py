"""Operators and conversions of the language itself."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from trireme.sandbox.apiserver.cel.declarations import Library
from trireme.sandbox.apiserver.cel.values import (
    CelError,
    MapList,
    Optional,
    SetList,
    TypeName,
    UInt,
    contains,
    equal,
    type_name,
    whole,
)

DURATION = re.compile(r"([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|h|m|s))+")
PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|h|m|s)")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
NUMBERS = ("int", "uint", "double")


def _divide(left: int, right: int) -> int:
    """Towards zero, unlike Python's."""
    if right == 0:
        raise CelError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _modulo(left: int, right: int) -> int:
    if right == 0:
        raise CelError("modulus by zero")
    return left - right * _divide(left, right)


def _quotient(left: float, right: float) -> float:
    if right == 0:
        return math.nan if left == 0 else math.copysign(math.inf, left)
    return left / right


def _join(left: list[Any], right: list[Any]) -> list[Any]:
    if isinstance(left, SetList):
        return SetList([*left, *(item for item in right if not contains(left, item))])
    return type(left)([*left, *right]) if isinstance(left, MapList) else [*left, *right]


def _item(items: list[Any], index: Any) -> Any:
    if isinstance(index, bool) or not isinstance(index, int):
        raise CelError(f"no such overload: a list has no index {index!r}")
    if not 0 <= index < len(items):
        raise CelError(f"index out of bounds: {index}")
    return items[index]


def _entry(entries: dict[Any, Any], key: Any) -> Any:
    if key not in entries:
        raise CelError(f"no such key: {key}")
    return entries[key]


def parse_duration(text: str) -> timedelta:
    """Raises CelError."""
    if text in ("0", "+0", "-0"):
        return timedelta(0)
    if DURATION.fullmatch(text) is None:
        raise CelError(f'time: invalid duration "{text}"')
    seconds = sum(float(number) * SECONDS[unit] for number, unit in PART.findall(text))
    return timedelta(seconds=-seconds if text.startswith("-") else seconds)


def parse_timestamp(text: str) -> datetime:
    """Raises CelError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CelError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse') from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _to_int(value: Any) -> int:
    try:
        return whole(int(value))
    except (ValueError, OverflowError):
        raise CelError(f'type conversion error from "{value}" to int') from None


def _to_double(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        raise CelError(f'type conversion error from "{value}" to double') from None


def _to_bool(text: str) -> bool:
    words = {"true": True, "True": True, "TRUE": True, "t": True, "1": True}
    words |= {"false": False, "False": False, "FALSE": False, "f": False, "0": False}
    if text not in words:
        raise CelError(f'type conversion error from "{text}" to bool')
    return words[text]


def to_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    return str(value)


def _compare(library: Library) -> None:
    checks: dict[str, Callable[[Any, Any], bool]] = {
        "_<_": lambda left, right: left < right,
        "_<=_": lambda left, right: left <= right,
        "_>_": lambda left, right: left > right,
        "_>=_": lambda left, right: left >= right,
    }
    for name, run in checks.items():
        for kind in ("bool", "string", "bytes", "duration", "timestamp"):
            library.add(name, f"({kind}, {kind}) bool", run)
        for left in NUMBERS:
            for right in NUMBERS:
                library.add(name, f"({left}, {right}) bool", run)


def _arithmetic(library: Library) -> None:
    add = library.add
    for name, run in (("_+_", int.__add__), ("_-_", int.__sub__), ("_*_", int.__mul__), ("_/_", _divide)):
        add(name, "(int, int) int", lambda a, b, run=run: whole(run(a, b)))
        add(name, "(uint, uint) uint", lambda a, b, run=run: whole(run(a, b), unsigned=True))
    add("_%_", "(int, int) int", _modulo)
    add("_%_", "(uint, uint) uint", lambda a, b: UInt(_modulo(a, b)))
    for name, double in (
        ("_+_", float.__add__),
        ("_-_", float.__sub__),
        ("_*_", float.__mul__),
        ("_/_", _quotient),
    ):
        add(name, "(double, double) double", double)
    add("_+_", "(string, string) string", lambda a, b: a + b)
    add("_+_", "(bytes, bytes) bytes", lambda a, b: a + b)
    add("_+_", "(list(A), list(A)) list(A)", _join)
    add("_+_", "(duration, duration) duration", lambda a, b: a + b)
    add("_+_", "(timestamp, duration) timestamp", lambda a, b: a + b)
    add("_+_", "(duration, timestamp) timestamp", lambda a, b: a + b)
    add("_-_", "(duration, duration) duration", lambda a, b: a - b)
    add("_-_", "(timestamp, duration) timestamp", lambda a, b: a - b)
    add("_-_", "(timestamp, timestamp) duration", lambda a, b: a - b)
    add("-_", "(int) int", lambda a: whole(-a))
    add("-_", "(double) double", lambda a: -a)
    add("!_", "(bool) bool", lambda a: not a)


def _conversions(library: Library) -> None:
    add = library.add
    for kind in ("int", "uint", "double", "string", "timestamp"):
        run = (lambda moment: int(moment.timestamp())) if kind == "timestamp" else _to_int
        add("int", f"({kind}) int", run)
    for kind in ("int", "uint", "double", "string"):
        add("uint", f"({kind}) uint", lambda value: whole(_to_int(value), unsigned=True))
        add("double", f"({kind}) double", _to_double)
    for kind in ("int", "uint", "double", "string", "bytes", "bool", "timestamp", "duration"):
        add("string", f"({kind}) string", to_text)
    add("bool", "(bool) bool", lambda value: value)
    add("bool", "(string) bool", _to_bool)
    add("bytes", "(string) bytes", lambda text: text.encode())
    add("bytes", "(bytes) bytes", lambda value: value)
    add("duration", "(string) duration", parse_duration)
    add("duration", "(duration) duration", lambda value: value)
    add("timestamp", "(string) timestamp", parse_timestamp)
    add("timestamp", "(timestamp) timestamp", lambda value: value)
    add("type", "(A) type", lambda value: TypeName(type_name(value)))
    add("dyn", "(A) dyn", lambda value: value)


def add_operators(library: Library) -> None:
    _compare(library)
    _arithmetic(library)
    _conversions(library)
    add = library.add
    add("_==_", "(A, A) bool", equal)
    add("_!=_", "(A, A) bool", lambda a, b: not equal(a, b))
    add("@in", "(A, list(A)) bool", lambda a, b: contains(b, a))
    add("@in", "(A, map(A, B)) bool", lambda a, b: a in b)
    add("_[_]", "(list(A), int) A", _item)
    add("_[_]", "(map(A, B), A) B", _entry)
    add("_[?_]", "(list(A), int) optional(A)", lambda a, b: _maybe(lambda: _item(a, b)))
    add("_[?_]", "(map(A, B), A) optional(B)", lambda a, b: _maybe(lambda: _entry(a, b)))
    add("_[?_]", "(optional(map(A, B)), A) optional(B)", _entry_of_optional)
    for kind in ("string", "bytes", "list(A)", "map(A, B)"):
        add("size", f"({kind}) int", len)
        add("size", f"{kind}.() int", len)


def _maybe(run: Callable[[], Any]) -> Optional:
    try:
        return Optional(run(), present=True)
    except CelError:
        return Optional()


def _entry_of_optional(entries: Optional, key: Any) -> Optional:
    return _maybe(lambda: _entry(entries.value, key)) if entries.present else entries
