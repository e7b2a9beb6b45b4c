"""Changes of a spec for a living cluster: several fields at once where they do not disturb each other. Pure.

The values come from the schema; where a value needs company to be of any use, it is written down here.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from tests.unit.resource.mutations import Mutation, Path, mutations
from trireme.api.resource import (
    GaleraCluster,
    GaleraClusterSpec,
    InvalidClusterError,
    check_change,
    read_cluster,
)
from trireme.base.errors import PermanentError
from trireme.manifests.cluster import Manifests, Options, manifests
from trireme.manifests.crd.schema import structural

IMAGE = "trireme/trireme"
BASE: dict[str, Any] = {
    "image": IMAGE,
    "storage": {"size": "1Gi"},
    "updateStrategy": {"type": "RollingUpdate", "progressDeadlineSeconds": 60},
}
"""The image is named: what members last ran together stays when it is taken out."""
MOST_AT_ONCE = 16
OTHERS = "another-secret"
"""A Secret with the keys ``root`` and ``app``, which the test makes."""
SCHEMA: Mapping[str, Any] = structural(GaleraClusterSpec)

ELSEWHERE = frozenset({("storage", "size"), ("storage", "storageClassName"), ("username",), ("database",)})
"""Cannot be changed back, or not at all: tests/servers/test_operator_*.py and tests/unit/resource look at them."""


class Reach(StrEnum):
    """Whom a change concerns."""

    NOBODY = "nobody"
    """What was the default is written down."""
    OBJECTS = "objects"
    """Objects of Kubernetes, or only the operator; no pod is restarted."""
    MEMBERS = "members"
    """Every member is restarted."""
    REFUSED = "refused"
    """Nothing is applied."""


@dataclass(frozen=True, slots=True)
class Change:
    """Values for some fields."""

    values: tuple[tuple[Path, Any], ...]
    company: tuple[dict[str, Any], ...]
    """Of each value, what must be in the spec beside it: its parents, as the schema wants them."""

    @property
    def spec(self) -> dict[str, Any]:
        made = copy.deepcopy(BASE)
        for each in self.company:
            _lay(made, each)
        for path, value in self.values:
            _put(made, path, value)
        return made

    @property
    def whole(self) -> bool:
        """No value has taken another's place."""
        try:
            spec = self.spec
        except (KeyError, IndexError):
            return False
        return all(_at(spec, path) == value for path, value in self.values)

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(path for path, _ in self.values)

    def __add__(self, other: "Change") -> "Change":
        return Change(self.values + other.values, self.company + other.company)

    def halves(self) -> Iterator["Change"]:
        middle = len(self.values) // 2
        yield Change(self.values[:middle], self.company[:middle])
        yield Change(self.values[middle:], self.company[middle:])

    def __str__(self) -> str:
        names = [".".join(map(str, path)) for path in self.paths]
        return names[0] if len(names) == 1 else f"{names[0]}+{len(names) - 1}"

    @property
    def names(self) -> str:
        return ", ".join(f"{'.'.join(map(str, path))}={value!r:.60}" for path, value in self.values)


@dataclass(frozen=True, slots=True)
class Stops:
    """A change that is refused, or stops at the first member, and what is then said."""

    change: Change
    words: str


def declared(spec: Mapping[str, Any]) -> GaleraCluster:
    return read_cluster({"metadata": {"name": "demo", "namespace": "d", "uid": "u"}, "spec": spec})


def built(spec: Mapping[str, Any]) -> Manifests:
    return manifests(declared(spec), Options(image=IMAGE))


def reach(spec: Mapping[str, Any]) -> Reach:
    """Raises nothing: what cannot be built is refused."""
    try:
        one, other = built(BASE), built(spec)
    except PermanentError:
        return Reach.REFUSED
    if one.restart_hash != other.restart_hash or one.variables != other.variables:
        return Reach.MEMBERS
    dumped = declared(spec).spec.model_dump() != declared(BASE).spec.model_dump()
    return Reach.OBJECTS if one != other or dumped else Reach.NOBODY


def fits(spec: Mapping[str, Any]) -> bool:
    """The API server takes it, and takes it back."""
    try:
        changed = declared(spec)
    except InvalidClusterError:
        return False
    return not check_change(declared(BASE), changed) and not check_change(changed, declared(BASE))


def of(**overlay: Any) -> Change:
    """A change that is written down as a spec."""
    return Change(tuple(((name,), value) for name, value in overlay.items()), ({},) * len(overlay))


@cache
def generated() -> list[Change]:
    """A value of each field: one that makes a difference, if there is any."""
    found: dict[Path, tuple[int, Mutation]] = {}
    order = (Reach.REFUSED, Reach.NOBODY, Reach.OBJECTS, Reach.MEMBERS)
    for each in mutations(SCHEMA, BASE):
        if not each.fits or each.spec == BASE or not fits(each.spec):
            continue
        rank = order.index(reach(each.spec))
        if each.path not in found or rank >= found[each.path][0]:
            found[each.path] = rank, each
    return [Change(((each.path, each.value),), (each.spec,)) for _, each in found.values()]


def together(changes: Iterable[Change]) -> list[Change]:
    """As few as possible, each with at most so many fields, all of one reach."""
    groups: list[Change] = []
    for each in changes:
        for index, group in enumerate(groups):
            if _goes(group, each):
                groups[index] = group + each
                break
        else:
            groups.append(each)
    return groups


def _goes(group: Change, other: Change) -> bool:
    both = group + other
    if len(both.values) > MOST_AT_ONCE or not both.whole or not fits(both.spec):
        return False
    return reach(group.spec) is reach(other.spec) is reach(both.spec)


def _lay(place: dict[str, Any], over: Mapping[str, Any]) -> None:
    """``over`` into ``place``: objects are merged, and the items of lists one by one."""
    for key, value in over.items():
        there = place.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            _lay(there, value)
        elif isinstance(there, list) and isinstance(value, list) and there and value:
            for one, other in zip(there, value, strict=False):
                if isinstance(one, dict) and isinstance(other, dict):
                    _lay(one, other)
        else:
            place[key] = copy.deepcopy(value)


def _put(spec: dict[str, Any], path: Path, value: Any) -> None:
    place: Any = spec
    for step in path[:-1]:
        place = place[step] if isinstance(step, int) else place.setdefault(step, {})
    place[path[-1]] = copy.deepcopy(value)


def _at(spec: Any, path: Path) -> Any:
    for step in path:
        try:
            spec = spec[step]
        except (KeyError, IndexError, TypeError):
            return None
    return spec


def fields(schema: Mapping[str, Any] = SCHEMA, path: Path = ()) -> Iterable[Path]:
    """Every field of the schema; of a list, those of its items at 0."""
    for name, field in schema["properties"].items():
        here = (*path, name)
        yield here
        below = field if "properties" in field else field.get("items", {})
        if "properties" in below:
            yield from fields(below, here if below is field else (*here, 0))


def touched(change: Change) -> set[Path]:
    """The fields that have a value by it: its own, those above, and those below."""
    found: set[Path] = set()
    for path, value in change.values:
        found |= {path[:length] for length in range(1, len(path) + 1)}
        found |= set(_below(path, value))
    return {path for path in found if isinstance(path[-1], str)}


def _below(path: Path, value: Any) -> Iterable[Path]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield (*path, key)
            yield from _below((*path, key), each)
    elif isinstance(value, list) and value:
        yield from _below((*path, 0), value[0])
