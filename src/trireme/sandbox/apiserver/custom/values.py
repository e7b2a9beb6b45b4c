"""Values against their schema, in the words of Kubernetes. What an update leaves as it was is not judged again."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from trireme.sandbox.apiserver.custom.formats import integer_fits, string_fits
from trireme.sandbox.apiserver.custom.schema import ROOT_FIELDS, Schema
from trireme.sandbox.apiserver.errors import Cause, duplicate, invalid_value, required, unsupported_value

ABSENT = object()
"""There is no former value, or none that this one can be compared with."""

NOWHERE = "<nil>"
"""Where Kubernetes places what fails as a whole: anyOf, oneOf, allOf, not."""


@dataclass(frozen=True, slots=True)
class Place:
    """A value, what it was before the update, and its path."""

    path: str
    value: Any
    old: Any = ABSENT

    def child(self, name: str, *, in_map: bool = False) -> "Place":
        old = self.old.get(name, ABSENT) if isinstance(self.old, dict) else ABSENT
        return Place(below(self.path, name, in_map=in_map), self.value[name], old)

    @property
    def is_kept(self) -> bool:
        return self.old is not ABSENT and type(self.old) is type(self.value) and self.old == self.value


def below(path: str, name: str, *, in_map: bool = False) -> str:
    if in_map:
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def check_object(schema: Schema, new: dict[str, Any], old: dict[str, Any] | None) -> Iterator[Cause]:
    """All but apiVersion, kind and metadata, which every kind has and others check."""
    rest = {name: value for name, value in new.items() if name not in ROOT_FIELDS}
    place = Place("", rest, ABSENT if old is None else old)
    needed = [name for name in schema.required if name not in ROOT_FIELDS]
    yield from (required(name) for name in needed if name not in rest)
    yield from _check_children(schema, place)
    yield from _check_junctors(schema, place)


def check_value(schema: Schema, place: Place) -> Iterator[Cause]:
    if place.is_kept:
        return
    value = place.value
    if value is None and schema.nullable:
        return
    if (wrong := _wrong_type(schema, place)) is not None:
        yield wrong
        yield from _check_words(schema.raw, place)
        return
    yield from _check_plain(schema.raw, place)
    if isinstance(value, dict):
        yield from _check_size(schema.raw, place, "Properties", "properties")
        yield from (required(below(place.path, name)) for name in schema.required if name not in value)
        yield from _check_children(schema, place)
    elif isinstance(value, list):
        yield from _check_size(schema.raw, place, "Items", "items")
        yield from _check_items(schema, place)
    yield from _check_junctors(schema, place)


def _check_children(schema: Schema, place: Place) -> Iterator[Cause]:
    for name in place.value:
        found = schema.child(name)
        if found is not None:
            yield from check_value(found, place.child(name))


def _check_items(schema: Schema, place: Place) -> Iterator[Cause]:
    yield from _check_unique(schema, place)
    if schema.items is not None:
        for item in item_places(schema, place):
            yield from check_value(schema.items, item)


def item_places(schema: Schema, place: Place) -> Iterator[Place]:
    """Items of a map have a former value: the item of the same keys."""
    before = {}
    if schema.list_type == "map" and isinstance(place.old, list):
        before = {list_key(schema, item): item for item in place.old}
    for number, item in enumerate(place.value):
        old = before.get(list_key(schema, item), ABSENT) if before else ABSENT
        yield Place(f"{place.path}[{number}]", item, old)


def list_key(schema: Schema, item: Any) -> str:
    if schema.list_type == "map" and isinstance(item, dict):
        item = {key: item.get(key) for key in schema.list_keys}
    return json.dumps(item, sort_keys=True)


def _check_unique(schema: Schema, place: Place) -> Iterator[Cause]:
    if schema.list_type not in ("set", "map"):
        return
    seen: set[str] = set()
    for number, item in enumerate(place.value):
        key = list_key(schema, item)
        if key in seen:
            yield duplicate(f"{place.path}[{number}]", json.loads(key))
        seen.add(key)


def _wrong_type(schema: Schema, place: Place) -> Cause | None:
    found = type_name(place.value)
    if schema.int_or_string:
        return None if found in ("integer", "string") else _type_cause(place, "integer,string", found)
    if not schema.type or schema.type == found or (schema.type == "number" and found == "integer"):
        return None
    return _type_cause(place, schema.type, found)


def _type_cause(place: Place, wanted: str, found: str) -> Cause:
    detail = f'{place.path} in body must be of type {wanted}: "{found}"'
    return Cause(place.path, "FieldValueTypeInvalid", f'Invalid value: "{found}": {detail}')


def type_name(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    names = {int: "integer", str: "string", dict: "object", list: "array"}
    return names[type(value)]


def _check_words(raw: Any, place: Place) -> Iterator[Cause]:
    words = raw.get("enum")
    if words is not None and not any(_same(word, place.value) for word in words):
        shown = [word if isinstance(word, str) else json.dumps(word) for word in words]
        yield unsupported_value(place.path, place.value, shown)


def _same(word: Any, value: Any) -> bool:
    return isinstance(word, bool) == isinstance(value, bool) and bool(word == value)


def _check_plain(raw: Any, place: Place) -> Iterator[Cause]:
    value = place.value
    yield from _check_words(raw, place)
    if isinstance(value, str):
        yield from _check_string(raw, place)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _check_number(raw, place)


def _check_string(raw: Any, place: Place) -> Iterator[Cause]:
    path, text = place.path, place.value
    if "maxLength" in raw and len(text) > raw["maxLength"]:
        yield Cause(path, "FieldValueTooLong", f"Too long: may not be more than {raw['maxLength']} bytes")
    if "minLength" in raw and len(text) < raw["minLength"]:
        yield invalid_value(path, text, f"{path} in body should be at least {raw['minLength']} chars long")
    if "pattern" in raw and compile_pattern(raw["pattern"]).search(text) is None:
        yield invalid_value(path, text, f"{path} in body should match '{raw['pattern']}'")
    if not string_fits(raw.get("format", ""), text):
        detail = f'{path} in body must be of type {raw["format"]}: "{text}"'
        yield Cause(path, "FieldValueTypeInvalid", f'Invalid value: "{text}": {detail}')


def _check_number(raw: Any, place: Place) -> Iterator[Cause]:
    path, number = place.path, place.value
    low, high, step = raw.get("minimum"), raw.get("maximum"), raw.get("multipleOf")
    if high is not None and (number > high or (raw.get("exclusiveMaximum") and number == high)):
        words = "less than" if raw.get("exclusiveMaximum") else "less than or equal to"
        yield invalid_value(path, number, f"{path} in body should be {words} {_number(high)}")
    if low is not None and (number < low or (raw.get("exclusiveMinimum") and number == low)):
        words = "greater than" if raw.get("exclusiveMinimum") else "greater than or equal to"
        yield invalid_value(path, number, f"{path} in body should be {words} {_number(low)}")
    if step is not None and number / step != number // step:
        yield invalid_value(path, number, f"{path} in body should be a multiple of {_number(step)}")
    if not integer_fits(raw.get("format", ""), number):
        yield _whole(f"Checked value must be of type integer with format {raw['format']} in {path}")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)


def _check_size(raw: Any, place: Place, suffix: str, words: str) -> Iterator[Cause]:
    count, path = len(place.value), place.path
    most, least = raw.get(f"max{suffix}"), raw.get(f"min{suffix}")
    if most is not None and count > most:
        yield Cause(path, "FieldValueTooMany", f"Too many: {count}: must have at most {most} items")
    if least is not None and count < least:
        yield invalid_value(path, count, f"{path} in body should have at least {least} {words}")


def _check_junctors(schema: Schema, place: Place) -> Iterator[Cause]:
    """``allOf`` and its kin say more of a value that has the right type."""
    path = f'"{place.path}"'
    failed = [list(check_value(each, Place(place.path, place.value))) for each in schema.all_of]
    if any(failed):
        end = "" if not all(failed) else ". None validated"
        yield _whole(f"{path} must validate all the schemas (allOf){end}")
    for causes in failed:
        yield from causes
    if schema.any_of and not any(_fits(each, place) for each in schema.any_of):
        yield _whole(f"{path} must validate at least one schema (anyOf)")
        yield from _nearest(schema.any_of, place)
    if schema.one_of:
        count = sum(_fits(each, place) for each in schema.one_of)
        if count > 1:
            found = f"Found {count} valid alternatives"
            yield _whole(f"{path} must validate one and only one schema (oneOf). {found}")
        elif count == 0:
            yield _whole(f"{path} must validate one and only one schema (oneOf). Found none valid")
            yield from _nearest(schema.one_of, place)
    if schema.negated is not None and _fits(schema.negated, place):
        yield _whole(f"{path} must not validate the schema (not)")


def _nearest(alternatives: tuple[Schema, ...], place: Place) -> list[Cause]:
    """What is wrong by the alternative that is nearest to fit."""
    found = [list(check_value(each, Place(place.path, place.value))) for each in alternatives]
    return min(found, key=len)


def _fits(schema: Schema, place: Place) -> bool:
    return next(check_value(schema, Place(place.path, place.value)), None) is None


def _whole(detail: str) -> Cause:
    return invalid_value(NOWHERE, "", detail)


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Go's syntax is nearly Python's; its ``$`` is the very end of the text. Raises re.error."""
    text, in_class, escaped = "", False, False
    for char in pattern:
        if escaped:
            text += "Z" if char == "z" else char
        elif char == "$" and not in_class:
            text += r"\Z"
        else:
            text += char
        in_class = (not escaped and (char == "[" or (in_class and char != "]"))) or (escaped and in_class)
        escaped = not escaped and char == "\\"
    return re.compile(text, re.ASCII)
