"""Logs, and commands run inside of containers, as kubectl asks for them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sandbox.node_support import container, laboratory, make_pod
from trireme.sandbox.apiserver.node import ExecProcess, NodeError


async def _all(stream: AsyncIterator[bytes]) -> str:
    async with asyncio.timeout(10):
        return b"".join([chunk async for chunk in stream]).decode()


async def test_exec_sees_what_the_container_sees(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        env = [{"name": "COLOUR", "value": "red"}]
        main = container("sleep 1000", env=env, workingDir="/usr/lib")
        lab.create("pods", make_pod(main, name="db-0"))
        pod = await lab.until_phase("Running", "db-0")
        script = (
            "id -u; echo $COLOUR; pwd; hostname; cat /proc/1/comm; cat /etc/hostname; grep -E 'CapEff|CapBnd|NoNew' "
            "/proc/self/status; touch /usr/x; exit 7"
        )
        process = await lab.node.access.exec(pod, "main", ["sh", "-c", script], stdin=False, tty=False)
        output, errors = await asyncio.gather(_all(process.stdout), _all(process.stderr))
        assert output.split() == [
            *("999", "red", "/usr/lib", "db-0", "sh", "db-0"),
            *("CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"),
        ]
        assert "Read-only file system" in errors
        assert await process.wait() == 7


async def test_exec_passes_standard_input_on(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        lab.create("pods", make_pod(container("sleep 1000")))
        pod = await lab.until_phase("Running")
        process = await lab.node.access.exec(pod, "main", ["wc", "-c"], stdin=True, tty=False)
        await process.write(b"x" * 300_000)
        await process.close_stdin()
        assert (await _all(process.stdout)).strip() == "300000"
        assert await process.wait() == 0


async def test_exec_on_a_terminal(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        lab.create("pods", make_pod(container("sleep 1000")))
        pod = await lab.until_phase("Running")
        process = await lab.node.access.exec(pod, "main", ["sh"], stdin=True, tty=True)
        process.resize(width=132, height=43)
        await process.write(b"stty size; exit 3\n")
        assert "43 132" in await _all(process.stdout)
        assert await process.wait() == 3


async def test_exec_of_what_is_not_there(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        lab.create("pods", make_pod(container("sleep 1000")))
        pod = await lab.until_phase("Running")
        with pytest.raises(FileNotFoundError):
            await lab.node.access.exec(pod, "main", ["no-such-program"], stdin=False, tty=False)
        with pytest.raises(PermissionError):
            await lab.node.access.exec(pod, "main", ["/etc/passwd"], stdin=False, tty=False)
        with pytest.raises(NodeError, match="not running"):
            await lab.node.access.exec(pod, "other", ["true"], stdin=False, tty=False)


async def test_an_exec_ends_when_its_client_goes(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        lab.create("pods", make_pod(container("sleep 1000")))
        pod = await lab.until_phase("Running")
        process: ExecProcess = await lab.node.access.exec(
            pod, "main", ["sleep", "999"], stdin=False, tty=False
        )
        process.kill()
        assert await _all(process.stdout) == ""
        assert await process.wait() == 137


async def test_logs_are_followed_to_the_end(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        script = "for i in 1 2 3 4; do echo line $i; sleep 0.05; done; printf unfinished"
        lab.create("pods", make_pod(container(script), restartPolicy="Never"))
        pod = await lab.until_phase("Running")
        text = await _all(lab.node.access.logs(pod, "main", follow=True))
        assert text == "line 1\nline 2\nline 3\nline 4\nunfinished"
        pod = await lab.until_phase("Succeeded")
        assert await _all(lab.node.access.logs(pod, "main", tail=1)) == "line 4\nunfinished"
        stamped = await _all(lab.node.access.logs(pod, "main", timestamps=True))
        assert stamped.splitlines()[0].endswith("Z line 1")


async def test_logs_of_the_run_before(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        lab.create("pods", make_pod(container('echo "started as $$"; sleep 0.1; exit 4')))
        pod = await lab.until(
            lambda: lab.pod()["status"]["containerStatuses"][0]["restartCount"] and lab.pod()
        )
        assert "started" in await _all(lab.node.access.logs(pod, "main", previous=True))
        with pytest.raises(NodeError, match="not found"):
            await _all(lab.node.access.logs(pod, "other", previous=True))
