"""One pod's life: a loop that compares what the store asks for with what runs, and takes the next steps."""

import asyncio
import contextlib
import logging
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from trireme.sandbox.controllers.objects import key_of, moment_of, status_of, uid_of
from trireme.sandbox.node.assembly import Volume
from trireme.sandbox.node.context import Context, PodPaths
from trireme.sandbox.node.decide import (
    Action,
    BackOff,
    Finish,
    Remove,
    Start,
    Stop,
    View,
    current_streak,
    decide,
)
from trireme.sandbox.node.launch import NotLaunchedError, launch
from trireme.sandbox.node.restore import containers_of
from trireme.sandbox.node.runtime import Ended, Runtime, StartError
from trireme.sandbox.node.state import Container, Running, Terminated, Waiting
from trireme.sandbox.node.status import Facts, status
from trireme.sandbox.node.stopping import Stopper
from trireme.sandbox.node.tokens import with_token
from trireme.sandbox.node.volumes import VolumeError, Volumes
from trireme.sandbox.store.interface import ConflictError, Key, NotFoundError, Object

log = logging.getLogger(__name__)

DEFAULT_GRACE = 30


class PodWorker:
    """Owns one pod object, by uid, from its binding until nothing of it is left."""

    def __init__(self, context: Context, pod: Object) -> None:
        self._context = context
        self._key = key_of("", "pods", pod)
        self._uid = uid_of(pod)
        self._paths = PodPaths.of(context.settings.directory, pod)
        self._containers = {found.name: found for found in containers_of(pod, context.now())}
        self._running: dict[str, _Execution] = {}
        self._volumes = Volumes(context.store, self._paths.volumes, context.sources(pod))
        self._mounted: dict[str, Volume] | None = None
        self._final = Finish(True) if status_of(pod).get("phase") == "Succeeded" else None
        if status_of(pod).get("phase") == "Failed":
            self._final = Finish(False)
        self._wake = asyncio.Event()
        self._stale = False
        self._leave_by: float | None = None
        self._gone = False

    @property
    def namespace(self) -> str:
        return self._key.namespace

    def wake(self) -> None:
        """Something about the pod object has changed."""
        self._wake.set()

    def refresh(self) -> None:
        """A ConfigMap or Secret of the pod's namespace has changed."""
        self._stale = True
        self._wake.set()

    def leave(self, grace: float) -> None:
        """Stop everything in order within ``grace`` seconds and end, but keep the pod: the sandbox goes down."""
        self._leave_by = asyncio.get_running_loop().time() + grace
        self._wake.set()

    def runtime(self, container: str) -> Runtime | None:
        """The running container of that name."""
        execution = self._running.get(container)
        return execution.runtime if execution else None

    async def run(self) -> None:
        """Until the pod is gone, or the sandbox goes down. Cancelled, it kills what runs."""
        try:
            while not self._gone:
                self._wake.clear()
                wake_at = await self._guarded()
                if not self._gone:
                    await self._sleep(wake_at)
        finally:
            for execution in self._running.values():
                execution.runtime.kill()
                execution.follower.cancel()

    async def _guarded(self) -> datetime | None:
        try:
            return await self._reconcile()
        except (NotFoundError, ConflictError):
            return self._context.now()
        except Exception:
            log.exception("pod %s/%s: trying again", self._key.namespace, self._key.name)
            return self._context.now() + timedelta(seconds=1)

    async def _sleep(self, until: datetime | None) -> None:
        left = None if until is None else (until - self._context.now()).total_seconds()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), None if left is None else max(left, 0.001))

    def _pod(self) -> Object | None:
        """The object as it is now, with its token volume; None when it has gone."""
        try:
            pod = self._context.store.get(self._key)
        except NotFoundError:
            return None
        if uid_of(pod) != self._uid:
            return None
        name = pod["spec"].get("serviceAccountName") or "default"
        try:
            account = self._context.store.get(Key("", "serviceaccounts", self._key.namespace, name))
        except NotFoundError:
            account = None
        return with_token(pod, account, self._context.settings.timing.token_lifetime)

    async def _reconcile(self) -> datetime | None:
        pod = self._pod()
        if pod is None:
            await self._vanish()
            return None
        if self._leave_by is not None:
            self._leave(pod, self._leave_by)
            return None
        deleting = bool(pod["metadata"].get("deletionTimestamp"))
        retry_at = None if deleting or self._final else self._prepare(pod)
        if retry_at is not None:
            return retry_at
        if self._final and not deleting:
            return None
        if deleting:
            self._hasten(pod)
        self._update_volumes(pod)
        decision = decide(self._view(pod))
        for action in decision.actions:
            await self._act(pod, action)
        self._publish()
        return self._context.now() if decision.actions else decision.wake_at

    def _view(self, pod: Object) -> View:
        spec = pod["spec"]
        seconds = spec.get("activeDeadlineSeconds")
        started = status_of(pod).get("startTime")
        return View(
            self._context.now(),
            tuple(self._containers.values()),
            restart_policy=spec.get("restartPolicy", "Always"),
            terminating=bool(pod["metadata"].get("deletionTimestamp")),
            deadline=moment_of(started) + timedelta(seconds=seconds) if seconds and started else None,
            timing=self._context.settings.timing,
        )

    def _prepare(self, pod: Object) -> datetime | None:
        """Address, then volumes. Returns when to try again if a volume is not to be had yet."""
        if self._mounted is not None:
            return None
        self._publish()
        try:
            self._mounted = self._volumes.set_up(pod)
        except VolumeError as error:
            self._emit("Warning", "FailedMount", str(error))
            return self._context.now() + timedelta(seconds=self._context.settings.timing.config_retry)
        return None

    def _update_volumes(self, pod: Object) -> None:
        if not self._stale:
            return
        self._stale = False
        self._volumes.refresh(pod)
        for container in self._containers.values():
            if (
                isinstance(container.state, Waiting)
                and container.state.reason == "CreateContainerConfigError"
            ):
                state = replace(container.state, retry_at=self._context.now())
                self._containers[container.name] = replace(container, state=state)

    async def _act(self, pod: Object, action: Action) -> None:
        match action:
            case Start(name):
                await self._start(name)
            case BackOff(name, seconds, until):
                self._back_off(name, seconds, until)
            case Stop(name, why):
                self._stop(pod, name, why)
            case Finish():
                self._final = action
            case Remove():
                self._remove()
            case _:
                assert_never(action)

    async def _start(self, name: str) -> None:
        """Reads the pod anew: an earlier action of the same round may have changed its status."""
        pod = self._pod()
        if pod is None:
            return
        container, spec = self._containers[name], _container_spec(pod, name)
        timing = self._context.settings.timing
        again = container.latest_end is not None
        fresh = Container(
            name,
            container.init,
            last=container.latest_end,
            restarts=container.restarts + again,
            streak=current_streak(container, timing) + again,
        )
        now = self._context.now()
        try:
            runtime = await launch(
                self._context, self._paths, pod, spec, restarts=fresh.restarts, volumes=self._mounted or {}
            )
        except NotLaunchedError as error:
            self._refuse(container, error, now + timedelta(seconds=timing.config_retry))
            return
        except StartError as error:
            ended = Terminated(128, "StartError", str(error), now, now, "")
            self._containers[name] = replace(fresh, state=ended)
            self._emit("Warning", "Failed", f"Error: {error}")
            return
        image = spec["image"]
        self._emit("Normal", "Pulled", f'Container image "{image}" already present on machine')
        self._emit("Normal", "Created", f"Created container: {name}")
        self._emit("Normal", "Started", f"Started container {name}")
        state = Running(now, runtime.container_id)
        self._containers[name] = replace(fresh, state=state, started=True, ready=not container.init)
        execution = _Execution(runtime)
        execution.follower = asyncio.create_task(self._follow(name, execution), name=f"container {name}")
        self._running[name] = execution

    def _refuse(self, container: Container, error: NotLaunchedError, retry_at: datetime) -> None:
        """The image is refused as by a registry: ErrImagePull at first, ImagePullBackOff from then on."""
        reason, message = error.reason, str(error)
        was = container.state.reason if isinstance(container.state, Waiting) else ""
        if reason == "ErrImagePull" and was in ("ErrImagePull", "ImagePullBackOff"):
            reason, message = "ImagePullBackOff", f"Back-off pulling image: {message}"
        if (reason, message) != (was, getattr(container.state, "message", "")):
            kind = "BackOff" if reason == "ImagePullBackOff" else "Failed"
            self._emit("Warning", kind, message if kind == "BackOff" else f"Error: {message}")
        self._containers[container.name] = replace(container, state=Waiting(reason, message, retry_at))

    async def _follow(self, name: str, execution: "_Execution") -> None:
        """Wait for the end of a container and record it."""
        ended = await execution.runtime.wait()
        container = self._containers[name]
        assert isinstance(container.state, Running)
        state = _terminated(
            ended, container.state, self._termination_message(name, ended), self._context.now()
        )
        del self._running[name]
        self._containers[name] = replace(
            container,
            state=state,
            ready=container.init and ended.exit_code == 0,
            started=False,
            unhealthy="",
            stopping=False,
        )
        execution.exited.set()
        self._publish()
        self._wake.set()

    def _termination_message(self, name: str, ended: Ended) -> str:
        if ended.start_failure:
            return f"the sandbox could not start the container: {ended.start_failure}"
        with contextlib.suppress(OSError):
            return self._paths.termination_message(name).read_bytes()[:4096].decode(errors="replace")
        return ""

    def _back_off(self, name: str, seconds: float, until: datetime) -> None:
        container = self._containers[name]
        end = container.latest_end
        where = f"pod={self._key.name}_{self._key.namespace}({self._uid})"
        reason, message = (
            "CrashLoopBackOff",
            f"back-off {seconds:.0f}s restarting failed container={name} {where}",
        )
        if end is not None and end.reason == "StartError":
            reason, message = "RunContainerError", end.message
        self._containers[name] = replace(container, state=Waiting(reason, message, until), last=end)
        pod = f"{self._key.name}_{self._key.namespace}({self._uid})"
        self._emit("Warning", "BackOff", f"Back-off restarting failed container {name} in pod {pod}")

    def _stop(self, pod: Object, name: str, why: str) -> None:
        execution = self._running.get(name)
        if execution is None:
            return
        log.info("pod %s/%s: stopping %s: %s", self._key.namespace, self._key.name, name, why)
        self._emit("Normal", "Killing", f"Stopping container {name}")
        self._containers[name] = replace(self._containers[name], stopping=True, ready=False)
        execution.stop(asyncio.get_running_loop().time() + self._grace(pod))

    def _grace(self, pod: Object) -> float:
        """Seconds a container gets now to end by itself."""
        if self._leave_by is not None:
            return max(0.0, self._leave_by - asyncio.get_running_loop().time())
        deletion = pod["metadata"].get("deletionTimestamp")
        if deletion is None:
            return float(pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE))
        if pod["metadata"].get("deletionGracePeriodSeconds") == 0:
            return 0.0
        return max(0.0, (moment_of(deletion) - self._context.now()).total_seconds())

    def _hasten(self, pod: Object) -> None:
        deadline = asyncio.get_running_loop().time() + self._grace(pod)
        for execution in self._running.values():
            execution.hasten(deadline)

    def _leave(self, pod: Object, deadline: float) -> None:
        for name in tuple(self._running):
            if not self._containers[name].stopping:
                self._stop(pod, name, "the sandbox goes down")
            else:
                self._running[name].hasten(deadline)
        self._publish()
        self._gone = not self._running

    async def _vanish(self) -> None:
        """The object was removed by force: whatever still runs is killed at once."""
        for execution in self._running.values():
            execution.runtime.kill()
        await asyncio.gather(*(execution.exited.wait() for execution in self._running.values()))
        self._clean_up()

    def _remove(self) -> None:
        self._publish()
        self._clean_up()
        with contextlib.suppress(NotFoundError, ConflictError):
            self._context.store.delete(self._key, grace_seconds=0, uid=self._uid)

    def _clean_up(self) -> None:
        self._context.addresses.release(self._uid)
        shutil.rmtree(self._paths.root, ignore_errors=True)
        shutil.rmtree(self._paths.logs, ignore_errors=True)
        self._gone = True

    def _publish(self) -> None:
        """Write the status as it is now; nothing is written when nothing has changed."""
        final = self._final

        def change(pod: Object) -> None:
            if uid_of(pod) != self._uid:
                return
            facts = Facts(
                now=self._context.now(),
                host_address=self._context.settings.host_address,
                pod_address="" if final else self._context.addresses.assign(self._uid),
                started_at=self._context.now(),
                terminating=bool(pod["metadata"].get("deletionTimestamp")) or self._leave_by is not None,
                final="" if final is None else "Succeeded" if final.succeeded else "Failed",
                reason=final.reason if final else "",
                message=final.message if final else "",
            )
            pod["status"] = status(pod, tuple(self._containers.values()), facts)

        with contextlib.suppress(NotFoundError):
            self._context.store.mutate(self._key, change)

    def _emit(self, type_: str, reason: str, message: str) -> None:
        metadata = {"name": self._key.name, "namespace": self._key.namespace, "uid": self._uid}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
        self._context.recorder.emit(pod, type_, reason, message)


class _Execution:
    """A running container with the tasks that look after it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.exited = asyncio.Event()
        self.follower: asyncio.Task[None]
        self._stopper: Stopper | None = None
        self._stopping: asyncio.Task[None] | None = None

    def stop(self, deadline: float) -> None:
        """Begin to end it in order; ``deadline`` in the event loop's time."""
        self._stopper = Stopper(self.runtime, self.exited, deadline)
        self._stopping = asyncio.create_task(self._stopper.run(None))

    def hasten(self, deadline: float) -> None:
        if self._stopper is not None:
            self._stopper.hasten(deadline)


def _container_spec(pod: Object, name: str) -> dict[str, Any]:
    spec = pod["spec"]
    everyone = [*(spec.get("initContainers") or ()), *spec["containers"]]
    return next(dict(found) for found in everyone if found["name"] == name)


def _terminated(ended: Ended, running: Running, message: str, now: datetime) -> Terminated:
    code, reason = ended.exit_code, "Completed" if ended.exit_code == 0 else "Error"
    if ended.start_failure:
        code, reason = 128, "StartError"
    return Terminated(code, reason, message, running.started_at, now, running.container_id)
