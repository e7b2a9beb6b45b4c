"""Which request opens which stream."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import bad_request
from trireme.sandbox.apiserver.streams.exec import execute
from trireme.sandbox.apiserver.streams.logs import read_log
from trireme.sandbox.apiserver.streams.portforward import port_forward
from trireme.sandbox.apiserver.streams.proxy import proxy

Handler = Callable[[Call], Awaitable[web.StreamResponse]]


async def refuse_attach(call: Call) -> web.StreamResponse:
    raise bad_request("the sandbox does not emulate attach: use exec, or logs -f")


STREAM_HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("get", "log"): read_log,
    ("get", "exec"): execute,
    ("create", "exec"): execute,
    ("get", "attach"): refuse_attach,
    ("create", "attach"): refuse_attach,
    ("get", "portforward"): port_forward,
    ("create", "portforward"): port_forward,
    **{(verb, "proxy"): proxy for verb in ("get", "create", "update", "patch", "delete", "watch")},
}
