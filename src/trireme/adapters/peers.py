"""Talking to other agents over HTTP. Silence comes back as words, never as an absence (invariant 5)."""

import asyncio
import os
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import aiohttp
import msgspec

from trireme.adapters.signing import NONCE_HEADER, SIGNATURE_HEADER, new_nonce, sign, verify
from trireme.api.commands import CommandReply
from trireme.api.report import WIRE_VERSION, GrantReply, GrantRequest, Report

ANSWER_SECONDS = 3.0
"""An agent answers from memory (a grant: after one fsync). Slower than this is silence, and asked again."""

PROMPT_SECONDS = 0.5
"""What an agent needs on a busy machine. Who is slower is waited for only as long as there is no other news."""

LATE_SECONDS = 0.02
"""The same for one that gave no answer the last time: a frozen member costs a recovery 0.5 s once, not in each step. Its
call goes on, so that one which is only slow is heard in a later round."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Silence:
    """No usable answer; ``why`` in words for people."""

    why: str


Answer: TypeAlias = tuple[Report | Silence, float]
"""With the time at which it came, by the clock of the event loop."""
Call: TypeAlias = "asyncio.Task[Answer]"

_NO_ANSWER = Silence(f"no answer within {ANSWER_SECONDS:.0f} s")
_NO_ANSWER_YET = Silence("no answer yet")


class Peers:
    """Signed calls to the agents at given addresses."""

    def __init__(
        self, token: bytes, port: int, source: str | None, session: aiohttp.ClientSession | None = None
    ) -> None:
        """``source``: the address that calls come from, or None for the machine's choice.

        ``session`` is somebody else's, to be shared; its time-outs are the calls'.
        """
        self._token = token
        self._port = port
        self._source = source
        self._session = session
        self._late: dict[str, Call] = {}
        """Those who gave no answer the last time, and the calls to them that go on."""
        self.began: dict[str, float] = {}
        """By address: when the call of the last round began (``time.monotonic()``): in that round, or before it."""

    async def close(self) -> None:
        await _cancel(self._late.values())
        if self._session is not None:
            await self._session.close()

    async def report(self, address: str) -> Report | Silence:
        return await self._call("GET", address, "/v1/report", b"", Report)

    async def reports(
        self, addresses: Sequence[str], news: asyncio.Event, *, prompt: bool = False
    ) -> list[Report | Silence]:
        """What each of them says, in the same order; at the latest after ANSWER_SECONDS.

        A frozen member keeps its caller waiting. Once ``news`` is set, or from the start with ``prompt``, it does so
        for PROMPT_SECONDS at most, and for LATE_SECONDS where it was silent the last time: its silence decides
        nothing, and what the news asks for must not wait for it.
        """
        late, now = self._late, asyncio.get_running_loop().time()
        going_on = {address: call for address, call in late.items() if _is_current(call, now)}
        calls = {
            address: going_on.get(address) or asyncio.create_task(self._timed_report(address))
            for address in addresses
        }
        begins = time.monotonic()
        self.began = {a: self.began.get(a, begins) if a in going_on else begins for a in addresses}
        self._late = {}
        told = asyncio.create_task(news.wait())
        try:
            slow = await _slow(calls.values(), LATE_SECONDS)
            await _slow(
                [call for address, call in calls.items() if address not in late],
                PROMPT_SECONDS - LATE_SECONDS,
            )
            slow = {call for call in slow if not call.done()}
            while slow and not prompt and not told.done():
                done, _ = await asyncio.wait({*slow, told}, return_when=asyncio.FIRST_COMPLETED)
                slow -= done
            answers = {address: _said(call) for address, call in calls.items()}
            self._late = {a: calls[a] for a, said in answers.items() if said in (_NO_ANSWER, _NO_ANSWER_YET)}
            return list(answers.values())
        finally:
            await _cancel({told, *calls.values(), *going_on.values()} - {*self._late.values()})

    async def _timed_report(self, address: str) -> Answer:
        said = await self.report(address)
        return said, asyncio.get_running_loop().time()

    async def ask_grant(self, address: str, request: GrantRequest) -> GrantReply | Silence:
        return await self._call("POST", address, "/v1/grant", msgspec.json.encode(request), GrantReply)

    async def command(self, address: str, whom: str, path: str, request: object) -> CommandReply | Silence:
        """One of :mod:`trireme.api.commands`, for the member that ``whom`` names (:func:`target`) and for no other."""
        body, nonce = msgspec.json.encode(request), new_nonce(whom)
        return await self._call("POST", address, path, body, CommandReply, nonce=nonce)

    async def wake(self, address: str) -> None:
        """Tell an agent that something changed here. Best effort: its own rounds are the backstop."""
        await self._call("POST", address, "/v1/wake", b"{}", dict)

    async def _call(
        self, method: str, address: str, path: str, body: bytes, kind: type[T], *, nonce: str = ""
    ) -> T | Silence:
        nonce = nonce or new_nonce()
        headers = {NONCE_HEADER: nonce, SIGNATURE_HEADER: sign(self._token, method, path, nonce, body)}
        host = f"[{address}]" if ":" in address else address
        try:
            async with self._open().request(
                method, f"http://{host}:{self._port}{path}", data=body, headers=headers
            ) as response:
                answer = await response.read()
                if response.status == 401:
                    return Silence("it refuses this member's signature: the two have different tokens")
                if response.status != 200:
                    return Silence(f"it answers HTTP {response.status}")
                signature = response.headers.get(SIGNATURE_HEADER, "")
                if not verify(self._token, signature, "answer", path, nonce, answer):
                    return Silence("its answer is not signed with this cluster's token")
        except TimeoutError:
            return _NO_ANSWER
        except aiohttp.ClientConnectorError as error:
            return Silence(_reason(error.os_error))
        except (aiohttp.ClientError, OSError) as error:
            return Silence(str(error) or type(error).__name__)
        return _decode(answer, kind)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            local = (self._source, 0) if self._source else None
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(local_addr=local, limit=64, keepalive_timeout=30),
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            )
        return self._session


async def _slow(calls: Collection[Call], seconds: float) -> set[Call]:
    """Those that are not done after so long."""
    return (await asyncio.wait(calls, timeout=seconds))[1] if calls else set()


def _is_current(call: Call, now: float) -> bool:
    """It goes on, or its answer came between two rounds, just now."""
    return not call.done() or (
        call.result()[0] is not _NO_ANSWER and now - call.result()[1] <= PROMPT_SECONDS
    )


def _said(call: Call) -> Report | Silence:
    return call.result()[0] if call.done() else _NO_ANSWER_YET


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _reason(error: OSError) -> str:
    """ "connection refused" says more than asyncio's sentence with the address in it twice."""
    return os.strerror(error.errno).lower() if error.errno is not None else str(error)


def _decode(answer: bytes, kind: type[T]) -> T | Silence:
    try:
        version = msgspec.json.decode(answer).get("version", WIRE_VERSION)
        if version != WIRE_VERSION:
            return Silence(f"it speaks version {version} of the reports, this member {WIRE_VERSION}")
        return msgspec.json.decode(answer, type=kind)
    except (msgspec.MsgspecError, AttributeError) as error:
        return Silence(f"its answer cannot be read: {error}")
