"""pods/proxy and services/proxy: plain HTTP to a pod or Service, through the API server."""

import os
from collections.abc import Mapping

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import ApiError, bad_request
from trireme.sandbox.apiserver.tables.cells import dig
from trireme.sandbox.store.interface import Object

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 60.0
CHUNK = 64 * 1024
HOP_BY_HOP = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Not passed on: they are about one connection, or for the API server itself."""


async def proxy(call: Call) -> web.StreamResponse:
    """Raises ApiError: 400 for an address that makes no sense, 503 when nobody answers there."""
    if call.request.headers.get("Upgrade"):
        raise bad_request("the sandbox does not emulate upgrades (WebSocket) through the proxy subresource")
    url = _address(call)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
    body = await call.request.read()
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
            session.request(
                call.request.method,
                url,
                headers=_passed_on(call.request.headers),
                data=body,
                allow_redirects=False,
            ) as answer,
        ):
            return await _relay(call, answer)
    except (aiohttp.ClientError, TimeoutError) as error:
        number = error.os_error.errno if isinstance(error, aiohttp.ClientConnectorError) else None
        why = os.strerror(number) if number else str(error) or type(error).__name__
        message = f"error trying to reach service: {url.host}:{url.port}: {why}"
        raise ApiError(503, "ServiceUnavailable", message) from error


async def _relay(call: Call, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=_passed_on(answer.headers))
    if encoding := answer.headers.get("Content-Encoding"):
        response.headers["Content-Encoding"] = encoding
    await response.prepare(call.request)
    async for chunk in answer.content.iter_chunked(CHUNK):
        await response.write(chunk)
    await response.write_eof()
    return response


def _address(call: Call) -> URL:
    scheme, name, port = _read_name(call.target.name)
    obj = call.cluster.find(call.kind, call.target.namespace, name)
    host, number = _pod_address(obj, port) if call.kind.plural == "pods" else _service_address(obj, port)
    query = call.request.rel_url.raw_query_string
    text = f"{scheme}://{host}:{number}/{call.target.rest}"
    return URL(f"{text}?{query}" if query else text, encoded=True)


def _read_name(text: str) -> tuple[str, str, str]:
    """``[SCHEME:]NAME[:PORT]``; a scheme needs both colons, as in Kubernetes."""
    match text.split(":"):
        case [name]:
            return "http", name, ""
        case [name, port]:
            return "http", name, port
        case ["http" | "", name, port]:
            return "http", name, port
        case ["https", _, _]:
            raise bad_request("the sandbox does not emulate https through the proxy subresource")
    raise bad_request(f'invalid proxy request "{text}"')


def _pod_address(pod: Object, port: str) -> tuple[str, int]:
    address = dig(pod, "status.podIP")
    if not address:
        raise bad_request(f"address not allowed: pod {pod['metadata']['name']} has no IP yet")
    if not port:
        ports = [row for each in pod["spec"]["containers"] for row in each.get("ports", ())]
        return address, ports[0]["containerPort"] if ports else 80
    return address, _number(port)


def _service_address(service: Object, port: str) -> tuple[str, int]:
    address = dig(service, "spec.clusterIP", "None")
    if address == "None":
        raise bad_request("the sandbox does not emulate services/proxy of a headless Service: use pods/proxy")
    ports = dig(service, "spec.ports", ())
    if not port and len(ports) == 1:
        return address, ports[0]["port"]
    found = next((row["port"] for row in ports if port in (row.get("name"), str(row["port"]))), None)
    if found is None:
        raise ApiError(
            503, "ServiceUnavailable", f'no port "{port}" in service {service["metadata"]["name"]}'
        )
    return address, found


def _number(port: str) -> int:
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise bad_request(f'invalid port "{port}": a number is expected')
    return int(port)


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP)
