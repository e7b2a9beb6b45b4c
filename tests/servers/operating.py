"""A GaleraCluster kept by a real operator, as a process of the tests' own that can be killed at any instant."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.sandboxed import DEPLOY, TRIREME, Cluster, Kubernetes, cluster, wait_until

SEEDS = tuple(range(int(os.environ.get("TRIREME_TEST_SEEDS", "1"))))
"""At which instants the operator dies; `make soak` tries several."""
SETTLE_SECONDS = 150.0
"""What one change of a cluster may take on a busy machine."""


class Operator:
    """``trireme operator`` for one namespace."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, folder: Path) -> None:
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(kubernetes.kubeconfig),
            "TRIREME_NAMESPACE": namespace,
            "TRIREME_IMAGE": "trireme/trireme",
            "TRIREME_LISTEN": "127.0.0.1",
            "TRIREME_POD_NAME": "operator",
        }
        self._arguments = ("operator", "--namespace", namespace)
        self.log = folder / "operator.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._started_at = 0
        """Where in its log this one begins."""

    def start(self) -> None:
        assert self.process is None
        self.port = _free_port()
        environment = {**self._environment, "TRIREME_HTTP_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self._started_at = log.tell()
            self.process = subprocess.Popen(
                (*TRIREME, *self._arguments), env=environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """It is gone between two instructions: SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(15)
        self.process = None
        return status

    @contextmanager
    def dying(self, seed: int = 0, *, first: float = 5.0) -> Iterator[list[float]]:
        """Meanwhile it is killed at random instants, and started again at once.

        It dies within ``first`` seconds, for what takes no longer than that; then every 1 to 5 s. Every other one gets
        to work before that time begins: on a busy machine none would ever, and nothing of it were tried.
        """
        chance, stop = random.Random(seed), threading.Event()
        died: list[float] = []

        def run() -> None:
            pause = chance.uniform(0.0, first)
            while not stop.wait(pause):
                self.kill()
                died.append(time.monotonic())
                self.start()
                if len(died) % 2 == 0:
                    self._wait_leads(stop)
                pause = chance.uniform(1.0, 5.0)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield died
        finally:
            stop.set()
            thread.join(30)

    def _wait_leads(self, stop: threading.Event) -> None:
        """Until it begins to work, for a minute at most."""
        deadline = time.monotonic() + 60.0
        with self.log.open("rb") as log:
            while not stop.wait(0.1) and time.monotonic() < deadline:
                log.seek(self._started_at)
                if b'"leads"' in log.read():
                    return

    def tail(self, lines: int = 200) -> str:
        return "--- operator\n" + "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Operated(Cluster):
    """The GaleraCluster ``demo`` of one namespace, and the operator that keeps it."""

    operator: Operator

    def pods(self) -> dict[str, Any]:
        """The members'; the arbitrator is none."""
        return {name: pod for name, pod in super().pods().items() if "arbitrator" not in name}

    def change(self, spec: Mapping[str, Any]) -> None:
        """Merge-patch the spec."""
        patch = json.dumps({"spec": spec})
        self.kubectl("patch", "galeracluster", "demo", "--type=merge", f"--patch={patch}")

    def declare(self, **spec: Any) -> None:
        made = {
            "apiVersion": "trireme.dev/v1alpha1",
            "kind": "GaleraCluster",
            "metadata": {"name": "demo"},
            "spec": {"storage": {"size": "1Gi"}, **spec},
        }
        self.kubectl("apply", "-f", "-", stdin=json.dumps(made))

    def resource(self) -> Any:
        return self.get("galeracluster", "demo")

    def condition(self, kind: str) -> dict[str, str]:
        found = self.resource().get("status", {}).get("conditions", [])
        return next((each for each in found if each["type"] == kind), {})

    def status_in(self, phase: str) -> dict[str, Any]:
        """The status, if it is about the spec as it is and says this phase; LookupError otherwise."""
        found = self.look("galeracluster", "demo")
        status: dict[str, Any] = found.get("status", {})
        if status.get("observedGeneration") != found["metadata"]["generation"]:
            raise LookupError("the status is about an earlier spec")
        if status.get("phase") != phase:
            raise LookupError(f"{status.get('phase')}: {status.get('message')}")
        return status

    def wait_phase(self, phase: str, seconds: float = SETTLE_SECONDS) -> dict[str, Any]:
        """Wait until the status is about the spec as it is, and says this phase. The status."""
        found = wait_until(lambda: self.status_in(phase), f"the cluster is {phase}", seconds)
        assert isinstance(found, dict)
        return found

    def wait_settled(self, members: int = 3, seconds: float = SETTLE_SECONDS) -> str:
        """Wait until the spec is in effect everywhere and all are Synced. The history's name."""

        def settled() -> bool:
            found = self.status_in("Running")["members"]
            if len(found) != members or not all(each["updated"] and each["ready"] for each in found):
                raise LookupError(found)
            return True

        wait_until(settled, f"{members} members run with the spec's settings", seconds)
        return self.wait_synced(members, seconds)

    def reasons(self) -> set[str]:
        """Of the operator's Events."""
        found = self.get("events", "--field-selector=involvedObject.kind=GaleraCluster")["items"]
        return {each["reason"] for each in found}


@contextmanager
def operated(kubernetes: Kubernetes, folder: Path) -> Iterator[Operated]:
    """An empty namespace and an operator for it."""
    kubernetes.run(kubernetes.kubectl, "apply", "-f", str(DEPLOY / "operator" / "crd.yaml"))
    with cluster(kubernetes) as plain:
        made = Operated(plain.kubernetes, plain.namespace)
        operator = Operator(kubernetes, made.namespace, folder)
        object.__setattr__(made, "operator", operator)
        operator.start()
        try:
            yield made
        finally:
            if operator.process is not None:
                operator.kill()
            sys.stderr.write(operator.tail() + "\n")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
