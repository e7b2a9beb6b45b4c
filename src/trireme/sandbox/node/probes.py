"""One probe, once: HTTP, TCP, or a command in the container. The words for failures are the kubelet's."""

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from trireme.sandbox.node.execute import Inside
from trireme.sandbox.node.runtime import Runtime
from trireme.sandbox.store.interface import Object

_OUTPUT_BYTES = 10 * 1024
"""What is kept of a command's output or an HTTP answer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    ok: bool
    output: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A container as probes and hooks reach it."""

    runtime: Runtime
    spec: Object
    address: str
    """The pod's."""

    def port(self, asked: int | str) -> int:
        """A port's number, by number or name. Raises ValueError."""
        for port in self.spec.get("ports") or ():
            if port.get("name") == asked:
                return int(port["containerPort"])
        return int(asked)


async def probe(handler: Object, target: Target, seconds: float) -> Outcome:
    """Carry out ``handler`` (the fields of a Probe or LifecycleHandler) within ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            if "httpGet" in handler:
                return await _http_get(handler["httpGet"], target)
            if "tcpSocket" in handler:
                return await _tcp_socket(handler["tcpSocket"], target)
            return await _exec(handler["exec"]["command"], target)
    except TimeoutError:
        return Outcome(False, _timed_out(handler, target, seconds))


def _timed_out(handler: Object, target: Target, seconds: float) -> str:
    if "httpGet" in handler:
        url = _url(handler["httpGet"], target)
        return f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    if "tcpSocket" in handler:
        return "dial tcp: i/o timeout"
    return f"command timed out: {' '.join(handler['exec']['command'])!r} timed out after {seconds:g}s"


async def _http_get(request: Object, target: Target) -> Outcome:
    host, port = request.get("host") or target.address, target.port(request["port"])
    secure = request.get("scheme", "HTTP").upper() == "HTTPS"
    try:
        async with _connection(host, port, secure=secure) as (reader, writer):
            writer.write(_request_text(request, host, port))
            await writer.drain()
            status_line = (await reader.readline()).decode(errors="replace").split(" ", 2)
    except OSError as error:
        return Outcome(
            False, f'Get "{_url(request, target)}": dial tcp {host}:{port}: connect: {_reason(error)}'
        )
    if len(status_line) < 2 or not status_line[1].isdecimal():
        return Outcome(False, f'Get "{_url(request, target)}": EOF')
    code = int(status_line[1])
    if 200 <= code < 400:
        return Outcome(True)
    return Outcome(False, f"HTTP probe failed with statuscode: {code}")


def _request_text(request: Object, host: str, port: int) -> bytes:
    headers = {
        "Host": f"{host}:{port}",
        "User-Agent": "kube-probe/1.36",
        "Accept": "*/*",
        "Connection": "close",
    }
    headers |= {header["name"]: header["value"] for header in request.get("httpHeaders") or ()}
    lines = [
        f"GET {request.get('path') or '/'} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _url(request: Object, target: Target) -> str:
    host, port = request.get("host") or target.address, target.port(request["port"])
    return f"{request.get('scheme', 'HTTP').lower()}://{host}:{port}{request.get('path') or '/'}"


async def _tcp_socket(socket: Object, target: Target) -> Outcome:
    host, port = socket.get("host") or target.address, target.port(socket["port"])
    try:
        async with _connection(host, port, secure=False):
            return Outcome(True)
    except OSError as error:
        return Outcome(False, f"dial tcp {host}:{port}: connect: {_reason(error)}")


async def _exec(command: list[str], target: Target) -> Outcome:
    try:
        process = await Inside.start(target.runtime, command, stdin=False, tty=False)
    except OSError as error:
        return Outcome(False, f"cannot run {command[0]!r} in the container: {error.strerror}")
    try:
        output, errors = await asyncio.gather(_collect(process.stdout), _collect(process.stderr))
        code = await process.wait()
    finally:
        process.kill()
    return Outcome(code == 0, (output + errors)[:_OUTPUT_BYTES].decode(errors="replace").rstrip())


async def _collect(stream: AsyncIterator[bytes]) -> bytes:
    kept = b""
    async for chunk in stream:
        kept += chunk[: _OUTPUT_BYTES - len(kept)]
    return kept


@contextlib.asynccontextmanager
async def _connection(
    host: str, port: int, *, secure: bool
) -> AsyncIterator[tuple[asyncio.StreamReader, Any]]:
    """Certificates are not verified, as the kubelet does not."""
    context = ssl._create_unverified_context() if secure else None  # noqa: S323
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.close()


def _reason(error: OSError) -> str:
    """asyncio puts words of its own into strerror."""
    return os.strerror(error.errno).lower() if error.errno else str(error)
