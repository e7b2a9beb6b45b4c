"""Keeps the pod's role label in step with the writer that the agents agreed on."""

import asyncio
import logging

from trireme.adapters.kubernetes import PodLabels
from trireme.agent.member import Member
from trireme.api.names import PRIMARY, SECONDARY
from trireme.base.errors import TriremeError
from trireme.core import health

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
        """A new writer first takes the label from the one before it, which may be dead or frozen, then takes it."""
        member = self._member
        role, ordinal = health.role(member.report()), member.settings.ordinal
        writer = member.writer.ordinal if member.writer is not None else None
        wanted: list[tuple[str, str]] = []
        if role == PRIMARY and self._last_writer not in (None, ordinal):
            wanted.append((f"{member.settings.cluster}-{self._last_writer}", SECONDARY))
        if writer is not None and writer != ordinal:
            self._last_writer = writer
            self._labelled = {pod: r for pod, r in self._labelled.items() if pod == member.settings.pod}
        return [*wanted, (member.settings.pod, role)]

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
