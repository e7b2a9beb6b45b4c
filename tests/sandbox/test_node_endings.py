"""How pods end: in order, by force, with the sandbox, and when the sandbox itself is killed."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.sandbox.node_support import Laboratory, alive, container, laboratory, make_pod
from trireme.sandbox.store.interface import Key, Object
from trireme.sandbox.store.memory import MemoryStore

POLITE = "trap 'echo asked; sleep 0.2; echo done; exit 0' TERM"
STUBBORN = "trap 'echo ignored' TERM; setsid sleep 1000 &"
LOOP = "\necho up; while :; do sleep 0.05; done"


async def running(lab: Laboratory, trap: str, **fields: Any) -> int:
    """Make the pod, and return the host's pid of its container once it runs and has set its traps.

    A signal before that would be lost: PID 1 of a namespace gets only those that it handles.
    """
    spec = fields.pop("spec", {})
    lab.create("pods", make_pod(container(trap + LOOP, **fields), **spec))
    pod = await lab.until_phase("Running")
    async for _ in lab.node.access.logs(pod, "main", follow=True):
        break
    runtime = lab.node.container(pod, "main")
    assert runtime is not None
    return runtime.pid


async def test_deletion_lets_a_container_finish(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        pid = await running(lab, POLITE)
        changes = lab.store.watch("", "pods")
        lab.delete()
        async with asyncio.timeout(10):
            states = []
            async for change in changes:
                states.append(change)
                if change.kind == "DELETED":
                    break
        ready = [
            next(c["status"] for c in change.new["status"]["conditions"] if c["type"] == "Ready")
            for change in states[1:]
        ]
        assert set(ready) == {"False"}, "it is unready from the first moment on"
        ended = states[-1].new["status"]["containerStatuses"][0]["state"]["terminated"]
        assert ended["exitCode"] == 0
        assert not alive(pid)


async def test_a_container_that_has_not_set_its_handlers_yet_is_asked_when_it_has(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        lab.create(
            "pods", make_pod(container(f"sleep 0.2; {POLITE}{LOOP}"), terminationGracePeriodSeconds=60)
        )
        await lab.until_phase("Running")
        lab.delete()
        await lab.until_gone(seconds=40)


async def test_the_deadline_kills_all_of_a_container(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        pid = await running(lab, STUBBORN)
        namespace = _namespace(Path(f"/proc/{pid}"))
        began = time.monotonic()
        lab.delete(grace=1)
        await lab.until_gone()
        assert time.monotonic() - began < 3
        assert not any(_namespace(entry) == namespace for entry in Path("/proc").glob("[0-9]*"))


async def test_a_second_deletion_shortens_the_wait(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        pid = await running(lab, STUBBORN, spec={"terminationGracePeriodSeconds": 600})
        lab.delete()
        await lab.until(lambda: lab.pod()["metadata"]["deletionTimestamp"])
        lab.delete(grace=1)
        await lab.until_gone(seconds=5)
        assert not alive(pid)


async def test_removal_by_force_kills_at_once(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        pid = await running(lab, STUBBORN)
        folder = lab.directory / "pods" / lab.pod()["metadata"]["uid"]
        lab.delete(grace=0)
        await lab.until(lambda: not folder.exists() and not alive(pid))


async def test_the_hook_runs_before_the_signal(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo hook > /proc/1/fd/1"]}}}
        await running(lab, "trap 'echo signal; exit 0' TERM", lifecycle=hook)
        pod = lab.pod()
        lines = lab.node.access.logs(pod, "main", follow=True)
        lab.delete()
        assert b"".join([line async for line in lines]) == b"up\nhook\nsignal\n"


async def test_a_hook_that_hangs_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        hook = {"preStop": {"exec": {"command": ["sleep", "1000"]}}}
        pid = await running(lab, STUBBORN, lifecycle=hook)
        lab.delete(grace=1)
        await lab.until_gone(seconds=5)
        assert not alive(pid)


async def test_a_finalizer_keeps_the_object_but_not_the_processes(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        lab.create("pods", make_pod(container(POLITE + LOOP), metadata={"finalizers": ["a/b"]}))
        pod = await lab.until_phase("Running")
        runtime = lab.node.container(pod, "main")
        assert runtime is not None
        lab.delete(grace=1)
        await lab.until(lambda: not alive(runtime.pid))
        key = Key("", "pods", "default", "pod")
        lab.store.mutate(key, lambda pod: pod["metadata"].update(finalizers=[]))
        await lab.until_gone()


async def test_pods_start_again_with_the_sandbox(tmp_path: Path) -> None:
    store = MemoryStore()
    async with laboratory(tmp_path, store=store) as lab:
        pid = await running(lab, POLITE)
        await lab.node.stop(grace=5)
        assert not alive(pid)
        pod = lab.pod()
        assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    async with laboratory(tmp_path, store=store) as lab:
        await lab.until(lambda: lab.pod()["status"]["containerStatuses"][0]["restartCount"] == 1)
        assert lab.pod()["metadata"]["uid"] == pod["metadata"]["uid"]
        await lab.until(lambda: "running" in lab.pod()["status"]["containerStatuses"][0]["state"])


async def test_a_killed_sandbox_takes_its_containers_along(tmp_path: Path) -> None:
    """kill -9 of the process that runs the node; the next one starts the pod again from the store."""
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from tests.sandbox.node_support import container, laboratory, make_pod\n"
        "async def main():\n"
        "    async with laboratory(Path(sys.argv[1])) as lab:\n"
        "        lab.create('pods', make_pod(container('setsid sleep 1000 & sleep 1000')))\n"
        "        pod = await lab.until_phase('Running')\n"
        "        print(lab.node.container(pod, 'main').pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    daemon = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert daemon.stdout is not None
    pid = int(await asyncio.wait_for(daemon.stdout.readline(), 20))
    assert alive(pid)
    daemon.send_signal(signal.SIGKILL)
    await daemon.wait()
    async with asyncio.timeout(5):
        while alive(pid):  # noqa: ASYNC110 - nothing announces the end of another process's child
            await asyncio.sleep(0.01)


async def test_secrets_are_updated_in_place(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:

        def secret(text: str) -> Object:
            data = {"word": base64.b64encode(text.encode()).decode()}
            return {"metadata": {"name": "door", "namespace": "default"}, "data": data}

        lab.create("secrets", secret("old"))
        watch = "until grep -q new /secret/word; do sleep 0.02; done; echo seen"
        mount = [{"name": "door", "mountPath": "/secret"}]
        volumes = [{"name": "door", "secret": {"secretName": "door"}}]
        pod = make_pod(container(watch, volumeMounts=mount), volumes=volumes, restartPolicy="Never")
        lab.create("pods", pod)
        await lab.until_phase("Running")
        lab.store.update("", "secrets", secret("new"))
        await lab.until_phase("Succeeded")
        assert lab.log() == "seen\n"


async def test_claims_are_mounted_and_outlive_the_pod(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        claim = {"metadata": {"name": "data"}, "spec": {"volumeName": "pv"}, "status": {"phase": "Pending"}}
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
        lab.create("persistentvolumeclaims", claim)
        mount = [{"name": "data", "mountPath": "/var/lib/mysql", "subPath": "inner"}]
        main = container("echo kept > /var/lib/mysql/file; sleep 1000", volumeMounts=mount)
        lab.create("pods", make_pod(main, volumes=volumes))
        await lab.until(lambda: lab.events("FailedScheduling"))
        path = tmp_path / "pv"
        path.mkdir()
        volume = {"metadata": {"name": "pv"}, "spec": {"hostPath": {"path": str(path)}}}
        lab.store.create("", "persistentvolumes", volume)
        key = Key("", "persistentvolumeclaims", "default", "data")
        lab.store.mutate(key, lambda found: found.update(status={"phase": "Bound"}))
        await lab.until_phase("Running")
        await lab.until((path / "inner" / "file").exists)
        lab.delete(grace=0)
        await lab.until_gone()
        assert (path / "inner" / "file").read_text() == "kept\n"
        assert (path / "inner" / "file").stat().st_uid == os.getuid()


def _namespace(process: Path) -> str:
    try:
        return str((process / "ns" / "pid").readlink())
    except OSError:
        return ""
