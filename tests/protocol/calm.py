"""Times without faults: servers do what they can, agents make their rounds, and the cluster becomes whole."""

from dataclasses import dataclass, field, replace
from itertools import combinations

from tests.protocol import doubt
from tests.protocol.agent import Member, provable
from tests.protocol.galera import State, uuid_of
from tests.protocol.group import pending_view
from tests.protocol.invariants import left_behind
from tests.protocol.steps import STEPS, synced, take
from tests.protocol.world import Violation, World
from trireme.api.report import Phase, Report

PATIENCE_SECONDS = 300
"""From the last fault until all are Synced: several times the longest back-off (30 s) plus Galera's own (30 s)."""
JOIN_GIVES_UP_SECONDS = 30
"""``pc.wait_prim_timeout``: a joiner that finds no Primary ends by itself."""
BROKEN_SECONDS = 100
"""As long for those who do not need a member whose server cannot start."""
QUIET_SECONDS = 60
"""Nothing but looks for so long: nothing more comes. Twice the longest time that anything waits for (30 s)."""

NO_STARTS, NO_TRANSFERS = 1, 2
"""What :func:`settle` may leave out: pods that ended stay so; full transfers begin and do not end."""


@dataclass(slots=True)
class _Calm:
    active: list[Member]
    silent: int = 0
    without: int = 0
    since: dict[int, float] = field(default_factory=dict)
    """When each joining server was first seen."""
    quiet: int = 0
    """Seconds in which nothing was done."""
    seen: tuple[object, ...] = ()
    """What agents said of themselves in the last second."""


def settle(world: World, silent: int, seconds: int, without: int) -> bool:
    """For some seconds nothing fails among some members; the others (bits) are cut off, and do nothing."""
    take(world, ("cut", sum(1 << 2 * ordinal for ordinal in range(8) if silent >> ordinal & 1)))
    world.terse = True
    calm = _Calm([member for member in world.members if not silent >> member.ordinal & 1], silent, without)
    for _ in range(seconds):
        _second(world, calm)
    world.terse = False
    return True


STEPS["settle"] = settle


def finish(world: World) -> None:
    """No fault any more: every pod runs, all is heard. Within a bounded time the cluster is whole."""
    world.tell("  no more faults")
    world.terse = True
    take(world, ("cut", 0))
    for member in world.members:
        if member.declared != world.declared:  # the rolling update of the pods' template
            take(world, ("kill", member.ordinal, 0, 0))
    for member in world.members:  # what a person said is made use of first, or taken back
        if member.volume.record.override is not None:
            for _ in range(20):
                _second(world, _Calm(world.members))
            member.volume.record = replace(member.volume.record, override=None)
    if any(member.broken for member in world.members):
        _without_the_broken(world)
    calm = _Calm(world.members)
    for _ in range(PATIENCE_SECONDS if not world.misled else QUIET_SECONDS):
        if synced(world):
            _check_end(world)
            return
        _second(world, calm)
        if calm.quiet >= QUIET_SECONDS:
            break
    if not _needs_person(world):
        phases = ", ".join(f"{m.ordinal} {m.agent.phase}" for m in world.members if m.agent is not None)
        raise Violation("progress", f"not whole some minutes after the last fault: {phases}")


def _without_the_broken(world: World) -> None:
    """Whoever has the same data as a member that cannot start goes on without it. Then that one is mended."""
    calm = _Calm(world.members)
    for _ in range(BROKEN_SECONDS):
        if any(True for _ in world.active()):
            break
        _second(world, calm)
    if not any(True for _ in world.active()) and not _needs_the_broken(world):
        broken = [member.ordinal for member in world.members if member.broken]
        raise Violation("progress", f"all wait for {broken}, whose servers cannot start")
    for member in world.members:
        member.broken = False


def _needs_the_broken(world: World) -> bool:
    """Of the latest view a broken member is the only one that is so far, or somebody cannot tell how far it is. (Where
    something was lost or left behind it is not judged.)"""
    lost = world.put_back or world.lost_volumes or any(member.volume.record.gaps for member in world.members)
    if lost or not all(provable(member.volume) for member in world.members):
        return True
    views = [member.volume.record.last_view for member in world.members]
    latest = max((view for view in views if view is not None), key=lambda view: view.seqno, default=None)
    asked = [world.members[ordinal] for ordinal in latest.members] if latest is not None else world.members
    best = max(len(member.volume.data or ()) for member in asked)
    return all(member.broken for member in asked if len(member.volume.data or ()) == best)


def _second(world: World, calm: _Calm) -> None:
    world.now += 1.0
    done = False if calm.quiet and _as_before(world, calm) else _rounds(world, calm)
    for member in calm.active:
        server = member.server
        if server is None or server.state is State.SYNCED:
            continue
        if world.now - calm.since.setdefault(server.instance, world.now) > JOIN_GIVES_UP_SECONDS:
            done |= take(world, ("abort", member.ordinal))
    seen = tuple((m.volume.record, m.agent and (m.agent.phase, m.agent.why)) for m in calm.active)
    calm.quiet = 0 if done or seen != calm.seen else calm.quiet + 1
    calm.seen = seen


def _as_before(world: World, calm: _Calm) -> bool:
    """In the second before nothing was done; and nobody sees anything else now, with the time that has passed, and who
    looks again would not act: half of all seconds are like that."""
    said = {m.ordinal: world.report(m) for m in calm.active if m.responsive}
    return world.rules.remembered and all(_sees_the_same(world, calm, member, said) for member in calm.active)


def _sees_the_same(world: World, calm: _Calm, member: Member, said: dict[int, Report]) -> bool:
    agent = member.agent
    if agent is None:
        return bool(calm.without & NO_STARTS) or member.server is not None
    if agent.judged is None or agent.judged[1].actions or agent.heard is not None or agent.early:
        return False
    if agent.decided is not None or agent.asking is not None or agent.busy is not None:
        return False
    others = {ordinal: report for ordinal, report in said.items() if ordinal != member.ordinal}
    same = agent.answers.keys() == others.keys() and all(agent.answers[o] is others[o] for o in others)
    return same and agent.judged[0] == member.picture(world.now)


def _rounds(world: World, calm: _Calm) -> bool:
    """Steps that cannot be taken now are not tried: most of the time of all schedules goes here."""
    done = False
    for member in calm.active:
        ordinal = member.ordinal
        if member.agent is None and member.server is None and not calm.without & NO_STARTS:
            done |= take(world, ("start", ordinal))
        if member.agent is not None and member.agent.decided is not None:
            done |= take(world, ("act", ordinal, 0))
        done |= _asked(world, calm, member)
        if member.agent is not None and member.agent.busy is not None:
            done |= take(world, ("work", ordinal, 0))
        done |= _serve(world, calm)
        take(world, ("round", ordinal, calm.silent, 0))
        done |= _asked(world, calm, member)
    return done


def _asked(world: World, calm: _Calm, member: Member) -> bool:
    asks = member.agent is not None and member.agent.asking is not None
    return asks and take(world, ("poll", member.ordinal, calm.silent))


def _serve(world: World, calm: _Calm) -> bool:
    done = take(world, ("regroup", 0))
    for member in calm.active:
        server, ordinal = member.server, member.ordinal
        if server is None:
            continue
        if server.state is State.STARTING:
            done |= take(world, ("connect", ordinal))
        while pending_view(server) is not None and take(world, ("notify", ordinal, 0)):
            done = True
        if not calm.without & NO_TRANSFERS:
            while server.state is not State.SYNCED and take(world, ("transfer", ordinal, 0)):
                done = True
        elif server.state is State.JOINER:
            done |= take(world, ("transfer", ordinal, 1))
        if server.stopping:
            done |= take(world, ("stopped", ordinal))
    return done


def _check_end(world: World) -> None:
    if world.misled:
        return
    server = world.members[0].server
    lost = world.acknowledged.difference(world.in_doubt, server.log if server is not None else ())
    if lost:
        raise Violation("no acknowledged commit lost", f"the cluster is whole without commits {sorted(lost)}")


def _needs_person(world: World) -> bool:
    """Legitimate only after a volume was lost, or an old copy put back: nobody of the latest view has a directory that
    may be bootstrapped, or there are two histories, or two branches of one; or after people chose twice. Of one history
    whom the others went on without does not count.
    """
    if world.put_back and (world.misled or doubt.parted(world) or doubt.promised(world)):
        return True
    if _two_words(world) or _each_without_the_other(world):
        return True
    if not (world.lost_volumes or world.put_back):
        return False
    copies = [m.server.log if m.server is not None and m.server.log else m.volume.data for m in world.members]
    views = {
        m.ordinal: m.volume.record.last_view for m in world.members if m.volume.record.last_view is not None
    }
    if len({uuid_of(copy) for copy in copies if copy} | {view.uuid for view in views.values()}) > 1:
        return True
    gaps = tuple(gap for member in world.members for gap in member.volume.record.gaps)
    count = [member for member in world.members if not left_behind(member, gaps)]
    told = [views[member.ordinal] for member in count if member.ordinal in views]
    latest = max(told, key=lambda view: view.seqno, default=None)
    asked = [world.members[o] for o in (latest.members if latest is not None else range(len(world.members)))]
    return not any(provable(member.volume) and member in count for member in asked)


def _two_words(world: World) -> bool:
    """All are whole but those who went on by a gap of their own and were then said to be gone. They are Blocked, and a
    person compares the two."""
    rest = [m for m in world.members if m.server is not None and m.server.state is State.SYNCED]
    apart = [m for m in world.members if m not in rest]
    return bool(rest) and synced(world, rest) and all(_chosen_and_left(m, rest) for m in apart)


def _each_without_the_other(world: World) -> bool:
    """The same where nobody is a Primary: all are Blocked, for two of them went on without each other."""
    blocked = all(m.agent is not None and m.agent.phase is Phase.BLOCKED for m in world.members)
    return blocked and any(
        left_behind(one, other.volume.record.gaps) and left_behind(other, one.volume.record.gaps)
        for one, other in combinations(world.members, 2)
    )


def _chosen_and_left(member: Member, rest: list[Member]) -> bool:
    mine = {gap.id: gap for gap in member.volume.record.gaps}
    theirs = {gap.id: gap for other in rest for gap in other.volume.record.gaps}
    left = [gap for id_, gap in theirs.items() if id_ not in mine and member.ordinal in gap.missing]
    chosen = [gap for id_, gap in mine.items() if id_ not in theirs]
    words = any(gap.by == "alice" for gap in left + chosen)
    blocked = member.agent is not None and member.agent.phase is Phase.BLOCKED
    return bool(left and chosen) and words and blocked
