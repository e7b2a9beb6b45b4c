"""Questions that every controller asks of Kubernetes objects. Pure."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from trireme.sandbox.store.interface import Key, Object


def timestamp(moment: datetime) -> str:
    """RFC 3339 in whole seconds of UTC, as metav1.Time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def name_of(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def namespace_of(obj: Object) -> str:
    return str(obj["metadata"].get("namespace", ""))


def uid_of(obj: Object) -> str:
    return str(obj["metadata"].get("uid", ""))


def labels_of(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def spec_of(obj: Object) -> dict[str, Any]:
    return obj.get("spec") or {}


def status_of(obj: Object) -> dict[str, Any]:
    return obj.get("status") or {}


def key_of(group: str, resource: str, obj: Object) -> Key:
    return Key(group, resource, namespace_of(obj), name_of(obj))


def terminating(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def keep(obj: Object, field: str, wanted: Callable[[Any], bool]) -> None:
    """Keep the wanted items of a list in the metadata, in place; an empty list is left out, as the real server does."""
    items = [each for each in obj["metadata"].pop(field, None) or () if wanted(each)]
    if items:
        obj["metadata"][field] = items


def digest(value: Any, length: int = 10) -> str:
    """A stable short name for a JSON value; safe in a label and in a DNS name."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:length]


def owner_reference(owner: Object) -> Object:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: Object) -> Object | None:
    """The owner reference that is marked as controller."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return dict(reference)
    return None


def controlled_by(obj: Object, owner: Object) -> bool:
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == uid_of(owner)


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """A metav1.LabelSelector; None selects nothing, an empty one everything."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    return all(_holds(requirement, labels) for requirement in selector.get("matchExpressions") or ())


def _holds(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    name, values = requirement["key"], requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return labels.get(name) in values
        case "NotIn":
            return labels.get(name) not in values
        case "Exists":
            return name in labels
        case "DoesNotExist":
            return name not in labels
        case operator:
            raise ValueError(
                f"label selector operator {operator!r}: expected In, NotIn, Exists or DoesNotExist"
            )


def portion(value: int | str | None, whole: int, *, default: int, round_up: bool) -> int:
    """An IntOrString such as ``maxUnavailable``: a count, or a percentage of ``whole``."""
    if value is None:
        return default
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        return int(value)
    share = int(value[:-1]) * whole
    return -(-share // 100) if round_up else share // 100


def condition(obj: Object, type_: str) -> Object | None:
    for found in status_of(obj).get("conditions") or ():
        if found.get("type") == type_:
            return dict(found)
    return None


def phase_of(pod: Object) -> str:
    return str(status_of(pod).get("phase", "Pending"))


def finished(pod: Object) -> bool:
    return phase_of(pod) in ("Succeeded", "Failed")


def ready(pod: Object) -> bool:
    """Running, and its Ready condition is True."""
    found = condition(pod, "Ready")
    return phase_of(pod) == "Running" and found is not None and found.get("status") == "True"


def seconds_until_available(pod: Object, min_ready_seconds: int, now: datetime) -> float | None:
    """0 when available; None when only readiness can change that."""
    found = condition(pod, "Ready")
    if not ready(pod) or found is None:
        return None
    if not min_ready_seconds:
        return 0.0
    since = moment_of(found.get("lastTransitionTime") or timestamp(now))
    return max(0.0, min_ready_seconds - (now - since).total_seconds())


def available(pod: Object, min_ready_seconds: int, now: datetime) -> bool:
    return seconds_until_available(pod, min_ready_seconds, now) == 0.0
