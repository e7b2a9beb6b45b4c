"""Leaving the group for a while, and coming back by itself: a volume without room, a copy to be taken anew. Pure.

The member leaves as it does when it is stopped (:mod:`trireme.core.leaving`), and its agent stays.
"""

from collections.abc import Mapping
from dataclasses import replace

from trireme.api.commands import Rebuild
from trireme.api.report import Directory, Disk, Phase, Report, Room
from trireme.core import branches, gaps
from trireme.core.gaps import histories_of
from trireme.core.situation import Decision, Retire, SetAside, Situation
from trireme.core.writer import may_write

MIB = 2**20
GIB = 2**30

RESERVE_PERCENT = 5
RESERVE_MOST = GIB
"""What a member keeps free at least: 5 % of its volume, at most 1 GiB.

From the first look that finds less (every 2 s) until its server has left, clients go on writing: 2 s to notice, 3 s until
clients are led away, up to 10 s for open transactions. At 50 MB/s that is 0.7 GB. A small volume has no such disk, and
must not lose a large part of itself. A server that finds no room at all hangs in its commit, and the group with it.
"""


def measure(free_bytes: int, size_bytes: int, before: Disk | None, *, percent: int = RESERVE_PERCENT) -> Disk:
    """Low below the reserve, and until twice the reserve is free again: a member must not come and go.

    ``percent`` of the volume is the reserve, 1 GiB at most; 0 switches all of this off.
    """
    kept = min(size_bytes * percent // 100, RESERVE_MOST)
    was_low = before is not None and before.room is Room.LOW
    low = free_bytes < (2 * kept if was_low else kept)
    return Disk(
        room=Room.LOW if low else Room.ENOUGH,
        free_bytes=free_bytes,
        size_bytes=size_bytes,
        reserve_bytes=kept,
    )


def words(disk: Disk) -> str:
    return (
        f"its data volume has {amount(disk.free_bytes)} free of {amount(disk.size_bytes)}, and needs "
        f"{amount(disk.reserve_bytes)}: make room or make the volume larger; with {amount(2 * disk.reserve_bytes)} "
        "free it goes on by itself"
    )


def amount(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / MIB:.0f} MiB"


def sources(me: Report, answers: Mapping[int, Report]) -> list[Report]:
    """Synced members of the one living Primary, where its history is this member's (invariant 10)."""
    able = [report for report in answers.values() if report.primary and may_write(report)]
    living = {
        report.server.uuid for report in answers.values() if report.primary and report.server is not None
    }
    own = histories_of(me) | ({me.server.uuid} if me.server is not None and me.server.primary else set())
    return able if len(living) == 1 and not own - living else []


def retire(situation: Situation) -> Decision | None:
    """Whether a member whose server runs is to leave for a while; None where it is to go on."""
    me, able = situation.me, sources(situation.me, situation.answers)
    if situation.rebuild_asked and able:
        why = "was asked for a new copy of the data: leaves the group in order first"
        return Decision(me.phase, why, (Retire(why),))
    if me.disk is not None and me.disk.room is Room.LOW and me.primary and any(map(_has_room, able)):
        why = words(me.disk) + "; leaves the group before it stalls the others"
        return Decision(me.phase, why, (Retire(why),))
    return None


def mind_the_room(situation: Situation, decision: Decision) -> Decision:
    """A member that must stay though it is short of room says so, in words that do not change with every byte."""
    disk = situation.me.disk
    if disk is None or disk.room is not Room.LOW or not situation.me.primary:
        return decision
    why = "its data volume is nearly full, and no Synced member with room can take its place: make room now"
    return replace(decision, why=f"{decision.why}; {why}")


def _has_room(report: Report) -> bool:
    """Members with the same data on equal volumes run out of room together: none may leave them to the last."""
    disk = report.disk
    return disk is None or (disk.room is Room.ENOUGH and disk.free_bytes >= 2 * disk.reserve_bytes)


def stay_away(situation: Situation) -> Decision | None:
    """What keeps a member without a server from joining a living Primary; None where nothing does.

    Without a Primary it takes part in the election as it is: its data may be the newest.
    """
    me, able = situation.me, sources(situation.me, situation.answers)
    if situation.rebuild_asked and able and not situation.engine_due:
        return _set_aside(me, able)
    low = me.disk is not None and me.disk.room is Room.LOW
    if low and me.disk is not None and any(report.primary for report in situation.answers.values()):
        return Decision(Phase.WAITING, words(me.disk), again=2.0)
    return None


def _set_aside(me: Report, able: list[Report]) -> Decision:
    """What this member has on its disk, the others may have received only: a view comes to them after all before it."""
    if not _have_noticed(me, able):
        why = "was asked for a new copy of the data: waits until the Primary has noticed that it left"
        return Decision(Phase.WAITING, why, again=0.5)
    apart = _of_another_branch(me, able)
    given_up = gaps.diverged(me, gaps.known_gaps(able)) is not None
    if not (apart or given_up) and not any(_has_all_of(me, report) for report in able):
        why = "was asked for a new copy of the data: waits for a view of the Primary that came after its own"
        return Decision(Phase.WAITING, why, again=0.5)
    why = "was asked for a new copy of the data: sets its own aside"
    return Decision(Phase.JOINING, why, (SetAside("rebuild", apart),))


def _have_noticed(me: Report, able: list[Report]) -> bool:
    """A Primary that takes this member for one of it, though no server runs here, may be one that was cut off."""
    return any(each.last_view is None or me.ordinal not in each.last_view.members for each in able)


def _has_all_of(me: Report, source: Report) -> bool:
    if me.position is None or not me.position.known:
        return True
    return source.last_view is not None and source.last_view.seqno > me.position.seqno


def _of_another_branch(me: Report, able: list[Report]) -> bool:
    """A person gives one of two branches up. Once its data are gone, nothing but its last view would keep this member
    from the Primary, and it would count in the next election. A Primary that may only lag is not of another branch: it
    is cut off, say, and this member has the newest data."""
    known, views = gaps.known_gaps(able), branches.known_views(able)
    decided = gaps.unknown_there(me, known) is not None or gaps.view_given_up(me, known)
    later = branches.ahead_of(me, views)
    other = branches.strayed(me, views, known) is not None or (
        later is not None and branches.passed(able, later)
    )
    return decided or other


def judge_rebuild(request: Rebuild, me: Report, answers: Mapping[int, Report]) -> str | None:
    """Why this request is refused; None where it is not. It is judged again before anything is moved."""
    if request.ordinal != me.ordinal:
        return f"this is member {me.ordinal}, not {request.ordinal}: nothing is touched"
    if me.leaving and not me.rebuilding:
        return f"member {me.ordinal} is leaving: ask again when it is back"
    if me.directory is Directory.FRESH and not me.running:
        return f"member {me.ordinal} has no data"
    if me.disk is not None and me.disk.room is Room.LOW:
        return "there is no room for a new copy: " + words(me.disk)
    if not sources(me, answers):
        return "no other member is Synced in a Primary of this member's history: its data may be needed"
    return None
