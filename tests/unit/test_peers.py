"""Asking agents that do not answer: how long a round waits for them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from aiohttp import web

from tests.unit.core.builders import member
from trireme.adapters.peers import PROMPT_SECONDS, Peers, Silence
from trireme.adapters.signing import NONCE_HEADER, SIGNATURE_HEADER, sign
from trireme.api.report import Report

REFUSING = "127.0.0.1"
FROZEN = "127.0.0.2"
SLOW = "127.0.0.3"
TOKEN = b"0123456789abcdef"


@pytest.fixture
def port() -> Iterator[int]:
    """At FROZEN the kernel accepts connections that nobody ever answers, as for a stopped process."""
    with socket.socket() as listener:
        listener.bind((FROZEN, 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
async def peers(port: int) -> AsyncIterator[Peers]:
    peers = Peers(TOKEN, port, None)
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
    assert clock() - begun < PROMPT_SECONDS / 2


@pytest.fixture
async def slow_agent(port: int) -> AsyncIterator[Report]:
    """At SLOW an agent answers each request after longer than a round for news waits."""
    report = member(1).report

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(PROMPT_SECONDS + 0.2)
        body = msgspec.json.encode(report)
        proof = sign(TOKEN, "answer", request.path, request.headers[NONCE_HEADER], body)
        return web.Response(body=body, headers={SIGNATURE_HEADER: proof})

    app = web.Application()
    app.router.add_get("/v1/report", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, SLOW, port).start()
    yield report
    await runner.cleanup()


async def test_one_that_is_slow_is_heard_in_a_later_round(peers: Peers, slow_agent: Report) -> None:
    """Fails where each round asks anew: as long as there is news, a member on a busy node would be silent. (When it
    was asked is known: what it says may be from before what happened since.)"""
    async with asyncio.timeout(5):
        assert await peers.reports([SLOW], asyncio.Event(), prompt=True) != [slow_agent]
        asked = peers.began[SLOW]
        while await peers.reports([SLOW], asyncio.Event(), prompt=True) != [slow_agent]:
            pass
    assert peers.began[SLOW] == asked


async def test_an_old_answer_is_no_news(peers: Peers, slow_agent: Report) -> None:
    """It came a while ago, when nobody listened: what that member is now has to be asked anew."""
    await peers.reports([SLOW], asyncio.Event(), prompt=True)
    await asyncio.sleep(0.2 + 2 * PROMPT_SECONDS)
    assert await peers.reports([SLOW], asyncio.Event(), prompt=True) == [Silence("no answer yet")]


async def test_a_member_that_knows_nobody_asks_nobody(peers: Peers) -> None:
    assert await peers.reports([], asyncio.Event()) == []
