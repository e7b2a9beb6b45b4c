"""One pod's life: a loop that compares what the store asks for with what runs, and takes the next steps."""

import asyncio
import contextlib
import logging
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from trireme.sandbox.controllers.objects import key_of, moment_of, status_of, terminating, uid_of
from trireme.sandbox.node import events, transitions
from trireme.sandbox.node.assembly import Volume
from trireme.sandbox.node.context import Context, PodPaths
from trireme.sandbox.node.decide import Action, BackOff, Finish, Remove, Start, Stop, View, decide
from trireme.sandbox.node.events import Event
from trireme.sandbox.node.execution import Execution, Witness
from trireme.sandbox.node.launch import NotLaunchedError, container_spec, launch
from trireme.sandbox.node.prober import Kind, Listener
from trireme.sandbox.node.probes import Target
from trireme.sandbox.node.restore import containers_of
from trireme.sandbox.node.runtime import Ended, Runtime, StartError
from trireme.sandbox.node.state import Waiting
from trireme.sandbox.node.status import Facts, status
from trireme.sandbox.node.tokens import with_token
from trireme.sandbox.node.volumes import VolumeError, Volumes
from trireme.sandbox.store.interface import ConflictError, Key, NotFoundError, Object

log = logging.getLogger(__name__)

REFRESH_SECONDS = 60.0
"""How often projected volumes are looked at again without a reason: tokens run out, labels change."""

RETRY_SECONDS = 1.0
"""After an error nobody foresaw."""


class PodWorker:
    """Owns one pod object, by uid, from its binding until nothing of it is left."""

    def __init__(self, context: Context, pod: Object) -> None:
        self._context = context
        self._timing = context.settings.timing
        self._key = key_of("", "pods", pod)
        self._uid = uid_of(pod)
        self._paths = PodPaths.of(context.settings.directory, pod)
        self._containers = {found.name: found for found in containers_of(pod, context.now())}
        self._executions: dict[str, Execution] = {}
        self._volumes = Volumes(context.store, self._paths.volumes, context.sources(pod))
        self._mounted: dict[str, Volume] | None = None
        self._refresh_at = context.now()
        phase = status_of(pod).get("phase")
        self._final = Finish(phase == "Succeeded") if phase in ("Succeeded", "Failed") else None
        self._wake = asyncio.Event()
        self._leave_by: float | None = None
        self._deletion = (-1, 0.0)
        """The grace period that was asked for last, and when it ends in the event loop's time."""
        self._gone = False

    @property
    def namespace(self) -> str:
        return self._key.namespace

    def wake(self) -> None:
        """Something about the pod object has changed."""
        self._wake.set()

    def refresh(self) -> None:
        """A ConfigMap or Secret of the pod's namespace has changed."""
        self._refresh_at = now = self._context.now()
        for container in self._containers.values():
            if (
                isinstance(container.state, Waiting)
                and container.state.reason == "CreateContainerConfigError"
            ):
                self._containers[container.name] = replace(
                    container, state=replace(container.state, retry_at=now)
                )
        self._wake.set()

    def leave(self, grace: float) -> None:
        """The sandbox goes down: stop everything in order within ``grace`` seconds, or the pod's own; keep it."""
        self._leave_by = asyncio.get_running_loop().time() + grace
        self._wake.set()

    def runtime(self, container: str) -> Runtime | None:
        """The running container of that name."""
        execution = self._executions.get(container)
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
            await self._kill_all()

    async def _guarded(self) -> datetime | None:
        try:
            return await self._reconcile()
        except Exception:
            log.exception("pod %s/%s: trying again", self._key.namespace, self._key.name)
            return self._context.now() + timedelta(seconds=RETRY_SECONDS)

    async def _sleep(self, until: datetime | None) -> None:
        left = None if until is None else max(0.0, (until - self._context.now()).total_seconds())
        if left == 0.0:
            await asyncio.sleep(0)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._wake.wait()

    async def _reconcile(self) -> datetime | None:
        """One round. Returns when the next is due even if nothing wakes it."""
        pod = self._pod()
        if pod is None:
            await self._kill_all()
            self._clean_up()
            return None
        if self._leave_by is not None:
            self._leave(pod)
            return None
        if terminating(pod):
            self._hasten(pod)
        elif self._final is not None:
            return None
        elif not self._prepare(pod):
            return self._context.now() + timedelta(seconds=self._timing.config_retry)
        self._refresh_volumes(pod)
        decision = decide(self._view(pod))
        for action in decision.actions:
            await self._act(pod, action)
        if self._gone:
            return None
        self._publish()
        if decision.actions:
            return self._context.now()
        return min(decision.wake_at or self._refresh_at, self._refresh_at)

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
        return with_token(pod, account, self._timing.token_lifetime)

    def _view(self, pod: Object) -> View:
        spec = pod["spec"]
        seconds, begun = spec.get("activeDeadlineSeconds"), status_of(pod).get("startTime")
        return View(
            self._context.now(),
            tuple(self._containers.values()),
            restart_policy=spec.get("restartPolicy", "Always"),
            terminating=terminating(pod),
            deadline=moment_of(begun) + timedelta(seconds=seconds) if seconds and begun else None,
            timing=self._timing,
        )

    def _prepare(self, pod: Object) -> bool:
        """Address, then volumes. False if a volume is not to be had yet."""
        if self._mounted is not None:
            return True
        self._publish()
        try:
            self._mounted = self._volumes.set_up(pod)
        except VolumeError as error:
            self._say(events.failed_mount(str(error)))
            return False
        self._refresh_at = self._context.now() + timedelta(seconds=REFRESH_SECONDS)
        return True

    def _refresh_volumes(self, pod: Object) -> None:
        now = self._context.now()
        if now >= self._refresh_at:
            self._refresh_at = now + timedelta(seconds=REFRESH_SECONDS)
            if self._mounted is not None:
                self._volumes.refresh(pod)

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
        spec, now = container_spec(pod, name), self._context.now()
        before = self._containers[name]
        attempt = transitions.attempted(before, self._timing)
        try:
            runtime = await launch(
                self._context, self._paths, pod, spec, restarts=attempt.restarts, volumes=self._mounted or {}
            )
        except NotLaunchedError as error:
            retry_at = now + timedelta(seconds=self._timing.config_retry)
            self._containers[name] = transitions.refused(before, error.reason, str(error), retry_at)
            if self._containers[name].state != before.state:
                self._say(events.failed(str(error)))
            return
        except StartError as error:
            self._containers[name] = transitions.not_started(attempt, str(error), now)
            self._say(events.failed(str(error)))
            return
        for event in events.of_start(spec):
            self._say(event)
        self._containers[name] = transitions.running(attempt, spec, runtime.container_id, now)
        target = Target(runtime, spec, status_of(pod).get("podIP", ""))
        self._executions[name] = Execution(target, self._witness(name, spec))

    def _witness(self, name: str, spec: Object) -> Witness:
        def judged(kind: Kind, ok: bool) -> None:
            self._containers[name] = transitions.judged(self._containers[name], spec, kind, ok)
            self._changed()

        def hook_failed(hook: str, output: str) -> None:
            self._say(events.failed_hook(hook, output))
            if hook == "postStart":
                self._containers[name] = replace(self._containers[name], unhealthy="failed postStart hook")
                self._changed()

        def ended(how: Ended) -> None:
            del self._executions[name]
            message = self._paths.read_termination_message(
                spec, how.exit_code, self._containers[name].restarts
            )
            self._containers[name] = transitions.ended(
                self._containers[name], how, message, self._context.now()
            )
            self._changed()

        def failed(kind: Kind, output: str) -> None:
            self._say(events.unhealthy(kind, output))

        return Witness(Listener(failed, judged), hook_failed, ended)

    def _changed(self) -> None:
        """Others learn of it at once; the next round decides what follows."""
        self._publish()
        self._wake.set()

    def _back_off(self, name: str, seconds: float, until: datetime) -> None:
        pod = f"{self._key.name}_{self._key.namespace}({self._uid})"
        message = f"back-off {seconds:g}s restarting failed container={name} pod={pod}"
        self._containers[name] = transitions.backing_off(self._containers[name], message, until)
        self._say(events.restart_backoff(name, pod))

    def _stop(self, pod: Object, name: str, why: str) -> None:
        execution = self._executions.get(name)
        if execution is None:
            return
        log.info("pod %s/%s: stopping %s: %s", self._key.namespace, self._key.name, name, why)
        container = self._containers[name]
        if container.unhealthy:
            self._say(events.restarting_unhealthy(name, container.unhealthy))
        else:
            self._say(events.stopping(name))
        self._containers[name] = replace(container, stopping=True, ready=False)
        execution.stop(self._deadline(pod, name))

    def _deadline(self, pod: Object, name: str) -> float:
        """When a container that is stopped now must be gone, in the event loop's time."""
        now = asyncio.get_running_loop().time()
        own = transitions.grace_seconds(self._containers[name], pod, container_spec(pod, name))
        if self._leave_by is not None:
            return min(self._leave_by, now + own)
        if not terminating(pod):
            return now + own
        asked = int(pod["metadata"].get("deletionGracePeriodSeconds", own))
        if asked != self._deletion[0]:
            self._deletion = asked, now + asked
        return self._deletion[1]

    def _hasten(self, pod: Object) -> None:
        for name, execution in self._executions.items():
            execution.hasten(self._deadline(pod, name))

    def _leave(self, pod: Object) -> None:
        for name, execution in tuple(self._executions.items()):
            if self._containers[name].stopping:
                execution.hasten(self._deadline(pod, name))
            else:
                self._stop(pod, name, "the sandbox goes down")
        self._publish()
        self._gone = not self._executions

    async def _kill_all(self) -> None:
        await asyncio.gather(*(execution.kill() for execution in tuple(self._executions.values())))

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
                terminating=terminating(pod) or self._leave_by is not None,
                final="" if final is None else "Succeeded" if final.succeeded else "Failed",
                reason=final.reason if final else "",
                message=final.message if final else "",
            )
            pod["status"] = status(pod, tuple(self._containers.values()), facts)

        with contextlib.suppress(NotFoundError):
            self._context.store.mutate(self._key, change)

    def _say(self, event: Event) -> None:
        metadata = {"name": self._key.name, "namespace": self._key.namespace, "uid": self._uid}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
        self._context.recorder.emit(pod, event.type, event.reason, event.message)
