"""The whole sandbox from the command line: its real process, real kubectl, pods that are small web servers."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.ordinary import readable_by_all

MANIFESTS = Path(__file__).parent / "manifests"
WEB = MANIFESTS / "web.yaml"
TRIREME = (sys.executable, "-c", "from trireme.cli.main import main; main()")
FRONT_PORT = 8081
"""Of Service web. Not below 1024: an ordinary user may not listen there."""

NOBODY = 65534
PERMANENT = 2
"""Exit status of an error that does not pass by itself."""

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Shell:
    """Runs commands against one sandbox."""

    folder: Path
    user: int | None = None

    def sandbox(self, *arguments: str, seconds: float = 60, **environment: str) -> Done:
        """Any exit status."""
        return self._run([*TRIREME, "sandbox", *arguments], seconds, environment)

    def ok(self, *arguments: str, seconds: float = 60) -> str:
        done = self.sandbox(*arguments, seconds=seconds)
        assert done.returncode == 0, f"{done.args}: {done.stdout}{done.stderr}"
        return done.stdout

    def kubectl(self, *arguments: str, seconds: float = 60) -> str:
        return self.ok("kubectl", *arguments, seconds=seconds)

    def get(self, *what: str) -> Any:
        return json.loads(self.kubectl("get", *what, "-o", "json"))

    def pods(self) -> dict[str, Any]:
        return {pod["metadata"]["name"]: pod for pod in self.get("pods")["items"]}

    @property
    def pid(self) -> int:
        return int((self.folder / "sandbox.pid").read_text())

    def _run(self, command: Sequence[str], seconds: float, environment: dict[str, str]) -> Done:
        whole = {**os.environ, "TRIREME_SANDBOX": str(self.folder), **environment}
        if self.user is not None:
            whole |= {"HOME": str(self.folder.parent)}
        return subprocess.run(
            command,
            env=whole,
            cwd=None if self.user is None else self.folder.parent,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path / "sandbox")
    yield made
    made.sandbox("down", "--purge")


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A sandbox with the three web servers, shared by the tests that leave them as they are."""
    made = Shell(tmp_path_factory.mktemp("web") / "sandbox")
    try:
        made.ok("up", "-f", str(WEB))
        yield made
    finally:
        made.sandbox("down", "--purge")


def fetch(address: str, port: int, path: str = "/name") -> str:
    with urllib.request.urlopen(f"http://{address}:{port}{path}", timeout=5) as answer:
        return str(answer.read().decode()).strip()


def eventually(holds: Callable[[], object], seconds: float = 20) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


class TestTogether:
    def test_up_waits_until_all_are_ready(self, web: Shell) -> None:
        assert [web.pods()[name]["status"]["phase"] for name in ("web-0", "web-1", "web-2")] == [
            "Running"
        ] * 3
        assert web.get("statefulset", "web")["status"]["readyReplicas"] == 3
        assert "3" in web.kubectl("rollout", "status", "statefulset/web")

    def test_up_again_says_so_and_changes_nothing(self, web: Shell) -> None:
        pid = web.pid
        assert "runs already" in web.ok("up")
        assert web.pid == pid

    def test_apply_waits_too(self, web: Shell) -> None:
        assert "Ready after" in web.ok("apply", "-f", str(WEB))
        assert "Ready after" not in web.ok("apply", "-f", str(WEB), "--no-wait")

    def test_a_service_takes_turns_among_the_pods(self, web: Shell) -> None:
        address = web.get("service", "web")["spec"]["clusterIP"]
        assert {fetch(address, FRONT_PORT) for _ in range(9)} == {"web-0", "web-1", "web-2"}

    def test_each_pod_has_a_name_that_leads_to_it(self, web: Shell) -> None:
        asked = "import socket; print(socket.gethostbyname('web-2.web-internal'))"
        found = web.kubectl("exec", "web-0", "--", "python3", "-c", asked)
        if os.geteuid() == 0:
            assert found.strip() == web.pods()["web-2"]["status"]["podIP"]

    def test_labels_of_a_pod_can_be_changed(self, web: Shell) -> None:
        web.kubectl("label", "pod", "web-1", "tier=front", "--overwrite")
        assert web.pods()["web-1"]["metadata"]["labels"]["tier"] == "front"

    def test_the_budget_knows_its_pods(self, web: Shell) -> None:
        status = web.get("poddisruptionbudget", "web")["status"]
        assert (status["expectedPods"], status["currentHealthy"], status["disruptionsAllowed"]) == (3, 3, 1)

    def test_status(self, web: Shell) -> None:
        said = web.ok("status")
        assert f"process {web.pid}" in said
        assert "pod default/web-0  Running" in said

    def test_env_is_for_a_shell(self, web: Shell) -> None:
        assert web.ok("env").strip() == f"export KUBECONFIG={web.folder}/kubeconfig"

    def test_dns_fails_on_demand(self, web: Shell) -> None:
        web.ok("fault", "dns", "nxdomain", "--names", "web-1.*")
        assert "DNS fault: nxdomain for web-1.*" in web.ok("status")
        assert web.ok("fault", "dns", "--clear").strip() == "DNS answers truthfully."
        assert web.sandbox("fault", "dns", "wrong").returncode == PERMANENT

    def test_the_api_fails_on_request_and_the_pods_go_on(self, web: Shell) -> None:
        web.ok("fault", "api", "error", "--code", "503")
        assert "currently unable to handle" in web.sandbox("kubectl", "get", "pods").stderr
        said = web.ok("status")
        assert "API fault: error for *" in said and "no list of pods" in said
        assert web.ok("fault", "api", "--clear").strip() == "The API server answers."
        assert "Running" in web.kubectl("get", "pods")
        assert web.sandbox("fault", "api", "error", "--code", "200").returncode == PERMANENT

    def test_nothing_of_a_default_service_account_is_forbidden_to_exist(self, web: Shell) -> None:
        assert web.get("serviceaccount", "default")
        assert "BEGIN CERTIFICATE" in web.get("configmap", "kube-root-ca.crt")["data"]["ca.crt"]


class TestChanges:
    def test_scale_roll_and_delete(self, shell: Shell) -> None:
        shell.ok("up", "-f", str(WEB))
        shell.kubectl("scale", "statefulset/web", "--replicas=5")
        shell.kubectl("rollout", "status", "statefulset/web", "--timeout=30s")
        assert sorted(shell.pods()) == [f"web-{n}" for n in range(5)]
        shell.kubectl("scale", "statefulset/web", "--replicas=2")
        eventually(lambda: sorted(shell.pods()) == ["web-0", "web-1"])
        assert len(shell.get("pvc")["items"]) == 5, "the claims of those scaled away are kept"
        before = {name: pod["metadata"]["uid"] for name, pod in shell.pods().items()}
        shell.kubectl("rollout", "restart", "statefulset/web")
        shell.kubectl("rollout", "status", "statefulset/web", "--timeout=30s")
        after = {name: pod["metadata"]["uid"] for name, pod in shell.pods().items()}
        assert before.keys() == after.keys()
        assert not set(before.values()) & set(after.values())
        shell.kubectl("delete", "-f", str(WEB))
        eventually(lambda: not shell.pods())
        address = shell.get("services")["items"]
        assert [each["metadata"]["name"] for each in address] == ["kubernetes"]

    def test_a_pod_that_is_deleted_comes_back_with_its_volume_and_another_address(self, shell: Shell) -> None:
        shell.ok("up", "-f", str(WEB))
        old = shell.pods()["web-1"]
        shell.kubectl("delete", "pod", "web-1")
        shell.kubectl("rollout", "status", "statefulset/web", "--timeout=30s")
        eventually(lambda: shell.get("statefulset", "web")["status"].get("readyReplicas") == 3)
        new = shell.pods()["web-1"]
        assert new["metadata"]["uid"] != old["metadata"]["uid"]
        assert new["status"]["podIP"] != old["status"]["podIP"]
        assert fetch(new["status"]["podIP"], 8080, "/starts").split() == ["web-1", "web-1"]

    def test_everything_survives_down_and_up(self, shell: Shell) -> None:
        shell.ok("up", "-f", str(WEB))
        address = shell.get("service", "web")["spec"]["clusterIP"]
        old = shell.pods()["web-0"]
        pid = shell.pid
        shell.ok("down")
        assert not alive(pid)
        assert shell.sandbox("status").returncode == 3
        with pytest.raises(urllib.error.URLError):
            fetch(address, FRONT_PORT)
        shell.ok("up", "-f", str(WEB))
        assert fetch(address, FRONT_PORT) in ("web-0", "web-1", "web-2")
        assert shell.pods()["web-0"]["metadata"]["uid"] == old["metadata"]["uid"]
        assert fetch(old["status"]["podIP"], 8080, "/starts").split() == ["web-0", "web-0"]

    def test_everything_survives_a_kill(self, shell: Shell) -> None:
        shell.ok("up", "-f", str(WEB))
        pods = {name: pod["status"]["podIP"] for name, pod in shell.pods().items()}
        os.kill(shell.pid, signal.SIGKILL)
        eventually(lambda: not any(answers(address) for address in pods.values()))
        assert shell.sandbox("status").returncode == 3
        shell.ok("up", "-f", str(WEB))
        assert {name: fetch(address, 8080) for name, address in pods.items()} == {name: name for name in pods}

    def test_two_sandboxes_do_not_meet(self, web: Shell, shell: Shell) -> None:
        shell.ok("up", "-f", str(WEB))
        mine = {pod["status"]["podIP"] for pod in shell.pods().values()}
        others = {pod["status"]["podIP"] for pod in web.pods().values()}
        assert mine.isdisjoint(others)
        shell.ok("down")
        assert all(answers(address) for address in others)

    def test_a_network_that_another_sandbox_took_meanwhile(self, shell: Shell) -> None:
        shell.ok("up", "-f", str(WEB))
        octet = int((shell.folder / "network").read_text())
        shell.ok("down")
        other = Shell(shell.folder.parent / "other")
        other.folder.mkdir()
        (other.folder / "network").write_text(f"{octet}\n")
        other.ok("up")
        try:
            shell.ok("up", "-f", str(WEB))
            address = shell.get("service", "web")["spec"]["clusterIP"]
            assert not address.startswith(f"127.{octet}.")
            assert fetch(address, FRONT_PORT) in ("web-0", "web-1", "web-2")
        finally:
            other.ok("down", "--purge")


class TestOrdinaryUser:
    """Root runs it as `nobody`, where that user can read this checkout; everybody else as themselves."""

    @pytest.fixture
    def user(self) -> int | None:
        return NOBODY if os.geteuid() == 0 and readable_by_all(Path(__file__)) else None

    @pytest.fixture
    def home(self, user: int | None) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="trireme-") as path:
            if user is not None:
                os.chown(path, user, user)
            yield Path(path)

    def test_up_and_down(self, home: Path, user: int | None) -> None:
        shell = Shell(home / "sandbox", user)
        shell.ok("up", "-f", str(WEB))
        try:
            address = shell.get("service", "web")["spec"]["clusterIP"]
            assert {fetch(address, FRONT_PORT) for _ in range(9)} == {"web-0", "web-1", "web-2"}
            owner = Path(f"/proc/{shell.pid}").stat().st_uid
            assert owner == (NOBODY if user else os.geteuid())
        finally:
            shell.ok("down", "--purge")
        assert not shell.folder.exists()


class TestRefusals:
    def test_a_pod_that_cannot_become_ready_is_explained(self, shell: Shell) -> None:
        broken = WEB.read_text().replace("trireme/trireme:0.1.0", "example.org/nginx:1")
        path = shell.folder.parent / "broken.yaml"
        path.write_text(broken)
        done = shell.sandbox("up", "-f", str(path), "--timeout", "3")
        assert done.returncode == 1
        assert "example.org/nginx:1" in done.stdout
        assert "Not ready after 3 s" in done.stderr

    def test_what_is_not_there(self, shell: Shell) -> None:
        for command in (["apply", "-f", str(WEB)], ["kubectl", "get", "pods"], ["fault", "dns", "drop"]):
            done = shell.sandbox(*command)
            assert done.returncode == PERMANENT
            assert "start it with `trireme sandbox up`" in done.stderr
        assert shell.sandbox("down").returncode == 0

    def test_without_kubectl(self, web: Shell) -> None:
        done = web.sandbox("kubectl", "get", "pods", PATH="/nonexistent")
        assert done.returncode == PERMANENT
        assert "apt-get install kubernetes-client" in done.stderr

    def test_without_bubblewrap(self, shell: Shell) -> None:
        done = shell.sandbox("up", PATH="/nonexistent")
        assert done.returncode == PERMANENT
        assert "apt-get install bubblewrap" in done.stderr
        assert not shell.folder.exists(), "nothing was started"

    def test_where_containers_are_forbidden(self, shell: Shell) -> None:
        programs = shell.folder.parent / "bin"
        programs.mkdir()
        forbidding = programs / "bwrap"
        forbidding.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
        forbidding.chmod(0o755)
        done = shell.sandbox("up", PATH=f"{programs}:{os.environ['PATH']}")
        assert done.returncode == PERMANENT
        assert "No permissions to create new namespace" in done.stderr
        assert "user.max_user_namespaces" in done.stderr
        assert "Traceback" not in done.stderr

    def test_purge_removes_only_a_sandbox(self, tmp_path: Path) -> None:
        (tmp_path / "precious").write_text("data")
        done = Shell(tmp_path).sandbox("down", "--purge")
        assert done.returncode == PERMANENT
        assert "does not look like a sandbox" in done.stderr
        assert (tmp_path / "precious").exists()

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        done = Shell(tmp_path / "file" / "sandbox").sandbox("up")
        assert done.returncode == PERMANENT
        assert "choose another with --dir" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_store_that_cannot_be_opened(self, shell: Shell) -> None:
        shell.folder.mkdir()
        (shell.folder / "store").write_text("not a directory")
        done = shell.sandbox("up")
        assert done.returncode == PERMANENT
        assert "the sandbox did not start" in done.stderr
        assert str(shell.folder / "sandbox.log") in done.stderr


def alive(pid: int) -> bool:
    """Not counting what has ended and nobody waited for yet."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def answers(address: str) -> bool:
    try:
        fetch(address, 8080)
    except (OSError, urllib.error.URLError):
        return False
    return True
