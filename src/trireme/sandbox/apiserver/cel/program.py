"""An expression made ready: parsed, checked against the types of its variables, and run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trireme.sandbox.apiserver.cel.checker import CelTypeError, Scope, names_of, type_of_expression
from trireme.sandbox.apiserver.cel.evaluator import evaluate
from trireme.sandbox.apiserver.cel.parser import parse
from trireme.sandbox.apiserver.cel.syntax import CelSyntaxError, Expression
from trireme.sandbox.apiserver.cel.types import DYN, Type


class CompileError(ValueError):
    """With the place in the text, as cel-go shows it."""


@dataclass(frozen=True, slots=True)
class Program:
    expression: Expression
    names: frozenset[str]

    def run(self, values: Mapping[str, Any]) -> Any:
        """Raises CelError."""
        return evaluate(self.expression, values)


def compile_program(text: str, scope: Scope, wanted: Type, failure: str) -> Program:
    """``failure`` says what the result must be. Raises CompileError."""
    try:
        expression = parse(text)
        found = type_of_expression(expression, scope)
    except RecursionError as error:
        raise CompileError("compilation failed: expression recursion limit exceeded") from error
    except (CelSyntaxError, CelTypeError) as error:
        raise CompileError(f"compilation failed: {_shown(text, error.position, str(error))}") from error
    if wanted != DYN and found not in (wanted, DYN):
        raise CompileError(failure)
    return Program(expression, frozenset(names_of(expression)))


def _shown(text: str, position: int, message: str) -> str:
    line = text.count("\n", 0, position)
    column = position - (text.rfind("\n", 0, position) + 1)
    source = text.split("\n")[line]
    return f"ERROR: <input>:{line + 1}:{column + 1}: {message}\n | {source}\n | {'.' * column}^"
