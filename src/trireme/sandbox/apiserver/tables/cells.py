"""Cells that several kinds share, worded as Kubernetes words them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from trireme.sandbox.store.interface import Object

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"
SHOWN_ITEMS = 3

MINUTE, HOUR, DAY = 60, 3600, 86400
YEAR = 365 * DAY

CellType = Literal["string", "integer", "boolean", "date", "number"]


@dataclass(frozen=True, slots=True)
class Column:
    """``wide`` columns, and those of a priority above 0, show with -o wide only. ``cell`` gets the object."""

    name: str
    cell: Callable[[Object], Any]
    wide: bool = False
    type: CellType = "string"
    format: str = ""
    priority: int = 0
    description: str = ""


def dig(obj: Mapping[str, Any], path: str, default: Any = None) -> Any:
    """The value at a dotted path; ``default`` where any step is absent or null."""
    value: Any = obj
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
        if value is None:
            return default
    return value


def field(path: str, default: Any = "") -> Callable[[Object], Any]:
    return lambda obj: dig(obj, path, default)


def name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def age(obj: Object) -> str:
    return since(dig(obj, "metadata.creationTimestamp"))


def since(timestamp: str | None) -> str:
    moment = parse_time(timestamp)
    return UNKNOWN if moment is None else duration((datetime.now(UTC) - moment).total_seconds())


def parse_time(timestamp: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(timestamp) if timestamp else None
    except ValueError:
        return None


def duration(seconds: float) -> str:
    """Two units at most, the second one only while it matters: 45s, 3m20s, 15m, 5h12m, 2d3h, 40d, 2y30d."""
    total = int(seconds)
    if total < 0:
        return "0s" if total >= -1 else "<invalid>"
    for below, unit, small, shown in STEPS:
        if total < below:
            rest = total % unit // small if shown else 0
            whole = f"{total // unit}{LETTERS[unit]}"
            return f"{whole}{rest}{LETTERS[small]}" if rest else whole
    years, days = divmod(total // DAY, 365)
    return f"{years}y" if years >= 8 or not days else f"{years}y{days}d"


LETTERS = {1: "s", MINUTE: "m", HOUR: "h", DAY: "d", YEAR: "y"}
STEPS = (
    (2 * MINUTE, 1, 1, False),
    (10 * MINUTE, MINUTE, 1, True),
    (3 * HOUR, MINUTE, 1, False),
    (8 * HOUR, HOUR, MINUTE, True),
    (2 * DAY, HOUR, 1, False),
    (8 * DAY, DAY, HOUR, True),
    (2 * YEAR, DAY, 1, False),
)


def joined(items: Iterable[str], empty: str = NONE) -> str:
    return ",".join(items) or empty


def first_few(items: list[str]) -> str:
    """Three of them, and how many more there are."""
    if not items:
        return NONE
    text = ",".join(items[:SHOWN_ITEMS])
    more = len(items) - SHOWN_ITEMS
    return f"{text} + {more} more..." if more > 0 else text


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A LabelSelector as ``-l`` would take it."""
    if not selector:
        return NONE
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for row in selector.get("matchExpressions") or ():
        values = ",".join(sorted(row.get("values") or ()))
        match row["operator"]:
            case "In":
                terms.append(f"{row['key']} in ({values})")
            case "NotIn":
                terms.append(f"{row['key']} notin ({values})")
            case "Exists":
                terms.append(row["key"])
            case _:
                terms.append(f"!{row['key']}")
    return joined(terms)


def containers(obj: Object) -> str:
    return joined(each["name"] for each in dig(obj, "spec.template.spec.containers", ()))


def images(obj: Object) -> str:
    return joined(each.get("image", "") for each in dig(obj, "spec.template.spec.containers", ()))


NAME = Column("Name", name, format="name")
AGE = Column("Age", age)
CONTAINERS = Column("Containers", containers, wide=True)
IMAGES = Column("Images", images, wide=True)
