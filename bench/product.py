"""Trireme as a user runs it: the sandbox, the plain manifests, kubectl. Only public interfaces are used."""

import base64
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.waiting import wait_for
from trireme.base.errors import TemporaryError
from trireme.sandbox.client import Client

ROOT = Path(__file__).parents[1]
TRIREME = Path(sys.executable).with_name("trireme")
MANIFESTS = ROOT / "deploy" / "plain"

MEMBERS = 3
FORM_SECONDS = 180.0
COMMAND_SECONDS = 60.0
STATUS_SECONDS = 2.0
PODS = "/api/v1/namespaces/default/pods"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a pod's log; ``at`` in seconds since the epoch, as the node read it."""

    at: float
    pod: str
    text: str


class Sandbox:
    """One sandbox with a folder of its own, ended with its pods and data on exit."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __enter__(self) -> "Sandbox":
        self._trireme("up")
        self._client = Client(self._home / "kubeconfig")
        self.kubectl("get", "nodes")
        return self

    def __exit__(self, *_: object) -> None:
        self._trireme("down", "--now", "--purge")

    def switch_off(self) -> None:
        """A power loss: everything ends at once."""
        self._trireme("down", "--now")

    def switch_on(self) -> None:
        self._trireme("up")

    def form(self, own: str = "") -> float:
        """Apply the plain manifests, with the user's my.cnf; the seconds until all members are Synced and ready."""
        manifests = self._with_own(own) if own else MANIFESTS
        begun = time.monotonic()
        self.kubectl("apply", "-k", str(manifests))
        self.wait_ready(begun)
        return time.monotonic() - begun

    def wait_ready(self, begun: float | None = None) -> None:
        """All pods Ready, which their agents say only of Synced members."""
        spent = time.monotonic() - begun if begun is not None else 0.0
        wait_for(self._all_ready, f"{MEMBERS} ready pods; see {self._home}", FORM_SECONDS - spent)

    def _with_own(self, my_cnf: str) -> Path:
        folder = self._home.with_name(f"{self._home.name}-manifests")
        folder.mkdir(exist_ok=True)
        (folder / "my.cnf").write_text(my_cnf)
        (folder / "kustomization.yaml").write_text(
            f"resources: [{os.path.relpath(MANIFESTS, folder.resolve())}]\n"
            "configMapGenerator: [{name: demo-my-cnf, behavior: merge, files: [my.cnf]}]\n"
        )
        return folder

    def kubectl(self, *arguments: str) -> str:
        done = subprocess.run(
            ["kubectl", "--cache-dir", str(self._home / "kubectl-cache"), *arguments],
            env={**os.environ, "KUBECONFIG": str(self._home / "kubeconfig")},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def logs(self, but: str = "") -> list[Line]:
        """Every line of the running database containers (``but`` one pod's), in the order of time."""
        found: list[Line] = []
        for pod in (f"demo-{ordinal}" for ordinal in range(MEMBERS)):
            if pod == but:
                continue
            text = self.kubectl("logs", "--timestamps", "-c", "mariadb", pod)
            found += [line for raw in text.splitlines() if (line := _line(pod, raw)) is not None]
        return sorted(found, key=lambda line: line.at)

    def addresses(self) -> dict[str, str]:
        """Address of each pod that has one, by its name."""
        pods = self._client.list(PODS)
        return {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in pods if "podIP" in pod["status"]}

    def service(self, name: str) -> str:
        """The address of a Service."""
        found = self._client.get(f"/api/v1/namespaces/default/services/{name}")
        assert found is not None, f"no Service {name}"
        return str(found["spec"]["clusterIP"])

    def password(self) -> str:
        """Of the application's user."""
        found = self._client.get("/api/v1/namespaces/default/secrets/demo")
        assert found is not None, "no Secret demo"
        return base64.b64decode(found["data"]["password"]).decode()

    def agents(self) -> dict[str, int]:
        """Process id of each pod's agent, which is PID 1 of its pod."""
        pods = {address: pod for pod, address in self.addresses().items()}
        found: dict[str, int] = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                address = re.search(rb"(?:^|\0)TRIREME_POD_IP=([^\0]+)", (folder / "environ").read_bytes())
            except OSError:
                continue
            if b"agent" not in words or address is None or address[1].decode() not in pods:
                continue
            if self._started(folder):
                found[pods[address[1].decode()]] = int(folder.name)
        return found

    def _started(self, process: Path) -> bool:
        """Another sandbox on this machine, in a network of its own, may use the same addresses."""
        try:
            parent = re.search(r"^PPid:\s*(\d+)$", (process / "status").read_text(), re.MULTILINE)
            return parent is not None and Path(f"/proc/{parent[1]}/cwd").readlink() == self._home
        except OSError:
            return False

    def status(self, address: str) -> dict[str, Any]:
        """What the agent at this address says; empty when it does not answer."""
        try:
            with urllib.request.urlopen(f"http://{address}:8080/status", timeout=STATUS_SECONDS) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (OSError, ValueError):
            return {}

    def writer(self) -> str:
        """The pod whose agent says that it takes the writes. Raises ValueError unless exactly one does."""
        (pod,) = [
            pod for pod, address in self.addresses().items() if self.status(address).get("role") == "primary"
        ]
        return pod

    def incarnations(self) -> frozenset[str]:
        """Of the agents that answer: each start of one has another."""
        return frozenset(
            str(self.status(address).get("incarnation")) for address in self.addresses().values()
        )

    def all_synced(self, other_than: frozenset[str] = frozenset()) -> bool:
        """Every member is Synced in a Primary of all, and no agent is one of these incarnations."""
        try:
            said = [self.status(address) for address in self.addresses().values()]
        except TemporaryError:
            return False
        return len(said) == MEMBERS and all(
            each.get("phase") == "Synced"
            and each["server"]["size"] == MEMBERS
            and each["incarnation"] not in other_than
            for each in said
        )

    def _all_ready(self) -> bool:
        try:
            pods = self._client.list(PODS)
        except TemporaryError:
            return False
        ready = [
            condition["status"] == "True"
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"]
            for condition in pod.get("status", {}).get("conditions", ())
            if condition["type"] == "Ready"
        ]
        return len(ready) == MEMBERS and all(ready)

    def _trireme(self, *arguments: str) -> None:
        command = [str(TRIREME), "sandbox", *arguments, "--dir", str(self._home)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")


def moment(lines: list[Line], words: str, count: int) -> float:
    """When these words were said for the ``count``-th time. Raises ValueError where they were not."""
    seen = [line.at for line in lines if words in line.text]
    if len(seen) < count:
        raise ValueError(f"{words!r}: {len(seen)} times in the logs, expected {count}")
    return seen[count - 1]


def _line(pod: str, raw: str) -> Line | None:
    stamp, _, text = raw.partition(" ")
    try:
        whole, _, fraction = stamp.removesuffix("Z").partition(".")
        second = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()
        return Line(second + float(f"0.{fraction or 0}"), pod, text)
    except ValueError:
        return None
