"""ControllerRevisions: the history of a pod template, named by its content. Pure."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trireme.sandbox.controllers.objects import (
    digest,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    status_of,
    uid_of,
)
from trireme.sandbox.controllers.writes import Create, Delete, Replace, Write
from trireme.sandbox.store.interface import Object

REVISION_LABEL = "controller-revision-hash"


@dataclass(frozen=True, slots=True)
class Revisions:
    """``current`` is what pods had before the update that is going on, ``update`` what they are to have."""

    current: str
    update: str
    templates: dict[str, Object]
    writes: tuple[Write, ...]


def revise(workload: Object, known: Sequence[Object], pods: Sequence[Object]) -> Revisions:
    """Find or make the revision of the workload's template; drop history beyond ``revisionHistoryLimit``."""
    template = workload["spec"]["template"]
    update = f"{name_of(workload)}-{digest(template)}"
    by_name = {name_of(revision): revision for revision in known}
    newest = max((revision["revision"] for revision in known), default=0)
    writes: list[Write] = []
    found = by_name.get(update)
    if found is None:
        writes.append(Create("apps", "controllerrevisions", _revision(workload, update, newest + 1)))
    elif found["revision"] < newest:
        rolled_back = copy.deepcopy(found)
        rolled_back["revision"] = newest + 1
        writes.append(Replace("apps", "controllerrevisions", rolled_back))
    templates = {name: revision["data"]["spec"]["template"] for name, revision in by_name.items()}
    templates[update] = template
    current = status_of(workload).get("currentRevision") or update
    if current not in templates:
        current = update
    live = {current, update} | {labels_of(pod).get(REVISION_LABEL, "") for pod in pods}
    writes += _trim(workload, known, live)
    return Revisions(current, update, templates, tuple(writes))


def _revision(workload: Object, name: str, number: int) -> Object:
    template: dict[str, Any] = {"$patch": "replace", **workload["spec"]["template"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name,
            "namespace": namespace_of(workload),
            "labels": {
                **(workload["spec"]["selector"].get("matchLabels") or {}),
                REVISION_LABEL: name,
            },
            "ownerReferences": [owner_reference(workload)],
        },
        "data": {"spec": {"template": template}},
        "revision": number,
    }


def _trim(workload: Object, known: Sequence[Object], live: set[str]) -> list[Write]:
    limit = workload["spec"].get("revisionHistoryLimit", 10)
    history = sorted(
        (revision for revision in known if name_of(revision) not in live),
        key=lambda each: int(each["revision"]),
    )
    surplus = history[: max(0, len(history) - limit)]
    return [Delete(key_of("apps", "controllerrevisions", each), uid_of(each)) for each in surplus]
