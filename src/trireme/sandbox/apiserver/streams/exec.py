"""pods/exec."""

from collections.abc import AsyncIterator

from aiohttp import web

from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import bad_request
from trireme.sandbox.apiserver.node import ExecProcess, NodeError
from trireme.sandbox.apiserver.streams.container import chosen_container
from trireme.sandbox.apiserver.streams.exec_spdy import open_spdy
from trireme.sandbox.apiserver.streams.exec_websocket import open_websocket
from trireme.sandbox.apiserver.streams.remote_command import converse
from trireme.sandbox.apiserver.streams.upgrade import Upgraded
from trireme.sandbox.apiserver.target import is_true


async def execute(call: Call) -> web.StreamResponse:
    """Starts the process first, so that what cannot start is an HTTP error. Raises ApiError."""
    wanted = {name for name in ("stdin", "stdout", "stderr") if is_true(call.query.get(name, "false"))}
    tty = is_true(call.query.get("tty", "false"))
    upgrade = call.request.headers.get("Upgrade", "").lower()
    if upgrade != "websocket" and "spdy/3.1" not in upgrade:
        raise bad_request("you must specify at least 1 of stdin, stdout, stderr, over SPDY/3.1 or WebSocket")
    process = await _start(call, stdin="stdin" in wanted, tty=tty)
    try:
        if upgrade == "websocket":
            socket, client = await open_websocket(call)
            await converse(process, client)
            return socket
        streams = (wanted - {"stderr"} if tty else wanted) | {"error"} | ({"resize"} if tty else set())
        spdy_client = await open_spdy(call, streams)
        try:
            await converse(process, spdy_client)
        finally:
            await spdy_client.close()
        return Upgraded()
    finally:
        process.kill()


async def _start(call: Call, *, stdin: bool, tty: bool) -> ExecProcess:
    pod = call.existing()
    container = chosen_container(pod, call.query.get("container"))
    command = call.request.query.getall("command", [])
    if not command:
        raise bad_request("you must specify at least one command for the container")
    if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        raise bad_request(
            "cannot exec in or attach to a container in a completed pod; current phase is Succeeded"
        )
    try:
        return await call.cluster.node.exec(pod, container, command, stdin=stdin, tty=tty)
    except NodeError as error:
        raise bad_request(str(error)) from error
    except (FileNotFoundError, PermissionError) as error:
        return NeverStarted(command[0], error)


class NeverStarted:
    """Stands for a process that could not be started: says so on stderr and ends as in a shell, with 127 or 126."""

    def __init__(self, command: str, error: OSError) -> None:
        self._text = f"{command}: {error.strerror}\n".encode()
        self._code = 127 if isinstance(error, FileNotFoundError) else 126

    @property
    async def stdout(self) -> AsyncIterator[bytes]:
        yield b""

    @property
    async def stderr(self) -> AsyncIterator[bytes]:
        yield self._text

    async def write(self, chunk: bytes) -> None:
        return

    async def close_stdin(self) -> None:
        return

    def resize(self, *, width: int, height: int) -> None:
        return

    async def wait(self) -> int:
        return self._code

    def kill(self) -> None:
        return
