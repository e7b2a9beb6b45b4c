"""The operator's HTTP side: /livez, /readyz, /metrics. It only reads."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from trireme.operator.metrics import CONTENT_TYPE, Metrics

Check = Callable[[], str | None]
"""Why not, in words; None for yes."""


class OperatorServer:
    def __init__(self, listen: str, port: int, live: Check, ready: Check, metrics: Metrics) -> None:
        self._address = (listen or None, port)
        self._live, self._ready, self._metrics = live, ready, metrics
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Raises OSError where the port is in use."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/livez", _probe(self._live)),
                web.get("/readyz", _probe(self._ready)),
                web.get("/metrics", self._show_metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, *self._address).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _show_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})


def _probe(check: Check) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        why = check()
        return web.Response(status=200 if why is None else 503, text=(why or "ok") + "\n")

    return answer
