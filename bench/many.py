"""Many clusters without servers: an API server whose pods are played, agents that answer as true ones do."""

import asyncio
import base64
import json
import os
import resource
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
import msgspec
import yaml
from aiohttp import web

from bench.product import ROOT, TRIREME
from trireme.adapters.signing import NONCE_HEADER, SIGNATURE_HEADER, sign
from trireme.api.commands import VARIABLES_PATH, CommandReply, Variables
from trireme.api.names import PRIMARY, ROLE_LABEL, SECONDARY
from trireme.api.position import Position, View
from trireme.api.report import Directory, Phase, Report, ServerReport, WriterClaim
from trireme.api.resource import read_cluster
from trireme.manifests.cluster import RESTART_HASH, Options, manifests, selector
from trireme.sandbox.apiserver.node import NodeAccess
from trireme.sandbox.apiserver.server import ApiServer
from trireme.sandbox.store.interface import Key, Object
from trireme.sandbox.store.memory import MemoryStore

CLUSTERS = 500
MEMBERS = 3
ADDRESS = "127.199.250.1"
API_PORT, AGENT_PORT, OPERATOR_PORT = 16443, 18099, 18098
TOKEN = b"0123456789abcdef0123456789abcdef"
HISTORY = "11111111-1111-1111-1111-111111111111"
IMAGE = "trireme/trireme:0.1.0"
RUN_SECONDS = 300.0
LOOK_SECONDS = 0.02
GROUP, PLURAL = "trireme.dev", "galeraclusters"


@dataclass
class Many:
    """Use it as an async context manager; everything ends with it."""

    folder: Path
    store: MemoryStore = field(default_factory=MemoryStore)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each agent, by its address."""

    async def __aenter__(self) -> "Many":
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
        self._api = ApiServer(
            self.store,
            address=ADDRESS,
            port=API_PORT,
            directory=self.folder / "api",
            node=cast(NodeAccess, None),
            allocate_cluster_ip=_service_address,
        )
        await self._api.start()
        self._agents = await self._start_agents()
        definition = yaml.safe_load((ROOT / "deploy" / "operator" / "crd.yaml").read_text())
        self.store.create("apiextensions.k8s.io", "customresourcedefinitions", definition)
        await asyncio.sleep(0.5)
        for number in range(CLUSTERS):
            self._declare(number)
        self._playing = asyncio.create_task(self._play())
        return self

    async def __aexit__(self, *_: object) -> None:
        process = getattr(self, "_operator", None)
        if process is not None:
            process.terminate()
            await asyncio.to_thread(process.wait, 20)
        self._playing.cancel()
        await self._agents.cleanup()
        await self._api.stop()
        self.store.close()

    # --- the operator ----------------------------------------------------------------------------------------

    async def start_operator(self) -> None:
        environment = {
            **os.environ,
            "KUBECONFIG": str(self._api.kubeconfig),
            "TRIREME_LISTEN": "127.0.0.1",
            "TRIREME_HTTP_PORT": str(OPERATOR_PORT),
            "TRIREME_IMAGE": IMAGE,
            "TRIREME_NAMESPACE": _namespace(0),
        }
        log = (self.folder / "operator.log").open("wb")
        self._operator = await asyncio.to_thread(
            subprocess.Popen, [str(TRIREME), "operator"], env=environment, stdout=log, stderr=log
        )

    async def until_all_run(self) -> None:
        await self._until(lambda: self._running() == CLUSTERS, "all clusters run", RUN_SECONDS, look=0.5)

    def memory_mib(self) -> float:
        text = Path(f"/proc/{self._operator.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) / 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._operator.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def calls(self) -> float:
        """Calls of the API until now, as the operator counts them."""
        url = f"http://127.0.0.1:{OPERATOR_PORT}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            lines = (await answer.text()).splitlines()
        return sum(
            float(line.split()[-1]) for line in lines if line.startswith("trireme_operator_api_calls_t")
        )

    async def change(self, number: int) -> float:
        """Seconds from a change of the spec until the ConfigMap of live settings has it."""
        key = Key(GROUP, PLURAL, _namespace(number), "demo")
        found = json.loads(json.dumps(self.store.get(key)))
        wanted = str(1000 + number)
        found["spec"]["myCnf"] = f"[mariadb]\nmax_connections={wanted}\n"
        began = time.monotonic()
        self.store.update(GROUP, PLURAL, found)
        live = Key("", "configmaps", _namespace(number), "demo-live")
        await self._until(lambda: wanted in self.store.get(live)["data"]["my.cnf"], "it is noticed", 60.0)
        return time.monotonic() - began

    def _running(self) -> int:
        found = self.store.list(GROUP, PLURAL)
        return sum((each.get("status") or {}).get("phase") == "Running" for each in found)

    async def _until(self, probe: Any, what: str, seconds: float, look: float = LOOK_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not probe():
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"not within {seconds:.0f} s: {what} ({self._running()} of {CLUSTERS} run)"
                )
            await asyncio.sleep(look)

    # --- what is played --------------------------------------------------------------------------------------

    def _declare(self, number: int) -> None:
        namespace = _namespace(number)
        meta = {"name": namespace, "labels": {}}
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta, "status": {"phase": "Active"}}
        self.store.create("", "namespaces", space)
        secret = {"token": base64.b64encode(TOKEN).decode()}
        self.store.create(
            "", "secrets", _object("v1", "Secret", namespace, "demo", data=secret, type="Opaque")
        )
        spec = {"storage": {"size": "1Gi", "ephemeral": False}, "replicas": MEMBERS}
        made = self.store.create(
            GROUP, PLURAL, _object(f"{GROUP}/v1alpha1", "GaleraCluster", namespace, "demo", spec=spec)
        )
        cluster = read_cluster(made)
        restart_hash = manifests(cluster, Options(image=IMAGE)).restart_hash
        for ordinal in range(MEMBERS):
            self.store.create("", "pods", _pod(namespace, number, ordinal, selector(cluster), restart_hash))

    async def _play(self) -> None:
        """The StatefulSet's controller: it has seen every change."""
        while True:
            for each in self.store.list("apps", "statefulsets"):
                generation = each["metadata"].get("generation", 1)
                if (each.get("status") or {}).get("observedGeneration") != generation:
                    status = {"observedGeneration": generation, "replicas": MEMBERS}
                    self.store.update("apps", "statefulsets", {**each, "status": status})
            await asyncio.sleep(0.5)

    async def _start_agents(self) -> web.AppRunner:
        """One listener on all addresses plays every agent; who is asked tells the address that was called."""
        app = web.Application()
        app.add_routes([web.get("/v1/report", self._report), web.post(VARIABLES_PATH, self._set)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "0.0.0.0", AGENT_PORT, reuse_address=True).start()  # noqa: S104 - loopback only
        return runner

    async def _report(self, request: web.Request) -> web.Response:
        address = _called(request)
        third, fourth = (int(part) for part in address.split(".")[2:])
        number, ordinal = third * 64 + fourth // 4, fourth % 4 - 1
        return _signed(request, msgspec.json.encode(_said(number, ordinal, self.variables.get(address, {}))))

    async def _set(self, request: web.Request) -> web.Response:
        wish = msgspec.json.decode(await request.read(), type=Variables)
        self.variables.setdefault(_called(request), {}).update(wish.values)
        return _signed(request, msgspec.json.encode(CommandReply(accepted=True, why="set")))


def _called(request: web.Request) -> str:
    assert request.transport is not None
    return str(request.transport.get_extra_info("sockname")[0])


def _signed(request: web.Request, body: bytes) -> web.Response:
    nonce = request.headers[NONCE_HEADER]
    signature = sign(TOKEN, "answer", request.path, nonce, body)
    return web.Response(body=body, headers={SIGNATURE_HEADER: signature})


def _said(number: int, ordinal: int, variables: dict[str, str]) -> Report:
    server = ServerReport(
        primary=True,
        ready=True,
        state=4,
        comment="Synced",
        uuid=HISTORY,
        last_committed=int(time.time()),
        size=MEMBERS,
        version="11.4.5-MariaDB",
    )
    return Report(
        cluster=f"{_namespace(number)}/demo",
        ordinal=ordinal,
        name=f"demo-{ordinal}",
        address=_address(number, ordinal),
        incarnation="played",
        volume=f"volume-{ordinal}",
        declared=MEMBERS,
        phase=Phase.SYNCED,
        why="Synced in a Primary of 3",
        directory=Directory.CRASHED,
        position=Position(HISTORY, 1),
        last_view=View(HISTORY, 1, tuple(range(MEMBERS))),
        running=True,
        server=server,
        writer=WriterClaim(term=1, ordinal=0),
        ready=True,
        variables=variables,
    )


def _namespace(number: int) -> str:
    return f"many-{number:03d}"


def _address(number: int, ordinal: int) -> str:
    return f"127.199.{number // 64}.{number % 64 * 4 + ordinal + 1}"


def _object(version: str, kind: str, namespace: str, name: str, **rest: Any) -> Object:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        **rest,
    }


def _pod(namespace: str, number: int, ordinal: int, labels: dict[str, str], restart_hash: str) -> Object:
    found = _object("v1", "Pod", namespace, f"demo-{ordinal}")
    found["metadata"]["labels"] = {**labels, ROLE_LABEL: SECONDARY if ordinal else PRIMARY}
    found["metadata"]["annotations"] = {RESTART_HASH: restart_hash}
    ports = [{"name": "http", "containerPort": AGENT_PORT}]
    found["spec"] = {
        "nodeName": "node",
        "containers": [{"name": "mariadb", "image": IMAGE, "ports": ports}],
    }
    found["status"] = {
        "phase": "Running",
        "podIP": _address(number, ordinal),
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {"name": "mariadb", "ready": True, "started": True, "state": {"running": {}}, "restartCount": 0}
        ],
    }
    return found


def _service_address(service: Object) -> str:
    asked = service["spec"].get("clusterIP")
    return str(asked or f"127.198.{hash(service['metadata']['uid']) % 250}.1")
