"""Containers as the store remembers them, after the sandbox was stopped and started. Pure."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from trireme.sandbox.controllers.objects import moment_of
from trireme.sandbox.node.state import Container, Terminated, Waiting
from trireme.sandbox.store.interface import Object

LOST = "The sandbox ended, and the container with it"


def containers_of(pod: Object, now: datetime) -> tuple[Container, ...]:
    """In the order of the spec, init containers first. What is said to be running was lost."""
    status = pod.get("status") or {}
    known = {
        entry["name"]: entry
        for field in ("initContainerStatuses", "containerStatuses")
        for entry in status.get(field) or ()
    }
    spec = pod["spec"]
    new = Waiting("PodInitializing" if spec.get("initContainers") else "ContainerCreating")
    inits = [
        _container(Container(entry["name"], True, new), known.get(entry["name"]), now)
        for entry in spec.get("initContainers") or ()
    ]
    apps = [
        _container(Container(entry["name"], False, new), known.get(entry["name"]), now)
        for entry in spec["containers"]
    ]
    if any(isinstance(app.state, Terminated) and app.state.message == LOST for app in apps):
        inits = [replace(init, state=new, last=init.latest_end) for init in inits]
    return (*inits, *apps)


def _container(new: Container, entry: dict[str, Any] | None, now: datetime) -> Container:
    if entry is None:
        return new
    last = _terminated((entry.get("lastState") or {}).get("terminated"))
    state = entry.get("state") or {}
    ended = _terminated(state.get("terminated"))
    if "running" in state:
        began = moment_of(state["running"]["startedAt"])
        ended = Terminated(137, "Error", LOST, began, now, _identity(entry.get("containerID")))
    return replace(new, state=ended or new.state, last=last, restarts=int(entry.get("restartCount", 0)))


def _terminated(entry: dict[str, Any] | None) -> Terminated | None:
    if not entry:
        return None
    return Terminated(
        int(entry["exitCode"]),
        entry.get("reason", ""),
        entry.get("message", ""),
        moment_of(entry["startedAt"]),
        moment_of(entry["finishedAt"]),
        _identity(entry.get("containerID")),
    )


def _identity(container_id: str | None) -> str:
    return (container_id or "").partition("://")[2]
