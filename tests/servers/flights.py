"""Changes of a living cluster that do not wait for the one before, and a client that writes meanwhile."""

import base64
import json
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.servers.in_effect import put
from tests.servers.operating import Operated
from tests.servers.retrying_client import RetryingClient
from tests.servers.sandboxed import wait_until
from tests.servers.spec_changes import BASE

LONGEST_PAUSE_SECONDS = 12.0
"""Between two changes: from at once to about where a third of a rolling change is done."""


class FollowingClient(RetryingClient):
    """As :class:`RetryingClient`, and it looks up address and password again where it lost its connection."""

    def _drop(self) -> None:
        super()._drop()
        try:
            data = self._cluster.get("secret", "demo")["data"]
            self.password = base64.b64decode(data["password"]).decode()
            self._address = self._cluster.address()
        except (subprocess.SubprocessError, KeyError):
            return


class Flight:
    """One cluster, whose spec is changed at random."""

    def __init__(self, demo: Operated, seed: int) -> None:
        self._demo = demo
        self._chance = random.Random(seed)
        self._began = time.monotonic()
        self._size = 1
        self._round = 0
        self.spec: dict[str, Any] = dict(BASE)
        self.story: list[str] = []

    def change(self) -> None:
        """Something else, at once. What the API server has against it must be said by it, or it is nothing."""
        steps: list[Callable[[], str]] = [
            self._annotate,
            self._annotate,
            self._resize,
            self._image,
            self._live_variable,
            self._server_setting,
            self._no_such_node,
            self._no_such_secret,
            self._members,
            self._members,
            self._grow,
            self._hibernate,
            self._suspend,
            self._strategy,
            self._writer,
            self._rebuild,
            self._passwords,
            self._made_again,
            self._pod_gone,
            self._operator_dies,
            self._revert,
        ]
        step = self._chance.choice(steps)
        self._round += 1
        self._say(f"{step.__name__.lstrip('_')} {step()}")

    def pause(self) -> None:
        time.sleep(self._chance.choice((0.0, 1.0, 3.0, 6.0, LONGEST_PAUSE_SECONDS)))

    def base(self) -> None:
        """What everything must come back to; volumes do not shrink."""
        self.spec = {**BASE, "storage": {"size": f"{self._size}Gi"}}
        self._say("base " + put(self._demo, self.spec))

    def _say(self, what: str) -> None:
        line = f"{time.monotonic() - self._began:6.1f} {what}"
        self.story.append(line)
        sys.stderr.write(line + "\n")

    def _put(self, **fields: Any) -> str:
        """These fields; None takes one out. What is refused is not kept."""
        merged = {key: value for key, value in {**self.spec, **fields}.items() if value is not None}
        refused = put(self._demo, merged)
        if not refused:
            self.spec = merged
        return f"{json.dumps(fields)} {refused}".strip()

    # --- changes of the spec -------------------------------------------------------------------------------------

    def _annotate(self) -> str:
        return self._put(podMetadata={"annotations": {"round": str(self._round)}})

    def _resize(self) -> str:
        memory = self._chance.choice(("700Mi", "800Mi", "900Mi"))
        return self._put(resources={"limits": {"memory": memory, "cpu": "1"}})

    def _image(self) -> str:
        return self._put(image=f"trireme/trireme:{self._round}")

    def _live_variable(self) -> str:
        return self._put(myCnf=f"[mariadb]\nmax_connections = {100 + self._round}\n")

    def _server_setting(self) -> str:
        return self._put(myCnf="[mariadb]\nperformance_schema = ON\n")

    def _no_such_node(self) -> str:
        return self._put(nodeSelector={"disk": "none"})

    def _no_such_secret(self) -> str:
        return self._put(passwordSecretKeyRef={"name": "not-there", "key": "x"})

    def _members(self) -> str:
        return self._put(replicas=self._chance.choice((1, 3, 4, 5)), replicasAllowEvenNumber=True)

    def _grow(self) -> str:
        self._size += 1
        return self._put(storage={"size": f"{self._size}Gi"})

    def _hibernate(self) -> str:
        return self._put(hibernate=not self.spec.get("hibernate", False))

    def _suspend(self) -> str:
        return self._put(suspend=not self.spec.get("suspend", False))

    def _strategy(self) -> str:
        kind = self._chance.choice(("OnDelete", "Never", "RollingUpdate"))
        return self._put(updateStrategy={"type": kind, "progressDeadlineSeconds": 60})

    def _writer(self) -> str:
        return self._put(primary={"podIndex": self._chance.randrange(3)})

    def _rebuild(self) -> str:
        return self._put(rebuild={"podIndex": self._chance.randrange(3), "request": f"r{self._round}"})

    def _revert(self) -> str:
        self.spec = {**BASE, "storage": {"size": f"{self._size}Gi"}}
        return put(self._demo, self.spec)

    # --- and of what is around it --------------------------------------------------------------------------------

    def _passwords(self) -> str:
        made = {"password": secrets.token_hex(8), "root-password": secrets.token_hex(8)}
        patch = json.dumps({"stringData": made})
        self._demo.kubectl("patch", "secret", "demo", "--type=merge", f"--patch={patch}")
        return ""

    def _made_again(self) -> str:
        self._demo.kubectl("delete", "galeracluster", "demo", "--wait=false")
        wait_until(self._gone, "the resource is gone", 120)
        self._demo.declare(**self.spec)
        return ""

    def _gone(self) -> bool:
        return self._demo.kubectl("get", "galeracluster", "demo", "--ignore-not-found") == ""

    def _pod_gone(self) -> str:
        pods = sorted(self._demo.pods())
        if not pods:
            return "none"
        pod = self._chance.choice(pods)
        self._demo.kubectl("delete", "pod", pod, "--wait=false", "--force", "--grace-period=0")
        return pod

    def _operator_dies(self) -> str:
        self._demo.operator.kill()
        self._demo.operator.start()
        return ""
