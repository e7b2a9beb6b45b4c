"""Who goes by the word of an old copy of a volume that was put back: what it promised and knew since then is forgotten.

No protocol keeps its promises then. But whoever goes on without asking such a member keeps all of them; and such a member
is as good as any again once a Primary in which the others are let it in.
"""

from collections.abc import Iterable

from tests.protocol.agent import Member
from tests.protocol.galera import Component, Server
from tests.protocol.world import World
from trireme.api.report import Grant
from trireme.core.grants import is_forgotten, is_spent


def put_back(world: World, ordinal: int) -> None:
    world.put_back = True
    world.doubtful |= {ordinal}


def about_to_go_on(world: World, member: Member, electorate: Iterable[int]) -> bool:
    """Whether ``member`` is about to make a Primary by such a word; then nothing of that Primary may be judged."""
    if world.doubtful.isdisjoint((member.ordinal, *electorate)):
        return False
    world.doubtful |= {member.ordinal}
    world.misled = True
    return True


def of(world: World, servers: Iterable[Server]) -> bool:
    """Whether the Primary that these go on from, or lost, came about by such a word."""
    return any(world.components[s.component].doubtful for s in servers if s.component in world.components)


def let_in(world: World, member: Member, component: Component | None) -> None:
    """``member`` installed a view: it is what that Primary is."""
    if not world.put_back or component is None or not component.primary:
        return
    world.doubtful = (
        world.doubtful | {member.ordinal} if component.doubtful else world.doubtful - {member.ordinal}
    )


def parted(world: World) -> bool:
    """Two volumes or servers hold data of which neither is a part of the other."""
    copies = [m.volume.data or () for m in world.members]
    copies += [m.server.log for m in world.members if m.server is not None]
    longest = max(copies, key=len)
    return any(copy != longest[: len(copy)] for copy in copies)


def promised(world: World) -> bool:
    """Somebody granted what only the lost volume told whether it was made use of."""
    records = [member.volume.record for member in world.members]
    open_ones = [r.grant for r in records if r.grant is not None and not is_spent(r.grant, r.last_view)]
    return any(g.candidate in world.doubtful or _forgot(world, g) for g in open_ones)


def _forgot(world: World, grant: Grant) -> bool:
    """Its candidate was let in since, with a volume from before it asked for this one."""
    candidate = world.members[grant.candidate]
    return candidate.agent is not None and is_forgotten(grant, world.report(candidate))
