"""From text to tokens."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from trireme.sandbox.apiserver.cel.syntax import CelSyntaxError
from trireme.sandbox.apiserver.cel.values import UInt

Kind = Literal["literal", "name", "symbol", "end"]

KEYWORDS = {"true": True, "false": False, "null": None}
RESERVED = frozenset(
    (
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "package",
        "return",
        "var",
        "void",
        "while",
        "true",
        "false",
        "null",
    )
)
TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<double>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
      | (?P<uint>(?:0[xX][0-9a-fA-F]+|\d+)[uU])
      | (?P<int>0[xX][0-9a-fA-F]+|\d+)
      | (?P<text>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<symbol>\|\||&&|[=!<>]=|[-+*/%!<>?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL
)
SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
SIMPLE |= {each: each for each in "\\?\"'`"}


@dataclass(frozen=True, slots=True)
class Token:
    position: int
    kind: Kind
    value: Any


def tokens(text: str) -> list[Token]:
    """Ends with an ``end``. Raises CelSyntaxError."""
    found, position = [], 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise CelSyntaxError(position, f"Syntax error: token recognition error at: {text[position]!r}")
        if match.lastgroup != "space":
            found.append(_token(position, str(match.lastgroup), match[0]))
        position = match.end()
    return [*found, Token(len(text), "end", "<EOF>")]


def _token(position: int, group: str, text: str) -> Token:
    match group:
        case "double":
            return Token(position, "literal", float(text))
        case "uint":
            return Token(position, "literal", UInt(int(text[:-1], 0)))
        case "int":
            return Token(position, "literal", int(text, 16 if text[:2].lower() == "0x" else 10))
        case "text":
            return Token(position, "literal", _string(position, text))
        case "name" if text in KEYWORDS:
            return Token(position, "literal", KEYWORDS[text])
        case "name" if text not in RESERVED or text == "in":
            return Token(position, "symbol" if text == "in" else "name", text)
        case "name":
            raise CelSyntaxError(position, f"reserved identifier: {text}")
    return Token(position, "symbol", text)


def _string(position: int, text: str) -> str | bytes:
    prefix = re.match(r"[rRbB]*", text)
    flags = prefix[0].lower() if prefix else ""
    body = text[len(flags) :]
    body = body[3:-3] if body[:3] in ('"' * 3, "'" * 3) else body[1:-1]
    if "r" not in flags:
        body = ESCAPE.sub(lambda match: _unescape(position, match), body)
    return body.encode("latin-1" if "\\x" in text else "utf-8") if "b" in flags else body


def _unescape(position: int, match: re.Match[str]) -> str:
    number = match[1] or match[2] or match[3]
    if number:
        return chr(int(number, 16))
    if match[4]:
        return chr(int(match[4], 8))
    if match[5] not in SIMPLE:
        raise CelSyntaxError(position, f"Syntax error: unable to unescape string: \\{match[5]}")
    return SIMPLE[match[5]]
