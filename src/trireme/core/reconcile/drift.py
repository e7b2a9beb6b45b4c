"""Whether an object still is what was asked for. Others' fields, and the API server's defaults, are no drift."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from trireme.api.names import GROUP
from trireme.core.reconcile.seen import Object, Ref

APPLIED = f"{GROUP}/applied"
"""Annotation: a hash of what was applied. It tells a field that is wanted no more, which no comparison shows."""
MERGE_KEYS = ("name", "mountPath", "containerPort", "topologyKey")


def ref(obj: Object) -> Ref:
    return obj["kind"], obj["metadata"]["name"]


def stamped(obj: Object) -> dict[str, Any]:
    """The object with the hash of itself. The replicas of a StatefulSet change on their own and are left out."""
    spec = {key: value for key, value in (obj.get("spec") or {}).items() if key != "replicas"}
    content = {**obj, "spec": spec} if obj["kind"] == "StatefulSet" else obj
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    metadata = obj["metadata"]
    annotations = {**(metadata.get("annotations") or {}), APPLIED: digest}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}


def stamp(obj: Object) -> str:
    """Of a stamped object; '' of another."""
    return str((obj["metadata"].get("annotations") or {}).get(APPLIED, ""))


def drift(wanted: Object, live: Object) -> str | None:
    """Path of the first thing of ``wanted`` that ``live`` does not have; None where it has all."""
    return _differs(wanted, live, "")


def _differs(wanted: Any, live: Any, path: str) -> str | None:
    if _empty(wanted) and _empty(live):
        return None
    if isinstance(wanted, Mapping):
        if not isinstance(live, Mapping):
            return path
        found = (
            _differs(value, live.get(key), f"{path}.{key}".lstrip("."))
            for key, value in wanted.items()
            if key not in ("status", "stringData")
        )
        return next(filter(None, found), None)
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return _lists(wanted, live, path)
    return None if wanted == live or str(wanted) == str(live) else path


def _lists(wanted: Sequence[Any], live: Any, path: str) -> str | None:
    if not isinstance(live, Sequence) or isinstance(live, str):
        return path
    key = next(
        (k for k in MERGE_KEYS if wanted and all(isinstance(e, Mapping) and k in e for e in wanted)), None
    )
    if key is None or len({str(each[key]) for each in wanted}) < len(wanted):
        if len(wanted) != len(live):
            return path
        pairs = list(zip(wanted, live, strict=True))
    else:
        by_key = {str(each.get(key)): each for each in live if isinstance(each, Mapping)}
        pairs = [(each, by_key.get(str(each[key]))) for each in wanted]
    found = (_differs(one, other, f"{path}[{index}]") for index, (one, other) in enumerate(pairs))
    return next(filter(None, found), None)


def _empty(value: Any) -> bool:
    return value is None or value in ({}, [], "")


def owned(obj: Object, uid: str) -> bool:
    """Whether the cluster with this uid owns the object."""
    references = obj["metadata"].get("ownerReferences") or []
    return any(each.get("uid") == uid for each in references)


def left_behind(obj: Object) -> bool:
    """Applied by an operator, and without an owner: its resource was deleted and left it (``--cascade=orphan``, say)."""
    metadata = obj["metadata"]
    managed = (metadata.get("labels") or {}).get("app.kubernetes.io/managed-by") == "trireme-operator"
    return managed and APPLIED in (metadata.get("annotations") or {}) and not metadata.get("ownerReferences")
