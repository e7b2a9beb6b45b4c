"""The node as the API server sees it: logs of containers, and processes inside of them."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path

from trireme.sandbox.apiserver.node import ExecProcess, NodeError
from trireme.sandbox.controllers.objects import name_of, status_of
from trireme.sandbox.node.context import PodPaths
from trireme.sandbox.node.execute import Inside
from trireme.sandbox.node.logreader import Selection, read
from trireme.sandbox.node.logs import LogFile
from trireme.sandbox.node.runtime import Runtime
from trireme.sandbox.store.interface import Object


class PodAccess:
    """Implements ``NodeAccess``. ``find`` gives the running container of a pod by name, or None."""

    def __init__(self, directory: Path, find: Callable[[Object, str], Runtime | None]) -> None:
        self._directory = directory
        self._find = find

    async def logs(
        self,
        pod: Object,
        container: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: datetime | None = None,
        previous: bool = False,
        timestamps: bool = False,
    ) -> AsyncIterator[bytes]:
        path = self._log_path(pod, container, previous=previous)
        growing: LogFile | None = None
        if follow and not previous:
            runtime = self._find(pod, container)
            growing = runtime.log if runtime else None
        async for line in read(path, Selection(tail, since, timestamps), growing):
            yield line

    async def exec(
        self, pod: Object, container: str, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> ExecProcess:
        runtime = self._find(pod, container)
        if runtime is None:
            raise NodeError(f'container "{container}" of pod "{name_of(pod)}" is not running')
        try:
            return await Inside.start(runtime, command, stdin=stdin, tty=tty)
        except (FileNotFoundError, PermissionError):
            raise
        except OSError as error:
            raise NodeError(f'cannot enter container "{container}": {error}') from error

    def _log_path(self, pod: Object, container: str, *, previous: bool) -> Path:
        status = _status_of_container(pod, container)
        restarts = int(status.get("restartCount", 0)) if status else 0
        if previous and status and "waiting" not in status.get("state", {}):
            restarts -= 1
        path = PodPaths.of(self._directory, pod).log(container, restarts)
        if restarts >= 0 and path.exists():
            return path
        if previous:
            raise NodeError(f'previous terminated container "{container}" in pod "{name_of(pod)}" not found')
        waiting = (status or {}).get("state", {}).get("waiting", {}).get("reason", "ContainerCreating")
        where = f'container "{container}" in pod "{name_of(pod)}"'
        raise NodeError(f"{where} is waiting to start: {waiting}")


def _status_of_container(pod: Object, container: str) -> Object | None:
    status = status_of(pod)
    for field in ("containerStatuses", "initContainerStatuses"):
        for entry in status.get(field) or ():
            if entry["name"] == container:
                return dict(entry)
    return None
