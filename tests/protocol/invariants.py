"""The invariants of DESIGN, chapter 3, checked at each step that could break them."""

from dataclasses import replace

from tests.protocol import doubt
from tests.protocol.agent import Member, provable
from tests.protocol.galera import History, State, uuid_of
from tests.protocol.world import Violation, World
from trireme.api.position import View
from trireme.api.report import Gap, Override


def one_primary(world: World) -> None:
    """Invariant 1."""
    active = list(world.active())
    numbers = [number for number, _ in active]
    if len(active) > 1 and any(component.doubtful for _, component in active):
        world.torn = True
    elif len(active) > 1:
        who = " and ".join(str([server.ordinal for server in world.attached(number)]) for number in numbers)
        raise Violation("1", f"two Primaries: of members {who}")


def on_bootstrap(world: World, member: Member, history: History, *, new: bool) -> None:
    """``member`` is about to be a Primary that goes on from ``history`` (its own view included), or begins it."""
    if doubt.about_to_go_on(world, member, _electorate(member)):
        _no_branches_compared(world, member)
        return
    if new and not _begins_by_word(member):
        _is_new(world, member)
    elif not new:
        if not provable_before_start(member):
            raise Violation("2", f"member {member.ordinal} bootstraps a directory that is not whole")
        _most_advanced(world, member, len(history) - 1)
    _all_asked(world, member, uuid_of(history) if not new else None)
    gap = member.volume.record.pending_gap
    if gap is not None:
        _missing_by_policy(world, history, gap, _word(member))
    _granted(world, member)
    nothing_lost(world, history, f"member {member.ordinal} bootstraps")


def _no_branches_compared(world: World, member: Member) -> None:
    """Those who could know better did not grant one branch of two for its seqno (invariant 3)."""
    for ordinal in _electorate(member):
        other = world.members[ordinal]
        one, two = member.volume, other.volume
        mine, theirs = one.data or (), two.data or ()
        same = next((i for i, pair in enumerate(zip(mine, theirs, strict=False)) if pair[0] != pair[1]), None)
        know = all(
            v.record.whole and v.record.views and v.record.views[0].seqno <= (same or 0) for v in (one, two)
        )
        word = one.record.candidacy is not None and one.record.candidacy.override is not None
        gaps = one.record.gaps or two.record.gaps or one.record.pending_gap is not None
        if (
            same is not None
            and know
            and provable(two)
            and not word
            and not gaps
            and uuid_of(mine) == uuid_of(theirs)
        ):
            words = f"member {member.ordinal} bootstraps one branch of two since {same}, member {ordinal} has the other"
            raise Violation("3", words)


def on_reform(world: World, member: Member, history: History) -> None:
    """``member``'s group is about to be a Primary again, in place."""
    if doubt.about_to_go_on(world, member, _electorate(member)):
        return
    for ordinal in _electorate(member):
        other = world.members[ordinal]
        if (
            other.server is None
            and len(other.volume.data or ()) > len(history) - 1
            and provable(other.volume)
        ):
            words = (
                f"the group of {member.ordinal} goes on from {len(history) - 1}, member {ordinal} is ahead"
            )
            raise Violation("3", words)
    _all_asked(world, member, uuid_of(history))
    gap = member.volume.record.pending_gap
    if gap is not None:
        _missing_by_policy(world, history, gap, _word(member))
    _granted(world, member)
    nothing_lost(world, history, f"the group of member {member.ordinal} is a Primary again")


def provable_before_start(member: Member) -> bool:
    return member.volume.data is not None and not member.volume.marks and provable(member.volume)


def _is_new(world: World, member: Member) -> None:
    """Invariants 2 and 6: a new history only where no volume ever belonged to one.

    A volume that another cluster left counts as far as its ordinal is declared: who is not, is not asked.
    A first view that its founder's agent was not told yet held nothing: its server waited for the agent.
    """
    owners = [
        m.ordinal
        for m in world.members
        if m.ordinal < member.declared
        if len(m.volume.data or ()) > 1 or m.volume.record.last_view is not None
    ]
    if owners:
        raise Violation("6", f"member {member.ordinal} begins a new history, but {owners} belong to one")


def _begins_by_word(member: Member) -> bool:
    """A person chose a member whose position cannot be proved."""
    word = _word(member)
    return word is not None and word.new_history


def _word(member: Member) -> Override | None:
    candidacy = member.volume.record.candidacy
    return candidacy.override if candidacy is not None else None


def _most_advanced(world: World, member: Member, seqno: int) -> None:
    """Invariant 3, by the copies as they are: among those asked nobody is ahead; ties go to the lowest ordinal."""
    if not world.rules.one_opinion or _word(member) is not None:
        return
    uuid = uuid_of(member.volume.data or ())
    for ordinal in _electorate(member):
        volume = world.members[ordinal].volume
        if (
            ordinal == member.ordinal
            or not volume.data
            or uuid_of(volume.data) != uuid
            or not provable(volume)
        ):
            continue
        if len(volume.data) > seqno or (_first_of_ties(world.members[ordinal], member, seqno)):
            words = (
                f"member {member.ordinal} bootstraps at {seqno}, member {ordinal} is at {len(volume.data)}"
            )
            raise Violation("3", words)


def _first_of_ties(other: Member, member: Member, seqno: int) -> bool:
    """One that cannot start its server does not stand."""
    return len(other.volume.data or ()) == seqno and other.ordinal < member.ordinal and not other.was_broken


def _all_asked(world: World, member: Member, uuid: str | None) -> None:
    """Invariant 4, by what the volumes remember, whoever answered; of those who are not waited for, nobody knows it."""
    gap = member.volume.record.pending_gap
    who = [world.members[ordinal] for ordinal in _electorate(member)] if gap is not None else world.members
    mine = _came_through(member)
    views = [
        m.volume.record.last_view for m in who if not left_behind(m, mine) and m.ordinal not in world.doubtful
    ]
    known = [view for view in views if view is not None and (uuid is None or view.uuid == uuid)]
    latest: View | None = max(known, key=lambda view: view.seqno, default=None)
    allowed = set(gap.missing) if gap is not None else set()
    missing = sorted(
        set(latest.members if latest else range(member.declared))
        - set(_electorate(member))
        - allowed
        - {m.ordinal for m in world.members if left_behind(m, mine)}
        - _answer_as_of_before_a_gap(world, mine)
    )
    if missing:
        raise Violation(
            "4", f"member {member.ordinal} bootstraps, and {missing} of the latest view were not asked"
        )


def _came_through(member: Member) -> tuple[Gap, ...]:
    """One that is about to join has heard of the Primary's gaps, and belongs to its branch once it has data of it."""
    record, data = member.volume.record, member.volume.data or ()
    far = max(len(data), record.last_view.seqno if record.last_view is not None else 0)
    return tuple(gap for gap in record.gaps if not record.joining or far > gap.position.seqno)


def _answer_as_of_before_a_gap(world: World, gaps: tuple[Gap, ...]) -> set[int]:
    """Whose old copy was made before the cluster went on without somebody: what it has beyond that is set aside."""
    known = {o: {gap.id for gap in world.members[o].volume.record.gaps} for o in world.doubtful}
    return {o for o, ids in known.items() if any(gap.id not in ids for gap in gaps)}


def left_behind(member: Member, gaps: tuple[Gap, ...]) -> bool:
    """The candidate's branch went on without it, or a person gave its branch up: its views are of another, and not to be
    compared by seqno."""
    record = member.volume.record
    ids = {known.id for known in record.gaps}
    unknown = [gap for gap in gaps if gap.id not in ids]
    return any(member.ordinal in gap.missing or _chosen_against(member, ids, gap) for gap in unknown)


def _chosen_against(member: Member, known: set[str], gap: Gap) -> bool:
    view, data = member.volume.record.last_view, member.volume.data or ()
    uuids = {uuid_of(data)} | ({view.uuid} if view is not None else set())
    far = max(len(data), view.seqno if view is not None else 0)
    later = gap.position.uuid in uuids and far > gap.position.seqno
    return gap.by == "alice" and (
        later or not uuids.isdisjoint(gap.abandoned) or not known.isdisjoint(gap.undone)
    )


def _missing_by_policy(world: World, history: History, gap: Gap, word: Override | None) -> None:
    """What only the named members hold may go: the policy said so, and a lasting condition says of whom."""
    if world.patience is None and gap.by != "alice":
        raise Violation("4", f"goes on without {gap.missing}, and the policy is to wait")
    lost = world.acknowledged.difference(world.in_doubt, history)
    for member in world.members:
        if member.ordinal not in gap.missing and not _is_given_up(member, gap, word):
            lost -= set(member.volume.data or ()) | set(
                member.server.log if member.server is not None else ()
            )
    world.acknowledged -= lost
    world.excused |= lost


def _is_given_up(member: Member, gap: Gap, word: Override | None) -> bool:
    """A person chose one of an older branch or of another history, or one that is less far, and was told that what this
    member has beyond would be set aside."""
    undone = any(known.id in gap.undone for known in member.volume.record.gaps)
    data = member.volume.data or ()
    shown = word is not None and (member.ordinal, len(data)) in word.shown
    return undone or shown or uuid_of(data) in gap.abandoned


def _granted(world: World, member: Member) -> None:
    """Invariant 7: each voter's grant is on its disk (unless that volume is gone), and an epoch elects once: unless all
    volumes that granted are gone, and a person chose who does not know of it."""
    candidacy = member.volume.record.candidacy
    if candidacy is None:
        raise Violation("7", f"member {member.ordinal} bootstraps without a candidacy on disk")
    for ordinal in _electorate(member):
        grant = world.members[ordinal].volume.record.grant
        if grant is None and world.lost_volumes:
            continue
        if grant is None or grant.candidate != member.ordinal:
            raise Violation(
                "7", f"member {member.ordinal} bootstraps; the grant of member {ordinal} is {grant}"
            )
    voters = frozenset(world.members[ordinal].volume.record.volume for ordinal in _electorate(member))
    elected, before = world.elected.get(candidacy, (member.ordinal, voters))
    world.elected[candidacy] = member.ordinal, voters | before if elected == member.ordinal else voters
    if elected != member.ordinal and not (world.lost_volumes and voters.isdisjoint(before)):
        raise Violation("7", f"epoch {candidacy.epoch} elected member {elected} and member {member.ordinal}")


def _electorate(member: Member) -> tuple[int, ...]:
    campaign = member.agent.campaign if member.agent is not None else None
    return tuple(sorted(campaign.granted)) if campaign is not None else ()


def nothing_lost(world: World, history: History, occasion: str) -> None:
    """Every acknowledged commit is in the history that goes on.

    Excused is only what no directory that may be bootstrapped holds, after a volume was lost: what a client was
    told is durable on one volume at least, and no protocol brings back the last one.
    """
    lost = world.acknowledged.difference(world.in_doubt, history)
    if not lost:
        return
    gone = world.lost_volumes or world.put_back
    for member in world.members:
        held = lost.intersection(member.volume.data or ())
        server = member.server
        living = lost.intersection(server.log) if server is not None else set()
        if living or (held and (not gone or provable(member.volume))):
            words = f"{occasion} without commits {sorted(held | living)}, which member {member.ordinal} holds"
            raise Violation("no acknowledged commit lost", words)
    if not gone:
        raise Violation(
            "no acknowledged commit lost", f"{occasion} without commits {sorted(lost)}; no volume was lost"
        )
    world.acknowledged -= lost
    world.excused |= lost


def on_incremental(world: World, member: Member, own: History, group: History) -> None:
    """An incremental transfer adds to a copy; where that is no prefix, two histories are mixed unseen."""
    if own != group[: len(own)] and _can_be_told(world, member):
        raise Violation(
            "1", f"member {member.ordinal} joins with data that the Primary's history does not contain"
        )


def _can_be_told(world: World, member: Member) -> bool:
    """After an old copy was put back: somebody who has the Primary's data knows views from before the joiner's last one.
    Galera does not merge two Primaries, as this model does."""
    server = member.server
    if not world.put_back or server is None:
        return True
    if world.torn:
        return False
    attached = (peer for peer in world.attached(server.component) if peer.state is State.SYNCED)
    peers = [world.members[peer.ordinal] for peer in attached if peer is not server]
    if server.received and not _went_on_without(peers, member):
        return False  # what it received as it joined before came with no view: nothing tells of which branch it is
    told = [view.seqno for view in member.volume.record.views if view.seqno <= len(member.volume.data or ())]
    known = (peer.volume.record.views for peer in peers)
    return bool(told) and any(views and views[0].seqno <= told[-1] for views in known)


def on_overwrite(world: World, member: Member, group: History) -> None:
    """Invariant 10: what a full transfer overwrites is worthless beside the Primary's. What only an old copy's Primary
    had is judged as far as views go back: no further can it be told that it is of another branch."""
    lost = world.acknowledged.intersection(member.volume.data or ()).difference(group)
    if lost and (not world.misled or _can_be_told(world, member)):
        raise Violation(
            "10", f"commits {sorted(lost)} of member {member.ordinal} are overwritten by a Primary without"
        )


def _went_on_without(others: list[Member], member: Member) -> bool:
    """By a gap that it does not know, whatever its name, from before what it has."""
    own, data = member.volume.record.gaps, member.volume.data or ()
    ids, known = {gap.id for gap in own}, {replace(gap, settled="") for gap in own}
    gaps = {replace(gap, settled="") for other in others for gap in other.volume.record.gaps} - known
    return any(
        (uuid_of(data) == gap.position.uuid and len(data) > gap.position.seqno)
        or uuid_of(data) in gap.abandoned
        or not ids.isdisjoint(gap.undone)
        for gap in gaps
    )


def on_discard(world: World, member: Member) -> None:
    """Invariant 10: a directory is set aside only where others hold all that was acknowledged of it."""
    if world.misled and (member.volume.record.rebuild is not None or _went_on_without(world.members, member)):
        return  # a person, or the policy, decided so, beside a Primary that an old copy made: it is kept aside
    rest = world.acknowledged.intersection(member.volume.data or ())
    for other in world.members:
        if other is not member:
            rest.difference_update(other.volume.data or ())
            rest.difference_update(other.server.log if other.server is not None else ())
    if rest:
        raise Violation(
            "10", f"member {member.ordinal} sets commits {sorted(rest)} aside, which no other holds"
        )
