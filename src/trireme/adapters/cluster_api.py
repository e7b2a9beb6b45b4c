"""The Kubernetes API as a person's commands and the operator use it: reads, writes, and WebSockets into pods.

Errors of the connection are TemporaryError, refusals PermanentError; their words are for people.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

import aiohttp

from trireme.adapters.credentials import obtain, tls_context
from trireme.adapters.kubeconfig import Access
from trireme.base.errors import PermanentError, TemporaryError, TriremeError, UncertainError

CALL_SECONDS = 10.0
CONNECT_SECONDS = 5.0
PING_SECONDS = 30.0
"""Load balancers cut connections that are silent for a minute or more: an idle shell must not be."""

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON."""

Parameters: TypeAlias = Sequence[tuple[str, str]]

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class RefusedError(PermanentError):
    """The API server answered, and the answer is no. ``said`` is its own message."""

    def __init__(self, server: str, path: str, status: int, said: str, method: str = "GET") -> None:
        self.status = status
        self.said = said
        match status:
            case HTTPStatus.UNAUTHORIZED:
                text = f"{server} does not know you: log in again, or choose another --context"
            case HTTPStatus.FORBIDDEN:
                text = f"you may not do that: {said.rstrip(': ')}"
            case _:
                text = f"{server} answers {status} to {method} {path}: {said}"
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the API. ``seconds`` bounds it as a whole."""

    method: str
    path: str
    parameters: Parameters = ()
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = CALL_SECONDS


@dataclass(frozen=True, slots=True)
class Answer:
    """Headers are looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ClusterApi:
    """One API server, asked as one identity. Use it as an async context manager."""

    def __init__(self, access: Access, on_call: Callable[[str], None] = lambda method: None) -> None:
        """``on_call`` is told the method of every call."""
        self._access = access
        self._on_call = on_call
        self._session: aiohttp.ClientSession | None = None
        self._sessions = AsyncExitStack()
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._sessions.aclose()

    async def get(self, path: str, parameters: Parameters = ()) -> Object:
        """The JSON object at ``path``. Raises RefusedError, or TemporaryError without an answer."""
        body = await self.get_bytes(path, parameters)
        try:
            found: Object = json.loads(body)
        except ValueError as error:
            raise TemporaryError(f"{self._server} answers GET {path} with what is no JSON") from error
        return found

    async def list(self, path: str, selector: str = "") -> list[Object]:
        """The items of a collection, or those with the labels of ``selector``."""
        found = await self.get(path, [("labelSelector", selector)] if selector else [])
        items: list[Object] = found.get("items") or []
        return items

    async def get_bytes(
        self, path: str, parameters: Parameters = (), *, seconds: float = CALL_SECONDS
    ) -> bytes:
        """The body at ``path``, whatever it is. Asks once more, with new credentials, if those have expired."""
        return (await self._call(Request("GET", path, parameters, seconds=seconds))).body

    async def send(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        seconds: float = CALL_SECONDS,
    ) -> Answer:
        """A call that changes something, made once more only where it was not let in. Raises as ``get`` does;
        where a time-out or a broken connection leaves open what happened, that is a TemporaryError too."""
        return await self._call(Request(method, path, body=body, headers=headers, seconds=seconds))

    async def write(
        self, method: str, path: str, body: Object, *, content: str = JSON, parameters: Parameters = ()
    ) -> Object:
        """Send an object, and return the one that is answered. ``content`` is the body's type.

        Raises RefusedError, and UncertainError where nobody knows whether it was done.
        """
        headers = {"Content-Type": content}
        request = Request(method, path, parameters, json.dumps(body).encode(), headers)
        try:
            made: Object = json.loads((await self._call(request)).body)
        except (TemporaryError, ValueError) as error:
            raise UncertainError(f"{method} {path}: {error}") from error
        return made

    async def _call(self, request: Request) -> Answer:
        session = await self._open()
        answer = await self._ask(session, request)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            session = await self._open(expired=session)
            answer = await self._ask(session, request)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
            said = _message(answer.body)
            raise RefusedError(self._server, request.path, answer.status, said, request.method)
        return answer

    async def _ask(self, session: aiohttp.ClientSession, request: Request) -> Answer:
        self._on_call(request.method)
        try:
            async with session.request(
                request.method,
                self._server + request.path,
                params=request.parameters,
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
                timeout=_time_out(request.seconds),
                server_hostname=self._access.cluster.tls_server_name or None,
            ) as response:
                return Answer(response.status, response.headers, await response.read())
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self._no_answer(error) from error

    @asynccontextmanager
    async def websocket(
        self, path: str, parameters: Parameters, protocols: Sequence[str]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket that lives as long as both sides want. Raises as ``get`` does."""
        session = await self._open()
        connecting = session.ws_connect(
            self._server + path,
            params=parameters,
            protocols=protocols,
            heartbeat=PING_SECONDS,
            max_msg_size=0,
            server_hostname=self._access.cluster.tls_server_name or None,
        )
        try:
            socket = await asyncio.wait_for(connecting, CALL_SECONDS)
        except aiohttp.WSServerHandshakeError as error:
            raise await self._why_refused(path, parameters, error) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self._no_answer(error) from error
        async with socket:
            yield socket

    async def _why_refused(
        self, path: str, parameters: Parameters, error: aiohttp.WSServerHandshakeError
    ) -> TriremeError:
        """The library drops the body that says why; a plain GET is refused for the same reason."""
        try:
            await self.get_bytes(path, parameters)
        except RefusedError as refusal:
            if refusal.status == error.status:
                return refusal
        except TriremeError as other:
            return other
        return RefusedError(self._server, path, error.status, error.message)

    async def _open(self, expired: aiohttp.ClientSession | None = None) -> aiohttp.ClientSession:
        """The session in use, a new one unless somebody else has already replaced ``expired``."""
        async with self._opening:
            if self._session is None or self._session is expired:
                self._session = await self._sessions.enter_async_context(
                    await open_session(self._access, timeout=_time_out(CALL_SECONDS))
                )
            return self._session

    @property
    def _server(self) -> str:
        return self._access.cluster.server.rstrip("/")

    def _no_answer(self, error: Exception) -> TriremeError:
        server = self._server
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return PermanentError(
                f"the certificate of {server} is not what the kubeconfig expects: {error.certificate_error}"
            )
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return TemporaryError(f"no answer from {server}: there is no address for {error.host}")
        if isinstance(error, aiohttp.ClientConnectorError):
            return TemporaryError(f"no answer from {server}: {error.os_error.strerror or error.os_error}")
        if isinstance(error, TimeoutError):
            return TemporaryError(f"no answer from {server} in time")
        if isinstance(error, ssl.SSLError):
            return PermanentError(f"no TLS connection with {server}: {error.reason}")
        return TemporaryError(f"the connection to {server} broke: {error or type(error).__name__}")


async def open_session(access: Access, *, limit: int = 100, **settings: Any) -> aiohttp.ClientSession:
    """With credentials as they are now. Whoever asks for it closes it. ``limit`` of connections, 0 for none.

    Raises PermanentError, and TemporaryError, as ``obtain`` does. ``settings`` are aiohttp's.
    """
    cluster = access.cluster
    credential = await obtain(access)
    headers = {"User-Agent": "trireme"}
    if credential.authorization:
        headers["Authorization"] = credential.authorization
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls_context(cluster, credential), limit=limit),
        headers=headers,
        **_proxy(cluster.server, cluster.proxy_url),
        **settings,
    )


def _time_out(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, CONNECT_SECONDS))


def _message(body: bytes) -> str:
    """What a refusal says: a Status object's message, else its first line."""
    try:
        status = json.loads(body)
    except ValueError:
        return body.decode(errors="replace").strip().partition("\n")[0][:300]
    return str(status.get("message", "")) if isinstance(status, dict) else ""


def _proxy(server: str, proxy_url: str) -> Mapping[str, Any]:
    """As kubectl: the kubeconfig's proxy, else that of the environment; never for this machine itself."""
    if not proxy_url:
        return {"trust_env": not _is_loopback(urlsplit(server).hostname or "")}
    if urlsplit(proxy_url).scheme not in ("http", "https"):
        raise PermanentError(f"the kubeconfig's proxy-url {proxy_url}: trireme speaks to http proxies only")
    return {"proxy": proxy_url}


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
