"""Real pods of one node: from the object in the store to processes, and back to nothing."""

import base64
from pathlib import Path

from tests.sandbox.node_support import alive, container, laboratory, make_pod


async def test_a_pod_runs_says_so_and_goes(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        script = 'echo "hello $GREETED"; trap "echo bye; exit 0" TERM; while :; do sleep 0.05; done'
        lab.create("pods", make_pod(container(script, env=[{"name": "GREETED", "value": "world"}])))
        pod = await lab.until_phase("Running")
        assert pod["spec"]["nodeName"] == "sandbox"
        status = pod["status"]
        assert status["podIP"].startswith("127.9.0.")
        await lab.until(lambda: "hello world" in lab.log())
        conditions = {entry["type"]: entry["status"] for entry in lab.pod()["status"]["conditions"]}
        assert conditions == {
            "PodScheduled": "True",
            "PodReadyToStartContainers": "True",
            "Initialized": "True",
            "ContainersReady": "True",
            "Ready": "True",
        }
        runtime = lab.node.container(pod, "main")
        assert runtime is not None
        assert alive(runtime.pid)
        lab.delete()
        await lab.until_gone()
        assert not alive(runtime.pid)
        assert list((lab.directory / "pods").iterdir()) == []


async def test_a_job_like_pod_succeeds(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        lab.create("pods", make_pod(container("exit 0"), restartPolicy="Never"))
        pod = await lab.until_phase("Succeeded")
        terminated = pod["status"]["containerStatuses"][0]["state"]["terminated"]
        assert (terminated["exitCode"], terminated["reason"]) == (0, "Completed")


async def test_secret_and_config_map_volumes_hold_the_files(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        encoded = base64.b64encode(b"sesame").decode()
        lab.create("secrets", {"metadata": {"name": "door"}, "data": {"password": encoded}})
        lab.create("configmaps", {"metadata": {"name": "settings"}, "data": {"a.cnf": "[a]\n"}})
        mounts = [
            {"name": "door", "mountPath": "/etc/trireme/secret", "readOnly": True},
            {"name": "settings", "mountPath": "/etc/trireme/config"},
            {"name": "scratch", "mountPath": "/tmp"},
        ]
        script = (
            "exec 2>&1; id -u; id -g; cat /etc/trireme/secret/password; stat -Lc ' %a' /etc/trireme/secret/password;"
            " cat /etc/trireme/config/a.cnf; touch /tmp/x && ls /tmp/x; touch /etc/x; touch /etc/trireme/config/y;"
            " cat /var/run/secrets/kubernetes.io/serviceaccount/token"
        )
        main = container(script, volumeMounts=mounts, securityContext={"readOnlyRootFilesystem": True})
        volumes = [
            {"name": "door", "secret": {"secretName": "door", "defaultMode": 0o440}},
            {"name": "settings", "configMap": {"name": "settings"}},
            {"name": "scratch", "emptyDir": {}},
        ]
        lab.create("pods", make_pod(main, volumes=volumes, restartPolicy="Never"))
        await lab.until_phase("Succeeded")
        assert lab.log().splitlines() == [
            "999",
            "0",
            "sesame 440",
            "[a]",
            "/tmp/x",
            "touch: cannot touch '/etc/x': Read-only file system",
            "touch: cannot touch '/etc/trireme/config/y': Read-only file system",
            "token-of-default-default-pod",
        ]
