"""Asking agents that do not answer: how long a round waits for them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from trireme.adapters.peers import PROMPT_SECONDS, Peers, Silence

REFUSING = "127.0.0.1"
FROZEN = "127.0.0.2"


@pytest.fixture
def port() -> Iterator[int]:
    """At FROZEN the kernel accepts connections that nobody ever answers, as for a stopped process."""
    with socket.socket() as listener:
        listener.bind((FROZEN, 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
async def peers(port: int) -> AsyncIterator[Peers]:
    peers = Peers(b"0123456789abcdef", port, None)
    yield peers
    await peers.close()


async def test_without_news_a_silent_member_is_waited_for(peers: Peers) -> None:
    assert await peers.reports([FROZEN, REFUSING], asyncio.Event()) == [
        Silence("no answer within 3 s"),
        Silence("connection refused"),
    ]


async def test_news_does_not_wait_for_a_silent_member(peers: Peers) -> None:
    news = asyncio.Event()
    asyncio.get_running_loop().call_later(1.0, news.set)
    assert await peers.reports([REFUSING, FROZEN], news) == [
        Silence("connection refused"),
        Silence("no answer yet"),
    ]


async def test_a_round_for_news_waits_for_no_silent_member(peers: Peers) -> None:
    assert await peers.reports([FROZEN], asyncio.Event(), prompt=True) == [Silence("no answer yet")]


async def test_one_that_was_silent_the_last_time_holds_up_no_news(peers: Peers) -> None:
    """A frozen writer's heir takes several rounds to follow it."""
    clock = asyncio.get_running_loop().time
    await peers.reports([FROZEN, REFUSING], asyncio.Event(), prompt=True)
    begun = clock()
    for _ in range(3):
        answers = await peers.reports([REFUSING, FROZEN], asyncio.Event(), prompt=True)
        assert answers == [Silence("connection refused"), Silence("no answer yet")]
    assert clock() - begun < 3 * PROMPT_SECONDS / 2


async def test_a_member_that_knows_nobody_asks_nobody(peers: Peers) -> None:
    assert await peers.reports([], asyncio.Event()) == []
