"""As much of Helm's template language as deploy/helm/trireme uses: enough to compare its output with kustomize's."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

TOKEN = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.DOTALL)


@dataclass
class Scope:
    """``root`` is what `$` means, ``dot`` what `.` means."""

    root: Mapping[str, Any]
    dot: Any


def render(text: str, values: Mapping[str, Any], namespace: str) -> str:
    """The template's output. Raises ValueError for what is not emulated."""
    root = {"Values": values, "Release": {"Namespace": namespace}}
    tokens = list(_tokens(text))
    out, rest = _block(tokens, 0, Scope(root, root), True)
    assert rest == len(tokens)
    return out


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Text and actions, with the white space that `{{-` and `-}}` swallow gone."""
    position, swallow = 0, False
    for found in TOKEN.finditer(text):
        literal = text[position : found.start()]
        literal = literal.lstrip() if swallow else literal
        yield "text", literal.rstrip() if found[1] else literal
        if not found[2].startswith("/*"):
            yield "action", found[2]
        position, swallow = found.end(), bool(found[3])
    yield "text", text[position:].lstrip() if swallow else text[position:]


def _block(tokens: list[tuple[str, str]], at: int, scope: Scope, active: bool) -> tuple[str, int]:
    out: list[str] = []
    while at < len(tokens):
        kind, content = tokens[at]
        if kind == "text":
            out.append(content if active else "")
            at += 1
        elif content in ("end", "else"):
            return "".join(out), at
        elif (word := content.split()[0]) in ("if", "with", "range"):
            text, at = _branch(tokens, at, word, scope, active)
            out.append(text)
        else:
            out.append(_text(_value(content, scope)) if active else "")
            at += 1
    return "".join(out), at


def _branch(tokens: list[tuple[str, str]], at: int, word: str, scope: Scope, active: bool) -> tuple[str, int]:
    value = _value(tokens[at][1].removeprefix(word).strip(), scope)
    dots = list(value) if word == "range" else [value if word == "with" else scope.dot] if value else []
    begin = at + 1
    pieces = [_block(tokens, begin, Scope(scope.root, dot), active) for dot in dots]
    _, end = _block(tokens, begin, scope, False)
    text = "".join(piece for piece, _ in pieces)
    if tokens[end][1] == "else":
        other, end = _block(tokens, end + 1, scope, active and not dots)
        text += other
    assert tokens[end][1] == "end"
    return text, end + 1


def _value(expression: str, scope: Scope) -> Any:
    first, *pipes = (part.strip() for part in expression.split("|"))
    value = _call(first, scope)
    for pipe in pipes:
        name, _, argument = pipe.partition(" ")
        if name != "nindent":
            raise ValueError(f"{name} is not emulated")
        pad = " " * int(argument)
        value = "\n" + "\n".join(pad + line for line in str(value).split("\n"))
    return value


def _call(text: str, scope: Scope) -> Any:
    if text.startswith("not "):
        return not _call(text.removeprefix("not "), scope)
    if text.startswith("toYaml "):
        return yaml.safe_dump(_call(text.removeprefix("toYaml "), scope), default_flow_style=False).rstrip(
            "\n"
        )
    if found := re.fullmatch(r'join "([^"]*)" (\S+)', text):
        return found[1].join(_call(found[2], scope))
    if text == ".":
        return scope.dot
    if not re.fullmatch(r"\$?(\.\w+)+", text):
        raise ValueError(f"{text!r} is not emulated")
    value: Any = scope.root if text.startswith("$") or text.startswith(".Values") else scope.dot
    if text.startswith(".Release"):
        value = scope.root
    for part in text.lstrip("$").strip(".").split("."):
        value = value[part]
    return value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
