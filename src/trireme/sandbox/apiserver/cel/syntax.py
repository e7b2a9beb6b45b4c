"""Expressions as trees."""

from dataclasses import dataclass
from typing import Any


class CelSyntaxError(ValueError):
    """The text is no expression. ``position`` counts characters from 0."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True, slots=True)
class Literal:
    position: int
    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    position: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """``operand.field``; ``optional``: ``operand.?field``; ``test``: has(operand.field)."""

    position: int
    operand: "Expression"
    field: str
    optional: bool = False
    test: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """``target.function(arguments)``. Operators are functions: ``_+_``, ``_[_]``, ``!_``."""

    position: int
    function: str
    target: "Expression | None"
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    position: int
    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    position: int
    entries: tuple[tuple["Expression", "Expression"], ...]


@dataclass(frozen=True, slots=True)
class Macro:
    """``target.name(variables, bodies)``: all, exists, exists_one, map, filter, optMap, optFlatMap."""

    position: int
    name: str
    target: "Expression"
    variables: tuple[str, ...]
    bodies: tuple["Expression", ...]


Expression = Literal | Name | Select | Call | ListOf | MapOf | Macro
