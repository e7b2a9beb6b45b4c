"""JSON trees: copies that share nothing, several times faster than ``copy.deepcopy``."""

from typing import TypeVar

T = TypeVar("T")


def copy_tree(value: T) -> T:
    """A copy of dicts and lists all the way down; strings, numbers, booleans and None are shared."""
    if isinstance(value, dict):
        return {key: copy_tree(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [copy_tree(item) for item in value]  # type: ignore[return-value]
    return value
