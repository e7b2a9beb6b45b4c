"""One round of an agent, step by step, and the execution of its decisions as in ``trireme.agent.act``."""

from typing import assert_never

from tests.protocol import group, invariants
from tests.protocol.agent import Agent, Asking, Member, ask_engine, look
from tests.protocol.galera import Server, sql_report
from tests.protocol.world import Message, PodCrashed, World
from trireme.api.report import GrantRequest, Phase
from trireme.core import branches, grants, situation
from trireme.core import decide as deciding
from trireme.core.gaps import group_name, inherited, merged
from trireme.core.situation import Action, AskGrants, Bootstrap, Campaign, Decision, Join, Launch, SetAside

MOST_MESSAGES = 12
"""Late requests kept; older ones are lost."""


def begin_round(world: World, member: Member) -> bool:
    """Look at the own server; whoever is to be asked is asked from now on."""
    agent = member.agent
    if agent is None or agent.decided is not None or agent.asking is not None or agent.heard is not None:
        return False
    agent.heard = {o: said for o, (said, at) in agent.early.items() if at == world.now}
    agent.early = {}
    agent.fault = agent.fault and world.now < agent.retry_at
    agent.named = tuple(m.ordinal for m in world.members if m.agent is not None)
    server = member.server
    agent.status = sql_report(server, world.component_of(server)) if server is not None else None
    agent.group = world.group_of(server)
    if agent.status is None or agent.status.primary:
        agent.non_primary_since = None
    elif agent.non_primary_since is None:
        agent.non_primary_since = world.now
    return True


def hear(world: World, member: Member, other: Member) -> bool:
    """One answer of the round arrives, as the other is at this moment."""
    agent = member.agent
    if agent is None or agent.heard is None or member is other or not other.responsive:
        return False
    agent.heard[other.ordinal] = world.report(other)
    agent.asked_since |= 1 << other.ordinal
    return True


def hear_early(world: World, member: Member, other: Member) -> bool:
    """An answer comes between two rounds; the next one takes it, if it comes in the same second."""
    agent = member.agent
    if agent is None or agent.heard is not None or member is other or not other.responsive:
        return False
    agent.early[other.ordinal] = world.report(other), world.now
    return True


def decide(world: World, member: Member) -> bool:
    """The real decision, on what was heard. What it wants done may be done much later (:func:`act`)."""
    agent = member.agent
    if agent is None or agent.heard is None:
        return False
    if agent.heard.keys() != agent.answers.keys():
        agent.company_since = world.now
    agent.answers, agent.heard = agent.heard, None
    if agent.outdated:
        agent.outdated = frozenset(o for o in agent.outdated if not agent.asked_since >> o & 1)
    agent.asked_since = 0
    decision = _decision(world, member, agent)
    if world.story is not None and (decision.phase, decision.why) != (agent.phase, agent.why):
        world.tell(f"    member {member.ordinal} {decision.phase}: {decision.why}")
    agent.phase, agent.why = decision.phase, decision.why
    if decision.phase is Phase.SYNCED:
        agent.failures = 0
    if decision.actions:
        agent.decided = decision
    return True


def _decision(world: World, member: Member, agent: Agent) -> Decision:
    """Half of all pictures are what the member saw last time: a pure function says the same of them."""
    picture = member.picture(world.now)
    if agent.judged is None or agent.judged[0] != picture or not world.rules.remembered:
        agent.judged = picture, deciding.decide(member.situation(world.now))
    return agent.judged[1]


def act(world: World, member: Member) -> bool:
    """Execute what was decided. A durable write may be the last thing that the pod did (``world.fuse``)."""
    agent = member.agent
    if agent is None or agent.decided is None:
        return False
    actions, agent.decided = agent.decided.actions, None
    for action in actions:
        _execute(world, member, agent, action)
    return True


def _execute(world: World, member: Member, agent: Agent, action: Action) -> None:  # noqa: PLR0912 - a closed union
    record = member.volume.record
    match action:
        case situation.Inspect():
            agent.facts = look(member.volume)
        case situation.AskEngine():
            agent.busy = Phase.RECOVERING
        case AskGrants():
            _ask_grants(world, member, agent, action)
        case situation.Withdraw(epoch=epoch):
            world.write(member, withdrawn=epoch)
            agent.campaign = None
        case situation.Initialize():
            agent.busy = Phase.INITIALIZING
            world.write(member, first_start="began")
            member.volume.files = True
        case Bootstrap():
            _bootstrap(world, member, agent, action)
        case situation.Reform():
            if record.pending_gap is not None:
                world.write(member, pending_gap=None)
            group.reform(world, member)
        case Join():
            agent.busy, agent.join = Phase.JOINING, action
        case situation.Learn(gaps=gaps, views=views):
            further = views if views[-1:] == record.views[-1:] else record.views
            world.write(member, gaps=merged(record.gaps, gaps), views=further)
        case situation.MarkStrayed(view=view):
            world.write(member, strayed=view)
        case situation.StopServer(failed=failed):
            _stop(world, member, agent, failed)
        case situation.MarkSynced():
            _mark_synced(world, member)
        case situation.Claim(claim=claim):
            agent.writer = claim
        case situation.Retire():
            agent.retire_since = world.now if member.server is not None else None
        case situation.SetAside():
            agent.busy, agent.aside = Phase.JOINING, action
        case situation.DropHeir() | situation.Dismiss():
            pass  # nobody asks for a switchover here, volumes have room, clients keep no connections
        case situation.Exit():
            member.agent = None
        case _:
            assert_never(action)


def _stop(world: World, member: Member, agent: Agent, failed: str | None) -> None:
    outside = agent.status is not None and not agent.status.primary
    if outside != member.volume.record.outside:
        world.write(member, outside=outside)
    if member.server is not None and not member.server.stopping:
        member.server.stopping = True
        if failed is not None:
            agent.failed(world.now)


def _mark_synced(world: World, member: Member) -> None:
    record = member.volume.record
    if member.server is not None:
        group.give_vote(world, member.server)
    if record.joining or record.first_start is not None:
        world.write(member, joining=False, first_start=None, differs=False)
    if record.rebuild == "emptied":
        world.write(member, rebuild=None)


def finish_work(world: World, member: Member) -> bool:
    """What runs beside the loop ends: the engine answered, the first directory is made, a joiner is started."""
    agent = member.agent
    if agent is None or agent.busy is None or agent.decided is not None:
        return False
    if agent.busy is Phase.RECOVERING:
        agent.asked_engine, agent.recovered = True, ask_engine(member.volume)
    elif agent.join is not None:
        _join(world, member, agent, agent.join)
    elif agent.aside is not None:
        _set_aside(world, member, agent, agent.aside)
    else:
        member.volume.data, member.volume.files, member.volume.grastate = (), True, None
        world.burn()
        world.write(member, first_start="done")
        agent.forget_directory()
    agent.busy, agent.join, agent.aside = None, None, None
    return True


def _set_aside(world: World, member: Member, agent: Agent, action: SetAside) -> None:
    volume = member.volume
    if not _primary_answers(world, member, tuple(agent.answers)):
        agent.failed(world.now)
        return
    invariants.on_discard(world, member)
    volume.data, volume.files, volume.grastate, volume.marks = None, False, None, False
    world.burn()
    last_view = None if action.forget_view else volume.record.last_view
    world.write(
        member, rebuild="emptied", joining=True, first_start=None, views=(), strayed=None, last_view=last_view
    )
    agent.forget_directory()


def _bootstrap(world: World, member: Member, agent: Agent, action: Bootstrap) -> None:
    if action.gap != member.volume.record.pending_gap:
        world.write(member, pending_gap=action.gap)
    if action.position is not None:
        member.volume.grastate, member.volume.safe = action.position, True
        world.burn()
    record = member.volume.record
    made = (record.pending_gap,) if record.pending_gap is not None else ()
    goes_on = branches.goes_on(world.report(member), action.succeeds)
    _start(world, member, agent, Launch.BOOTSTRAP, (), group_name("demo", (*record.gaps, *made)))
    if goes_on and member.server is not None:
        member.server.breaks = frozenset()


def _join(world: World, member: Member, agent: Agent, action: Join) -> None:
    volume = member.volume
    if action.discard is not None and agent.facts is not None and agent.facts.files:
        if not volume.marks and not _primary_answers(world, member, tuple(map(int, action.addresses))):
            agent.failed(world.now)
            agent.forget_directory()
            return
        invariants.on_discard(world, member)
        volume.data, volume.files, volume.grastate, volume.marks = None, False, None, False
        world.burn()
    elif action.position is not None:
        volume.grastate, volume.safe, volume.marks = action.position, False, False
        world.burn()
    far = len(volume.data or ())
    volume.before = volume.before if volume.record.joining else far
    received = far > max((volume.before, *(view.seqno for view in volume.record.views)))
    gaps = inherited(volume.record.gaps, action.gaps)
    views = volume.record.views if action.discard is None else ()
    last_view = None if action.forget_view else volume.record.last_view
    world.write(
        member, joining=True, first_start=None, gaps=gaps, pending_gap=None, override=None,
        views=views if last_view is not None else (), whole=False, strayed=None, last_view=last_view,
    )  # fmt: skip
    addresses = tuple(int(address) for address in action.addresses)
    _start(world, member, agent, Launch.JOIN, addresses, action.group_name)
    if member.server is not None:
        member.server.votes, member.server.received = action.votes, received


def _primary_answers(world: World, member: Member, addresses: tuple[int, ...]) -> bool:
    """As :meth:`trireme.agent.act.Actor._confirm_primary`."""
    others = (world.members[address] for address in addresses if address != member.ordinal)
    return any(other.responsive and world.report(other).primary for other in others)


def _start(
    world: World, member: Member, agent: Agent, launch: Launch, addresses: tuple[int, ...], name: str
) -> None:
    if agent.stop_since is not None:
        return
    if member.broken:
        agent.fault = True
        agent.faults += 1
        agent.failed(world.now)
        agent.forget_directory()
        return
    member.volume.files = True
    number = world.next(member.ordinal)
    member.server = Server(member.ordinal, number, launch, addresses, moved=world.now, name=name)
    agent.launch, agent.status = launch, None
    agent.forget_directory()
    if world.story is not None:
        world.tell(f"    member {member.ordinal} starts a server to {launch}")


def _ask_grants(world: World, member: Member, agent: Agent, action: AskGrants) -> None:
    candidacy = action.candidacy
    if member.volume.record.candidacy != candidacy:
        world.write(member, candidacy=candidacy)
    request = GrantRequest(candidacy=candidacy, candidate=world.report(member), majority=action.majority)
    own, why = give_grant(world, member, request)
    others = frozenset(action.electorate) - {member.ordinal}
    agent.asking = Asking(
        serial=world.next(member.ordinal),
        candidacy=candidacy,
        electorate=action.electorate,
        granted=frozenset({member.ordinal}) if own else frozenset(),
        refused={} if own else {member.ordinal: why},
        waiting=others,
    )
    for voter in sorted(others):
        world.messages.append(Message(agent.asking.serial, member.ordinal, agent.incarnation, voter, request))
    del world.messages[:-MOST_MESSAGES]


def give_grant(world: World, voter: Member, request: GrantRequest) -> tuple[bool, str]:
    """As :func:`trireme.agent.act.give_grant`."""
    agent = voter.agent
    assert agent is not None
    own = request.candidate.ordinal == voter.ordinal
    if agent.busy is not None and not own:
        return False, "busy"
    outcome = grants.judge_request(request, world.report(voter), agent.answers, voter.terms(world.now))
    if isinstance(outcome, grants.Refused):
        return False, outcome.why
    if outcome.grant != voter.volume.record.grant:
        if world.rules.durable_grants:
            world.write(voter, grant=outcome.grant)
        else:
            world.tell(f"    member {voter.ordinal} grants without writing it down")
        agent.outdated, agent.asked_since = frozenset(range(len(world.members))), 0
    return True, outcome.why


def deliver(world: World, index: int, *, keep: bool, answer: bool) -> bool:
    """A request reaches its voter; the reply reaches the candidate only while it still waits for it."""
    if index >= len(world.messages):
        return False
    message = world.messages[index]
    voter = world.members[message.voter]
    if not voter.responsive:
        return False
    if not keep:
        del world.messages[index]
    granted, why = give_grant(world, voter, message.request)
    if world.story is not None:
        verb = "grants" if granted else "refuses"
        world.tell(f"    member {message.voter} {verb} member {message.sender}: {why}")
    agent = world.members[message.sender].agent
    if not answer or agent is None or agent.asking is None or agent.asking.serial != message.serial:
        return True
    asking = agent.asking
    if message.voter in asking.waiting and world.members[message.sender].responsive:
        asking.waiting -= {message.voter}
        if granted:
            asking.granted |= {message.voter}
        else:
            asking.refused = {**asking.refused, message.voter: why}
    return True


def end_asking(world: World, member: Member) -> bool:
    """All replies are in, or the time is up: whoever did not answer did not grant."""
    agent = member.agent
    if agent is None or agent.asking is None:
        return False
    asking, agent.asking = agent.asking, None
    refused = {**asking.refused, **dict.fromkeys(asking.waiting, "no answer")}
    agent.campaign = Campaign(candidacy=asking.candidacy, granted=asking.granted, refused=refused)
    return True


def crash(world: World, member: Member) -> None:
    """The pod is gone at once, but for its volume and what is on its way in the network."""
    member.agent, member.server = None, None
    world.fuse = 0


__all__ = [
    "PodCrashed",
    "act",
    "begin_round",
    "crash",
    "decide",
    "deliver",
    "end_asking",
    "finish_work",
    "hear",
    "hear_early",
]
