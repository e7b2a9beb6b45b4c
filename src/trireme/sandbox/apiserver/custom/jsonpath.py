"""The part of JSONPath that printer columns, scale paths and selectable fields use."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

STEP = re.compile(
    r"""\.(?P<name>[A-Za-z0-9_\-$/]+(?:\\\.[A-Za-z0-9_\-$/]+)*)
      | \[(?P<index>-?\d+)\]
      | (?P<all>\[\*\]|\.\*)
      | \[(?P<quote>['"])(?P<key>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\]
      | \[\?\(\s*@(?P<left>(?:\.[A-Za-z0-9_\-]+)+)\s*(?P<operator>==|!=)\s*
            (?P<quote2>['"])(?P<right>(?:\\.|(?!(?P=quote2)).)*)(?P=quote2)\s*\)\]
    """,
    re.VERBOSE,
)


class JsonPathError(ValueError):
    """The path cannot be read, or asks for what the sandbox does not emulate."""


@dataclass(frozen=True, slots=True)
class Step:
    """Exactly one of them is set. ``where`` is a path below an item, whether it must be equal, and a word."""

    name: str | None = None
    index: int | None = None
    where: tuple[tuple[str, ...], bool, str] | None = None


ALL = Step()


@dataclass(frozen=True, slots=True)
class JsonPath:
    """``.spec.a``, ``.b[0]``, ``.c['d.e']``, ``.f[*].g``, ``.conditions[?(@.type=="Ready")].status``."""

    text: str
    steps: tuple[Step, ...]

    def find(self, obj: Any) -> list[Any]:
        """All values at the path, in order; nothing where a step leads nowhere."""
        found = [obj]
        for step in self.steps:
            found = [below for value in found for below in _below(step, value)]
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Of a path of names only. Raises JsonPathError."""
        if any(step.name is None for step in self.steps):
            raise JsonPathError(f"{self.text}: must be a json path in the dot notation")
        return tuple(str(step.name) for step in self.steps)


def parse_json_path(text: str) -> JsonPath:
    """Raises JsonPathError."""
    body = text.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    steps, position = [], 0
    while position < len(body):
        match = STEP.match(body, position)
        if match is None:
            raise JsonPathError(
                f"{text}: the sandbox does not emulate this JSONPath from {body[position:]!r} on"
            )
        steps.append(_step(match))
        position = match.end()
    return JsonPath(text, tuple(steps))


def _step(match: re.Match[str]) -> Step:
    if match["name"] is not None:
        return Step(name=match["name"].replace("\\.", "."))
    if match["key"] is not None:
        return Step(name=re.sub(r"\\(.)", r"\1", match["key"]))
    if match["index"] is not None:
        return Step(index=int(match["index"]))
    if match["left"] is not None:
        return Step(where=(tuple(match["left"].split(".")[1:]), match["operator"] == "==", match["right"]))
    return ALL


def _below(step: Step, value: Any) -> Iterator[Any]:
    if step.name is not None:
        if isinstance(value, dict) and step.name in value:
            yield value[step.name]
    elif step.index is not None:
        if isinstance(value, list) and -len(value) <= step.index < len(value):
            yield value[step.index]
    else:
        items = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
        yield from (item for item in items if step.where is None or _holds(step.where, item))


def _holds(where: tuple[tuple[str, ...], bool, str], item: Any) -> bool:
    names, equal, word = where
    for name in names:
        if not isinstance(item, dict) or name not in item:
            return False
        item = item[name]
    return bool((item == word) == equal)
