"""The types of fields, as fields/README.md writes them."""

from dataclasses import dataclass, field
from typing import Any, Literal

ScalarName = Literal[
    "string", "int", "bool", "number", "quantity", "intOrString", "time", "microTime", "bytes", "any"
]


@dataclass(frozen=True, slots=True)
class Scalar:
    name: ScalarName


@dataclass(frozen=True, slots=True)
class Enum:
    """One of ``values``; ``refused`` are Kubernetes' words that the sandbox does not emulate."""

    values: tuple[str, ...]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MapOf:
    item: "Type"
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class ListOf:
    """``keys`` identify an item for server-side apply, ``merge_key`` for a strategic merge patch."""

    item: "Type"
    kind: Literal["atomic", "set", "map"] = "atomic"
    keys: tuple[str, ...] = ()
    merge_key: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """``noted``: accepted, recorded, without effect. ``default`` is None where there is none."""

    type: "Type"
    required: bool = False
    noted: bool = False
    retain_keys: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """``is_open`` keeps fields that are not named, as custom resources may ask for. ``home``: the file."""

    name: str
    fields: dict[str, Field] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    atomic: bool = False
    is_open: bool = False
    home: str = ""


Type = Scalar | Enum | MapOf | ListOf | Struct

ANY = Scalar("any")
