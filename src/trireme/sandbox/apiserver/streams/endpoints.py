"""Which request opens which stream."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.streams.logs import read_log

Handler = Callable[[Call], Awaitable[web.StreamResponse]]

STREAM_HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("get", "log"): read_log,
}
