"""Keeps the pod's role label in step with the writer that the agents agreed on."""

import asyncio
import logging
import time
from collections.abc import Mapping

from trireme.adapters.dns import ordinal_of
from trireme.adapters.kubernetes import PodLabels
from trireme.agent.member import Member
from trireme.api.names import PRIMARY
from trireme.base.errors import TriremeError
from trireme.core import health, switchover
from trireme.core.routing import in_doubt, wanted_labels
from trireme.core.situation import Heir, Launch

log = logging.getLogger("trireme.agent")

RETRY_SECONDS = 2.0
NOT_READY_SECONDS = 0.3
"""Between looks at whether Kubernetes finds the new writer ready: until then its predecessor keeps the clients."""


class Roles:
    """The API may be slow or away: labelling runs beside the loop, and the last wish wins."""

    def __init__(self, member: Member, labels: PodLabels) -> None:
        self._member = member
        self._labels = labels
        self._labelled: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None
        self._last_writer: int | None = None
        self._claim = member.writer
        self._since = time.monotonic()
        self._first = True
        """Labels were not set anew yet in this term."""
        self._failure = ""
        self._found: dict[int, bool] = {}
        """By ordinal, whether the API said last that the member's pod is ready."""
        self._stranded_since: float | None = None
        member.role_label = "" if labels.available else None

    def follow(self) -> None:
        if not self._labels.available or (self._task is not None and not self._task.done()):
            return
        self._forget_doubtful()
        changes = [(pod, role) for pod, role in self._wanted() if self._labelled.get(pod) != role]
        if changes:
            self._task = asyncio.create_task(self._label(changes))
        elif self._may_write_soon():
            self._task = asyncio.create_task(self._make_ready())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._labels.close()

    def _may_write_soon(self) -> bool:
        """It bootstraps, or the writer's agent is silent: this member may be the next that clients are led to."""
        member = self._member
        if member.launch is Launch.BOOTSTRAP and member.status is None:
            return True
        claim = member.writer
        lost = claim is not None and claim.ordinal not in {*member.answers, member.settings.ordinal}
        return lost and member.running and member.stop_since is None

    async def _make_ready(self) -> None:
        try:
            await self._labels.make_ready()
        except OSError as error:
            log.warning("cannot start the labelling of pods: %s", error)

    def _forget_doubtful(self) -> None:
        me, now = self._member.report(), time.monotonic()
        stranded = self._stranded_since is not None
        if not in_doubt(me, self._claim, now - self._since, stranded=stranded, first=self._first):
            return
        self._first = me.writer != self._claim
        if me.writer == self._claim:
            if self._member.role_label == PRIMARY:
                self._last_writer = None
        elif health.role(me) == PRIMARY:
            self._member.role_label = ""
        self._claim, self._since = me.writer, now
        self._labelled.clear()

    def _wanted(self) -> list[tuple[str, str]]:
        member = self._member
        ordinal, pod = member.settings.ordinal, member.settings.pod
        wanted = wanted_labels(
            member.report(),
            {*range(member.settings.members), *member.answers} - {ordinal},
            self._last_writer,
            member.answers,
            label=member.role_label,
        )
        writer = member.writer.ordinal if member.writer is not None else None
        if writer is not None and writer != ordinal:
            self._last_writer = writer
            self._labelled = {labelled: role for labelled, role in self._labelled.items() if labelled == pod}
        return wanted

    async def _label(self, changes: list[tuple[str, str]]) -> None:
        try:
            found = await self._labels.set_roles(changes)
        except TriremeError as error:
            if str(error) != self._failure:
                log.warning("%s; tries again", error)
            self._failure = str(error)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            self._failure = ""
            self._note(
                {ordinal: ready for pod, ready in found.items() if (ordinal := ordinal_of(pod)) is not None}
            )
            if len(found) == len(changes):
                self._labelled.update(changes)
                self._member.role_label = self._labelled.get(self._member.settings.pod, "")
            else:
                await asyncio.sleep(NOT_READY_SECONDS)
        self._member.wake.set()

    def _note(self, found: Mapping[int, bool | None]) -> None:
        self._found |= {ordinal: ready for ordinal, ready in found.items() if ready is not None}
        for ordinal in (o for o, ready in found.items() if ready is None):
            self._found.pop(ordinal, None)
        self._hand_over_where_stranded()

    def _hand_over_where_stranded(self) -> None:
        member, me, now = self._member, self._member.report(), time.monotonic()
        if not switchover.stranded(me, self._found):
            self._stranded_since = None
            return
        if self._stranded_since is None:
            self._stranded_since = now
        heir = switchover.relief(me, member.answers, self._found, now - self._stranded_since)
        if heir is not None:
            log.warning(
                "Kubernetes leads no clients here (is this node's kubelet well?): hands over to %d", heir
            )
            member.heir, member.handover = Heir(heir, now), ""
