"""An exhaustive exploration: every order of a few coarse moves, with at most so many faults, breadth first.

The moves run the same steps as the schedules do, so a violation found here is told as the same kind of story.
Servers do at once what they can do by themselves; when a lost member is noticed, who acts when, and every fault
are moves. What no decision depends on (time, words, the writer) does not tell states apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import le

from tests.protocol.agent import Agent, Member
from tests.protocol.calm import NO_STARTS, NO_TRANSFERS, finish
from tests.protocol.galera import State
from tests.protocol.schedules import Begin, start
from tests.protocol.steps import STEPS, Step, take
from tests.protocol.world import Rules, Violation, World
from trireme.api.report import Phase, Report
from trireme.core.reform import STUCK_SECONDS
from trireme.core.situation import Join
from trireme.core.terms import HEARING_SECONDS

Key = tuple[object, ...]


# --- moves -------------------------------------------------------------------------------------------------------


def _serve(world: World, doomed: int = 0) -> None:
    """Servers go on by themselves; agents write down what they are told. ``doomed`` pods crash at that write. Of a member
    without a server nothing is tried."""
    for member in world.members:
        if member.server is not None and member.server.state is State.STARTING:
            take(world, ("connect", member.ordinal))
    for member in world.members:
        while member.server is not None and take(
            world, ("notify", member.ordinal, doomed >> member.ordinal & 1)
        ):
            pass
    for member in world.members:
        ordinal = member.ordinal
        while (server := member.server) is not None and (
            (server.state is not State.SYNCED and take(world, ("transfer", ordinal, 0)))
            or take(world, ("notify", ordinal, 0))
        ):
            pass
        if member.server is not None and member.server.stopping:
            take(world, ("stopped", ordinal))


def run(world: World, ordinal: int, silent: int, fuse: int) -> bool:
    """A member's agent goes on until it depends on others; ``fuse``: the pod crashes at that write."""
    member = world.members[ordinal]
    if member.agent is None or member.agent.decided is not None:
        return False
    world.now += 100.0
    for _ in range(6):
        before = member.verdict()
        take(world, ("round", ordinal, silent, fuse))
        take(world, ("poll", ordinal, silent))
        take(world, ("work", ordinal, fuse))
        _serve(world)
        if member.server is not None or (before is not None and not before.ask_engine):
            return True
    return True


def freeze(world: World, ordinal: int) -> bool:
    """An agent looks, decides, and is frozen before it acts."""
    member = world.members[ordinal]
    if member.agent is None or member.agent.decided is not None:
        return False
    take(world, ("look", ordinal))
    for other in world.members:
        take(world, ("hear", ordinal, other.ordinal))
    take(world, ("decide", ordinal))
    return member.agent.decided is not None


def thaw(world: World, ordinal: int) -> bool:
    if not take(world, ("act", ordinal, 0)):
        return False
    take(world, ("poll", ordinal, 0))
    take(world, ("work", ordinal, 0))
    _serve(world)
    return True


def notice(world: World, doomed: int) -> bool:
    """The servers notice who is gone, and install the next view; ``doomed`` pods crash as they write it down."""
    sides = sorted(set(world.sides[: len(world.members)]))
    changed = [take(world, ("regroup", side)) for side in sides]
    _serve(world, doomed)
    return any(changed)


STEPS.update({"run": run, "freeze": freeze, "thaw": thaw, "notice": notice})


@dataclass(frozen=True, slots=True)
class Bound:
    """How far to go. Faults of one kind and in all; ``moves`` is the longest path."""

    moves: int
    faults: int
    size: int = 3
    crashes: int = 9
    losses: int = 1
    lost_rounds: int = 1
    freezes: int = 1
    partitions: int = 1
    stops: int = 1
    late: int = 1
    """Requests that arrive after the candidate stopped waiting for them."""
    commits: int = 2
    states: int = 10**9
    """Stop after so many."""
    patience: float | None = None
    """The policy for missing members, in seconds; each move of an agent takes 100. None: wait for ever."""
    episodes: bool = False
    """Coarse moves: seconds without a fault among some members, in between anything fails."""


Budget = tuple[int, ...]
_KINDS = ("crashes", "losses", "lost_rounds", "freezes", "partitions", "stops", "late", "commits")


Moves = Iterator[tuple[str, Step]]
"""With what each costs ('' for nothing)."""


def _episodes(world: World) -> Moves:
    """Far apart in time: some members have seconds without a fault, then something fails."""
    for silent in range((1 << len(world.members)) - 1):
        for without in (0, NO_STARTS, NO_TRANSFERS):
            yield "", ("settle", silent, 9, without)
    for member in world.members:
        o = member.ordinal
        if member.agent is None and member.server is None:
            yield "losses", ("lose", o)
            continue
        yield "crashes", ("kill", o, 0, 0)
        yield "crashes", ("kill", o, 3, 0)
        yield "stops", ("term", o)
        yield "commits", ("commit", o, 1)
    yield "crashes", ("kill all", 0, 0)
    yield "crashes", ("kill all", 0, 1)


def _moves(world: World) -> Moves:
    """Close together: every order of what agents, servers and faults do."""
    yield "", ("notice", 0)
    for member in world.members:
        o, agent, server = member.ordinal, member.agent, member.server
        if agent is None and server is None:
            yield "", ("start", o)
            yield "losses", ("lose", o)
            continue
        if agent is not None and agent.decided is not None:
            yield "", ("thaw", o)
        else:
            yield "", ("run", o, 0, 0)
            yield "freezes", ("freeze", o)
            yield "crashes", ("run", o, 0, 1)
            yield "crashes", ("run", o, 0, 2)
            for other in world.members:
                if other is not member:
                    yield "lost_rounds", ("run", o, 1 << other.ordinal, 0)
            yield "stops", ("term", o)
        yield "crashes", ("kill", o, 0, 0)
        if server is not None:
            yield "crashes", ("kill", o, 3, 0)
            yield "crashes", ("kill", o, 0, 1)
            yield "crashes", ("notice", 1 << o)
            yield "partitions", ("cut", 1 << 2 * o)
            if server.state is State.SYNCED:
                yield "commits", ("commit", o, 1)
            else:
                yield "crashes", ("abort", o)
    if any(world.sides):
        yield "", ("cut", 0)
    for index in range(len(world.messages)):
        yield "late", ("arrive", index, 0, 0, 0)


# --- states ------------------------------------------------------------------------------------------------------


_reports: dict[int, tuple[Report, Key]] = {}


def _report_key(report: Report) -> Key:
    known = _reports.get(id(report))
    if known is not None:
        return known[1]
    key = (
        report.volume, report.directory, report.position, report.last_view, report.running, report.server is None,
        report.server is not None and (report.server.primary, report.server.synced), report.grant, report.candidacy,
        report.withdrawn, report.leaving, report.unsettled, report.held_up, report.phase is Phase.JOINING,
        report.joining, report.left, report.gaps, report.override, report.group, report.group_name,
        report.views, report.whole, report.strayed, report.faults,
    )  # fmt: skip
    if len(_reports) > 200_000:
        _reports.clear()
    _reports[id(report)] = (report, key)
    return key


def _answers_key(answers: Mapping[int, Report]) -> Key:
    """What a voter still needs of the answers of its last round."""
    return tuple((ordinal, report.volume, report.withdrawn) for ordinal, report in sorted(answers.items()))


def _agent_key(agent: Agent, now: float, patience: float | None) -> Key:
    campaign, asking, decided = agent.campaign, agent.asking, agent.decided
    return (
        _answers_key(agent.answers),
        agent.status is not None and (agent.status.primary, agent.status.synced),
        agent.facts, agent.asked_engine, agent.recovered, agent.busy, agent.launch,
        _join_key(agent.join),
        campaign is not None and (campaign.candidacy, campaign.granted),
        asking is not None and (asking.candidacy, asking.granted, asking.waiting),
        decided is not None and tuple(_join_key(a) if isinstance(a, Join) else a for a in decided.actions),
        agent.fault,
        agent.phase in (Phase.BLOCKED, Phase.JOINING), agent.stop_since is not None, agent.group, agent.named,
        patience is not None and now - agent.company_since >= patience, now - agent.started < HEARING_SECONDS,
        agent.non_primary_since is not None and now - agent.non_primary_since >= STUCK_SECONDS,
    )  # fmt: skip


def _join_key(join: Join | None) -> object:
    return join is not None and (join.addresses, join.position, join.discard is not None)


def _member_key(member: Member, instances: dict[int, int], now: float) -> Key:
    server, volume, agent = member.server, member.volume, member.agent
    grant = volume.record.grant
    return (
        volume.record, volume.data, volume.files, volume.grastate, volume.safe, volume.marks,
        agent is not None and _agent_key(agent, now, member.patience),
        agent is not None and grant is not None and grant.candidate in agent.outdated,
        server is not None and (
            server.launch, server.addresses, server.state, server.log, server.applied, server.entered, server.noted,
            server.up, server.stopping, server.votes, server.name, server.breaks, server.last_primary[0],
            tuple(sorted(instances.get(i, -1) for i in server.last_primary[1])),
        ),
    )  # fmt: skip


def key(world: World) -> Key:
    """What tells this state from others. Processes are numbered anew; the dead ones are all alike."""
    instances = {m.server.instance: m.ordinal for m in world.members if m.server is not None}
    components = tuple(
        sorted(
            (
                component.primary, component.log,
                tuple(sorted(instances.get(i, 9) for i in component.members - component.left)),
                tuple(sorted(instances.get(i, 9) for i in component.voters - component.left)),
                tuple(server.ordinal for server in world.attached(number)),
            )
            for number, component in world.components.items()
        )
    )  # fmt: skip
    messages = tuple(
        (m.sender, m.voter, m.request.candidacy, _report_key(m.request.candidate)) for m in world.messages
    )
    return (
        tuple(_member_key(member, instances, world.now) for member in world.members), components, messages, world.sides,
        frozenset(world.acknowledged), world.lost_volumes, world.founded,
    )  # fmt: skip


# --- the search --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Found:
    """What a search saw. ``steps`` lead to the violation."""

    states: int = 0
    transitions: int = 0
    depth: int = 0
    complete: bool = True
    """Nothing within the bound was left out."""
    violation: Violation | None = None
    steps: tuple[Step, ...] = field(default_factory=tuple)


def explore(bound: Bound, begin: Begin, rules: Rules | None = None, ends: int = 0) -> Found:
    """All states within the bound. From each ``ends``-th new one (0: none) the cluster must also become whole."""
    first = start(begin, bound.size, rules)
    first.be_patient(bound.patience)
    found = Found(states=1)
    limits = tuple(getattr(bound, kind) for kind in _KINDS)
    seen = {hash(key(first)): [(0,) * len(_KINDS)]}
    frontier: list[tuple[World, Budget, tuple[Step, ...]]] = [(first, (0,) * len(_KINDS), ())]
    while frontier and found.depth < bound.moves:
        found.depth += 1
        following: list[tuple[World, Budget, tuple[Step, ...]]] = []
        for world, spent, path in frontier:
            for kind, move in _episodes(world) if bound.episodes else _moves(world):
                if found.states >= bound.states:
                    found.complete = False
                    return found
                budget = _pay(kind, spent, limits, bound.faults)
                if budget is None:
                    continue
                other = world.copy()
                try:
                    if not take(other, move) or _missed(other, move):
                        continue
                    found.transitions += 1
                    if not bound.late:
                        other.messages.clear()
                    ways = seen.setdefault(hash(key(other)), [])
                    if any(all(map(le, way, budget)) for way in ways):
                        continue
                    ways.append(budget)
                    found.states += 1
                    if ends and found.states % ends == 0:
                        finish(other.copy())
                except Violation as violation:
                    found.violation, found.steps = violation, (*path, move)
                    return found
                following.append((other, budget, (*path, move)))
        frontier = following
    return found


def _missed(world: World, move: Step) -> bool:
    """A crash at a write that was not made is no crash."""
    name, *arguments = move
    return name == "run" and arguments[2] != 0 and world.members[arguments[0]].agent is not None


def _pay(kind: str, spent: Budget, limits: Budget, faults: int) -> Budget | None:
    """The budget after a move of this kind; None where it is not to be had. A commit is no fault."""
    if not kind:
        return spent
    index = _KINDS.index(kind)
    after = (*spent[:index], spent[index] + 1, *spent[index + 1 :])
    if after[index] > limits[index] or sum(after[:-1]) > faults:
        return None
    return after
