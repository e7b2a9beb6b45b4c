"""What a person or the operator asks of this member: judged by the core, noted in memory, done by the loop."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from trireme.adapters.mariadb.status import Monitor
from trireme.adapters.mariadb.variables import set_variables
from trireme.agent.member import Member
from trireme.api.commands import CommandReply, Rebuild, Recover, Settle, Switchover, Variables
from trireme.base.errors import TriremeError
from trireme.core import switchover
from trireme.core.retiring import judge_rebuild
from trireme.core.situation import Heir
from trireme.core.word import refusal

log = logging.getLogger("trireme.agent")


class Commands:
    """Each takes the body of a signed request, and answers at once. Raises msgspec.MsgspecError for a bad body."""

    def __init__(self, member: Member, monitor: Monitor) -> None:
        self._member = member
        self._monitor = monitor

    async def switchover(self, body: bytes) -> bytes:
        """Name the heir; the rest is between the two members (:mod:`trireme.core.switchover`)."""
        member, request = self._member, msgspec.json.decode(body, type=Switchover)
        named = member.heir.ordinal if member.heir is not None else None
        outcome = switchover.judge(request, member.report(), member.answers, named)
        if isinstance(outcome, str):
            return _reply(False, outcome)
        if named is None:
            log.info("asked to hand the writer's role to member %d", outcome)
            member.heir, member.handover = Heir(outcome, time.monotonic()), ""
            member.wake.set()
        return _reply(True, f"member {member.settings.ordinal} hands the writer's role to member {outcome}")

    async def recover(self, body: bytes) -> bytes:
        """Keep a person's word; it is on disk before it is accepted."""
        member, word = self._member, msgspec.json.decode(body, type=Recover).override
        reason = refusal(word, member.report(), member.answers, member.terms())
        if reason is None and member.busy is not None:
            reason = f"busy: {member.busy[1]}; ask again"
        if reason is not None:
            return _reply(False, reason)
        try:
            member.records.change(override=word)
        except OSError as error:
            return _reply(False, f"the word cannot be written down: {error.strerror}")
        log.warning("%s chose this member to bootstrap, without %s", word.by, list(word.without) or "nobody")
        member.wake.set()
        return _reply(True, f"member {member.settings.ordinal} asks the others' grants, and bootstraps")

    async def settle(self, body: bytes) -> bytes:
        """The condition of a gap ends here, and with the next news everywhere."""
        member, request = self._member, msgspec.json.decode(body, type=Settle)
        gaps = member.records.record.gaps
        if request.gap not in {gap.id for gap in gaps}:
            known = ", ".join(gap.id for gap in gaps) or "none"
            return _reply(False, f"this member knows of no gap {request.gap} (it knows: {known})")
        settled = tuple(replace(g, settled=request.by) if g.id == request.gap else g for g in gaps)
        try:
            member.records.change(gaps=settled)
        except OSError as error:
            return _reply(False, f"that cannot be written down: {error.strerror}")
        log.info("%s says that nothing is missing of gap %s", request.by, request.gap)
        member.wake.set()
        return _reply(True, f"gap {request.gap} is settled by {request.by}")

    async def rebuild(self, body: bytes) -> bytes:
        """Note the wish durably; the loop fulfils it (:mod:`trireme.core.retiring`)."""
        member, request = self._member, msgspec.json.decode(body, type=Rebuild)
        if member.records.record.rebuild is not None and request.ordinal == member.settings.ordinal:
            return _reply(True, f"member {request.ordinal} is being rebuilt: {member.why}")
        if request.id and request.id == member.records.record.rebuild_id:
            return _reply(True, f"member {member.settings.ordinal} took this request on already")
        reason = judge_rebuild(request, member.report(), member.answers)
        if reason is not None:
            return _reply(False, reason)
        try:
            member.records.change(rebuild="asked", rebuild_id=request.id)
        except OSError as error:
            return _reply(False, f"the wish cannot be written down: {error.strerror}")
        log.warning("asked to take a new copy of the data: %s", request.why or "no reason given")
        member.wake.set()
        return _reply(True, f"member {request.ordinal} leaves, sets its data aside, and takes a new copy")

    async def variables(self, body: bytes) -> bytes:
        """Set what the server takes; remember it until that server ends."""
        member, request = self._member, msgspec.json.decode(body, type=Variables)
        if member.status is None:
            return _reply(False, f"no server answers here ({member.phase}: {member.why})")
        server = member.server
        try:
            done, refused = await set_variables(self._monitor, request.values)
        except TriremeError as error:
            return _reply(False, f"the server did not answer: {error}")
        if member.server is not server:
            return _reply(False, "the server ended meanwhile, and what was set with it")
        member.variables = {**member.variables, **done}
        if done:
            log.info("set live: %s", ", ".join(done))
        words = f"{len(done)} of {len(request.values)} variables are set until this server ends"
        return _reply(not refused, words, refused)


def _reply(accepted: bool, why: str, refused: Mapping[str, str] | None = None) -> bytes:
    return msgspec.json.encode(CommandReply(accepted=accepted, why=why, refused=refused or {}))
