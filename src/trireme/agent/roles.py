"""Keeps the pod's role label in step with the writer that the agents agreed on."""

import asyncio
import logging

from trireme.adapters.kubernetes import PodLabels
from trireme.agent.member import Member
from trireme.base.errors import TriremeError
from trireme.core.routing import wanted_labels

log = logging.getLogger("trireme.agent")

RETRY_SECONDS = 2.0


class Roles:
    """The API may be slow or away: labelling runs beside the loop, and the last wish wins."""

    def __init__(self, member: Member, labels: PodLabels) -> None:
        self._member = member
        self._labels = labels
        self._labelled: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None
        self._last_writer: int | None = None
        member.role_label = "" if labels.available else None

    def follow(self) -> None:
        if not self._labels.available or (self._task is not None and not self._task.done()):
            return
        changes = [(pod, role) for pod, role in self._wanted() if self._labelled.get(pod) != role]
        if changes:
            self._task = asyncio.create_task(self._label(changes))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _wanted(self) -> list[tuple[str, str]]:
        member = self._member
        ordinal, pod = member.settings.ordinal, member.settings.pod
        wanted = wanted_labels(
            member.report(),
            {*range(member.settings.members), *member.answers} - {ordinal},
            self._last_writer,
        )
        writer = member.writer.ordinal if member.writer is not None else None
        if writer is not None and writer != ordinal:
            self._last_writer = writer
            self._labelled = {labelled: role for labelled, role in self._labelled.items() if labelled == pod}
        return wanted

    async def _label(self, changes: list[tuple[str, str]]) -> None:
        try:
            await self._labels.set_roles(changes)
        except TriremeError as error:
            log.warning("%s; tries again", error)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            self._labelled.update(changes)
            self._member.role_label = self._labelled.get(self._member.settings.pod, "")
        self._member.wake.set()
