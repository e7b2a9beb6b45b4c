"""What happens when containers end, cannot start, or fail their probes."""

import base64
import functools
from pathlib import Path
from typing import Any

from tests.sandbox.node_support import Laboratory, container, laboratory, make_pod


def state(lab: Laboratory, container: int = 0, field: str = "containerStatuses") -> Any:
    """The one state of a container: its kind, and what it says."""
    return lab.pod()["status"][field][container]["state"]


def waits_for(lab: Laboratory, reason: str) -> bool:
    return bool(state(lab)["waiting"]["reason"] == reason)


async def test_a_failing_container_backs_off(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        lab.create("pods", make_pod(container("echo run; exit 3")))
        await lab.until(lambda: waits_for(lab, "CrashLoopBackOff"))
        entry = lab.pod()["status"]["containerStatuses"][0]
        assert entry["restartCount"] >= 1
        assert entry["lastState"]["terminated"]["exitCode"] == 3
        assert "restarting failed container=main" in entry["state"]["waiting"]["message"]
        await lab.until(lambda: lab.pod()["status"]["containerStatuses"][0]["restartCount"] >= 3)
        await lab.until(lambda: lab.log(start=3) == "run\n")
        assert lab.events("BackOff")


async def test_a_signal_is_told_in_the_exit_code(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        script = "python3 -c 'import os, signal; os.kill(os.getpid(), signal.SIGSEGV)' & wait $!; exit $?"
        lab.create("pods", make_pod(container(script), restartPolicy="Never"))
        await lab.until_phase("Failed")
        assert state(lab)["terminated"]["exitCode"] == 139


async def test_init_containers_run_in_order_and_are_retried(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        mount = [{"name": "shared", "mountPath": "/shared"}]
        flaky = "echo one >> /shared/log; [ $(wc -l < /shared/log) -ge 2 ]"
        inits = [
            container(flaky, name="first", volumeMounts=mount),
            container("echo two >> /shared/log", name="second", volumeMounts=mount),
        ]
        main = container("cat /shared/log; sleep 1000", volumeMounts=mount)
        volumes = [{"name": "shared", "emptyDir": {}}]
        lab.create("pods", make_pod(main, initContainers=inits, volumes=volumes))
        await lab.until_phase("Running")
        await lab.until(lambda: lab.log() == "one\none\ntwo\n")
        first = lab.pod()["status"]["initContainerStatuses"][0]
        assert (first["restartCount"], first["ready"]) == (1, True)


async def test_a_failed_init_container_fails_the_pod(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        init = container("exit 9", name="first")
        lab.create("pods", make_pod(container("true"), initContainers=[init], restartPolicy="Never"))
        await lab.until_phase("Failed")
        assert state(lab)["waiting"]["reason"] == "PodInitializing"


async def test_a_missing_secret_is_named_and_waited_for(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        reference = {"secretKeyRef": {"name": "door", "key": "password"}}
        env = [{"name": "PASSWORD", "valueFrom": reference}]
        lab.create("pods", make_pod(container("echo $PASSWORD; sleep 1000", env=env)))
        await lab.until(lambda: waits_for(lab, "CreateContainerConfigError"))
        assert state(lab)["waiting"]["message"] == 'secret "door" not found'
        secret = {"metadata": {"name": "door"}, "data": {"password": base64.b64encode(b"sesame").decode()}}
        lab.create("secrets", secret)
        await lab.until_phase("Running")
        await lab.until(lambda: lab.log() == "sesame\n")
        assert lab.pod()["status"]["containerStatuses"][0]["restartCount"] == 0


async def test_a_missing_volume_keeps_the_pod_from_starting(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        volumes = [{"name": "settings", "configMap": {"name": "settings"}}]
        lab.create("pods", make_pod(container("sleep 1000"), volumes=volumes))
        await lab.until(lambda: lab.events("FailedMount"))
        words = 'MountVolume.SetUp failed for volume "settings" : configmap "settings" not found'
        assert lab.events("FailedMount") == [words]
        lab.create("configmaps", {"metadata": {"name": "settings"}, "data": {}})
        await lab.until_phase("Running")


async def test_an_unknown_image(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        main = {"name": "main", "image": "docker.io/library/mariadb:11.4"}
        lab.create("pods", make_pod(main))
        await lab.until(lambda: waits_for(lab, "ImagePullBackOff"))
        assert "the sandbox has only images named" in state(lab)["waiting"]["message"]


async def test_a_missing_program(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        main = {"name": "main", "image": "trireme", "command": ["no-such-program"]}
        lab.create("pods", make_pod(main))
        await lab.until(lambda: waits_for(lab, "RunContainerError"))
        assert "no-such-program" in state(lab)["waiting"]["message"]
        ended = lab.pod()["status"]["containerStatuses"][0]["lastState"]["terminated"]
        assert (ended["exitCode"], ended["reason"]) == (128, "StartError")


async def test_root_is_refused_where_the_pod_says_so(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        context = {"runAsNonRoot": True, "runAsUser": 0}
        lab.create("pods", make_pod(container("true"), securityContext=context))
        await lab.until(lambda: waits_for(lab, "CreateContainerConfigError"))
        assert "breaks non-root policy" in state(lab)["waiting"]["message"]


async def test_the_termination_message(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        spoken = container("echo my last words > /dev/termination-log; exit 1")
        logged = container(
            "echo from the log; exit 1", "logged", terminationMessagePolicy="FallbackToLogsOnError"
        )
        lab.create("pods", make_pod(spoken, logged, restartPolicy="Never"))
        await lab.until_phase("Failed")
        assert state(lab, 0)["terminated"]["message"] == "my last words\n"
        assert state(lab, 1)["terminated"]["message"] == "from the log\n"


async def test_readiness_follows_its_probe(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:

        def is_ready(expected: str) -> bool:
            conditions = lab.pod()["status"]["conditions"]
            return any(c["type"] == "Ready" and c["status"] == expected for c in conditions)

        probe = {
            "exec": {"command": ["test", "-e", "/tmp/ready"]},
            "periodSeconds": 0.05,
            "failureThreshold": 1,
        }
        lab.create("pods", make_pod(container("sleep 1000", readinessProbe=probe)))
        pod = await lab.until_phase("Running")
        assert is_ready("False")
        for command, expected in (["touch", "True"], ["rm", "False"]):
            await lab.node.access.exec(pod, "main", [command, "/tmp/ready"], stdin=False, tty=False)
            await lab.until(functools.partial(is_ready, expected))
        assert lab.events("Unhealthy") == ["Readiness probe failed: "]


async def test_a_failed_liveness_probe_restarts(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        server = (
            "import http.server as s\n"
            "class H(s.BaseHTTPRequestHandler):\n"
            "  def do_GET(self):\n"
            "    self.send_response(200 if self.path == '/started' else 500); self.end_headers()\n"
            "import os; s.HTTPServer((os.environ['IP'], 8080), H).serve_forever()\n"
        )
        main = {
            "name": "main",
            "image": "trireme",
            "command": ["python3", "-c", server],
            "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            "ports": [{"name": "http", "containerPort": 8080}],
            "startupProbe": {
                "httpGet": {"path": "/started", "port": "http"},
                "periodSeconds": 0.05,
                "failureThreshold": 200,
            },
            "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}, "periodSeconds": 0.05},
        }
        lab.create("pods", make_pod(main))
        await lab.until(lambda: lab.pod()["status"]["containerStatuses"][0]["restartCount"] == 1)
        assert "Liveness probe failed: HTTP probe failed with statuscode: 500" in lab.events("Unhealthy")
        assert lab.events("Killing") == ["Container main failed liveness probe, will be restarted"]
