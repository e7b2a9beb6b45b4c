"""From tokens to trees. Macros are recognized here, as in the language's definition."""

from trireme.sandbox.apiserver.cel.lexer import Token, tokens
from trireme.sandbox.apiserver.cel.syntax import (
    Call,
    CelSyntaxError,
    Expression,
    ListOf,
    Literal,
    Macro,
    MapOf,
    Name,
    Select,
)

LEVELS = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))
"""Binary operators, the loosest first."""

MACROS = {
    "all": (2, 3),
    "exists": (2, 3),
    "exists_one": (2, 3),
    "existsOne": (3,),
    "map": (2, 3),
    "filter": (2,),
    "optMap": (2,),
    "optFlatMap": (2,),
}
"""How many arguments make a method call this macro."""

DEEPEST = 40
"""Nested expressions: far more than a person writes, far less than Python's stack."""


def parse(text: str) -> Expression:
    """Raises CelSyntaxError."""
    parser = _Parser(tokens(text))
    result = parser.expression()
    parser.expect("end")
    return result


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, *symbols: str) -> Token | None:
        token = self._next
        if token.kind == "symbol" and token.value in symbols:
            self._at += 1
            return token
        return None

    def expect(self, wanted: str) -> Token:
        """A symbol, or a kind of token."""
        token = self._next
        if (token.kind == "symbol" and token.value == wanted) or token.kind == wanted:
            self._at += 1
            return token
        raise CelSyntaxError(
            token.position, f"Syntax error: mismatched input '{token.value}' expecting '{wanted}'"
        )

    def expression(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise CelSyntaxError(self._next.position, "expression recursion limit exceeded")
        condition = self._binary(0)
        if mark := self._take("?"):
            then = self._binary(0)
            self.expect(":")
            otherwise = self.expression()
            condition = Call(mark.position, "_?_:_", None, (condition, then, otherwise))
        self._depth -= 1
        return condition

    def _binary(self, level: int) -> Expression:
        if level == len(LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while operator := self._take(*LEVELS[level]):
            name = "@in" if operator.value == "in" else f"_{operator.value}_"
            left = Call(operator.position, name, None, (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Expression:
        if mark := self._take("!"):
            return Call(mark.position, "!_", None, (self._unary(),))
        if mark := self._take("-"):
            operand = self._unary()
            if isinstance(operand, Literal) and isinstance(operand.value, int | float):
                return Literal(mark.position, -operand.value)
            return Call(mark.position, "-_", None, (operand,))
        return self._member(self._primary())

    def _member(self, operand: Expression) -> Expression:
        while True:
            if dot := self._take("."):
                optional = self._take("?") is not None
                name = self.expect("name")
                if not optional and (bracket := self._take("(")):
                    operand = self._method(name.value, bracket.position, operand, self._items(")"))
                else:
                    operand = Select(dot.position, operand, name.value, optional=optional)
            elif bracket := self._take("["):
                function = "_[?_]" if self._take("?") else "_[_]"
                index = self.expression()
                self.expect("]")
                operand = Call(bracket.position, function, None, (operand, index))
            else:
                return operand

    def _method(
        self, name: str, position: int, target: Expression, arguments: tuple[Expression, ...]
    ) -> Expression:
        if len(arguments) not in MACROS.get(name, ()):
            return Call(position, name, target, arguments)
        count = 2 if len(arguments) == 3 and name != "map" else 1
        variables = [_variable(each) for each in arguments[:count]]
        return Macro(position, name, target, tuple(variables), arguments[count:])

    def _primary(self) -> Expression:
        token = self._next
        self._at += 1
        match token.kind, token.value:
            case "literal", value:
                return Literal(token.position, value)
            case "name", name:
                return self._named(token, str(name))
            case "symbol", "(":
                inner = self.expression()
                self.expect(")")
                return inner
            case "symbol", "[":
                return ListOf(token.position, self._items("]"))
            case "symbol", "{":
                return self._map(token)
        raise CelSyntaxError(
            token.position, f"Syntax error: mismatched input '{token.value}' expecting an expression"
        )

    def _named(self, token: Token, name: str) -> Expression:
        bracket = self._take("(")
        if bracket is None:
            return Name(token.position, name)
        arguments = self._items(")")
        if name != "has":
            return Call(bracket.position, name, None, arguments)
        if len(arguments) != 1 or not isinstance(arguments[0], Select) or arguments[0].optional:
            raise CelSyntaxError(bracket.position, "invalid argument to has() macro")
        select = arguments[0]
        return Select(select.position, select.operand, select.field, test=True)

    def _items(self, end: str) -> tuple[Expression, ...]:
        items: list[Expression] = []
        while not self._take(end):
            if items:
                self.expect(",")
                if self._take(end):
                    break
            items.append(self.expression())
        return tuple(items)

    def _map(self, start: Token) -> Expression:
        entries: list[tuple[Expression, Expression]] = []
        while not self._take("}"):
            if entries:
                self.expect(",")
                if self._take("}"):
                    break
            key = self.expression()
            self.expect(":")
            entries.append((key, self.expression()))
        return MapOf(start.position, tuple(entries))


def _variable(expression: Expression) -> str:
    if not isinstance(expression, Name):
        raise CelSyntaxError(expression.position, "argument must be a simple name")
    return expression.name
