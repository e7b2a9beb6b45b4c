"""Values of checked expressions."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, assert_never

from trireme.sandbox.apiserver.cel.checker import TYPE_NAMES, called
from trireme.sandbox.apiserver.cel.functions import library
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
from trireme.sandbox.apiserver.cel.values import NONE, CelError, Optional, TypeName, type_name

Values = Mapping[str, Any]


def evaluate(expression: Expression, values: Values) -> Any:
    """Raises CelError."""
    match expression:
        case Literal():
            return expression.value
        case Name():
            return _name(expression.name, values)
        case Select():
            return _select(expression, values)
        case Call():
            return _call(expression, values)
        case ListOf():
            return [evaluate(each, values) for each in expression.items]
        case MapOf():
            return {evaluate(key, values): evaluate(value, values) for key, value in expression.entries}
        case Macro():
            return _macro(expression, values)
        case _:
            assert_never(expression)


def _name(name: str, values: Values) -> Any:
    if name in values:
        return values[name]
    assert name in TYPE_NAMES
    return TypeName(name)


def _select(expression: Select, values: Values) -> Any:
    operand = evaluate(expression.operand, values)
    if isinstance(operand, Optional):
        return _select_of_optional(expression, operand)
    if not isinstance(operand, dict):
        raise CelError("no such overload")
    there = expression.field in operand
    if expression.test:
        return there
    if expression.optional:
        return Optional(operand[expression.field], present=True) if there else NONE
    if not there:
        raise CelError(f"no such key: {expression.field}")
    return operand[expression.field]


def _select_of_optional(expression: Select, operand: Optional) -> Any:
    there = operand.present and isinstance(operand.value, dict) and expression.field in operand.value
    if expression.test:
        return there
    return Optional(operand.value[expression.field], present=True) if there else NONE


def _call(expression: Call, values: Values) -> Any:
    call = called(expression)
    if call.function in ("_&&_", "_||_"):
        return _decided([(each, values) for each in call.values], decisive=call.function == "_||_")
    if call.function == "_?_:_":
        condition = evaluate(call.values[0], values)
        return evaluate(call.values[1 if _truth(condition) else 2], values)
    found = [evaluate(each, values) for each in call.values]
    for overload in library().functions[call.function]:
        if overload.takes(found, member=call.member):
            return _run(overload.run, found)
    raise CelError(f"no such overload: {call.function}({', '.join(map(type_name, found))})")


def _run(run: Callable[..., Any], found: list[Any]) -> Any:
    try:
        return run(*found)
    except (TypeError, OverflowError) as error:
        raise CelError(f"no such overload: {error}") from error


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise CelError("no such overload: a bool is expected")
    return value


def _decided(cases: list[tuple[Expression, Values]], *, decisive: bool) -> bool:
    """An error counts only where no other operand decides."""
    failed: CelError | None = None
    for expression, values in cases:
        try:
            if _truth(evaluate(expression, values)) is decisive:
                return decisive
        except CelError as error:
            failed = failed or error
    if failed is not None:
        raise failed
    return not decisive


def _macro(expression: Macro, values: Values) -> Any:
    target = evaluate(expression.target, values)
    if expression.name in ("optMap", "optFlatMap"):
        if not target.present:
            return NONE
        found = evaluate(expression.bodies[0], {**values, expression.variables[0]: target.value})
        return Optional(found, present=True) if expression.name == "optMap" else found
    scopes = [{**values, **scope} for scope in _scopes(expression, target)]
    body = expression.bodies[0]
    match expression.name:
        case "all":
            return _decided([(body, scope) for scope in scopes], decisive=False)
        case "exists":
            return _decided([(body, scope) for scope in scopes], decisive=True)
        case "exists_one" | "existsOne":
            return sum(_truth(evaluate(body, scope)) for scope in scopes) == 1
        case "filter":
            return [scope[expression.variables[0]] for scope in scopes if _truth(evaluate(body, scope))]
    if len(expression.bodies) == 2:
        scopes = [scope for scope in scopes if _truth(evaluate(body, scope))]
    return [evaluate(expression.bodies[-1], scope) for scope in scopes]


def _scopes(expression: Macro, target: Any) -> Iterator[dict[str, Any]]:
    if isinstance(target, dict):
        pairs: Any = target.items()
    elif isinstance(target, list):
        pairs = enumerate(target)
    else:
        raise CelError("no such overload: a list or a map is expected")
    for key, value in pairs:
        if len(expression.variables) == 2:
            yield dict(zip(expression.variables, (key, value), strict=True))
        else:
            yield {expression.variables[0]: key if isinstance(target, dict) else value}
