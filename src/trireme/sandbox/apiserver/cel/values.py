"""What expressions compute with, beside Python's own int (64 bits), float, str, bytes, bool, None, list, dict."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any


class CelError(Exception):
    """An expression that has no value: a missing key, an index out of bounds, a number too large."""


class UInt(int):
    """An unsigned number, which is a type of its own."""


class TypeName(str):
    """A type as a value: ``type(1) == int``."""

    __slots__ = ()


class SetList(list[Any]):
    """A list of ``x-kubernetes-list-type: set``: its order says nothing."""


class MapList(list[Any]):
    """A list of ``x-kubernetes-list-type: map``: its order says nothing."""


@dataclass(frozen=True, slots=True)
class Optional:
    """A value that may be missing."""

    value: Any = None
    present: bool = False


NONE = Optional()


@dataclass(frozen=True, slots=True)
class Quantity:
    """Kubernetes' resource.Quantity, exact."""

    amount: Fraction


SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY = {f"{letter}i": 1 << 10 * (n + 1) for n, letter in enumerate("KMGTPE")}
QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?")
SMALLEST, LARGEST = -(1 << 63), (1 << 63) - 1


def parse_quantity(text: str) -> Quantity:
    """Raises CelError."""
    match = QUANTITY.fullmatch(text)
    number, suffix = (match[1], match[2] or "") if match else (text, "")
    try:
        amount = Fraction(Decimal(number))
        if suffix in BINARY:
            return Quantity(amount * BINARY[suffix])
        power = SUFFIXES[suffix]
    except (ArithmeticError, KeyError, ValueError):
        raise CelError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        ) from None
    return Quantity(amount * (Fraction(10) ** power))


def whole(number: int, *, unsigned: bool = False) -> int:
    """Raises CelError when it does not fit in 64 bits."""
    if unsigned:
        if not 0 <= number < 1 << 64:
            raise CelError("unsigned integer overflow")
        return UInt(number)
    if not SMALLEST <= number <= LARGEST:
        raise CelError("integer overflow")
    return number


def equal(left: Any, right: Any) -> bool:
    """Numbers are equal across their types; a boolean is no number."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        return _equal_lists(left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, Optional) and isinstance(right, Optional):
        return left.present == right.present and equal(left.value, right.value)
    return type(left) is type(right) and bool(left == right)


def _equal_lists(left: list[Any], right: list[Any]) -> bool:
    if len(left) != len(right):
        return False
    if isinstance(left, SetList | MapList):
        return all(contains(right, item) for item in left)
    return all(equal(*pair) for pair in zip(left, right, strict=True))


def contains(items: list[Any], wanted: Any) -> bool:
    return any(equal(item, wanted) for item in items)


def type_name(value: Any) -> str:
    """As ``type(value)`` is called."""
    names: dict[type, str] = {
        bool: "bool",
        UInt: "uint",
        int: "int",
        float: "double",
        str: "string",
        bytes: "bytes",
        type(None): "null_type",
        dict: "map",
        datetime: "google.protobuf.Timestamp",
        timedelta: "google.protobuf.Duration",
        Quantity: "kubernetes.Quantity",
        Optional: "optional_type",
    }
    return "list" if isinstance(value, list) else names.get(type(value), "type")


def has_type(name: str, value: Any) -> bool:
    """Whether a value may be passed where a function wants this type; a capital letter takes any."""
    if name == "dyn" or (len(name) == 1 and name.isupper()):
        return True
    found = type_name(value)
    return found == {"null": "null_type", "object": "map"}.get(name, name)
