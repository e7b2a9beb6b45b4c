"""Functions: what they take, what they give, how they do it. One table for the checker and the evaluator."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trireme.sandbox.apiserver.cel.types import Type
from trireme.sandbox.apiserver.cel.values import has_type

ALIASES = {"duration": "google.protobuf.Duration", "timestamp": "google.protobuf.Timestamp"}
ALIASES |= {"quantity": "kubernetes.Quantity", "optional": "optional_type"}


@dataclass(frozen=True, slots=True)
class Overload:
    """``member``: called on its first parameter, ``x.f(y)``."""

    parameters: tuple[Type, ...]
    result: Type
    run: Callable[..., Any]
    member: bool

    def takes(self, values: list[Any], *, member: bool) -> bool:
        return (
            self.member == member
            and len(values) == len(self.parameters)
            and all(has_type(kind.name, value) for kind, value in zip(self.parameters, values, strict=True))
        )


class Library:
    """Overloads by function name."""

    def __init__(self) -> None:
        self.functions: dict[str, list[Overload]] = {}

    def add(self, name: str, signature: str, run: Callable[..., Any]) -> None:
        """``signature``: ``(int, int) bool``, or ``string.(int) string`` for a method."""
        member = not signature.startswith("(")
        texts = _split(signature)
        *parameters, result = (parse_type(each) for each in texts)
        overload = Overload(tuple(parameters), result, run, member)
        self.functions.setdefault(name, []).append(overload)


def _split(signature: str) -> list[str]:
    """Receiver, parameters and result."""
    start = signature.index("(") if signature.startswith("(") else signature.index(".(") + 1
    receiver = signature[: start - 1] if start else ""
    depth, end = 0, start
    for end in range(start, len(signature)):
        depth += {"(": 1, ")": -1}.get(signature[end], 0)
        if depth == 0:
            break
    inner = _at_commas(signature[start + 1 : end])
    return [*([receiver] if receiver else []), *inner, signature[end + 1 :].strip()]


def _at_commas(text: str) -> list[str]:
    parts, depth, last = [], 0, 0
    for place, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(text[last:place].strip())
            last = place + 1
    return [*parts, text[last:].strip()] if text.strip() else []


def parse_type(text: str) -> Type:
    name, _, inner = text.partition("(")
    parameters = tuple(parse_type(each) for each in _at_commas(inner.removesuffix(")")))
    return Type(ALIASES.get(name, name), parameters)
