"""The Job controller: runs pods until enough have succeeded, or too many have failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from trireme.sandbox.controllers.events import Clock, Recorder
from trireme.sandbox.controllers.objects import (
    condition,
    controlled_by,
    key_of,
    moment_of,
    name_of,
    phase_of,
    ready,
    spec_of,
    status_of,
    terminating,
    timestamp,
    uid_of,
)
from trireme.sandbox.controllers.pods import pod_of
from trireme.sandbox.controllers.runner import Names, Resource, controllers_key, itself
from trireme.sandbox.controllers.writes import Create, Delete, Emit, SetStatus, Write, apply
from trireme.sandbox.store.interface import Key, NotFoundError, Object, Store

FIRST_BACKOFF_SECONDS = 10
LAST_BACKOFF_SECONDS = 600
DEFAULT_BACKOFF_LIMIT = 6


@dataclass(frozen=True, slots=True)
class JobPlan:
    writes: tuple[Write, ...]
    look_again: float | None = None


def plan_job(job: Object, pods: Sequence[Object], now: datetime) -> JobPlan:
    """``pods`` are those that it controls."""
    if terminating(job):
        return JobPlan(())
    if _over(job):
        return _expire(job, now)
    succeeded = sum(phase_of(pod) == "Succeeded" for pod in pods)
    failed = [pod for pod in pods if phase_of(pod) == "Failed"]
    failures = len(failed) + sum(_restarts(pod) for pod in pods if phase_of(pod) == "Running")
    completions = spec_of(job).get("completions")
    active = [pod for pod in pods if phase_of(pod) not in ("Succeeded", "Failed") and not terminating(pod)]
    done = succeeded >= (completions or 1) and (completions is not None or not active)
    left = _seconds_left(job, now)
    reason = _failure(job, failures, left)
    if done or reason:
        ended = "Failed" if reason else "Complete"
        return JobPlan((*_delete(active), *_end(job, pods, ended, reason, now)))
    wait = _backoff(failed, now)
    parallelism = 0 if spec_of(job).get("suspend") else spec_of(job).get("parallelism", 1)
    if completions is not None:
        parallelism = min(parallelism, completions - succeeded)
    elif succeeded:
        parallelism = 0
    missing = parallelism - len(active)
    writes: list[Write] = _delete(active[missing:]) if missing < 0 else []
    if missing > 0 and not wait:
        writes += [write for _ in range(missing) for write in _create(job)]
    status = _status(job, pods, now)
    waits = [each for each in (wait, left) if each]
    return JobPlan((*writes, SetStatus(key_of("batch", "jobs", job), status)), min(waits, default=None))


def _over(job: Object) -> bool:
    return any((condition(job, each) or {}).get("status") == "True" for each in ("Complete", "Failed"))


def _expire(job: Object, now: datetime) -> JobPlan:
    ttl = spec_of(job).get("ttlSecondsAfterFinished")
    ended = condition(job, "Complete") or condition(job, "Failed") or {}
    if ttl is None:
        return JobPlan(())
    left = ttl - (now - moment_of(ended["lastTransitionTime"])).total_seconds()
    if left > 0:
        return JobPlan((), left)
    return JobPlan((Delete(key_of("batch", "jobs", job), uid_of(job)),))


def _restarts(pod: Object) -> int:
    return sum(int(each.get("restartCount", 0)) for each in status_of(pod).get("containerStatuses") or ())


def _seconds_left(job: Object, now: datetime) -> float | None:
    deadline, start = spec_of(job).get("activeDeadlineSeconds"), status_of(job).get("startTime")
    if deadline is None or start is None:
        return None
    return max(0.0, float(deadline) - (now - moment_of(start)).total_seconds())


def _failure(job: Object, failures: int, left: float | None) -> tuple[str, str] | None:
    if left == 0:
        return "DeadlineExceeded", "Job was active longer than specified deadline"
    if failures > spec_of(job).get("backoffLimit", DEFAULT_BACKOFF_LIMIT):
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    return None


def _backoff(failed: Sequence[Object], now: datetime) -> float:
    """Seconds until the next pod may be made: 10 after the first failure, doubling up to 600."""
    if not failed:
        return 0.0
    wait = float(min(LAST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS << min(len(failed) - 1, 10)))
    last = max(moment_of(_ended_at(pod)) for pod in failed)
    return max(0.0, wait - (now - last).total_seconds())


def _ended_at(pod: Object) -> str:
    states = [each.get("state") or {} for each in status_of(pod).get("containerStatuses") or ()]
    times = [state["terminated"].get("finishedAt") for state in states if state.get("terminated")]
    ended = [str(time) for time in times if time]
    return max(ended) if ended else str(pod["metadata"]["creationTimestamp"])


def _create(job: Object) -> list[Write]:
    pod = pod_of(spec_of(job)["template"], job)
    pod["metadata"]["generateName"] = f"{name_of(job)}-"
    pod["metadata"]["labels"] |= {
        "batch.kubernetes.io/controller-uid": uid_of(job),
        "batch.kubernetes.io/job-name": name_of(job),
        "controller-uid": uid_of(job),
        "job-name": name_of(job),
    }
    return [Create("", "pods", pod), Emit(job, "Normal", "SuccessfulCreate", "Created pod")]


def _delete(pods: Sequence[Object]) -> list[Write]:
    return [Delete(key_of("", "pods", pod), uid_of(pod)) for pod in pods]


def _end(
    job: Object, pods: Sequence[Object], ended: str, reason: tuple[str, str] | None, now: datetime
) -> list[Write]:
    state: Object = {"type": ended, "status": "True", "lastTransitionTime": timestamp(now)}
    status = _status(job, pods, now)
    status.pop("active", None)
    if reason is None:
        status["completionTime"] = timestamp(now)
        said = Emit(job, "Normal", "Completed", "Job completed")
    else:
        state |= {"reason": reason[0], "message": reason[1]}
        said = Emit(job, "Warning", reason[0], reason[1])
    status["conditions"] = [*(status.get("conditions") or ()), state]
    return [SetStatus(key_of("batch", "jobs", job), status), said]


def _status(job: Object, pods: Sequence[Object], now: datetime) -> Object:
    phases = [phase_of(pod) for pod in pods]
    counts = {
        "active": sum(phase not in ("Succeeded", "Failed") for phase in phases),
        "ready": sum(ready(pod) for pod in pods),
        "succeeded": phases.count("Succeeded"),
        "failed": phases.count("Failed"),
    }
    kept = {field: status_of(job)[field] for field in ("conditions",) if field in status_of(job)}
    start = status_of(job).get("startTime") or timestamp(now)
    return {"startTime": start, **kept, **{name: count for name, count in counts.items() if count}}


class JobController:
    name = "job"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recorder = Recorder(store, "job-controller", clock)

    def sources(self) -> Mapping[Resource, Names]:
        return {("batch", "jobs"): itself, ("", "pods"): controllers_key("batch", "jobs", "Job")}

    async def reconcile(self, key: Key) -> float | None:
        try:
            job = self._store.get(key)
        except NotFoundError:
            return None
        if spec_of(job).get("completionMode", "NonIndexed") != "NonIndexed":
            message = "completionMode Indexed is not emulated by the sandbox: use NonIndexed"
            apply(self._store, self._recorder, [Emit(job, "Warning", "NotEmulated", message)])
            return None
        pods = [pod for pod in self._store.list("", "pods", key.namespace) if controlled_by(pod, job)]
        decided = plan_job(job, pods, self._clock())
        apply(self._store, self._recorder, decided.writes)
        return decided.look_again
