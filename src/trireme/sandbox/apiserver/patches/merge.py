"""JSON merge patch (RFC 7396)."""

from typing import Any

from trireme.sandbox.store.tree import copy_tree


def merge_patch(target: Any, patch: Any) -> Any:
    """Null removes, objects merge, all else replaces. Neither argument is changed."""
    if not isinstance(patch, dict):
        return copy_tree(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result
