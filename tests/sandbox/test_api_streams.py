"""logs, exec, port-forward and proxy with the real kubectl: over SPDY (1.20) and WebSocket (new ones)."""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator

import pytest

from tests.sandbox.api_client import Client
from tests.sandbox.api_support import Kubectl, Laboratory
from tests.sandbox.test_api_kubectl import first_line, stop
from trireme.sandbox.store.interface import Object

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def pod(lab: Laboratory) -> Object:
    containers = [{"name": name, "image": "i"} for name in ("c", "stopped")]
    annotations = {"kubectl.kubernetes.io/default-container": "c"}
    return lab.put(
        "",
        "pods",
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "default", "annotations": annotations},
            "spec": {"nodeName": "sandbox", "containers": containers},
            "status": {"phase": "Running", "podIP": "127.0.0.1"},
        },
    )


class TestLogs:
    async def test_all_or_the_tail(self, lab: Laboratory, kubectl: Kubectl) -> None:
        for number in range(5):
            lab.node.log(f"line {number}")
        assert await kubectl("logs", "p", "-c", "c") == "".join(f"line {n}\n" for n in range(5))
        assert await kubectl("logs", "p", "-c", "c", "--tail=1", "--timestamps") == (
            "2026-01-01T00:00:00.000000000Z line 4\n"
        )
        assert await kubectl("logs", "p", "-c", "c", "--limit-bytes=8") == "line 0\nl"

    async def test_follow_until_the_container_ends(self, lab: Laboratory, kubectl: Kubectl) -> None:
        lab.node.log("first")
        following = await kubectl.start("logs", "-f", "p", "-c", "c")
        assert await first_line(following) == "first"
        lab.node.log("second")
        assert await first_line(following) == "second"
        lab.node.log("third", last=True)
        out, _ = await asyncio.wait_for(following.communicate(), 20)
        assert out.decode() == "third\n" and following.returncode == 0

    async def test_errors(self, kubectl: Kubectl) -> None:
        assert "container x is not valid for pod p" in (await kubectl.run("logs", "p", "-c", "x")).err
        before = await kubectl.run("logs", "p", "-c", "c", "--previous")
        assert 'previous terminated container "c" in pod "p" not found' in before.err


class TestExec:
    async def test_output_errors_and_exit_code(self, kubectl: Kubectl) -> None:
        result = await kubectl.run("exec", "p", "-c", "c", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
        assert (result.code, result.out) == (3, "out\n")
        assert result.err == "err\ncommand terminated with exit code 3\n"

    async def test_standard_input_ends(self, kubectl: Kubectl) -> None:
        result = await kubectl.run("exec", "-i", "p", "-c", "c", "--", "tr", "a-z", "A-Z", stdin="quiet\n")
        assert (result.code, result.out) == (0, "QUIET\n")

    async def test_much_in_both_directions(self, kubectl: Kubectl) -> None:
        content = os.urandom(4 * MEGABYTE)
        process = await kubectl.start("exec", "-i", "p", "-c", "c", "--", "cat", stdin=True)
        out, _ = await asyncio.wait_for(process.communicate(content), 60)
        assert hashlib.sha256(out).digest() == hashlib.sha256(content).digest()

    async def test_a_terminal(self, kubectl: Kubectl) -> None:
        command = ("exec", "-i", "p", "-c", "c", "--", "sh", "-c", "test -t 0 || echo no terminal")
        assert await kubectl(*command) == "no terminal\n"
        process = await asyncio.create_subprocess_exec(
            "script",
            "-qec",
            f"stty rows 33 cols 99; {kubectl.binary} exec -it p -c c -- sh -c 'sleep 0.5; stty size; tty'",
            "/dev/null",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env=kubectl.environment,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        assert b"33 99" in out and b"/dev/pts/" in out

    async def test_what_cannot_run(self, kubectl: Kubectl) -> None:
        missing = await kubectl.run("exec", "p", "-c", "c", "--", "nosuch")
        assert (missing.code, missing.err.splitlines()[0]) == (127, "nosuch: No such file or directory")
        stopped = await kubectl.run("exec", "p", "-c", "stopped", "--", "true")
        assert stopped.code == 1 and 'container "stopped" is not running' in stopped.err

    async def test_a_client_that_goes_ends_the_process(self, lab: Laboratory, kubectl: Kubectl) -> None:
        process = await kubectl.start("exec", "p", "-c", "c", "--", "sh", "-c", "echo $$; exec sleep 1000")
        pid = int(await first_line(process))
        await stop(process)
        async with asyncio.timeout(10):
            while is_alive(pid):  # noqa: ASYNC110 - nobody tells of the death of a stranger's child
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def web_server() -> AsyncIterator[int]:
    """Answers every request with its own first line."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n\r\n")).splitlines()[0]
        writer.write(b"HTTP/1.1 200 OK\r\nX-Own: yes\r\nContent-Length: %d\r\n\r\n%s" % (len(line), line))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class TestProxies:
    async def test_http_through_the_server(self, lab: Laboratory) -> None:
        async with web_server() as port, Client(lab) as client:
            answer = await client.ask("GET", f"/api/v1/namespaces/default/pods/p:{port}/proxy/a/b/?x=1%202")
            assert answer.body == "GET /a/b/?x=1%202 HTTP/1.1"
            service = {"name": "s", "namespace": "default"}
            spec = {"clusterIP": "127.0.0.1", "ports": [{"name": "web", "port": port}]}
            lab.put("", "services", {"metadata": service, "spec": spec})
            answer = await client.ask("POST", "/api/v1/namespaces/default/services/s:web/proxy/x", {})
            assert answer.body == "POST /x HTTP/1.1"

    async def test_nobody_there(self, lab: Laboratory) -> None:
        async with Client(lab) as client:
            answer = await client.ask("GET", "/api/v1/namespaces/default/pods/p:1/proxy/")
            assert (answer.code, answer.body["reason"]) == (503, "ServiceUnavailable")
            assert "127.0.0.1:1: Connection refused" in answer.message

    async def test_port_forward(self, kubectl: Kubectl) -> None:
        async with web_server() as port:
            forwarding = await kubectl.start("port-forward", "pod/p", f":{port}", "--address=127.0.0.1")
            local = int((await first_line(forwarding)).split()[2].rpartition(":")[2])
            for _ in range(3):
                reader, writer = await asyncio.open_connection("127.0.0.1", local)
                writer.write(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                content = await asyncio.wait_for(reader.read(), 10)
                assert content.endswith(b"GET /hello HTTP/1.1")
                writer.close()
            await stop(forwarding)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
