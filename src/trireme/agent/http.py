"""The agent's HTTP side: probes, status, metrics; and the signed calls among agents."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from trireme.adapters.signing import NONCE_HEADER, SIGNATURE_HEADER, Once, sign, target, verify
from trireme.agent.act import give_grant
from trireme.agent.commands import Commands
from trireme.agent.member import Member
from trireme.agent.metrics import CONTENT_TYPE, render_metrics
from trireme.api.commands import (
    REBUILD_PATH,
    RECOVER_PATH,
    SETTLE_PATH,
    SWITCHOVER_PATH,
    VARIABLES_PATH,
    CommandReply,
)
from trireme.api.names import PRIMARY, SECONDARY
from trireme.api.report import GrantRequest
from trireme.core import health
from trireme.core.health import Health

LARGEST_REQUEST_BYTES = 64 * 1024
LONGEST_HOLD_SECONDS = 5.0
HOLD_AFTER = 3
"""Answers of "not ready" in a row after which a probe that asks to be held is: more than the failureThreshold (2)
of the manifests, so that a member that ceases to be ready is taken out of the Services at once."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AgentServer:
    """Open end points only read. What changes something carries the signature of the cluster's token."""

    def __init__(self, member: Member, commands: Commands, token: bytes) -> None:
        self._member = member
        self._token = token
        self._commands = commands
        settings = member.settings
        self._once = Once(time.time(), target(settings.namespace, settings.pod))
        self._runner: web.AppRunner | None = None
        self._denied = HOLD_AFTER
        """How often in a row a held probe was told "not ready"; at its start this container is not."""

    async def start(self) -> None:
        """Raises OSError where the port is in use."""
        app = web.Application(client_max_size=LARGEST_REQUEST_BYTES)
        app.add_routes(
            [
                web.get("/livez", self._probe(self._live)),
                web.get("/startupz", self._probe(lambda: health.started(self._member.rounds))),
                web.get("/readyz", self._ready),
                web.get("/primary", self._probe(lambda: self._has_role(PRIMARY))),
                web.get("/secondary", self._probe(lambda: self._has_role(SECONDARY))),
                web.get("/status", self._status),
                web.get("/metrics", self._metrics),
                web.get("/v1/report", self._signed(self._report)),
                web.post("/v1/grant", self._signed(self._grant)),
                web.post("/v1/wake", self._signed(self._wake)),
                web.post(SWITCHOVER_PATH, self._command(self._commands.switchover)),
                web.post(RECOVER_PATH, self._command(self._commands.recover)),
                web.post(SETTLE_PATH, self._command(self._commands.settle)),
                web.post(REBUILD_PATH, self._command(self._commands.rebuild)),
                web.post(VARIABLES_PATH, self._command(self._commands.variables)),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        settings = self._member.settings
        await web.TCPSite(
            self._runner, settings.listen_address, settings.http_port, reuse_address=True
        ).start()

    async def close(self) -> None:
        self._member.ready.set()  # held probes answer now
        if self._runner is not None:
            await self._runner.cleanup()

    def _live(self) -> Health:
        return health.live(time.monotonic() - self._member.last_round)

    def _has_role(self, wanted: str) -> Health:
        report = self._member.report()
        usable, role = health.ready(report), health.role(report)
        return Health(usable.ok and role == wanted, f"{role}: {usable.why}")

    async def _ready(self, request: web.Request) -> web.Response:
        """``?hold=SECONDS``: where the answer is still no, it may wait so long for a yes.

        The kubelet asks once a second: held, it hears at once that the member is ready, not a second later.
        """
        member, hold = self._member, _seconds(request.query.get("hold", ""))
        if hold and self._denied >= HOLD_AFTER and not member.ready.is_set() and member.stop_since is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(hold):
                    await member.ready.wait()
        verdict = health.ready(member.report())
        if hold:
            self._denied = 0 if verdict.ok else self._denied + 1
        return _words(verdict)

    def _probe(self, judge: Callable[[], Health]) -> Handler:
        async def answer(_: web.Request) -> web.Response:
            return _words(judge())

        return answer

    async def _status(self, _: web.Request) -> web.Response:
        member, report = self._member, self._member.report()
        body = {
            **msgspec.to_builtins(report),
            "role": health.role(report),
            "restarts": member.restarts,
            "fault": member.fault,
            "heard": {str(ordinal): other.phase for ordinal, other in sorted(member.answers.items())},
            "silent": dict(member.silent),
            "terms": member.terms(),
            "patience": member.live.patience,
            "patience_left": member.patience_left(),
            "unchanged": time.monotonic() - member.company_since,
        }
        return web.Response(
            body=msgspec.json.format(msgspec.json.encode(body)), content_type="application/json"
        )

    async def _metrics(self, _: web.Request) -> web.Response:
        text = render_metrics(self._member)
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def _report(self, _: bytes, __: str) -> bytes:
        return msgspec.json.encode(self._member.report())

    async def _grant(self, body: bytes, _: str) -> bytes:
        request = msgspec.json.decode(body, type=GrantRequest)
        reply = give_grant(self._member, request)
        self._member.wake.set()
        return msgspec.json.encode(reply)

    async def _wake(self, _: bytes, __: str) -> bytes:
        self._member.wake.set()
        return b"{}"

    def _command(self, carry_out: Callable[[bytes], Awaitable[bytes]]) -> Handler:
        """As ``_signed``, and each command once, while it is fresh: nobody who overheard it can say it again."""

        async def answer(body: bytes, nonce: str) -> bytes:
            reason = self._once.refusal(nonce, time.time())
            if reason is not None:
                return msgspec.json.encode(CommandReply(accepted=False, why=reason))
            return await carry_out(body)

        return self._signed(answer)

    def _signed(self, handle: Callable[[bytes, str], Awaitable[bytes]]) -> Handler:
        """Refuse what this cluster's token did not sign; sign the answer to exactly this request."""

        async def answer(request: web.Request) -> web.Response:
            body = await request.read()
            nonce = request.headers.get(NONCE_HEADER, "")
            signature = request.headers.get(SIGNATURE_HEADER, "")
            if not verify(self._token, signature, request.method, request.path, nonce, body):
                return web.Response(status=401, text="not signed with this cluster's token\n")
            try:
                result = await handle(body, nonce)
            except msgspec.MsgspecError as error:
                return web.Response(status=400, text=f"{error}\n")
            proof = sign(self._token, "answer", request.path, nonce, result)
            return web.Response(
                body=result, headers={SIGNATURE_HEADER: proof}, content_type="application/json"
            )

        return answer


def _words(verdict: Health) -> web.Response:
    return web.Response(status=200 if verdict.ok else 503, text=verdict.why + "\n")


def _seconds(text: str) -> float:
    """0 for what is no number."""
    return min(float(text), LONGEST_HOLD_SECONDS) if text.replace(".", "", 1).isdecimal() else 0.0
