"""A tiny Kubernetes API for the command line's tests: a few objects, the pod proxy, and exec on this machine.

It listens on a real socket and speaks the protocols that kubectl and the real API server speak.
"""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import yaml
from aiohttp import WSMsgType, web

from trireme.adapters.signing import NONCE_HEADER, SIGNATURE_HEADER, sign, verify
from trireme.api.commands import CommandReply
from trireme.core.cluster_seen import Member

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
AGENTS_TOKEN = b"0123456789abcdef0123456789abcdef"
Object = dict[str, Any]


@dataclass
class FakeKubernetes:
    """What it holds may be changed while it runs."""

    pods: dict[tuple[str, str], Object] = field(default_factory=dict)
    statuses: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """What the agent in a pod says at /status; a pod without one refuses the connection."""
    next_statuses: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)
    """What it says at the next looks, before it says that again."""
    agents: dict[tuple[str, str], Callable[[str, bytes], CommandReply]] = field(default_factory=dict)
    """What the agent in a pod answers to a signed command at a path."""
    secrets: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    resources: dict[tuple[str, str], Object] = field(default_factory=dict)
    """GaleraClusters."""
    on_patch: Callable[[Object], None] | None = None
    """What an operator does about a GaleraCluster that was changed."""
    sets: dict[tuple[str, str], Object] = field(default_factory=dict)
    token: str = ""
    """What it wants to see; empty lets everybody in."""
    forbidden: set[str] = field(default_factory=set)
    """Resources that nobody may use."""
    protocols: tuple[str, ...] = (V5, V4)
    path: str = ""
    """Of the commands that run "in pods": where their programs are looked for."""
    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    """Of all paths, as behind a gateway of many clusters."""
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """Paths and headers of all requests."""
    sizes: list[tuple[int, int]] = field(default_factory=list)
    url: str = ""

    def add_cluster(self, name: str, *members: Member, namespace: str = "default", wanted: int = 3) -> None:
        labels = {
            "app.kubernetes.io/name": "trireme",
            "app.kubernetes.io/instance": name,
            "app.kubernetes.io/component": "database",
        }
        metadata = {"name": name, "namespace": namespace, "labels": labels}
        self.sets[namespace, name] = {"metadata": metadata, "spec": {"replicas": wanted}}
        for member in members:
            key = (namespace, member.name)
            self.pods[key] = running_pod(member.name, namespace, labels)
            if member.answer is not None:
                self.statuses[key] = status_of(member)

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["FakeKubernetes"]:
        app = web.Application(middlewares=[self._check])
        core, namespaced = "/api/v1", "/api/v1/namespaces/{namespace}"
        routes = [
            (f"{core}/pods", self._list_pods),
            (f"{namespaced}/pods", self._list_pods),
            ("/apis/apps/v1/statefulsets", self._list_sets),
            ("/apis/apps/v1/namespaces/{namespace}/statefulsets", self._list_sets),
            (namespaced + "/pods/{pod}:{port}/proxy/status", self._proxy),
            (namespaced + "/pods/{pod}/exec", self._exec),
        ]
        for path, handler in routes:
            app.router.add_get(self.prefix + path, handler)
        resource = "/apis/trireme.dev/v1alpha1/namespaces/{namespace}/galeraclusters/{name}"
        app.router.add_get(self.prefix + resource, self._resource)
        app.router.add_get(self.prefix + resource.removesuffix("/{name}"), self._list_resources)
        app.router.add_patch(self.prefix + resource, self._patch)
        app.router.add_get(self.prefix + namespaced + "/secrets/{name}", self._secret)
        app.router.add_post(self.prefix + namespaced + "/pods/{pod}:{port}/proxy/{rest:.*}", self._command)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        _, port = runner.addresses[0][:2]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{self.prefix}"
        try:
            yield self
        finally:
            await runner.cleanup()

    @web.middleware
    async def _check(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append((request.path_qs, request.headers))
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return refusal(401, "Unauthorized")
        for resource in self.forbidden:
            if f"/{resource}" in request.path:
                return refusal(403, f'{resource} is forbidden: User "eve" cannot get resource "{resource}"')
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _list_pods(self, request: web.Request) -> web.Response:
        return self._list(request, self.pods)

    async def _list_sets(self, request: web.Request) -> web.Response:
        return self._list(request, self.sets)

    def _list(self, request: web.Request, objects: Mapping[tuple[str, str], Object]) -> web.Response:
        wanted = dict(each.split("=") for each in request.query.get("labelSelector", "").split(",") if each)
        namespace = request.match_info.get("namespace")
        found = [
            each
            for (where, _), each in objects.items()
            if namespace in (None, where) and wanted.items() <= each["metadata"].get("labels", {}).items()
        ]
        return web.json_response({"kind": "List", "items": found})

    async def _proxy(self, request: web.Request) -> web.Response:
        key = (request.match_info["namespace"], request.match_info["pod"])
        if key not in self.statuses:
            return refusal(503, "error trying to reach service: dial tcp 10.0.0.1:8080: connection refused")
        coming = self.next_statuses.get(key)
        return web.Response(
            body=coming.pop(0) if coming else self.statuses[key], content_type="application/json"
        )

    async def _resource(self, request: web.Request) -> web.Response:
        found = self.resources.get((request.match_info["namespace"], request.match_info["name"]))
        return web.json_response(found) if found is not None else refusal(404, "not found")

    async def _list_resources(self, request: web.Request) -> web.Response:
        return self._list(request, self.resources)

    async def _patch(self, request: web.Request) -> web.Response:
        found = self.resources[request.match_info["namespace"], request.match_info["name"]]
        assert request.content_type == "application/merge-patch+json"
        found["spec"] = {**found.get("spec", {}), **(await request.json())["spec"]}
        if self.on_patch is not None:
            self.on_patch(found)
        return web.json_response(found)

    async def _secret(self, request: web.Request) -> web.Response:
        found = self.secrets.get((request.match_info["namespace"], request.match_info["name"]))
        if found is None:
            return refusal(404, "not found")
        data = {key: base64.b64encode(value.encode()).decode() for key, value in found.items()}
        return web.json_response({"kind": "Secret", "data": data})

    async def _command(self, request: web.Request) -> web.Response:
        """As the API server hands it on, and as the agent checks and answers it."""
        where, path = request.match_info["namespace"], "/" + request.match_info["rest"]
        body, nonce = await request.read(), request.headers[NONCE_HEADER]
        if not verify(AGENTS_TOKEN, request.headers[SIGNATURE_HEADER], "POST", path, nonce, body):
            return web.Response(status=401, text="not signed with this cluster's token\n")
        answer = msgspec.json.encode(self.agents[where, request.match_info["pod"]](path, body))
        proof = sign(AGENTS_TOKEN, "answer", path, nonce, answer)
        return web.Response(body=answer, headers={SIGNATURE_HEADER: proof})

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        if (request.match_info["namespace"], request.match_info["pod"]) not in self.pods:
            return refusal(404, f'pods "{request.match_info["pod"]}" not found')
        socket = web.WebSocketResponse(protocols=self.protocols)
        await socket.prepare(request)
        if request.query["tty"] == "true":
            await self._echo(socket)
        else:
            await self._run(socket, request.query.getall("command"))
        await socket.close()
        return socket

    async def _echo(self, socket: web.WebSocketResponse) -> None:
        """A terminal's other side: repeats each key in capitals, until Ctrl-D."""
        async for message in socket:
            if message.data[0] == 4:
                size = json.loads(message.data[1:])
                self.sizes.append((size["Width"], size["Height"]))
                await socket.send_bytes(b"\x01size %d\r\n" % size["Width"])
            elif message.data[1:] == b"\x04":
                break
            else:
                await socket.send_bytes(b"\x01" + message.data[1:].upper())
        await socket.send_bytes(b"\x03" + ending(7))

    async def _run(self, socket: web.WebSocketResponse, command: list[str]) -> None:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**self.environment, "PATH": self.path},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        reading = asyncio.create_task(self._feed(socket, process.stdin))
        await asyncio.gather(copy(process.stdout, socket, 1), copy(process.stderr, socket, 2))
        await socket.send_bytes(b"\x03" + ending(await process.wait()))
        reading.cancel()

    async def _feed(self, socket: web.WebSocketResponse, stdin: asyncio.StreamWriter) -> None:
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                continue
            if message.data == b"\xff\x00":
                assert socket.ws_protocol == V5
                stdin.close()
            else:
                stdin.write(message.data[1:])
                await stdin.drain()

    def kubeconfig(self, folder: Path, *, cluster: Object | None = None, user: Object | None = None) -> Path:
        """A file that leads here."""
        return write_kubeconfig(folder / "kubeconfig", {"server": self.url, **(cluster or {})}, user or {})


def write_kubeconfig(path: Path, cluster: Object, user: Object, name: str = "here") -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": "eve", "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "eve"}}],
        "current-context": name,
    }
    path.write_text(yaml.safe_dump(content))
    return path


async def copy(source: asyncio.StreamReader | None, socket: web.WebSocketResponse, channel: int) -> None:
    assert source is not None
    while data := await source.read(4096):
        await socket.send_bytes(bytes([channel]) + data)


def ending(code: int) -> bytes:
    """The Status that the API server ends a command with."""
    if code == 0:
        return b'{"metadata":{},"status":"Success"}'
    causes = [{"reason": "ExitCode", "message": str(code)}]
    status = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}
    return json.dumps(status).encode()


def refusal(status: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "status": "Failure", "message": message}, status=status)


def status_of(member: Member) -> bytes:
    """As the agent's end point writes it."""
    assert member.answer is not None
    body = msgspec.to_builtins(member.answer.report) | {
        "role": member.answer.role,
        "restarts": member.answer.restarts,
        **msgspec.to_builtins(member.answer.outlook),
    }
    return msgspec.json.encode(body)


def running_pod(name: str, namespace: str, labels: Mapping[str, str]) -> Object:
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {
            "nodeName": "node-1",
            "containers": [{"name": "mariadb", "ports": [{"name": "http", "containerPort": 8080}]}],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "mariadb", "restartCount": 1, "state": {"running": {}}}],
        },
    }
