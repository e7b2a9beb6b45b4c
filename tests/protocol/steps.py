"""The steps of which schedules are made. A step that cannot be taken now is skipped, so any list of steps is one."""

from collections.abc import Callable, Sequence

from tests.protocol import acting, doubt, group
from tests.protocol.agent import Member
from tests.protocol.galera import State, position_of, view_entry
from tests.protocol.world import PodCrashed, World
from trireme.api.commands import Rebuild
from trireme.api.report import Override, Report
from trireme.core.election import may_bootstrap
from trireme.core.gaps import histories_of
from trireme.core.reform import as_final
from trireme.core.retiring import judge_rebuild
from trireme.core.word import refusal

Step = tuple[str, *tuple[int, ...]]
"""A name of :data:`STEPS` and its arguments."""


def take(world: World, step: Step) -> bool:
    """Take one step; False where it was not possible. Raises Violation."""
    name, *arguments = step
    size = len(world.members)
    if name not in NOT_OF_A_MEMBER and (arguments[0] >= size or (name in HEARS and arguments[1] >= size)):
        return False
    if world.story is None:
        return STEPS[name](world, *arguments)
    mark = len(world.story)
    world.tell("  " + " ".join(str(part) for part in step))
    done = STEPS[name](world, *arguments)
    if not done or (world.terse and len(world.story) == mark + 1):
        del world.story[mark:]
    return done


def _with_fuse(world: World, member: Member, fuse: int, work: Callable[[World, Member], bool]) -> bool:
    """Work whose ``fuse``-th durable write is the last thing that the pod does (0: it does not crash)."""
    world.fuse = fuse
    try:
        return work(world, member)
    except PodCrashed:
        world.tell(f"    member {member.ordinal}: the pod crashes right after that write")
        _end_server(world, member, back=0, ddl=False)
        acting.crash(world, member)
        return True
    finally:
        world.fuse = 0


def _end_server(world: World, member: Member, *, back: int, ddl: bool) -> None:
    group.end(world, member, back=back, ddl=ddl)


def look(world: World, ordinal: int) -> bool:
    return acting.begin_round(world, world.members[ordinal])


def hear(world: World, ordinal: int, other: int) -> bool:
    return acting.hear(world, world.members[ordinal], world.members[other])


def hear_early(world: World, ordinal: int, other: int) -> bool:
    return acting.hear_early(world, world.members[ordinal], world.members[other])


def decide(world: World, ordinal: int) -> bool:
    return acting.decide(world, world.members[ordinal])


def act(world: World, ordinal: int, fuse: int) -> bool:
    return _with_fuse(world, world.members[ordinal], fuse, acting.act)


def a_round(world: World, ordinal: int, silent: int, fuse: int) -> bool:
    """A whole round at once; ``silent``: bits of those who are not heard now (earlier answers stand)."""
    member = world.members[ordinal]
    agent = member.agent
    if agent is None or agent.decided is not None or agent.asking is not None:
        return False
    acting.begin_round(world, member)
    for other in world.members:
        if not silent >> other.ordinal & 1 and (agent.heard is None or other.ordinal not in agent.heard):
            acting.hear(world, member, other)
    acting.decide(world, member)
    act(world, ordinal, fuse)
    return True


def arrive(world: World, index: int, keep: int, answer: int, fuse: int) -> bool:
    """A request for a grant arrives (``keep``: and a copy of it later); its answer arrives, or not."""
    if index >= len(world.messages):
        return False
    voter = world.members[world.messages[index].voter]
    return _with_fuse(
        world, voter, fuse, lambda w, _: acting.deliver(w, index, keep=bool(keep), answer=bool(answer))
    )


def poll(world: World, ordinal: int, lost: int) -> bool:
    """All requests under way of one candidate arrive and are answered, but for those to ``lost`` (bits)."""
    agent = world.members[ordinal].agent
    if agent is None or agent.asking is None:
        return False
    serial = agent.asking.serial
    for index in reversed(range(len(world.messages))):
        message = world.messages[index]
        if message.serial == serial and not lost >> message.voter & 1:
            acting.deliver(world, index, keep=False, answer=True)
    return acting.end_asking(world, world.members[ordinal])


def end_asking(world: World, ordinal: int) -> bool:
    return acting.end_asking(world, world.members[ordinal])


def work(world: World, ordinal: int, fuse: int) -> bool:
    return _with_fuse(world, world.members[ordinal], fuse, acting.finish_work)


def connect(world: World, ordinal: int) -> bool:
    return group.connect(world, world.members[ordinal])


def regroup(world: World, side: int) -> bool:
    return group.regroup(world, side)


def notify(world: World, ordinal: int, fuse: int) -> bool:
    return _with_fuse(world, world.members[ordinal], fuse, group.notify)


def transfer(world: World, ordinal: int, full: int) -> bool:
    return group.transfer(world, world.members[ordinal], full=bool(full))


def abort(world: World, ordinal: int) -> bool:
    return group.abort(world, world.members[ordinal])


def stopped(world: World, ordinal: int) -> bool:
    return group.stopped(world, world.members[ordinal])


def commit(world: World, ordinal: int, acknowledge: int) -> bool:
    return group.commit(world, world.members[ordinal], acknowledge=bool(acknowledge))


def kill(world: World, ordinal: int, back: int, ddl: int) -> bool:
    """The pod dies: agent and server."""
    member = world.members[ordinal]
    if member.agent is None and member.server is None:
        return False
    _end_server(world, member, back=back, ddl=bool(ddl))
    acting.crash(world, member)
    return True


def kill_all(world: World, back: int, ddl: int) -> bool:
    """Power is lost; ``back``: two bits for each member, how far its engine is behind."""
    for member in world.members:
        kill(world, member.ordinal, back >> 2 * member.ordinal & 3, ddl)
    return True


def die(world: World, ordinal: int, back: int, ddl: int) -> bool:
    """The server alone dies."""
    member = world.members[ordinal]
    if member.server is None:
        return False
    _end_server(world, member, back=back, ddl=bool(ddl))
    world.server_ended(member, asked=False)
    return True


def start(world: World, ordinal: int) -> bool:
    member = world.members[ordinal]
    if member.agent is not None or member.server is not None:
        return False
    if any(word is not None and ordinal in word.without for word in world.words()):
        return False  # a person who says that somebody is gone sees to it, until that is made use of
    world.new_agent(member)
    return True


def term(world: World, ordinal: int) -> bool:
    """The pod is asked to stop."""
    agent = world.members[ordinal].agent
    if agent is None or agent.stop_since is not None:
        return False
    agent.stop_since = world.now
    return True


def cut(world: World, sides: int) -> bool:
    """The servers' network parts; two bits for each member say on which side it is. 0 heals it."""
    parted = tuple(sides >> 2 * ordinal & 3 for ordinal in range(8))
    changed, world.sides = parted != world.sides, parted
    return changed


def lose(world: World, ordinal: int) -> bool:
    """A volume is lost, and replaced by an empty one."""
    member = world.members[ordinal]
    if member.agent is not None or member.server is not None:
        return False
    member.volume = world.new_volume(ordinal)
    world.lost_volumes += 1
    return True


def mix_up(world: World, ordinal: int, length: int) -> bool:
    """A volume is lost, and replaced by one with data that another cluster left."""
    if not lose(world, ordinal):
        return False
    world.founded += 1
    volume, alone = world.members[ordinal].volume, frozenset({ordinal})
    volume.data = (view_entry(alone, world.founded), *(world.next(ordinal) for _ in range(length)))
    volume.files, volume.grastate = True, position_of(volume.data)
    return True


def break_starts(world: World, ordinal: int, broken: int) -> bool:
    """From now on no server can be started there (its port is in use, say), or again."""
    member = world.members[ordinal]
    if member.broken is bool(broken):
        return False
    member.broken, member.was_broken = bool(broken), True
    return True


def keep(world: World, ordinal: int) -> bool:
    """A copy of a volume is made, as of a crash now; nothing else is touched."""
    other = world.copy()
    other.story = None
    kill(other, ordinal, 0, 0)
    world.kept[ordinal] = other.members[ordinal].volume
    return True


def put_back(world: World, ordinal: int) -> bool:
    """A person puts an old copy of a volume in its place, while no pod runs."""
    idle = all(member.agent is None and member.server is None for member in world.members)
    if not idle or ordinal not in world.kept:
        return False
    world.members[ordinal].volume = world.kept[ordinal].copy()
    world.messages.clear()
    doubt.put_back(world, ordinal)
    return True


def recover(world: World, ordinal: int, how: int = 0) -> bool:
    """A person who tells the truth chooses a member; the dead are said to be gone. They may come back: but not those who
    need nobody else to go on, as `trireme recover` warns.

    ``how``, in bits: 1: chooses it though others that answer are ahead (else nobody may be), 2: it begins a history of
    its own, 4: gives every other history up, 8: the volumes of the dead are gone with them (then they may be any).
    """
    member = world.members[ordinal]
    if member.agent is None or member.agent.busy is not None or any(True for _ in world.active()):
        return False
    gone = tuple(m.ordinal for m in world.members if m.agent is None and m.server is None)
    if not how & 8 and any(_goes_on_alone(world.members[ordinal], gone) for ordinal in gone):
        return False
    heard = {m.ordinal: world.report(m) for m in world.members if m.responsive}
    me = heard.pop(ordinal, None)
    if me is None or (not how & 1 and any(_ahead(r, me) for r in heard.values())):
        return False
    shown = tuple((o, r.position.seqno) for o, r in sorted(heard.items()) if r.position is not None)
    others = {uuid for report in heard.values() for uuid in histories_of(report)} - histories_of(me)
    word = Override(
        candidate=ordinal, volume=me.volume, without=gone, shown=shown, by="alice",
        give_up=tuple(sorted(others)) if how & 4 else (), new_history=bool(how & 2),
    )  # fmt: skip
    if refusal(word, me, heard, member.terms(world.now)) is not None:
        return False
    for other in gone if how & 8 else ():
        lose(world, other)
    world.write(member, override=word)
    return True


def _goes_on_alone(member: Member, gone: tuple[int, ...]) -> bool:
    """By its last view it needs only members that are said to be gone, or as many of them as are a majority."""
    view = member.volume.record.last_view
    return view is not None and 2 * len(set(view.members).intersection(gone)) >= len(view.members)


def _ahead(report: Report, me: Report) -> bool:
    if report.position is None or me.position is None or not may_bootstrap(as_final(report)):
        return False
    return report.position.seqno > me.position.seqno


def rebuild(world: World, ordinal: int) -> bool:
    """A person wants a new copy of the data there."""
    member = world.members[ordinal]
    if member.agent is None or member.agent.decided is not None or member.volume.record.rebuild is not None:
        return False
    asked = Rebuild(ordinal=ordinal, why="")
    if judge_rebuild(asked, world.report(member), member.agent.answers) is not None:
        return False
    world.write(member, rebuild="asked")
    return True


def scale(world: World, size: int) -> bool:
    """More members are declared; running agents learn it at their next start."""
    if size <= world.declared:
        return False
    world.declared = size
    for ordinal in range(len(world.members), size):
        world.members.append(Member(ordinal, world.new_volume(ordinal), size))
    return True


def tick(world: World, seconds: int) -> bool:
    world.now += seconds
    return True


STEPS: dict[str, Callable[..., bool]] = {
    "look": look,
    "hear": hear,
    "hear early": hear_early,
    "decide": decide,
    "act": act,
    "round": a_round,
    "arrive": arrive,
    "poll": poll,
    "end asking": end_asking,
    "work": work,
    "connect": connect,
    "regroup": regroup,
    "notify": notify,
    "transfer": transfer,
    "abort": abort,
    "stopped": stopped,
    "commit": commit,
    "kill": kill,
    "kill all": kill_all,
    "die": die,
    "start": start,
    "term": term,
    "cut": cut,
    "lose": lose,
    "mix up": mix_up,
    "break": break_starts,
    "keep": keep,
    "put back": put_back,
    "scale": scale,
    "recover": recover,
    "rebuild": rebuild,
    "tick": tick,
}
HEARS = frozenset({"hear", "hear early"})
NOT_OF_A_MEMBER = frozenset({"arrive", "regroup", "kill all", "cut", "scale", "tick", "settle"})
"""The first argument of every other step is an ordinal (of both ``hear`` the second, too)."""


def synced(world: World, members: Sequence[Member] = ()) -> bool:
    """All members, or these, serve in one Primary, each agent knows, and all agree on one writer."""
    numbers = set()
    for member in members or world.members:
        agent, server = member.agent, member.server
        if (
            agent is None
            or server is None
            or server.state is not State.SYNCED
            or not world.in_primary(server)
        ):
            return False
        numbers.add(server.component)
        if agent.status is None or not agent.status.synced or member.volume.record.joining:
            return False
    writers = {
        m.agent.writer.ordinal
        for m in members or world.members
        if m.agent is not None and m.agent.writer is not None
    }
    return len(numbers) == 1 and len(writers) == 1
