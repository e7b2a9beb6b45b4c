"""Which settings of the user's my.cnf can be set while the server runs, and which take a restart. Pure.

Live are those of :mod:`trireme.manifests.cluster.live_variables` whose value is certainly valid: a value that the
server would refuse at its next start must be met by one member in a rolling change, not by all at their next crash.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from trireme.manifests.cluster.live_variables import BOOLEANS, CHOICES, FRACTIONS, NUMBERS, SETS, SWITCHES

_SERVER_SECTIONS = frozenset({"mysqld", "mariadbd", "mariadb", "server", "client-server", "galera"})
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50, "e": 2**60}
_MOST = 2**64 - 1
_PREFIX = re.compile(r"^((loose|skip|disable|enable|maximum)_)+")
_TRUE = frozenset({"", "1", "on", "true", "yes"})
_FALSE = frozenset({"0", "off", "false", "no"})


@dataclass(frozen=True, slots=True)
class Split:
    """``static`` is my.cnf without what is live; ``variables`` are the live ones, in the server's own spelling."""

    static: str
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def live_text(self) -> str:
        """The live ones as a my.cnf, for servers that start."""
        lines = [f"{name} = {_quoted(value)}" for name, value in sorted(self.variables.items())]
        return "\n".join(["[mariadbd]", *lines, ""]) if lines else ""


@dataclass(frozen=True, slots=True)
class _Line:
    section: str
    name: str
    value: str
    text: str


def split(text: str) -> Split:
    """Take out of ``text`` what can be set live; comments go, so that a change of one restarts nobody.

    A name stays in where it is also set in a way that may win: in a section for certain versions, with a prefix
    such as ``loose-``, abbreviated, or with a value that takes a restart.
    """
    settings = list(_settings(text))
    taken: dict[str, str] = {}
    kept: set[str] = set()
    for each in settings:
        value = live_value(each.name, each.value) if each.section in _SERVER_SECTIONS else None
        if value is None:
            kept.add(_PREFIX.sub("", each.name))
        else:
            taken[each.name] = value
    live = {name: value for name, value in taken.items() if not any(name.startswith(other) for other in kept)}
    return Split("".join(_written(each for each in settings if each.name not in live)), live)


def _settings(text: str) -> Iterator[_Line]:
    section = "mariadbd"
    for line in text.removeprefix("\ufeff").split("\n"):
        content = line.strip(" \t\r\v\f")
        if not content or content[0] in "#;!":
            continue
        if content.startswith("["):
            section = content[1:].partition("]")[0].strip().lower()
            continue
        key, _, value = content.partition("=")
        name = key.partition("#")[0].strip().lower().lstrip("-").replace("-", "_")
        yield _Line(section, name, value, content)


def _written(settings: Iterable[_Line]) -> Iterator[str]:
    section = ""
    for each in settings:
        if each.section != section:
            section = each.section
            yield f"[{section}]\n"
        yield f"{each.text}\n"


def live_value(name: str, written: str) -> str | None:
    """The value as SET GLOBAL takes it; None where the variable, or this value of it, takes a restart."""
    value = _bare(written)
    if value is None:
        return None
    if name in BOOLEANS:
        return "ON" if value.lower() in _TRUE else "OFF" if value.lower() in _FALSE else None
    if name in NUMBERS:
        return _number(value.lower())
    if name in FRACTIONS:
        return value if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", value) else None
    if name in CHOICES:
        return _among(CHOICES[name], [value])
    if name in SETS:
        return _among(SETS[name], [part.strip() for part in value.split(",")] if value else [])
    if name in SWITCHES:
        return _switches(SWITCHES[name], value)
    return None


def _number(value: str) -> str | None:
    found = re.fullmatch(r"([0-9]{1,20})([kmgtpe]?)", value)
    number = int(found[1]) * _UNITS[found[2]] if found else _MOST + 1
    return str(number) if number <= _MOST else None


def _among(allowed: tuple[str, ...], parts: list[str]) -> str | None:
    known = {each.lower(): each for each in allowed}
    found = [known.get(part.lower()) for part in parts]
    return ",".join(part for part in found if part is not None) if None not in found else None


def _switches(allowed: tuple[str, ...], value: str) -> str | None:
    parts = [part.strip().lower() for part in value.split(",")]
    for part in parts:
        name, _, state = part.partition("=")
        if name not in allowed or state not in ("on", "off", "default"):
            return None
    return ",".join(parts)


def _bare(written: str) -> str | None:
    """The value without quotes and comment; None where it holds an escape or an odd quote."""
    value = written.strip(" \t\r\v\f")
    if value[:1] in ("'", '"'):
        closing = value.find(value[0], 1)
        rest = value[closing + 1 :].strip()
        if closing < 0 or "\\" in value or (rest and not rest.startswith("#")):
            return None
        return value[1:closing].strip()
    value = value.partition("#")[0].strip()
    return None if any(character in value for character in "\\'\";") else value


def _quoted(value: str) -> str:
    return f'"{value}"' if "," in value or "=" in value or not value else value
