"""A rule that no single field can express, said twice: as CEL for the API server, as Python for everybody else.

Both stand side by side so that they can be read together; a test feeds both the same objects.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Change(StrEnum):
    """What a change of a field does to a running cluster. The words of the reference documentation."""

    IMMUTABLE = "It cannot be changed."
    ROLLING = "A change restarts the members, one at a time, the writer last (`updateStrategy`)."
    LIVE = "A change takes effect without restarting a member."
    SCALE = "A change adds or removes members and restarts none of the others."
    CLIENTS = "A change takes effect at once; clients may have to connect again."
    GROW = "It can only grow; members keep running where the storage class allows that."
    LATER = "A change takes effect when it is next needed."
    ONCE = "Each new value is acted upon once."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``cel`` and ``holds`` say the same of one object (``self``); ``field`` is the one to blame."""

    field: str
    cel: str
    message: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """The same of a change from ``oldSelf`` to ``self``; ``holds(old, new)``."""

    field: str
    cel: str
    message: str
    holds: Callable[[Any, Any], bool]


def immutable(field: str, cel_field: str, why: str) -> Transition:
    """A rule for an optional field: neither set, changed nor removed once the object exists."""
    return Transition(
        field=cel_field,
        cel=(
            f"has(self.{cel_field}) == has(oldSelf.{cel_field}) && "
            f"(!has(self.{cel_field}) || self.{cel_field} == oldSelf.{cel_field})"
        ),
        message=f"{cel_field} cannot be changed: {why}",
        holds=lambda old, new: getattr(old, field) == getattr(new, field),
    )
