"""Columns of what runs pods: StatefulSets, Deployments, ReplicaSets, Jobs, and what guards them."""

from datetime import UTC, datetime

from trireme.sandbox.apiserver.tables.cells import (
    AGE,
    CONTAINERS,
    IMAGES,
    NAME,
    NONE,
    Column,
    dig,
    duration,
    field,
    parse_time,
    selector_text,
)
from trireme.sandbox.store.interface import Object


def _ready(obj: Object) -> str:
    return f"{dig(obj, 'status.readyReplicas', 0)}/{dig(obj, 'spec.replicas', 0)}"


def _selector(obj: Object) -> str:
    return selector_text(dig(obj, "spec.selector"))


def _job_status(job: Object) -> str:
    true = {each["type"] for each in dig(job, "status.conditions", []) if each["status"] == "True"}
    for condition in ("Complete", "Failed"):
        if condition in true:
            return condition
    if "deletionTimestamp" in job["metadata"]:
        return "Terminating"
    return next(
        (each for each in ("Suspended", "FailureTarget", "SuccessCriteriaMet") if each in true), "Running"
    )


def _completions(job: Object) -> str:
    done = dig(job, "status.succeeded", 0)
    wanted = dig(job, "spec.completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallel = dig(job, "spec.parallelism", 1)
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _job_duration(job: Object) -> str:
    start = parse_time(dig(job, "status.startTime"))
    if start is None:
        return ""
    end = parse_time(dig(job, "status.completionTime")) or datetime.now(UTC)
    return duration((end - start).total_seconds())


def _revision_owner(revision: Object) -> str:
    for owner in revision["metadata"].get("ownerReferences", ()):
        if owner.get("controller"):
            group = owner["apiVersion"].rpartition("/")[0]
            kind = owner["kind"].lower()
            return f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"
    return NONE


def _count(path: str) -> Column:
    title = {"spec.replicas": "Desired", "status.replicas": "Current", "status.readyReplicas": "Ready"}[path]
    return Column(title, field(path, 0), type="integer")


STATEFULSET = (NAME, Column("Ready", _ready), AGE, CONTAINERS, IMAGES)
DEPLOYMENT = (
    NAME,
    Column("Ready", _ready),
    Column("Up-to-date", field("status.updatedReplicas", 0)),
    Column("Available", field("status.availableReplicas", 0)),
    AGE,
    CONTAINERS,
    IMAGES,
    Column("Selector", _selector, wide=True),
)
REPLICASET = (
    NAME,
    _count("spec.replicas"),
    _count("status.replicas"),
    _count("status.readyReplicas"),
    AGE,
    CONTAINERS,
    IMAGES,
    Column("Selector", _selector, wide=True),
)
JOB = (
    NAME,
    Column("Status", _job_status),
    Column("Completions", _completions),
    Column("Duration", _job_duration),
    AGE,
    CONTAINERS,
    IMAGES,
    Column("Selector", _selector, wide=True),
)
CONTROLLER_REVISION = (
    NAME,
    Column("Controller", _revision_owner),
    Column("Revision", field("revision", 0)),
    AGE,
)
DISRUPTION_BUDGET = (
    NAME,
    Column("Min Available", lambda pdb: str(dig(pdb, "spec.minAvailable", "N/A"))),
    Column("Max Unavailable", lambda pdb: str(dig(pdb, "spec.maxUnavailable", "N/A"))),
    Column("Allowed Disruptions", field("status.disruptionsAllowed", 0), type="integer"),
    AGE,
)
