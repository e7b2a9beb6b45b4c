"""Clusters made of the real manifests, handled as their users do: by kubectl, and SQL through the Services.

They run in a sandbox of the tests' own, or in the Kubernetes of ``$TRIREME_TEST_KUBECONFIG``; either way each
cluster has a namespace to itself, which enforces Pod Security *restricted*. A real Kubernetes must be able to pull
the image of deploy/plain/kustomization.yaml, and this machine must reach its ClusterIPs.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import pymysql
import pymysql.cursors
import yaml

from tests.servers.reading import path_of, reader

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PLAIN = DEPLOY / "plain"
TRIREME = (sys.executable, "-c", "from trireme.cli.main import main; main()")

FORM_SECONDS = 120.0
STEP_SECONDS = 60.0
"""What one kubectl command, or one step of Kubernetes, may take on a busy machine."""

Done = subprocess.CompletedProcess[str]
Connection: TypeAlias = "pymysql.Connection[pymysql.cursors.Cursor]"


def wait_until(probe: Callable[[], Any], what: str, seconds: float = FORM_SECONDS) -> Any:
    """Ask ``probe`` until its answer is truthy; fail in words after ``seconds``. Failed commands count as not yet."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = probe()
        except (subprocess.SubprocessError, pymysql.Error, OSError, LookupError) as error:
            last = getattr(error, "stderr", None) or error
        else:
            if last:
                return last
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}; last seen: {last!r}")


@dataclass(frozen=True)
class User:
    """An ordinary user of this machine, who needs no entry in /etc/passwd."""

    uid: int
    home: Path

    def popen(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.uid, "extra_groups": [], "cwd": self.home}


@dataclass(frozen=True)
class Kubernetes:
    """A Kubernetes, and who uses it."""

    kubeconfig: Path
    kubectl: str = "kubectl"
    user: User | None = None

    def run(self, *command: str, seconds: float = STEP_SECONDS, stdin: str | None = None) -> Done:
        """Run a command with this kubeconfig; any exit status."""
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        if self.user is not None:
            environment["HOME"] = str(self.user.home)
        return subprocess.run(
            command,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            **(self.user.popen() if self.user else {}),
        )

    def with_kubectl(self, program: str) -> "Kubernetes":
        return replace(self, kubectl=program)


@dataclass(frozen=True)
class Sandbox:
    """A sandbox in a folder of its own."""

    folder: Path
    user: User | None = None

    @property
    def kubernetes(self) -> Kubernetes:
        return Kubernetes(self.folder / "kubeconfig", user=self.user)

    @property
    def pid(self) -> int:
        return int((self.folder / "sandbox.pid").read_text())

    def command(self, *arguments: str, seconds: float = STEP_SECONDS) -> str:
        done = self.kubernetes.run(
            *TRIREME, "sandbox", *arguments, "--dir", str(self.folder), seconds=seconds
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout


@contextmanager
def sandbox(user: User | None = None, *options: str) -> Iterator[Sandbox]:
    """A sandbox that runs, and is gone in the end with all that it started."""
    with tempfile.TemporaryDirectory(prefix="tri-") as path:
        if user is not None:
            os.chown(path, user.uid, user.uid)
        made = Sandbox(Path(path) / "sandbox", user)
        try:
            made.command("up", *options)
            yield made
        finally:
            made.command("down", "--purge")


@contextmanager
def kubernetes_for_tests() -> Iterator[Kubernetes]:
    """What ``$TRIREME_TEST_KUBECONFIG`` names, or else a sandbox."""
    given = os.environ.get("TRIREME_TEST_KUBECONFIG")
    if given:
        yield Kubernetes(Path(given).absolute())
        return
    with sandbox() as made:
        yield made.kubernetes


def kubectls() -> list[str]:
    """The kubectl on PATH, and those that ``$TRIREME_TEST_KUBECTLS`` names, separated by colons."""
    on_path = shutil.which("kubectl")
    assert on_path, "kubectl is missing: run `make setup`"
    return [on_path, *filter(None, os.environ.get("TRIREME_TEST_KUBECTLS", "").split(":"))]


@contextmanager
def overlay(base: Path = PLAIN, **files: str) -> Iterator[Path]:
    """A kustomization on ``base``. ``patch``: a strategic merge patch; ``my_cnf``: server settings."""
    with tempfile.TemporaryDirectory(prefix="tri-") as path:
        folder = Path(path)
        folder.chmod(0o755)
        made: dict[str, Any] = {"bases": [os.path.relpath(base, folder.resolve())]}
        if "patch" in files:
            (folder / "patch.yaml").write_text(files["patch"])
            made["patchesStrategicMerge"] = ["patch.yaml"]
        if "my_cnf" in files:
            (folder / "my.cnf").write_text(files["my_cnf"])
            made["configMapGenerator"] = [{"name": "demo-my-cnf", "behavior": "replace", "files": ["my.cnf"]}]
        if "image" in files:
            made["images"] = [{"name": "trireme/trireme", "newName": files["image"]}]
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(made))
        yield folder


def pod_patch(spec: Mapping[str, Any]) -> str:
    """A strategic merge patch of the members' pods."""
    template = {"spec": {"template": {"spec": spec}}}
    return yaml.safe_dump(
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "demo"}, **template}
    )


@dataclass(frozen=True)
class Cluster:
    """The cluster ``demo`` of one namespace."""

    kubernetes: Kubernetes
    namespace: str
    passwords: dict[str, str] = field(default_factory=dict)

    # --- commands --------------------------------------------------------------------------------------------

    def kubectl(self, *arguments: str, seconds: float = STEP_SECONDS, stdin: str | None = None) -> str:
        """Run kubectl in the namespace; raises CalledProcessError with what it said."""
        command = (self.kubernetes.kubectl, "--namespace", self.namespace, *arguments)
        done = self.kubernetes.run(*command, seconds=seconds, stdin=stdin)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        return done.stdout

    def trireme(self, *arguments: str) -> Done:
        return self.kubernetes.run(*TRIREME, *arguments, "--namespace", self.namespace)

    def get(self, *what: str) -> Any:
        return json.loads(self.kubectl("get", *what, "-o", "json"))

    def look(self, *what: str) -> Any:
        """The same, asked of the API itself: for what is asked again and again."""
        path = path_of(self.namespace, what) if self.kubernetes.kubectl == "kubectl" else None
        asked = reader(self.kubernetes.kubeconfig) if path is not None else None
        return self.get(*what) if path is None or asked is None else asked.get(path)

    def apply(self, kustomization: Path = PLAIN) -> None:
        self.kubectl("apply", "-k", str(kustomization))

    def scale(self, members: int) -> None:
        self.kubectl("scale", "statefulset", "demo", f"--replicas={members}")

    # --- members ---------------------------------------------------------------------------------------------

    def pods(self) -> dict[str, Any]:
        return {pod["metadata"]["name"]: pod for pod in self.get("pods")["items"]}

    def uids(self) -> dict[str, str]:
        return {name: pod["metadata"]["uid"] for name, pod in self.pods().items()}

    def status(self, member: int) -> dict[str, Any]:
        path = f"/api/v1/namespaces/{self.namespace}/pods/demo-{member}:8080/proxy/status"
        asked = reader(self.kubernetes.kubeconfig)
        said: dict[str, Any] = asked.get(path) if asked else json.loads(self.kubectl("get", "--raw", path))
        return said

    def wait_rolled_out(self, seconds: float = FORM_SECONDS) -> None:
        self.kubectl(
            "rollout", "status", "statefulset/demo", f"--timeout={seconds:.0f}s", seconds=seconds + 10
        )

    def wait_synced(self, members: int = 3, seconds: float = FORM_SECONDS) -> str:
        """Wait until ``members`` pods are ready and Synced in one Primary, and clients reach the writer. Returns the
        history's name."""

        def synced() -> str | None:
            if self.look("statefulset", "demo")["status"].get("readyReplicas", 0) != members:
                return None
            if sorted(pod["metadata"]["name"] for pod in self._member_pods()) != [
                f"demo-{n}" for n in range(members)
            ]:
                return None
            servers = [
                each["server"] for each in map(self.status, range(members)) if each["phase"] == "Synced"
            ]
            histories = {each["uuid"] for each in servers if each["size"] == members}
            alike = len(servers) == members and len(histories) == 1
            return histories.pop() if alike and self._leads_somewhere() else None

        history = wait_until(synced, f"{members} members are Synced in one Primary", seconds)
        return str(history)

    def _member_pods(self) -> list[Any]:
        pods: list[Any] = self.look("pods")["items"]
        return [pod for pod in pods if "arbitrator" not in pod["metadata"]["name"]]

    def _leads_somewhere(self) -> bool:
        """Raises OSError where demo-primary refuses a connection still."""
        spec = self.look("service", "demo-primary")["spec"]
        with socket.create_connection((spec["clusterIP"], spec["ports"][0]["port"]), timeout=3):
            return True

    def endpoints(self, service: str) -> set[str]:
        """The pods that a Service leads to: the ready ones."""
        found = self.get("endpointslices", "-l", f"kubernetes.io/service-name={service}")["items"]
        endpoints = [each for piece in found for each in piece["endpoints"] or ()]
        return {each["targetRef"]["name"] for each in endpoints if each["conditions"]["ready"]}

    def writer(self) -> str:
        """The pod that takes the writes, once there is exactly one."""

        def one() -> str | None:
            found = self.endpoints("demo-primary")
            return found.pop() if len(found) == 1 else None

        return str(wait_until(one, "demo-primary leads to one pod"))

    def wait_message(self, words: str, seconds: float = STEP_SECONDS) -> None:
        """Wait until `trireme status`, as a person would run it, says this."""

        def said() -> bool:
            done = self.trireme("status")
            text = " ".join((done.stdout + done.stderr).split())
            if words not in text:
                raise LookupError(text)
            return True

        wait_until(said, f"trireme status says {words!r}", seconds)

    def termination_messages(self) -> dict[str, str]:
        """The last words of containers that ended, by pod."""
        found = {}
        for name, pod in self.pods().items():
            for each in (pod["status"].get("initContainerStatuses") or []) + pod["status"][
                "containerStatuses"
            ]:
                for state in (each["state"], each["lastState"]):
                    if "terminated" in state and state["terminated"].get("message"):
                        found[name] = str(state["terminated"]["message"])
        return found

    # --- SQL -------------------------------------------------------------------------------------------------

    def password(self, key: str = "password") -> str:
        """Of the Secret, as a person reads it."""
        if key not in self.passwords:
            self.passwords[key] = base64.b64decode(self.get("secret", "demo")["data"][key]).decode()
        return self.passwords[key]

    def address(self, service: str = "demo-primary") -> str:
        return str(self.get("service", service)["spec"]["clusterIP"])

    def sql(
        self, *statements: str, through: str = "demo-primary", user: str = "app"
    ) -> list[tuple[Any, ...]]:
        """Run statements in one connection through a Service; the last one's rows."""
        return self._sql(self.address(through), user, statements)

    def sql_in(self, pod: str, *statements: str) -> list[tuple[Any, ...]]:
        """The same in this very member."""
        return self._sql(self.get("pod", pod)["status"]["podIP"], "app", statements)

    def _sql(self, address: str, user: str, statements: Sequence[str]) -> list[tuple[Any, ...]]:
        password = self.password("root-password" if user == "root" else "password")
        with connect(address, user, password) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())


@contextmanager
def cluster(kubernetes: Kubernetes) -> Iterator[Cluster]:
    """An empty namespace for one cluster; removed in the end, not waiting for it."""
    made = Cluster(kubernetes, f"trireme-test-{uuid.uuid4().hex[:8]}")
    made.kubectl("create", "namespace", made.namespace)
    made.kubectl("label", "namespace", made.namespace, "pod-security.kubernetes.io/enforce=restricted")
    try:
        yield made
    except BaseException:
        sys.stderr.write(describe(made))
        raise
    finally:
        made.kubectl("delete", "namespace", made.namespace, "--wait=false")


def describe(made: Cluster) -> str:
    """What a person would look at first, for a test that failed."""
    looks: list[Sequence[str]] = [(*TRIREME, "status", "-n", made.namespace)]
    kubectl = (made.kubernetes.kubectl, "-n", made.namespace)
    looks.append((*kubectl, "get", "pods", "-o", "wide"))
    looks += [(*kubectl, "logs", f"demo-{n}", "--tail=40") for n in range(3)]
    done = [made.kubernetes.run(*look) for look in looks]
    return "\n".join(each.stdout + each.stderr for each in done)


@contextmanager
def connect(address: str, user: str, password: str) -> Iterator[Connection]:
    connection = pymysql.connect(
        host=address,
        user=user,
        password=password,
        database=None if user == "root" else "app",
        connect_timeout=3,
        read_timeout=10,
        autocommit=True,
    )
    try:
        yield connection
    finally:
        connection.close()
