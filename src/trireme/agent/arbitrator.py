"""``trireme arbitrator``: PID 1 of the arbitrator's pod. garbd votes beside a living Primary, and holds no data.

The same loop as the agent's: observe (SRV, the members' reports, garbd), decide (:mod:`trireme.core.arbitration`),
act, report.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import assert_never

import msgspec
from aiohttp import web

from trireme.adapters.dns import Resolver, is_loopback, ordinal_of
from trireme.adapters.garbd import Garbd
from trireme.adapters.peers import Peers, Silence
from trireme.adapters.signing import read_token
from trireme.agent.diet import give_back
from trireme.agent.settings import ArbitratorSettings, read_arbitrator_settings
from trireme.api.report import Report
from trireme.base.errors import PermanentError, TriremeError
from trireme.base.log import set_up_log
from trireme.core import health
from trireme.core.arbitration import Arbitration, Picture, Vote, arbitrate
from trireme.manifests.server_config import arbitrator_options

log = logging.getLogger("trireme.arbitrator")

EXIT_CONFIG = 78
ROUND_SECONDS = 1.0
LOOKUP_SECONDS = 15.0
"""Between SRV look-ups while garbd votes."""
LONGEST_RETRY_SECONDS = 30.0


@dataclass(slots=True)
class State:
    """What this process knows now; the HTTP side reads it."""

    settings: ArbitratorSettings
    garbd: Garbd
    decision: Arbitration = field(default_factory=lambda: Arbitration(Vote.WAIT, "the arbitrator starts"))
    answers: dict[int, Report] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    addresses: frozenset[str] = frozenset()
    looked_up: float = float("-inf")
    failures: int = 0
    retry_at: float = 0.0
    starts: int = 0
    group_name: str = ""
    """As the members called their group when garbd was started."""
    began: bool = False
    """garbd was started, and its end is not noted yet."""
    last_round: float = field(default_factory=time.monotonic)
    stopping: bool = False

    @property
    def votes(self) -> bool:
        group = self.garbd.group
        return group is not None and group.primary and group.synced


def main(arguments: list[str]) -> int:
    """Returns the exit status: 0 after SIGTERM, 78 where only a person can help."""
    set_up_log()
    try:
        if arguments:
            raise PermanentError(f"trireme arbitrator {' '.join(arguments)}: expected nothing")
        settings = read_arbitrator_settings(os.environ)
        return asyncio.run(_run(settings, read_token(settings.secret_dir / "token")))
    except (PermanentError, ValueError, OSError) as error:
        log.error("%s", error)
        return EXIT_CONFIG


async def _run(settings: ArbitratorSettings, token: bytes) -> int:
    wake = asyncio.Event()
    source = settings.address if is_loopback(settings.address) else None
    state = State(settings, Garbd(_forward, wake.set))
    peers, resolver = Peers(token, settings.http_port, source), Resolver()
    runner = await _serve(state, source)

    def stop() -> None:
        state.stopping = True
        wake.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    log.info("arbitrator of %s/%s at %s", settings.namespace, settings.cluster, settings.address)
    give_back()
    try:
        while not state.stopping:
            wake.clear()
            await _round(state, resolver, peers, wake)
            try:
                async with asyncio.timeout(ROUND_SECONDS):
                    await wake.wait()
            except TimeoutError:
                continue
    finally:
        log.info("leaves the group in order")
        await state.garbd.stop()
        await peers.close()
        await runner.cleanup()
    return 0


async def _round(state: State, resolver: Resolver, peers: Peers, wake: asyncio.Event) -> None:
    _note_end(state)
    await _observe(state, resolver, peers, wake)
    decision = arbitrate(
        Picture(
            answers=state.answers,
            silent=len(state.silent),
            running=state.garbd.running,
            group=state.garbd.group,
            group_name=state.group_name,
            now=time.monotonic(),
            retry_at=state.retry_at,
            last_failure=state.garbd.last_error,
        )
    )
    if decision != state.decision:
        log.info("%s: %s", decision.vote, decision.why)
    state.decision, state.last_round = decision, time.monotonic()
    await _act(state, decision)


async def _act(state: State, decision: Arbitration) -> None:
    match decision.vote:
        case Vote.JOIN:
            state.group_name = decision.group_name
            try:
                await state.garbd.start(
                    name=f"{state.settings.cluster}-arbitrator",
                    group=decision.group_name or state.settings.cluster,
                    addresses=decision.addresses,
                    options=arbitrator_options(state.settings.address),
                    work_dir=state.settings.tmp_dir,
                )
                state.starts, state.began = state.starts + 1, True
            except TriremeError as error:
                state.garbd.last_error = str(error)
                _back_off(state)
        case Vote.LEAVE:
            await state.garbd.stop()
            state.began = False
        case Vote.STAY:
            state.failures = 0 if state.votes else state.failures
        case Vote.WAIT:
            pass
        case _:
            assert_never(decision.vote)


def _note_end(state: State) -> None:
    if state.began and not state.garbd.running:
        state.began = False
        log.warning("garbd ended: %s", state.garbd.last_error or "it said nothing")
        _back_off(state)


def _back_off(state: State) -> None:
    state.retry_at = time.monotonic() + min(2.0**state.failures, LONGEST_RETRY_SECONDS)
    state.failures = min(state.failures + 1, 16)


async def _observe(state: State, resolver: Resolver, peers: Peers, wake: asyncio.Event) -> None:
    settings = state.settings
    if not state.votes or time.monotonic() - state.looked_up >= LOOKUP_SECONDS:
        try:
            found = await resolver.members(settings.srv_name)
        except TriremeError as error:
            log.debug("%s", error)
        else:
            own = f"{settings.cluster}-"
            state.addresses = frozenset(
                address
                for host, addresses in found.items()
                if ordinal_of(host) is not None and host.startswith(own)
                for address in addresses
            )
            state.looked_up = time.monotonic()
    addresses = sorted(state.addresses)
    heard = dict(zip(addresses, await peers.reports(addresses, wake), strict=True))
    state.silent = {where: each.why for where, each in heard.items() if isinstance(each, Silence)}
    own_reports = (each for each in heard.values() if isinstance(each, Report))
    full_name = f"{settings.namespace}/{settings.cluster}"
    state.answers = {each.ordinal: each for each in own_reports if each.cluster == full_name}


async def _serve(state: State, source: str | None) -> web.AppRunner:
    """Probes, status and metrics; nothing here changes anything."""

    def probe(judge: Callable[[], tuple[bool, str]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(_: web.Request) -> web.Response:
            good, why = judge()
            return web.Response(status=200 if good else 503, text=why + "\n")

        return answer

    def live() -> tuple[bool, str]:
        verdict = health.live(time.monotonic() - state.last_round)
        return verdict.ok, verdict.why

    async def status(_: web.Request) -> web.Response:
        body = {"arbitrator": state.settings.cluster, "votes": state.votes, "why": state.decision.why}
        group = state.garbd.group
        body |= {
            "group": group.size if group is not None else 0,
            "starts": state.starts,
            "silent": state.silent,
        }
        return web.Response(body=msgspec.json.encode(body), content_type="application/json")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=_metrics(state), headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.add_routes(
        [
            web.get("/livez", probe(live)),
            web.get("/readyz", probe(lambda: (state.votes, state.decision.why))),
            web.get("/status", status),
            web.get("/metrics", metrics),
        ]
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, source, state.settings.http_port, reuse_address=True).start()
    return runner


def _metrics(state: State) -> str:
    size = state.garbd.group.size if state.garbd.group is not None else 0
    rows = (
        ("trireme_arbitrator_votes", "gauge", "1 if garbd votes in a Primary.", int(state.votes)),
        ("trireme_arbitrator_group_size", "gauge", "Members of its group, itself included.", size),
        ("trireme_arbitrator_starts_total", "counter", "Starts of garbd.", state.starts),
    )
    return "".join(f"# HELP {n} {words}\n# TYPE {n} {kind}\n{n} {value}\n" for n, kind, words, value in rows)


def _forward(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
