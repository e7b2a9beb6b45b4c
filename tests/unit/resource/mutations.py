"""Every field of the schema changed to valid and invalid values, from the schema itself."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]

EXAMPLES: dict[str, tuple[Any, ...]] = {
    "myCnf": ("[mariadbd]\nmax_connections = 77\n", ""),
    "mountPath": ("/srv/sidecar",),
    "after": ("90s", "1h30m", "168h"),
    "size": ("128Mi", "11Gi", "1.5Ti"),
    "requests": ({"cpu": "500m"}, {"memory": 536870912}),
    "limits": ({"memory": "2Gi", "cpu": 1}, {"cpu": "1.5"}),
    "providerOptions": ({"gcache.size": "1G"}, {"evs.send_window": "512"}),
    "labels": ({"team": "shop"},),
    "annotations": ({"example.org/cost": "12"},),
    "nodeSelector": ({"disk": "ssd"},),
    "loadBalancerSourceRanges": (["10.0.0.0/8", "fd00::/8"],),
}
"""Valid values for what a pattern alone does not tell, by the field's name."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """``spec`` is the whole spec with one field changed; ``fits`` is False where the field's own schema forbids it."""

    path: Path
    value: Any
    fits: bool
    spec: dict[str, Any]

    def __str__(self) -> str:
        shown = repr(self.value)
        return f"{'.'.join(map(str, self.path))}={shown if len(shown) < 60 else shown[:57] + '...'}"


def mutations(schema: Schema, base: dict[str, Any]) -> Iterator[Mutation]:
    """Changes of ``base``, one at a time, that together touch every field of ``schema``."""
    yield from _of_object(schema, (), base)


def _of_object(schema: Schema, path: Path, base: dict[str, Any]) -> Iterator[Mutation]:
    if "x-kubernetes-preserve-unknown-fields" not in schema:
        yield _mutation((*path, "noSuchField"), 1, False, base)
    for name, field in schema["properties"].items():
        here = (*path, name)
        for value in valid(name, field):
            yield _mutation(here, value, True, base)
        for value in invalid(field):
            yield _mutation(here, value, False, base)
        if "properties" in field:
            yield from _of_object(field, here, _with(base, here, sample(name, field)))
        elif "properties" in field.get("items", {}):
            item = sample(name, field["items"])
            yield _mutation(here, [item, item], "x-kubernetes-list-map-keys" not in field, base)
            yield from _of_object(field["items"], (*here, 0), _with(base, here, [item]))


def _mutation(path: Path, value: Any, fits: bool, base: dict[str, Any]) -> Mutation:
    return Mutation(path, value, fits, _with(base, path, value, merge=False))


def _with(base: dict[str, Any], path: Path, value: Any, *, merge: bool = True) -> dict[str, Any]:
    """``base`` with ``value`` at ``path``; an object that is there already keeps its fields with ``merge``."""
    changed = copy.deepcopy(base)
    place: Any = changed
    for step in path[:-1]:
        place = place[step] if isinstance(step, int) else place.setdefault(step, {})
    last = path[-1]
    if merge and isinstance(value, dict) and isinstance(place, dict) and isinstance(place.get(last), dict):
        value = value | place[last]
    place[last] = value
    return changed


def sample(name: str, schema: Schema) -> Any:
    """One valid value; of an object, only what is required."""
    return next(iter(valid(name, schema)))


def valid(name: str, schema: Schema) -> Iterator[Any]:
    """Some values that the field's own schema allows, the bounds among them."""
    if name in EXAMPLES:
        yield from EXAMPLES[name]
    elif "enum" in schema:
        yield from schema["enum"]
    elif schema.get("x-kubernetes-int-or-string"):
        yield from (1, "1Gi")
    elif schema["type"] == "boolean":
        yield from (False, True)
    elif schema["type"] == "integer":
        low, high = schema.get("minimum", 0), schema.get("maximum", 2**31)
        yield from (low, high, (low + high) // 2)
    elif schema["type"] == "string":
        yield from ("x" * schema.get("minLength", 1), "abc")
        if "pattern" not in schema:
            yield "é " * (schema["maxLength"] // 2)
    elif schema["type"] == "array":
        yield from ([sample(name, schema["items"])], [])
    elif "properties" in schema:
        required = schema.get("required", ())
        yield {each: sample(each, schema["properties"][each]) for each in required}
    else:
        yield (
            {} if "additionalProperties" not in schema else {"a": sample("", schema["additionalProperties"])}
        )


def invalid(schema: Schema) -> Iterator[Any]:
    """Values that the field's own schema forbids: of another type, out of bounds, too long, too many."""
    if schema.get("x-kubernetes-int-or-string"):
        yield from (True, -1, "1Q", [], 1.5)
    elif "enum" in schema:
        yield from ("NoSuchValue", 7)
    elif schema["type"] == "boolean":
        yield from ("true", 1, [])
    elif schema["type"] == "integer":
        yield from ("1", True, 1.5)
        if "minimum" in schema:
            yield schema["minimum"] - 1
        if "maximum" in schema:
            yield schema["maximum"] + 1
    elif schema["type"] == "string":
        yield from (7, True, {}, "a" * (schema["maxLength"] + 1))
        if "pattern" in schema:
            yield "\n\\;"
    elif schema["type"] == "array":
        yield from ("text", {}, [7], [{"a": 1}] * (schema["maxItems"] + 1))
    elif "properties" in schema:
        yield from ("text", [], 7)
    elif "additionalProperties" in schema:
        yield from ("text", {"a": []}, {f"k{n}": "v" for n in range(schema["maxProperties"] + 1)})
    else:
        yield from ("text", [], 7)
