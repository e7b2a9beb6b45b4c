"""What the log tells of views, beside what the server calls about."""

from trireme.adapters.mariadb.log import ViewSeen
from trireme.agent.view_blocks import ViewBlocks

BOTH = frozenset({"demo-0", "demo-1"})


def block(seqno: int, *names: str) -> ViewSeen:
    return ViewSeen("history", seqno, primary=True, members=names or tuple(BOTH), own_index=0)


async def test_a_view_has_the_seqno_of_its_block() -> None:
    blocks = ViewBlocks()
    for seqno in (5, 9):
        blocks.seen(block(seqno))
        assert await blocks.seqno("history", BOTH) == seqno
    assert not blocks.take_missed()


async def test_a_block_that_does_not_come_is_no_guess() -> None:
    blocks = ViewBlocks()
    blocks.seen(block(5, "demo-0"))
    assert await blocks.seqno("history", BOTH) is None


async def test_two_views_of_the_same_members_that_came_while_the_agent_was_frozen() -> None:
    """The first one's seqno is known to nobody here: the views that this member knows have a break.

    Fails where the two are taken for one: in the next election this member would seem to be of another branch.
    """
    blocks = ViewBlocks()
    blocks.seen(block(5))
    blocks.seen(block(9))
    assert await blocks.seqno("history", BOTH) == 9
    assert blocks.take_missed()
    assert not blocks.take_missed()


async def test_a_call_that_was_lost_is_a_break() -> None:
    blocks = ViewBlocks()
    blocks.seen(block(5, "demo-0"))
    blocks.seen(block(9))
    await blocks.seqno("history", BOTH)
    assert blocks.take_missed()
