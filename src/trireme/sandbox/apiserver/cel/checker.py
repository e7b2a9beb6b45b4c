"""Types of expressions: what is misspelt or does not fit is found before any object is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from trireme.sandbox.apiserver.cel.functions import NOT_EMULATED, library
from trireme.sandbox.apiserver.cel.syntax import (
    Call,
    Expression,
    ListOf,
    Literal,
    Macro,
    MapOf,
    Name,
    Select,
)
from trireme.sandbox.apiserver.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    INT,
    NULL,
    STRING,
    TYPE,
    UINT,
    ObjectType,
    Type,
    list_of,
    map_of,
    optional_of,
    resolve,
    unify,
)
from trireme.sandbox.apiserver.cel.values import UInt

LITERALS: dict[type, Type] = {bool: BOOL, int: INT, UInt: UINT, float: DOUBLE, str: STRING, bytes: BYTES}
TYPE_NAMES = frozenset(
    {"int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type"}
)
NAMESPACES = frozenset({"optional", "sets"})
"""Names before a dot that are no variables but a part of a function's name."""


class CelTypeError(ValueError):
    """The expression cannot mean anything. ``position`` counts characters from 0."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


Scope = Mapping[str, Type]


def type_of_expression(expression: Expression, scope: Scope) -> Type:
    """Raises CelTypeError."""
    match expression:
        case Literal():
            return NULL if expression.value is None else LITERALS[type(expression.value)]
        case Name():
            return _name(expression, scope)
        case Select():
            return _select(expression, scope)
        case Call():
            return _call(expression, scope)
        case ListOf():
            return list_of(_common([type_of_expression(each, scope) for each in expression.items]))
        case MapOf():
            keys = [type_of_expression(key, scope) for key, _ in expression.entries]
            values = [type_of_expression(value, scope) for _, value in expression.entries]
            return map_of(_common(keys), _common(values))
        case Macro():
            return _macro(expression, scope)
        case _:
            assert_never(expression)


def _common(kinds: list[Type]) -> Type:
    if not kinds:
        return DYN
    return kinds[0] if all(unify(kinds[0], each, {}) for each in kinds) else DYN


def _name(expression: Name, scope: Scope) -> Type:
    if expression.name in scope:
        return scope[expression.name]
    if expression.name in TYPE_NAMES:
        return TYPE
    message = f"undeclared reference to '{expression.name}' (in container '')"
    raise CelTypeError(expression.position, message)


def _select(expression: Select, scope: Scope) -> Type:
    operand = type_of_expression(expression.operand, scope)
    optional = expression.optional or operand.name == "optional_type"
    if operand.name == "optional_type":
        operand = operand.parameters[0]
    found = _field(expression, operand)
    if expression.test:
        return BOOL
    return optional_of(found) if optional else found


def _field(expression: Select, operand: Type) -> Type:
    if operand == DYN:
        return DYN
    if isinstance(operand, ObjectType):
        if expression.field not in operand.fields:
            raise CelTypeError(expression.position, f"undefined field '{expression.field}'")
        return operand.fields[expression.field]
    if operand.name == "map":
        return operand.parameters[1]
    raise CelTypeError(expression.position, f"type '{operand}' does not support field selection")


@dataclass(frozen=True, slots=True)
class Called:
    """A call with its target resolved: a function of a namespace has none."""

    function: str
    values: tuple[Expression, ...]
    member: bool


def called(expression: Call) -> Called:
    target = expression.target
    if target is None:
        return Called(expression.function, expression.arguments, member=False)
    if isinstance(target, Name) and target.name in NAMESPACES:
        return Called(f"{target.name}.{expression.function}", expression.arguments, member=False)
    return Called(expression.function, (target, *expression.arguments), member=True)


def _call(expression: Call, scope: Scope) -> Type:
    call = called(expression)
    kinds = [type_of_expression(each, scope) for each in call.values]
    if call.function in ("_&&_", "_||_"):
        return _logic(expression, call.function, kinds)
    if call.function == "_?_:_":
        return _condition(expression, kinds)
    overloads = library().functions.get(call.function)
    if overloads is None:
        raise CelTypeError(expression.position, _unknown(call.function))
    results: list[Type] = []
    for overload in overloads:
        bound: dict[str, Type] = {}
        fits = overload.member == call.member and len(overload.parameters) == len(kinds)
        if fits and all(
            unify(want, have, bound) for want, have in zip(overload.parameters, kinds, strict=True)
        ):
            results.append(resolve(overload.result, bound))
    if not results:
        raise CelTypeError(expression.position, _no_overload(call, kinds))
    return results[0] if all(each == results[0] for each in results) else DYN


def _unknown(function: str) -> str:
    if function in NOT_EMULATED:
        return f"the sandbox does not emulate the CEL function '{function}'"
    return f"undeclared reference to '{function}' (in container '')"


def _no_overload(call: Called, kinds: list[Type]) -> str:
    texts = [str(each) for each in kinds]
    shown = f"{texts[0]}.({', '.join(texts[1:])})" if call.member else f"({', '.join(texts)})"
    return f"found no matching overload for '{call.function}' applied to '{shown}'"


def _logic(expression: Call, function: str, kinds: list[Type]) -> Type:
    if not all(unify(BOOL, each, {}) for each in kinds):
        call = Called(function, (), member=False)
        raise CelTypeError(expression.position, _no_overload(call, kinds))
    return BOOL


def _condition(expression: Call, kinds: list[Type]) -> Type:
    if not unify(BOOL, kinds[0], {}) or not unify(kinds[1], kinds[2], {}):
        call = Called("_?_:_", (), member=False)
        raise CelTypeError(expression.position, _no_overload(call, kinds))
    return kinds[1] if kinds[1] != DYN else kinds[2]


def _macro(expression: Macro, scope: Scope) -> Type:
    target = type_of_expression(expression.target, scope)
    if expression.name in ("optMap", "optFlatMap"):
        return _optional_macro(expression, target, scope)
    inner = {**scope, **_variables(expression, target)}
    kinds = [type_of_expression(each, inner) for each in expression.bodies]
    tested = kinds[:-1] if expression.name == "map" else kinds
    for kind, body in zip(tested, expression.bodies, strict=False):
        if not unify(BOOL, kind, {}):
            raise CelTypeError(body.position, f"expected type 'bool' but found '{kind}'")
    if expression.name == "map":
        return list_of(kinds[-1])
    if expression.name == "filter":
        return list_of(next(iter(_variables(expression, target).values())))
    return BOOL


def _optional_macro(expression: Macro, target: Type, scope: Scope) -> Type:
    if target.name not in ("optional_type", "dyn"):
        message = f"found no matching overload for '{expression.name}' applied to '{target}'"
        raise CelTypeError(expression.position, message)
    held = target.parameters[0] if target.parameters else DYN
    body = type_of_expression(expression.bodies[0], {**scope, expression.variables[0]: held})
    return optional_of(body) if expression.name == "optMap" else body


def _variables(expression: Macro, target: Type) -> dict[str, Type]:
    if target == DYN:
        kinds = (DYN, DYN)
    elif target.name == "list":
        kinds = (INT, target.parameters[0])
    elif target.name == "map":
        kinds = (target.parameters[0], target.parameters[1])
    else:
        message = f"expression of type '{target}' cannot be range of a comprehension (must be list, map, or dynamic)"
        raise CelTypeError(expression.target.position, message)
    if len(expression.variables) == 2:
        return dict(zip(expression.variables, kinds, strict=True))
    return {expression.variables[0]: kinds[0] if target.name == "map" else kinds[1]}


def names_of(expression: Any) -> set[str]:
    """Variables that are used, those of macros included."""
    match expression:
        case Name():
            return {expression.name}
        case Select():
            return names_of(expression.operand)
        case Call():
            return set().union(*(names_of(each) for each in (expression.target, *expression.arguments)))
        case ListOf():
            return set().union(*map(names_of, expression.items))
        case MapOf():
            return set().union(*(names_of(key) | names_of(value) for key, value in expression.entries))
        case Macro():
            return names_of(expression.target).union(*map(names_of, expression.bodies))
    return set()
