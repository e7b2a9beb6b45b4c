"""What Galera does: servers connect, views are installed, state is transferred, processes end."""

from dataclasses import replace

from tests.protocol import doubt, invariants
from tests.protocol.agent import Member
from tests.protocol.galera import (
    Component,
    Server,
    State,
    next_view,
    number_of,
    position_of,
    uuid_of,
    view_at,
    view_entry,
)
from tests.protocol.world import World
from trireme.api.position import ZERO_UUID, Position
from trireme.core.branches import told
from trireme.core.gaps import merged
from trireme.core.situation import Launch

UNKNOWN = Position(ZERO_UUID, -1)


def connect(world: World, member: Member) -> bool:
    """A started server finds its group, or founds one."""
    server = member.server
    if server is None or server.state is not State.STARTING:
        return False
    if server.launch is Launch.BOOTSTRAP:
        _found(world, member, server)
        return True
    side = world.sides[member.ordinal]
    peers = (peer for peer in world.connected(side) if peer.name == server.name)
    if not any(peer.ordinal in server.addresses for peer in peers):
        return False
    volume = member.volume
    offers = volume.grastate is not None and volume.grastate.known
    server.state, server.log = State.JOINER, (volume.data or () if offers else ())
    server.moved = world.now
    regroup(world, side)
    return True


def _found(world: World, member: Member, server: Server) -> None:
    """``--wsrep-new-cluster``: a history goes on from a known position, else a new one begins."""
    volume, alone = member.volume, frozenset({member.ordinal})
    known = volume.grastate is not None and volume.grastate.known
    if volume.data and known:
        history = (*volume.data, view_entry(alone))
    elif volume.grastate is not None and known:
        history = (view_entry(alone, number_of(volume.grastate.uuid)),)
    else:
        world.founded += 1
        history = (view_entry(alone, world.founded),)
    invariants.on_bootstrap(world, member, history, new=not known)
    server.state, server.log = State.SYNCED, history
    server.noted = server.applied = len(history) - 1
    volume.data, volume.files = volume.data or (), True
    volume.grastate, volume.safe = Position(uuid_of(history), -1), True
    alone_now = frozenset({server.instance})
    misled = member.ordinal in world.doubtful
    _install(world, [server], Component(True, history, alone_now, alone_now, doubtful=misled))
    world.tell(f"    member {member.ordinal} is a Primary by itself at {position_of(history)}")
    invariants.one_primary(world)


def regroup(world: World, side: int) -> bool:
    """The servers of one side install the view of those who are there; whether anything changed."""
    servers = world.connected(side)
    names = {server.name for server in servers}
    if len(names) < 2:
        return _regroup(world, servers)
    changed = [_regroup(world, [s for s in servers if s.name == name]) for name in sorted(names)]
    return any(changed)


def _regroup(world: World, servers: list[Server]) -> bool:
    """``servers``: all who reach each other under one name."""
    if not servers:
        return False
    numbers = {server.component for server in servers}
    present = frozenset(server.instance for server in servers)
    if len(numbers) == 1 and 0 not in numbers and world.components[min(numbers)].members == present:
        return False
    base = _quorate(world, servers)
    history = base[1].log if base is not None else _reformed(servers, present)
    if base is not None and not any(s.component == base[0] and s.state is State.SYNCED for s in servers):
        history = None  # gcs: without a member of complete state no quorum
    voters = frozenset(server.instance for server in servers if server.votes)
    doubtful = doubt.of(world, _going_on(servers, base[0] if base is not None else 0))
    component = Component(history is not None, (), present, voters, doubtful=doubtful)
    if history is not None:
        history = (*history, view_entry(frozenset(server.ordinal for server in servers)))
        component.log = history
        for server in servers:
            _enter(world, server, base[0] if base is not None else 0, history)
    _install(world, servers, component)
    if world.story is not None:
        who = ", ".join(str(server.ordinal) for server in servers)
        kind = f"Primary, view {len(component.log)}" if component.primary else "not Primary"
        world.tell(f"    group of {who}: {kind}")
    if component.primary:
        invariants.one_primary(world)
    return True


def reform(world: World, member: Member) -> bool:
    """``pc.bootstrap``: those whom this server is connected with are a Primary again, from the most advanced of them."""
    server = member.server
    component = world.component_of(server)
    if server is None or component is None or component.primary or server.state is not State.SYNCED:
        return False
    servers = world.attached(server.component)
    history = max((s.log for s in servers if s.state is State.SYNCED), key=len)
    history = (*history, view_entry(frozenset(s.ordinal for s in servers)))
    invariants.on_reform(world, member, history)
    present = frozenset(s.instance for s in servers)
    voters = frozenset(s.instance for s in servers if s.votes)
    for each in servers:
        _enter(world, each, 0, history)
    misled = member.ordinal in world.doubtful
    _install(world, servers, Component(True, history, present, voters, doubtful=misled))
    world.tell(f"    members {[s.ordinal for s in servers]} are a Primary again at {position_of(history)}")
    invariants.one_primary(world)
    return True


def _install(world: World, servers: list[Server], component: Component) -> None:
    world.installed += 1
    number = world.installed
    for server in servers:
        server.component = number
        if not component.primary:
            server.breaks |= {len(server.log)}
        else:
            server.last_primary = (len(component.log), component.members)
    used = {member.server.component for member in world.members if member.server is not None}
    world.components = {key: value for key, value in world.components.items() if key in used}
    world.components[number] = component


def _quorate(world: World, servers: list[Server]) -> tuple[int, Component] | None:
    """The Primary that goes on among these servers, the longest where (wrongly) there are two."""
    best = None
    for number in {server.component for server in servers}:
        component = world.components.get(number)
        if component is None or not component.primary:
            continue
        attached = frozenset(server.instance for server in servers if server.component == number)
        if component.quorate(attached) and (best is None or len(component.log) > len(best[1].log)):
            best = number, component
    return best


def _reformed(servers: list[Server], present: frozenset[int]) -> tuple[int, ...] | None:
    """Galera makes a Primary again of those who lost it, once every process of the last Primary view is back."""
    seqno, members = max((server.last_primary for server in servers), key=lambda item: item[0])
    if not seqno or not members <= present:
        return None
    logs = [s.log for s in servers if s.state is State.SYNCED and s.last_primary[0] == seqno]
    return max(logs, key=len, default=None)


def _going_on(servers: list[Server], base: int) -> list[Server]:
    """Whose state the new group goes on from."""
    synced = [server for server in servers if server.state is State.SYNCED]
    return [server for server in synced if server.component == base] if base else synced


def _enter(world: World, server: Server, base: int, history: tuple[int, ...]) -> None:
    """A server's part in a new Primary view: it goes on, or it lacks something and asks for a state transfer."""
    goes_on = server.component == base if base else server.log == history[:-1]
    if server.state is State.SYNCED and goes_on:
        server.log = history
    elif server.state is State.SYNCED or not goes_on or server.component == 0:
        volume = world.members[server.ordinal].volume
        server.state, server.entered = State.JOINER, len(history) - 1
        untold = next_view(
            server.log, server.noted
        )  # here they are left out, in Galera they come in their turn
        server.breaks |= {untold if untold is not None else len(server.log)}
        volume.grastate, volume.safe = UNKNOWN, False


def pending_view(server: Server) -> int | None:
    """Index of the next view that this server is to install and to tell its agent (a joiner: not before its data)."""
    return next_view(server.log, server.noted) if server.state is State.SYNCED else None


def notify(world: World, member: Member) -> bool:
    """A view is installed in its turn: all before it is applied, and the agent has it on disk before more is."""
    server = member.server
    index = pending_view(server) if server is not None else None
    if server is None or index is None or not member.responsive:
        return False
    server.applied = index
    founded = server.launch is Launch.BOOTSTRAP and not server.up
    view = view_at(server.log, index, founded=founded)
    if view != member.volume.record.last_view and world.rules.durable_views:
        record = member.volume.record
        pending = record.pending_gap
        made = (pending,) if pending is not None else ()
        gaps = merged(record.gaps, made)
        world.write(
            member,
            last_view=view,
            first_start=None,
            outside=False,
            override=None,
            gaps=gaps,
            pending_gap=None,
            views=told(record.views, view, goes_on=all(at >= index for at in server.breaks)),
            whole=True,
            strayed=None,
        )
    if member.agent is not None:
        member.agent.faults = 0
    doubt.let_in(world, member, world.component_of(server))
    server.breaks = frozenset(at for at in server.breaks if at > index)
    server.noted = server.applied = index + 1
    server.up = True
    return True


def transfer(world: World, member: Member, *, full: bool) -> bool:
    """One step of a state transfer: its begin (of a full one, where need be or as ``full`` says), or its end."""
    server = member.server
    component = world.component_of(server)
    if server is None or component is None or not component.primary:
        return False
    if server.state not in (State.JOINER, State.RECEIVING) or not _has_donor(world, server, component):
        return False
    volume, server.moved = member.volume, world.now
    possible = bool(server.log) and uuid_of(server.log) == uuid_of(component.log)
    incremental = possible and (server.up or not full)
    if server.state is State.JOINER and incremental:
        invariants.on_incremental(world, member, server.log, component.log)
    elif server.state is State.JOINER:
        invariants.on_overwrite(world, member, component.log)
        server.state, server.log = State.RECEIVING, ()
        volume.data, volume.files, volume.marks = None, True, True
        world.tell(f"    a full state transfer begins to overwrite member {member.ordinal}")
        return True
    server.state, server.log = State.SYNCED, component.log
    server.applied = server.noted = server.entered
    volume.data, volume.files, volume.marks = component.log[: server.applied], True, False
    volume.grastate = Position(uuid_of(component.log), -1)
    return True


def _has_donor(world: World, joiner: Server, component: Component) -> bool:
    """A donor serves in the order of the group: it installed the joiner's view first, and its agent knows."""
    return any(
        donor.state is State.SYNCED and donor.noted > joiner.entered
        for donor in world.attached(joiner.component)
        if donor.instance != joiner.instance and world.sides[donor.ordinal] == world.sides[joiner.ordinal]
    )


def abort(world: World, member: Member) -> bool:
    """A joiner gives up: no Primary came, or the transfer broke off."""
    server = member.server
    if (
        server is None
        or server.state is State.SYNCED
        or (server.launch is Launch.BOOTSTRAP and not server.up)
    ):
        return False
    end(world, member, back=0, ddl=False)
    world.server_ended(member, asked=False)
    return True


def end(world: World, member: Member, *, back: int, ddl: bool) -> None:
    """The process dies. The engine holds all that this server confirmed, and up to ``back`` less than it received."""
    server, volume = member.server, member.volume
    if server is None or server.state in (State.STARTING, State.RECEIVING):
        return
    component = world.component_of(server)
    if server.breaks and volume.record.whole:  # as its agent wrote down when it heard
        volume.record = replace(volume.record, whole=False)
    if server.state is State.SYNCED:
        pending = pending_view(server)
        most = pending if pending is not None else len(server.log)
        volume.data = server.log[: max(server.applied, most - back)]
        primary = component is not None and component.primary
        volume.grastate = UNKNOWN if ddl and primary else Position(uuid_of(server.log), -1)
        volume.safe = primary and component is not None and len(component.members) == 1
    elif server.up:
        volume.data = server.log[: max(server.applied, len(server.log) - back)]
    elif (
        volume.data and not ddl and component is not None and volume.data == component.log[: len(volume.data)]
    ):
        _break_incremental(
            volume_data=volume.data, member=member, server=server, component=component, back=back
        )


def _break_incremental(
    *, volume_data: tuple[int, ...], member: Member, server: Server, component: Component, back: int
) -> None:
    """An incremental transfer brought a part: each write set is whole, in order."""
    if back:
        member.volume.data = component.log[: max(len(volume_data), server.entered - back)]
        member.volume.grastate = Position(uuid_of(component.log), -1)


def stopped(world: World, member: Member) -> bool:
    """A server that was asked to stop has left the group and flushed."""
    server = member.server
    if server is None or not server.stopping or pending_view(server) is not None:
        return False
    component, volume = world.component_of(server), member.volume
    end(world, member, back=0, ddl=False)
    if server.state is State.SYNCED:
        volume.grastate = position_of(server.log)
    if component is not None:
        component.left |= {server.instance}
    world.server_ended(member, asked=True)
    regroup(world, world.sides[member.ordinal])
    return True


def _whole(world: World, component: Component, server: Server) -> bool:
    """All of the component live and hear each other: what one sends is delivered to all."""
    attached = world.attached(server.component)
    side = world.sides[server.ordinal]
    present = component.members - component.left == {peer.instance for peer in attached}
    return present and all(world.sides[peer.ordinal] == side for peer in attached)


def give_vote(world: World, server: Server) -> None:
    """``SET GLOBAL wsrep_provider_options='pc.weight=1'``: delivered to all, or it counts from the next view on."""
    server.votes = True
    component = world.component_of(server)
    if component is not None and _whole(world, component, server):
        component.voters |= {server.instance}


def commit(world: World, member: Member, *, acknowledge: bool) -> bool:
    """A write set goes through the order of a Primary whose members all hear it; its client may be told."""
    server = member.server
    component = world.component_of(server)
    if server is None or component is None or not component.primary or server.state is not State.SYNCED:
        return False
    if not _whole(world, component, server) or pending_view(server) is not None:
        return False
    attached = world.attached(server.component)
    entry = world.next(member.ordinal)
    component.log = (*component.log, entry)
    for peer in attached:
        if peer.state is State.SYNCED:
            peer.log = component.log
    if acknowledge:
        server.applied = len(server.log)
        world.acknowledged.add(entry)
        if component.doubtful:
            world.in_doubt.add(entry)
    return True
