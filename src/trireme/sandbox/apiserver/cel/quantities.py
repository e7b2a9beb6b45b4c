"""Kubernetes' quantities: ``quantity("5Gi").isGreaterThan(oldSelf)``."""

from typing import Any

from trireme.sandbox.apiserver.cel.declarations import Library
from trireme.sandbox.apiserver.cel.values import LARGEST, SMALLEST, CelError, Quantity, parse_quantity
from trireme.sandbox.apiserver.schema.decode import QUANTITY


def _quantity(text: str) -> Quantity:
    if QUANTITY.match(text) is None:
        raise CelError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    return parse_quantity(text)


def _is_quantity(text: str) -> bool:
    try:
        _quantity(text)
    except CelError:
        return False
    return True


def _is_integer(value: Quantity) -> bool:
    return value.amount.denominator == 1 and SMALLEST <= value.amount <= LARGEST


def _integer(value: Quantity) -> int:
    if not _is_integer(value):
        raise CelError("cannot convert value to integer")
    return int(value.amount)


def _sign(amount: Any) -> int:
    return int(amount > 0) - int(amount < 0)


def add_quantities(library: Library) -> None:
    add = library.add
    add("quantity", "(string) quantity", _quantity)
    add("isQuantity", "(string) bool", _is_quantity)
    add("sign", "quantity.() int", lambda a: _sign(a.amount))
    add("isInteger", "quantity.() bool", _is_integer)
    add("asInteger", "quantity.() int", _integer)
    add("asApproximateFloat", "quantity.() double", lambda a: float(a.amount))
    add("isGreaterThan", "quantity.(quantity) bool", lambda a, b: a.amount > b.amount)
    add("isLessThan", "quantity.(quantity) bool", lambda a, b: a.amount < b.amount)
    add("compareTo", "quantity.(quantity) int", lambda a, b: _sign(a.amount - b.amount))
    add("add", "quantity.(quantity) quantity", lambda a, b: Quantity(a.amount + b.amount))
    add("add", "quantity.(int) quantity", lambda a, b: Quantity(a.amount + b))
    add("sub", "quantity.(quantity) quantity", lambda a, b: Quantity(a.amount - b.amount))
    add("sub", "quantity.(int) quantity", lambda a, b: Quantity(a.amount - b))
