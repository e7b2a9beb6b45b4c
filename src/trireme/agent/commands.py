"""What a person or the operator asks of this member: judged by the core, noted in memory, done by the loop."""

import logging
import time

import msgspec

from trireme.agent.member import Member
from trireme.api.commands import CommandReply, Switchover
from trireme.core import switchover
from trireme.core.situation import Heir

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


def _reply(accepted: bool, why: str) -> bytes:
    return msgspec.json.encode(CommandReply(accepted=accepted, why=why))
