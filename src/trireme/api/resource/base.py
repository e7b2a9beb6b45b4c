"""What all parts of the resource are made of: the model's strictness, and the types of single values."""

import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, StringConstraints, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from trireme.api.resource.rules import Change, Rule, Transition

QUANTITY = r"^[0-9]+(\.[0-9]+)?([KMGTPE]i|[munkMGTPE])?$"
DURATION = r"^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$"
NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
KEY = r"^[-._a-zA-Z0-9]+$"
LABEL_KEY = r"^(([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"
LABEL = r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"

_LIST_KEYS = "x-kubernetes-list-map-keys"
_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


class Model(BaseModel):
    """Frozen, camelCase outside, and strict: an unknown field is an error. Subclasses add rules across fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    transitions: ClassVar[tuple[Transition, ...]] = ()

    @model_validator(mode="after")
    def _keeps_rules(self) -> Self:
        for name, info in type(self).model_fields.items():
            extra = info.json_schema_extra
            if isinstance(extra, dict) and _LIST_KEYS in extra:
                _expect_unique(info.alias or name, getattr(self, name), extra[_LIST_KEYS])
        for rule in type(self).rules:
            if not rule.holds(self):
                raise PydanticCustomError("rule", "{message}", {"message": rule.message, "field": rule.field})
        return self


class Passed(Model):
    """An object of Kubernetes' own API of which only some fields matter here; the others are passed on as they are."""

    model_config = ConfigDict(extra="allow")


def field(
    description: str,
    change: Change | None,
    default: Any = ...,
    *,
    keys: tuple[str, ...] = (),
    **constraints: Any,
) -> Any:
    """A field of the spec. ``change`` says what changing it does, None that the parent says so.

    Constraints are pydantic's.
    ``keys`` make a list one of named items, which server-side apply merges by these fields.
    """
    extra = _list_map(keys) | ({"change": change.value} if change is not None else {})
    if isinstance(default, type):
        return Field(default_factory=default, description=description, json_schema_extra=extra, **constraints)
    return Field(default, description=description, json_schema_extra=extra, **constraints)


def said(description: str, default: Any = None, *, keys: tuple[str, ...] = (), **constraints: Any) -> Any:
    """A field of the status."""
    extra = _list_map(keys)
    if isinstance(default, type):
        return Field(default_factory=default, description=description, json_schema_extra=extra, **constraints)
    return Field(default, description=description, json_schema_extra=extra, **constraints)


def _list_map(keys: tuple[str, ...]) -> dict[str, Any]:
    if not keys:
        return {}
    return {"x-kubernetes-list-type": "map", _LIST_KEYS: list(keys)}


def _expect_unique(name: str, items: Any, keys: Any) -> None:
    """Two items of one name: server-side apply could not tell them apart."""
    seen: set[tuple[Any, ...]] = set()
    for item in items:
        found = tuple(item.model_dump(by_alias=True)[key] for key in keys)
        if found in seen:
            message = f"{keys[0]} {found[0]!r} is there twice"
            raise PydanticCustomError("rule", "{message}", {"message": message, "field": name})
        seen.add(found)


def _text_of_number(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, StringConstraints(max_length=253)]
Quantity = Annotated[str, StringConstraints(pattern=QUANTITY, max_length=32)]
"""A positive amount as Kubernetes writes it, without exponent: 500m, 2, 1Gi."""
Amount = Annotated[Quantity, BeforeValidator(_text_of_number, json_schema_input_type=int | Quantity)]
"""A quantity that may also be written as a whole number, as in resource requests."""
Duration = Annotated[str, StringConstraints(pattern=DURATION, min_length=2, max_length=18)]
"""Hours, minutes, seconds: 1h30m, 90s."""
Name = Annotated[str, StringConstraints(pattern=NAME, max_length=253)]
"""The name of a Kubernetes object."""
Key = Annotated[str, StringConstraints(pattern=KEY, max_length=253)]
"""A key of a Secret or ConfigMap."""
LabelKey = Annotated[str, StringConstraints(pattern=LABEL_KEY, max_length=317)]
LabelValue = Annotated[str, StringConstraints(pattern=LABEL, max_length=63)]
Labels = Annotated[
    dict[Annotated[str, StringConstraints(max_length=317)], LabelValue],
    Field(max_length=64),
]
Annotations = Annotated[
    dict[
        Annotated[str, StringConstraints(max_length=317)], Annotated[str, StringConstraints(max_length=16384)]
    ],
    Field(max_length=64),
]
Kubernetes = Annotated[
    dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})
]
"""An object of Kubernetes' own API, passed on as it is; the API server judges it when the pods are applied."""


def amount(quantity: str) -> float:
    """The number that a quantity stands for: bytes, cores. Raises ValueError for what is no quantity."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMGTPE]i|[munkMGTPE])?", quantity)
    if found is None:
        raise ValueError(f"{quantity!r} is no quantity such as 500m, 2 or 10Gi")
    number, suffix = float(found[1]), found[2] or ""
    if suffix in _BINARY:
        return number * float(1024 ** _BINARY[suffix])
    return number * 10.0 ** _SUFFIXES[suffix]


def seconds(duration: str) -> int:
    """The length of a duration such as 1h30m. Raises ValueError for what is none."""
    found = re.fullmatch(DURATION.strip("^$"), duration)
    if found is None or not duration:
        raise ValueError(f"{duration!r} is no duration such as 90s or 1h30m")
    hours, minutes, rest = (int(part[:-1]) if part else 0 for part in found.groups())
    return hours * 3600 + minutes * 60 + rest
