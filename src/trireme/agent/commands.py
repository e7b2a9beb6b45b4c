"""What a person or the operator asks of this member: judged by the core, noted in memory, done by the loop."""

import logging
import time
from dataclasses import replace

import msgspec

from trireme.agent.member import Member
from trireme.api.commands import CommandReply, Recover, Settle, Switchover
from trireme.core import switchover
from trireme.core.situation import Heir
from trireme.core.word import refusal

log = logging.getLogger("trireme.agent")


class Commands:
    """Each takes the body of a signed request, and answers at once. Raises msgspec.MsgspecError for a bad body."""

    def __init__(self, member: Member) -> None:
        self._member = member

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
        member.records.change(override=word)
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
        member.records.change(gaps=settled)
        log.info("%s says that nothing is missing of gap %s", request.by, request.gap)
        member.wake.set()
        return _reply(True, f"gap {request.gap} is settled by {request.by}")


def _reply(accepted: bool, why: str) -> bytes:
    return msgspec.json.encode(CommandReply(accepted=accepted, why=why))
