"""Every Event that the node records about a pod, in the kubelet's words."""

from dataclasses import dataclass
from typing import Literal

from trireme.sandbox.node.prober import Kind
from trireme.sandbox.store.interface import Object

_WRITABLE_ROOT = (
    "a writable root file system is emulated in part: what this machine lends (/usr, /etc, /opt) stays "
    "read-only. Set readOnlyRootFilesystem, and mount an emptyDir where the container writes"
)


@dataclass(frozen=True, slots=True)
class Event:
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def of_start(container: Object) -> tuple[Event, ...]:
    """What is said when ``container`` (its spec) has been started."""
    name = container["name"]
    usual = (
        Event("Normal", "Pulled", f'Container image "{container["image"]}" already present on machine'),
        Event("Normal", "Created", f"Created container: {name}"),
        Event("Normal", "Started", f"Started container {name}"),
    )
    if (container.get("securityContext") or {}).get("readOnlyRootFilesystem"):
        return usual
    return (*usual, Event("Warning", "NotEmulated", f"Container {name}: {_WRITABLE_ROOT}"))


def stopping(container: str) -> Event:
    return Event("Normal", "Killing", f"Stopping container {container}")


def restarting_unhealthy(container: str, why: str) -> Event:
    return Event("Normal", "Killing", f"Container {container} {why}, will be restarted")


def failed(message: str) -> Event:
    """The container could not be made or started."""
    return Event("Warning", "Failed", f"Error: {message}")


def image_backoff(image: str, message: str) -> Event:
    return Event("Warning", "BackOff", f'Back-off pulling image "{image}": {message}')


def restart_backoff(container: str, pod: str) -> Event:
    return Event("Warning", "BackOff", f"Back-off restarting failed container {container} in pod {pod}")


def failed_mount(message: str) -> Event:
    return Event("Warning", "FailedMount", message)


def unhealthy(kind: Kind, output: str) -> Event:
    return Event("Warning", "Unhealthy", f"{kind} probe failed: {output}")


def failed_hook(name: str, output: str) -> Event:
    hook = name[0].upper() + name[1:]
    return Event("Warning", f"Failed{hook}Hook", f"{hook}Hook failed: {output}")
