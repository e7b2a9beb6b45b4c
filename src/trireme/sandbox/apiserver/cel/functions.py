"""Methods of texts, lists, moments and optional values, as Kubernetes' CEL has them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trireme.sandbox.apiserver.cel.declarations import Library
from trireme.sandbox.apiserver.cel.operators import add_operators, to_text
from trireme.sandbox.apiserver.cel.quantities import add_quantities
from trireme.sandbox.apiserver.cel.values import NONE, CelError, Optional, contains, equal, whole
from trireme.sandbox.apiserver.custom.values import compile_pattern

ORDERED = ("int", "uint", "double", "bool", "string", "bytes", "duration", "timestamp")
SUMMED: dict[str, Any] = {"int": 0, "uint": 0, "double": 0.0, "duration": timedelta(0)}

NOT_EMULATED = frozenset(
    (
        "url",
        "isURL",
        "getHost",
        "getHostname",
        "getPort",
        "getEscapedPath",
        "getQuery",
        "getScheme",
        "ip",
        "isIP",
        "cidr",
        "isCIDR",
        "semver",
        "isSemver",
        "format.named",
        "validate",
        "authorizer",
        "family",
        "isCanonical",
        "containsIP",
        "containsCIDR",
        "masked",
        "prefixLength",
        "quote",
        "sort",
        "sortBy",
        "slice",
        "flatten",
        "distinct",
        "range",
        "transformList",
        "transformMap",
        "transformMapEntry",
    )
)
"""Functions that Kubernetes has and the sandbox does not."""


@cache
def library() -> Library:
    found = Library()
    add_operators(found)
    add_quantities(found)
    _texts(found)
    _patterns(found)
    _lists(found)
    _moments(found)
    _optionals(found)
    return found


def _texts(found: Library) -> None:
    add = found.add
    add("contains", "string.(string) bool", lambda a, b: b in a)
    add("startsWith", "string.(string) bool", str.startswith)
    add("endsWith", "string.(string) bool", str.endswith)
    add("charAt", "string.(int) string", _char)
    add("indexOf", "string.(string) int", str.find)
    add("indexOf", "string.(string, int) int", str.find)
    add("lastIndexOf", "string.(string) int", str.rfind)
    add("lastIndexOf", "string.(string, int) int", lambda a, b, c: a.rfind(b, 0, c + len(b)))
    add("join", "list(string).() string", "".join)
    add("join", "list(string).(string) string", lambda a, b: b.join(a))
    add("lowerAscii", "string.() string", lambda a: _ascii(a, str.lower))
    add("upperAscii", "string.() string", lambda a: _ascii(a, str.upper))
    add("replace", "string.(string, string) string", str.replace)
    add("replace", "string.(string, string, int) string", str.replace)
    add("split", "string.(string) list(string)", lambda a, b: a.split(b) if b else list(a))
    add("split", "string.(string, int) list(string)", _split)
    add("substring", "string.(int) string", lambda a, b: _substring(a, b, len(a)))
    add("substring", "string.(int, int) string", _substring)
    add("trim", "string.() string", str.strip)
    add("reverse", "string.() string", lambda a: a[::-1])
    add("format", "string.(list(dyn)) string", _format)


def _patterns(found: Library) -> None:
    add = found.add
    add("matches", "string.(string) bool", lambda a, b: _pattern(b).search(a) is not None)
    add("matches", "(string, string) bool", lambda a, b: _pattern(b).search(a) is not None)
    add("find", "string.(string) string", _find)
    add("findAll", "string.(string) list(string)", lambda a, b: [m[0] for m in _pattern(b).finditer(a)])
    add(
        "findAll",
        "string.(string, int) list(string)",
        lambda a, b, n: [m[0] for m in _pattern(b).finditer(a)][: n if n >= 0 else None],
    )


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return compile_pattern(text)
    except re.error as error:
        raise CelError(f"error parsing regexp: {error}") from error


def _find(text: str, pattern: str) -> str:
    match = _pattern(pattern).search(text)
    return match[0] if match else ""


def _ascii(text: str, change: Callable[[str], str]) -> str:
    return "".join(change(char) if char.isascii() else char for char in text)


def _char(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise CelError(f"index out of range: {index}")
    return text[index : index + 1]


def _substring(text: str, start: int, end: int) -> str:
    if not 0 <= start <= end <= len(text):
        raise CelError(f"index out of range: {start if not 0 <= start <= len(text) else end}")
    return text[start:end]


def _split(text: str, separator: str, limit: int) -> list[str]:
    if limit == 0:
        return []
    return text.split(separator, limit - 1) if limit > 0 else text.split(separator)


def _format(text: str, values: list[Any]) -> str:
    """``%s`` and ``%d``. Raises CelError on other verbs."""
    left = list(values)

    def one(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        if match[1] not in ("s", "d"):
            raise CelError(f"the sandbox does not emulate format's %{match[1]}")
        if not left:
            raise CelError("index out of range: format has more verbs than values")
        return to_text(left.pop(0))

    return re.sub(r"%(.)", one, text)


def _lists(found: Library) -> None:
    add = found.add
    for kind in ORDERED:
        add("isSorted", f"list({kind}).() bool", lambda a: a == sorted(a))
        add("min", f"list({kind}).() {kind}", lambda a: _extreme(a, min))
        add("max", f"list({kind}).() {kind}", lambda a: _extreme(a, max))
    for kind, zero in SUMMED.items():
        add("sum", f"list({kind}).() {kind}", lambda a, zero=zero: _sum(a, zero))
    add(
        "indexOf", "list(A).(A) int", lambda a, b: next((n for n, item in enumerate(a) if equal(item, b)), -1)
    )
    add(
        "lastIndexOf",
        "list(A).(A) int",
        lambda a, b: max((n for n, item in enumerate(a) if equal(item, b)), default=-1),
    )
    add("sets.contains", "(list(A), list(A)) bool", lambda a, b: all(contains(a, item) for item in b))
    add("sets.intersects", "(list(A), list(A)) bool", lambda a, b: any(contains(a, item) for item in b))
    add(
        "sets.equivalent",
        "(list(A), list(A)) bool",
        lambda a, b: all(contains(a, item) for item in b) and all(contains(b, item) for item in a),
    )


def _extreme(items: list[Any], choose: Callable[[list[Any]], Any]) -> Any:
    if not items:
        raise CelError(f"{choose.__name__} called on empty list")
    return choose(items)


def _sum(items: list[Any], zero: Any) -> Any:
    total = sum(items, start=zero)
    return whole(total) if isinstance(total, int) else total


def _moments(found: Library) -> None:
    add = found.add
    parts: dict[str, Callable[[datetime], int]] = {
        "getFullYear": lambda t: t.year,
        "getMonth": lambda t: t.month - 1,
        "getDate": lambda t: t.day,
        "getDayOfMonth": lambda t: t.day - 1,
        "getDayOfWeek": lambda t: t.isoweekday() % 7,
        "getDayOfYear": lambda t: t.timetuple().tm_yday - 1,
        "getHours": lambda t: t.hour,
        "getMinutes": lambda t: t.minute,
        "getSeconds": lambda t: t.second,
        "getMilliseconds": lambda t: t.microsecond // 1000,
    }
    for name, part in parts.items():
        add(name, "timestamp.() int", lambda t, part=part: part(t.astimezone(UTC)))
        add(name, "timestamp.(string) int", lambda t, zone, part=part: part(t.astimezone(_zone(zone))))
    units = {"getHours": 3600.0, "getMinutes": 60.0, "getSeconds": 1.0, "getMilliseconds": 0.001}
    for name, unit in units.items():
        add(name, "duration.() int", lambda d, unit=unit: int(d.total_seconds() / unit))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise CelError(f"unknown time zone {name}") from None


def _optionals(found: Library) -> None:
    add = found.add
    add("optional.of", "(A) optional(A)", lambda a: Optional(a, present=True))
    add("optional.none", "() optional(A)", lambda: NONE)
    add("optional.ofNonZeroValue", "(A) optional(A)", lambda a: Optional(a, present=True) if a else NONE)
    add("hasValue", "optional(A).() bool", lambda a: a.present)
    add("value", "optional(A).() A", _value)
    add("orValue", "optional(A).(A) A", lambda a, b: a.value if a.present else b)
    add("or", "optional(A).(optional(A)) optional(A)", lambda a, b: a if a.present else b)


def _value(found: Optional) -> Any:
    if not found.present:
        raise CelError("optional.none() dereference")
    return found.value
